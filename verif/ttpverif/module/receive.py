"""What a `Module` does with each frame: part of `peer.Module`."""

from ..frames.frame import Opcode
from ..frames.serial import id_distance
from .sender import Sender
from .tag import TagState

__all__ = ["Receiver"]


class Receiver(Sender):
    def _received(self, frame, now):
        tag = self.tags.get((frame.src, frame.vc))
        handler = getattr(self, "_rx_" + frame.opcode.name.lower(), None)
        if handler is not None:
            handler(tag, frame, now)

    def _answer(self, frame, opcode, rx_id=0, tx_id=0):
        self._put(frame.src, frame.vc, opcode, tx_id, rx_id)

    # ---- opening -------------------------------------------------------------------------

    def _rx_open(self, tag, frame, now):
        """Answered at once; its TxID is the receive position, its own position stays."""
        if tag is None:
            tag = self._new_tag(frame.src, frame.vc)
            if tag is None:
                return
        if tag.state == TagState.CLOSE_SENT:
            if self.options.open_in_close_sent == "silence":
                return
            if self.options.open_in_close_sent == "stay":
                self._answer(frame, Opcode.OPEN_ACK, frame.tx_id)
                return
            tag.close_due = None
        tag.received = frame.tx_id
        self._answer(frame, Opcode.OPEN_ACK, frame.tx_id)
        self._opened(tag, now)

    def _rx_open_ack(self, tag, frame, now):
        if tag is None or tag.state != TagState.OPEN_SENT:
            if tag is not None and frame.rx_id == tag.open_id:
                tag.open_due = None
            return
        if frame.rx_id == tag.open_id or self.options.believes_any_open_ack:
            self._opened(tag, now)

    def _opened(self, tag, now):
        """What its user wrote meanwhile goes out, what was out already goes out again."""
        was_open, tag.state, tag.open_due = tag.state == TagState.OPEN, TagState.OPEN, None
        if not was_open:
            tag.tries = 0
            self._transmit(tag, now, again=True)

    def _rx_open_nack(self, tag, frame, now):
        """It gives up until its user asks again."""
        if tag is not None and tag.state == TagState.OPEN_SENT:
            self._end(tag)

    # ---- data ----------------------------------------------------------------------------

    def _rx_payload(self, tag, frame, now):
        if tag is None or self._not_ready(tag):
            if tag is None or self.options.payload_in_open_sent == "nolink":
                self._answer(frame, Opcode.NACK_NOLINK)
            return
        tag.replay_due = tag.close_due = None
        distance = id_distance(frame.tx_id, tag.received)
        if distance == 1:
            if self.kept_bytes + len(frame.payload) > self.options.page_bytes:
                self._answer(frame, Opcode.NACK_FULL, tag.received)
                return
            tag.received = frame.tx_id
            self._page.append((frame.src, frame.vc, frame.payload))
            self.accepted.append((frame.src, frame.vc, frame.tx_id, frame.payload))
            self._answer(frame, Opcode.ACK, tag.received)
        elif distance <= 0 and frame.tx_id:
            self._answer(frame, Opcode.ACK, tag.received)
        else:
            self._answer(frame, Opcode.NACK, tag.received)

    def _not_ready(self, tag):
        return tag.state == TagState.OPEN_SENT and self.options.payload_in_open_sent != "accept"

    def _empty_payload(self, data):
        """A PAYLOAD of length 0: NACK, as for any that is out of order."""
        tag = self.tags.get((int.from_bytes(data[9:12], "big"), data[43]))
        if tag is not None and not self._not_ready(tag):
            self._put(tag.node, tag.vc, Opcode.NACK, 0, tag.received)

    def _rx_ack(self, tag, frame, now):
        """The one ID that is out is acknowledged; any other makes it send again at once."""
        if tag is None or tag.state == TagState.OPEN_SENT:
            return
        tag.close_due = None
        if not tag.out:
            return
        if frame.rx_id != tag.next_id:
            self._transmit(tag, now, again=True)
            return
        tag.acked, tag.skipped = tag.next_id, 0
        tag.queue.popleft()
        tag.out, tag.replay_due, tag.tries = False, None, 0
        self._transmit(tag, now)

    def _rx_nack(self, tag, frame, now):
        if tag is not None and tag.out:
            self._transmit(tag, now, again=True)

    def _rx_nack_nolink(self, tag, frame, now):
        """It opens the link again, and then replays."""
        if tag is None:
            return
        what = {
            TagState.OPEN: "open",
            TagState.OPEN_SENT: self.options.nolink_in_open_sent,
            TagState.CLOSE_SENT: self.options.nolink_in_close_sent,
        }[tag.state]
        if what == "open":
            self._enter_open_sent(tag, now)
        elif what == "close":
            self._end(tag)

    # ---- closing -------------------------------------------------------------------------

    def _rx_close(self, tag, frame, now):
        """Answered at once, whatever is missing on either side."""
        if tag is None:
            self._answer(frame, Opcode.CLOSE_ACK, frame.rx_id)
        elif tag.state == TagState.OPEN_SENT:
            self._answer(frame, Opcode.CLOSE_ACK, frame.rx_id)
            if self.options.close_in_open_sent == "close":
                self._end(tag)
        elif id_distance(frame.rx_id, tag.last_sent) > 0:
            ids = (0, 0) if self.options.close_nack_ids == "zero" else (tag.received, tag.last_sent)
            self._answer(frame, Opcode.CLOSE_NACK, *ids)
        elif tag.state == TagState.CLOSE_SENT:
            self._answer(frame, Opcode.CLOSE_ACK, frame.rx_id)
            if self.options.crossing_close_ends:
                self._end(tag)
        else:
            self._answer(frame, Opcode.CLOSE_ACK, frame.rx_id)
            self._answer(frame, Opcode.CLOSE_ACK, tag.received)
            self._end(tag)

    def _rx_close_ack(self, tag, frame, now):
        if tag is not None and tag.state == TagState.CLOSE_SENT:
            self._end(tag)
