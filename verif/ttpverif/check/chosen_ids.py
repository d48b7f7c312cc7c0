"""The IDs that the hardware chose for its incarnations, for the model that follows it."""

from ..frames.frame import Opcode
from ..model.endpoint import Parameters
from .record import Mismatch, Record

__all__ = ["ChosenIds"]


class ChosenIds:
    """Gives the model the IDs that the hardware chose, and checks that they are fresh (L11)."""

    record: Record
    """The event under way."""

    def __init__(self, parameters: Parameters):
        self._parameters = parameters
        self._open_ids, self._last_epoch = set(), 0

    def __call__(self) -> tuple[int, int]:
        sent, record = self.record.frame, self.record
        if sent is None or sent.opcode not in (Opcode.OPEN, Opcode.OPEN_ACK):
            raise Mismatch("the model starts an incarnation, the hardware sent no OPEN or OPEN_ACK")
        open_id = sent.tx_id if sent.opcode == Opcode.OPEN else (sent.tx_id - 1) & 0xFFFFFFFF
        if sent.epoch == 0:
            raise Mismatch("epoch 0 chosen")
        if sent.epoch != self._last_epoch % 0xFFFF + 1 and self._last_epoch:
            raise Mismatch(
                f"epoch {sent.epoch:#x} does not follow {self._last_epoch:#x}, that of "
                "the incarnation before"
            )
        self._last_epoch = sent.epoch
        answers_module = sent.opcode == Opcode.OPEN_ACK and record.epoch == 0
        if not (self._parameters.fixed_open_id or answers_module):
            if open_id >> 31:
                raise Mismatch(f"open ID {open_id:#x} is not below 2^31")
            if open_id in self._open_ids:
                raise Mismatch(f"open ID {open_id:#x} was used before")
            self._open_ids.add(open_id)
        return open_id, sent.epoch
