"""One event as the hardware tells it: `Record`, and the frame that it sent."""

from dataclasses import dataclass
from typing import Self

from ..frames.frame import ETHERTYPE_IPV4, Frame, Opcode
from ..model.states import State

__all__ = ["Mismatch", "Record", "SentFrame"]


class Mismatch(AssertionError):
    """Hardware and model differ; the text holds the record and what led to it."""


@dataclass(frozen=True)
class SentFrame:
    """Header of the frame that one event sent; `ieee`: EtherType 0x9AC6 instead of 0x0AC6."""

    opcode: Opcode
    node: int
    vc: int
    ieee: bool
    epoch: int
    tx_id: int
    rx_id: int
    ext: int = 0
    more: int = 0
    """Byte 48 of a PAYLOAD; that of an answer is a matter of the clock in which it starts (K6)."""
    ipv4: bool = False
    """It has the IPv4 form (E4)."""

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """The same of a model's frame."""
        return cls(
            frame.opcode,
            frame.dst,
            frame.vc,
            frame.ethertype == 0x9AC6,
            frame.epoch,
            frame.tx_id,
            frame.rx_id,
            frame.extension,
            frame.congestion if frame.opcode == Opcode.PAYLOAD else 0,
            frame.ethertype == ETHERTYPE_IPV4,
        )


@dataclass(frozen=True)
class Record:
    """One event as the hardware's Q3 saw it.

    `event` is one of `states.EVENTS`. `tx_id`, `rx_id`, `epoch`, `room`: of the received frame
    (RX events). `result`: of HOST_PAYLOAD and HOST_OPEN. `delivered`: whether an RX_PAYLOAD went
    to the host; also of LOOK. `kept`: whether it was kept for later. `retire`: a VISIT or RETIRE
    that freed acknowledged slots and did nothing else. `notice`: name of decision L6 or None.
    LOOK, ASK: `tx_id` is the ID looked at; `room` of LOOK: the one before is looked at, too.
    `congestion`: byte 48 of the received frame; None: the trace does not tell. `free`: what the law
    told HOST_PAYLOAD (K9); `slow`, `coin`, `crowded`: what a TIMER was told (K13, Z7).
    `frees`: how many acknowledged slots it freed; None: the trace does not tell.
    """

    event: str
    node: int
    vc: int
    old_state: State
    new_state: State
    tx_id: int = 0
    rx_id: int = 0
    epoch: int = 0
    room: bool = True
    result: str | None = None
    delivered: bool = False
    kept: bool = False
    retire: bool = False
    frame: SentFrame | None = None
    notice: str | None = None
    congestion: int | None = None
    free: bool = True
    slow: bool = False
    coin: bool = False
    crowded: bool = False
    frees: int | None = None
