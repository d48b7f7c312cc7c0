"""Data transfer (protocol section 3, decisions D1 to D8, R9): part of `model.Endpoint`.

What differs on a selective link (5.3) is in `model_selective`.
"""

from ..frames.frame import Opcode
from ..frames.serial import ID_MASK, id_add, id_distance
from .part import Part
from .states import DATA_STATES, State

__all__ = ["Data"]


class Data(Part):
    # ---- sending -------------------------------------------------------------------------

    def _has_slot(self, link):
        return self.free_slots > 0 and link.stored < self._link_limit(link)

    def _queue(self, step):
        """Host payload while the link is opening: it waits in its slot."""
        if step.link.close_wanted:
            self._refuse(step)
        elif not self._has_slot(step.link):
            step.out.result = "BLOCKED"
        else:
            step.link.store(step.data)
            step.out.result = "TAKEN"

    def _send_new(self, step):
        """Host payload on an OPEN link: what waits longest may be sent with it."""
        straight = not step.link.held and self._may_leave(step)
        self._queue(step)
        if step.out.result == "TAKEN" and straight:
            self._send_next(step)

    def _can_send(self, link):
        if link.close_due or link.state == State.OPEN and link.close_wanted:
            return True
        return link.state in DATA_STATES and not link.held and link.waiting

    def _send(self, step):
        """VISIT of a link in a data state: a CLOSE that is due, or one PAYLOAD."""
        link = step.link
        if link.state == State.OPEN and link.close_wanted:
            self._close(step)
        elif link.close_due:
            self._send_close(step)
        elif self._can_send(link):
            self._send_next(step)

    def _send_next(self, step):
        """The PAYLOAD at the sending position."""
        link = step.link
        packet_id = link.position
        if packet_id == link.fresh:
            if not link.in_flight:
                link.count = 0
            link.timer_bit = False
            step.first_time = True
            link.fresh = id_add(link.fresh, 1)
        link.position = id_add(link.position, 1)
        if packet_id == link.oldest:
            link.sent_then = link.fresh
        self._put(step, Opcode.PAYLOAD, packet_id, 0, link.data[packet_id])

    # ---- acknowledgements ----------------------------------------------------------------

    def _retire(self, step, count):
        if count:
            step.link.retire(count)
            self._progress(step)

    def _acknowledged(self, link, packet_id):
        """How many slots an acknowledgement of `packet_id` retires; 0 if it is not believed."""
        count = ((packet_id - link.oldest) & ID_MASK) + 1
        return count if count <= link.in_flight else 0

    def _acked(self, step):
        link = step.link
        if link.controlled and step.frame.tx_id:
            self._echoed(step)
            return
        count = self._acknowledged(link, step.frame.rx_id)
        if not count:
            self._bad_ack(step)
        self._retire(step, count)
        if count and link.state == State.CLOSE_RECD and not link.stored:
            self._last_word(step)  # Z3

    def _nacked(self, step):
        """D2: everything before the named ID is acknowledged, the rest is replayed.

        The oldest goes out at once if nothing was retired and there is room (R9).
        """
        link = step.link
        if link.selective:
            self._nacked_range(step)
            return
        count = id_distance(step.frame.rx_id, link.oldest)
        if link.zero and step.frame.rx_id == 0 and self._acknowledged(link, 0):
            self._acked(step)  # Z6: the module got 0 twice
            return
        if not link.in_flight or count >= link.in_flight or link.zero and count < -1:  # Z6
            self._bad_ack(step)
            return
        self._retire(step, max(0, count))
        link.position = link.oldest
        if count <= 0 and step.send_now and not link.held:
            self._send_next(step)

    def _hold(self, step):
        """NACK_FULL (D3)."""
        if step.link.in_flight:
            step.link.held = True
        else:
            step.out.drop = "bad_ack"

    # ---- receiving -----------------------------------------------------------------------

    def _nolink(self, step):
        self._reply(step, Opcode.NACK_NOLINK, step.frame.tx_id)
        step.out.drop = "nolink"

    def _data(self, step):
        link, packet_id = step.link, step.frame.tx_id
        distance = id_distance(packet_id, link.received)
        if self._lost_step(link, packet_id):
            self._out_of_step(step)
        elif distance <= 0:
            self._put(step, Opcode.ACK, 0, packet_id)
            step.out.drop = "duplicate"
        elif link.peer_end is not None and id_distance(packet_id, link.peer_end) > 0:
            self._reply(step, Opcode.NACK_NOLINK, packet_id)
            step.out.drop = "beyond_end"
        elif packet_id in link.kept:
            step.out.drop = "gap"
        elif distance > 1:
            (self._data_ahead if link.selective else self._data_gap)(step)
        elif not step.room:
            self._put(step, Opcode.NACK_FULL)
            step.out.drop = "no_room"
        else:
            self._heard(step)
            link.accept()
            step.out.deliveries.append((step.node, step.vc, packet_id, step.frame.payload))
            if link.selective:
                self._delivered_next(step)
                return
            link.received = packet_id
            link.gap = False
            self._put(step, Opcode.ACK, 0, packet_id)

    def _data_gap(self, step):
        """D4: one NACK when the gap is seen, one more for each pass that misses it too."""
        link, packet_id = step.link, step.frame.tx_id
        if not link.gap or id_distance(packet_id, link.seen) <= 0:
            self._nack_gap(step)
        link.gap = True
        link.seen = packet_id
        step.out.drop = "gap"

    def _nack_gap(self, step):
        self._put(step, Opcode.NACK, 0, id_add(step.link.received, 1))
