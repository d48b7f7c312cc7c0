"""Congestion control in the link itself (decisions K1 to K3, K11 to K13): part of `model.Endpoint`.

The law that says when a link may send is `congestion`; the endpoint only takes what it says: the
code of answers, and whether a link is free, the engine slow, and a random bit set.
"""

from ..frames.frame import Opcode
from ..frames.serial import ID_MASK
from .part import Part
from .states import DATA_STATES

__all__ = ["ALONE", "CONTROL", "CONTROLLED_VC", "Controlled"]

CONTROL = 0x40
"""Extension bit of OPEN and OPEN_ACK: "congestion control" (K1)."""
CONTROLLED_VC = 2
ALONE = 0x10
"""The code that says: one link is backlogged."""
_CODED = (Opcode.OPEN_ACK, Opcode.ACK, Opcode.NACK)
_PATIENT_WHILE_SLOW = 2
_PATIENT_BY_CHANCE = 3


class Controlled(Part):
    def _link_limit(self, link):
        """How many slots the link may hold (L18, K11)."""
        parameters = self.parameters
        limits = [parameters.slots]
        if parameters.link_slots:
            limits.append(parameters.link_slots)
        if link.control_offered:
            limits.append(parameters.controlled_slots)
        return min(limits)

    # ---- byte 48 (K2, K3) ------------------------------------------------------------------

    def _congestion(self, step, opcode):
        """Asked when the event has changed everything else of the link."""
        if not step.link.controlled:
            return 0
        if opcode in _CODED:
            return self.code() if callable(self.code) else self.code
        return int(opcode == Opcode.PAYLOAD and self._more(step))

    def _more(self, step):
        """The sending position is behind the packet already, if this is its first time."""
        link = step.link
        full = link.stored >= self.parameters.controlled_slots
        return not step.first_time or link.waiting or full

    # ---- echo (K12) ------------------------------------------------------------------------

    def _echo(self, step):
        """A packet was kept, and no answer was due."""
        self._put(step, Opcode.ACK, step.frame.tx_id, step.link.received)

    def _echoed(self, step):
        """ACK with a TxID: that packet has arrived; nothing is retired."""
        link = step.link
        if (step.frame.tx_id - link.oldest) & ID_MASK >= link.in_flight:
            step.out.drop = "bad_ack"

    # ---- sending and the timer (K9, K13) ---------------------------------------------------

    @staticmethod
    def _may_leave(step):
        """Whether a host's payload may send with its own event."""
        return step.send_now and (step.free or not step.link.controlled)

    @staticmethod
    def _paced(link):
        """The engine itself holds the oldest packet back: its peer owes nothing."""
        return (
            link.controlled
            and link.state in DATA_STATES
            and link.in_flight > 0
            and link.position == link.oldest
        )

    @staticmethod
    def _patient(step, time_outs):
        """Whether a time-out replays nothing; `time_outs`: how many came before it in a row."""
        if step.released or not (step.link.controlled and step.link.in_flight):
            return False
        return (
            step.slow
            and time_outs < _PATIENT_WHILE_SLOW
            or step.coin
            and time_outs >= _PATIENT_BY_CHANCE
        )
