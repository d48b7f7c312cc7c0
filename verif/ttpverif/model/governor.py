"""`Governor`: the law of congestion control beside one `Endpoint` (decisions K4 to K13).

The endpoint does not know the law. The governor sees each event of the endpoint, and tells the
`Sender` of its link and the `Receiver` of the engine what it means to them. That is done in two
steps, because hardware does it some clocks later: `happening` says what happened, `apply` does it.
"""

# Which of link, frame and state before an event are there follows from its kind.
# pyright: reportOptionalMemberAccess=false

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..frames.frame import Opcode
from ..frames.serial import id_add
from .congestion import Receiver, Sender
from .controlled import CONTROLLED_VC
from .link import Link
from .states import DATA_STATES, State

__all__ = ["Governor", "Happening", "RESTS_FROM"]

RESTS_FROM = 2
"""Idle rounds, this one included, with which an empty link begins anew (K13)."""
_UNHEARD = ("stale", "out_of_step", "beyond_end", "unexpected", "nolink")
"""Drops of PAYLOADs that say nothing about their link (K4)."""


class _Before(NamedTuple):
    """What an event may change of a link, before it."""

    link: Link
    state: State
    controlled: bool
    oldest: int
    fresh: int
    position: int
    count: int
    stored: int


@dataclass
class Happening:
    """What one event is to the law.

    `where`: (node, vc) of a link of VC 2, or None. `touched`: whether the event is of such a link;
    None: a matter of taste (it is not there, or nothing of it can change). `controlled`,
    `opening`: of the link behind the event. `calls` are for its `Sender`: (method, arguments,
    whether it is told `now`, too); `counting` for the `Receiver`. `position`: of the PAYLOAD that a
    VISIT sends, in front of the event. `free`: the bit that a payload of the host was told.
    """

    where: tuple[int, int] | None = None
    touched: bool | None = None
    controlled: bool = False
    opening: bool = False
    begins: bool = False
    visited: bool = False
    calls: list[tuple[str, dict[str, Any], bool]] = field(default_factory=list)
    counting: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    position: int | None = None
    free: bool | None = None


class Governor:
    """
    Parameters
    ----------
    slots : int
        Replay slots of the engine: no window is larger.
    """

    def __init__(self, slots):
        self.slots = slots
        self.senders: dict[tuple[int, int], Sender] = {}
        self.receiver = Receiver()

    # ---- what happened -------------------------------------------------------------------

    @staticmethod
    def before(endpoint, node, vc):
        """Called before the event; `happening` wants what it returns."""
        link = endpoint.links.find(node, vc)
        if link is None or vc != CONTROLLED_VC:
            return None
        return _Before(
            link,
            link.state,
            link.controlled,
            link.oldest,
            link.fresh,
            link.position,
            link.count,
            link.stored,
        )

    def happening(
        self, before: Any, endpoint, node, vc, outcome: Any = None, free=True, slow=False
    ):
        """The `Happening` of an event. `outcome`: the endpoint's; None: it changes nothing there."""
        if vc != CONTROLLED_VC:
            return Happening(touched=False)
        link: Any = endpoint.links.find(node, vc)
        where = node, vc
        if outcome is None:
            found = Happening(where)
        else:
            found = Happening(where, True if before or link else None)
            found.counting = list(self._counting(before, link, outcome))
        found.visited = outcome is not None and outcome.event == "TIMER"
        if link is None or not link.controlled:
            return found
        found.controlled, found.opening = True, link.state == State.OPEN_SENT
        if outcome is not None:
            opened = outcome.event == "RX_OPEN_ACK" and outcome.drop is None
            found.begins = opened or before is None or before.link is not link
            found.begins = found.begins or not before.controlled
            found.calls = list(self._calls(before, link, outcome, slow))
            if outcome.event == "HOST_PAYLOAD" and before and before.state == State.OPEN:
                found.free = free
            if outcome.event == "VISIT" and _sends(outcome):
                found.position = before.position - before.oldest & 0xFFFFFFFF
        position = link.position - link.oldest & 0xFFFFFFFF
        found.calls.append(("settle", {"position": position, "waiting": link.waiting}, False))
        return found

    @staticmethod
    def _calls(before: Any, link: Any, outcome: Any, slow):
        """What the event says to the Sender of its link, in order."""
        frame = outcome.received
        believed = frame is not None and outcome.drop is None
        kind = frame.opcode if believed else None
        if kind in (Opcode.OPEN_ACK, Opcode.ACK, Opcode.NACK):
            opens = kind == Opcode.OPEN_ACK
            said = {"code": frame.congestion, "sends": _sends(outcome), "opens": opens}
            yield "heard", said, True
        if kind == Opcode.ACK:
            yield (
                "arrived",
                {"packet_id": frame.tx_id or frame.rx_id, "sends": _sends(outcome)},
                True,
            )
        elif kind == Opcode.NACK:
            if link.selective:
                packet_id = id_add(frame.tx_id, 1)
                yield "arrived", {"packet_id": packet_id, "sends": _sends(outcome)}, True
            else:
                yield "held", {}, False
        elif kind == Opcode.NACK_FULL:
            yield "held", {}, False
        if outcome.frame is not None and outcome.frame.opcode == Opcode.CLOSE_NACK and frame:
            yield "held", {}, False
        if before is not None and before.link is link and before.oldest != link.oldest:
            yield "passed", {"packet_id": link.oldest}, False
        if _sends(outcome):
            first = before.fresh != link.fresh
            yield "sent", {"packet_id": outcome.frame.tx_id, "first_time": first}, True
        if outcome.event == "TIMER" and before is not None:
            yield "visited", {}, True
            if outcome.replays:
                yield "timed_out", {"time_outs": before.count, "slow": slow}, False
            if before.state == State.OPEN and not before.stored and link.count >= RESTS_FROM:
                yield "rested", {}, False

    @staticmethod
    def _counting(before: Any, link: Any, outcome: Any):
        """What the event says to the Receiver."""
        where = outcome.node, outcome.vc
        if before is not None and before.link is not link:
            yield "ended", (where,)
        renewed = before is None or before.link is not link
        if outcome.event == "RX_OPEN" and link is not None and link.controlled and renewed:
            yield "opened", (where,)
        if (
            outcome.event == "RX_PAYLOAD"
            and outcome.old_state in DATA_STATES
            and outcome.drop not in _UNHEARD
        ):
            more = bool(outcome.received.congestion & 1)
            nacked = outcome.frame is not None and outcome.frame.opcode == Opcode.NACK
            yield "payload", (where, not link.controlled or more or link.gap, nacked)

    # ---- what follows ----------------------------------------------------------------------

    def apply(self, found, now):
        """Carry a `Happening` out, but for the ages (`visit`).

        Returns whether it makes the engine slow (K10).
        """
        for name, arguments in found.counting:
            getattr(self.receiver, name)(*arguments)
        if found.where is None:
            return False
        if not found.controlled:
            self.senders.pop(found.where, None)
            return False
        if found.begins:
            self.senders[found.where] = Sender(self.slots, now)
        sender = self.senders[found.where]
        said = [
            getattr(sender, name)(**arguments, **({"now": now} if timed else {}))
            for name, arguments, timed in found.calls
        ]
        return any(said)

    def visit(self, found):
        """The age of the link (K4), if its event was a visit of the timer."""
        if found.visited and found.where is not None:
            self.receiver.visited(found.where, found.controlled)


def _sends(outcome):
    return outcome.frame is not None and outcome.frame.opcode == Opcode.PAYLOAD
