"""Closing a link (protocol section 2, decisions C1 to C7): part of `model.Endpoint`."""

from ..frames.frame import Opcode
from ..frames.serial import id_add, id_distance
from .part import Part
from .states import State

__all__ = ["Closing"]


class Closing(Part):
    def _send_close(self, step):
        """C1: our last data ID + 1, counting every payload that the host handed over."""
        step.link.close_due = False
        self._put(step, Opcode.CLOSE, step.link.end, step.link.received)

    def _send_close_nack(self, step):
        self._put(step, Opcode.CLOSE_NACK, id_add(step.link.end, -1), step.link.received)

    # ---- our close -----------------------------------------------------------------------

    def _close(self, step):
        step.link.close_wanted = False
        self._enter(step, State.CLOSE_SENT)
        if step.link.stored and (step.link.end == 0 or step.link.zero):
            step.link.nack_heard = True  # C9, Z2: said when all is acknowledged
        else:
            self._send_close(step)

    def _close_if_idle(self, step):
        if not step.link.stored and step.link.timer_bit:
            self._close(step)

    def _close_again(self, step, was_settled):
        """C4: a CLOSE is due on the event that completes its two conditions; a visit sends it."""
        link = step.link
        if (
            link is None
            or link.state != State.CLOSE_SENT
            or not link.nack_heard
            or was_settled
            or not link.settled
        ):
            return
        link.close_due = True

    def _note_end(self, step):
        """RX CLOSE_NACK (C4). It sends nothing by itself, so two engines cannot ping-pong.

        On a zero link it says at most that our CLOSE named an ID which was not sent (Z8).
        """
        link, end = step.link, step.frame.tx_id
        link.nack_heard = True
        if link.zero:
            if not link.fed and id_distance(end, link.received) <= 0:
                link.received = end if end != link.received else end ^ 1 << 31
        elif end and id_distance(end, link.received) > 0:
            link.peer_end = end
            link.close_due = False

    def _closed(self, step):
        """RX CLOSE_ACK. A zero peer's is one of long ago while our CLOSE waits (Z2)."""
        if step.link.zero and step.link.stored:
            self._unexpected(step)
        else:
            self._last_word(step)  # Z2
            self._end(step, "LINK_DOWN")

    def _lost(self, step):
        """RX NACK_NOLINK in a data state (L7)."""
        if self._believed(step):
            self._end(step, "LINK_DOWN")
        else:
            step.out.drop = "stale"

    # ---- the peer's close ----------------------------------------------------------------

    def _close_unknown(self, step):
        """CLOSE of a link that we do not have, or no longer (L14)."""
        self._reply(step, Opcode.CLOSE_ACK, step.frame.tx_id)
        if step.link is not None:
            self._end(step, "REFUSED")

    def _acknowledge(self, step):
        self._put(step, Opcode.CLOSE_ACK, 0, step.frame.tx_id)

    def _close_peer(self, step):
        """RX CLOSE in a data state: agreed at once if all is quiet on both sides.

        TxID 0 (C2) and a peer that sends epoch 0 (Z1) declare nothing.
        """
        link, frame = step.link, step.frame
        declares = frame.tx_id != 0 and not link.zero
        if declares:
            self._retire(step, self._acknowledged(link, frame.rx_id))
        if not link.stored and (not declares or frame.tx_id == id_add(link.received, 1)):
            self._acknowledge(step)
            self._end(step, "LINK_DOWN")
            return
        if link.state == State.OPEN:
            self._enter(step, State.CLOSE_RECD)
            link.close_wanted = False
        if link.state == State.CLOSE_RECD and declares:
            link.peer_end = id_add(frame.tx_id, -1)
        self._send_close_nack(step)
