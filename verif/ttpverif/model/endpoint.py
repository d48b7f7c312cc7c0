"""Reference model of one TTP endpoint, written from the protocol and docs/protocol/decisions.md.

`Endpoint` takes one event at a time, in the order in which the hardware processed them, and
returns an `Outcome` for each. Nothing happens by itself: visits of the ready queue and of the
timer are events too, so a scoreboard can follow hardware exactly, and `peer.Peer` can run the
model by itself.
"""

from collections import Counter
from collections.abc import Callable

from ..frames.datagram import parse
from ..frames.frame import MAX_PAYLOAD, Frame, Opcode
from .closing import Closing
from .controlled import ALONE, Controlled
from .data import Data
from .link import LinkTable, WeylIds
from .opening import Opening
from .part import BLOCKED, REFUSED, TAKEN, Outcome, Parameters, Step
from .selective import Selective
from .states import DATA_STATES, TABLE, State
from .zero import Zero

__all__ = ["Endpoint", "Outcome", "Parameters", "TAKEN", "REFUSED", "BLOCKED"]


class Endpoint(Opening, Data, Selective, Controlled, Closing, Zero):
    """One engine.

    Parameters
    ----------
    parameters : Parameters
    ids : callable
        Returns (open ID, epoch); called once for every incarnation of a link.
    room : callable(node, vc, data) -> bool
        Whether the host side has room for a PAYLOAD, where `receive` is not told.

    Attributes
    ----------
    code : int or callable() -> int
        What byte 48 of the answers on controlled links says (K2, K6): the receiver's law is not
        part of the endpoint. At first that one link is backlogged.
    """

    def __init__(
        self,
        parameters: Parameters,
        ids: Callable[[], tuple[int, int]] | None = None,
        room: Callable[[int, int, bytes], bool] | None = None,
    ):
        super().__init__()
        self.parameters = parameters
        self.ids = ids if ids is not None else WeylIds(parameters.node + 1)
        self.room = room if room is not None else lambda node, vc, data: True
        self.links = LinkTable(parameters.sets, parameters.vc_tables)
        self.counters = Counter()
        self.code: int | Callable[[], int] = ALONE

    # ---- events --------------------------------------------------------------------------

    def receive(
        self,
        frame: Frame,
        room: bool | None = None,
        keep: bool | None = None,
        send_now: bool = False,
    ) -> Outcome:
        """A good frame (`Frame`). `room`: whether there is a receive slot for its payload.

        `keep`: whether there is a place to keep it before its turn (R2); None: as the model counts.
        `send_now`: a PAYLOAD may leave with this very event, if it is a NACK (R7, R9).
        """
        if room is None:
            room = self.room(frame.src, frame.vc, frame.payload)
        return self._event(
            f"RX_{frame.opcode.name}",
            frame.src,
            frame.vc,
            frame=frame,
            room=room,
            keep=keep,
            send_now=send_now,
        )

    def receive_bytes(
        self,
        data: bytes,
        bad_fcs: bool = False,
        room: bool | None = None,
        keep: bool | None = None,
        send_now: bool = False,
    ) -> Outcome | None:
        """Bytes from the wire: parsed, counted if dropped (F1); the `Outcome` or None."""
        frame, cause = parse(data, self.parameters.network, self.parameters.node, bad_fcs)
        if frame is None:
            self.counters[cause] += 1
            return None
        return self.receive(frame, room, keep, send_now)

    def host_payload(
        self, node: int, vc: int, data: bytes, send_now: bool = True, free: bool = True
    ) -> Outcome:
        """The host hands over one packet. `send_now`: a PAYLOAD of its link, the one that waits
        longest, may leave with this very event (D8).

        `free`: the law lets a controlled link do so, too (K9).
        """
        if not 1 <= len(data) <= MAX_PAYLOAD:
            raise ValueError(f"a payload has 1 to {MAX_PAYLOAD} bytes; got {len(data)}")
        return self._event("HOST_PAYLOAD", node, vc, data=bytes(data), send_now=send_now, free=free)

    def host_open(self, node: int, vc: int) -> Outcome:
        return self._event("HOST_OPEN", node, vc)

    def host_close(self, node: int, vc: int) -> Outcome:
        return self._event("HOST_CLOSE", node, vc)

    def visit(self, node: int, vc: int) -> Outcome:
        """The ready queue visits the link: at most one PAYLOAD, or a CLOSE that is due."""
        return self._event("VISIT", node, vc)

    def timer(
        self,
        node: int,
        vc: int,
        ask: bool | None = None,
        slow: bool = False,
        coin: bool = False,
        crowded: bool = False,
    ) -> Outcome:
        """The link timer visits the link (5.4).

        `ask`: where it finds a gap with kept packets behind it, whether the link asks or, as
        another link is asking, NACKs the first missing ID (R6); None: as the model counts.
        `slow`, `coin`: the engine has seen a long round trip of late, and its random bit (K13).
        `crowded`: it counts many backlogged links (Z7).
        """
        return self._event("TIMER", node, vc, ask=ask, slow=slow, coin=coin, crowded=crowded)

    def open_ack_sent(self, node: int, vc: int) -> Outcome:
        """The OPEN_ACK has really gone out."""
        return self._event("SENT", node, vc)

    def victim(self, node: int, vc: int) -> Outcome:
        """Close the link if it is still idle (L5)."""
        return self._event("VICTIM", node, vc)

    # ---- read-out ------------------------------------------------------------------------

    def state(self, node: int, vc: int) -> State:
        link = self.links.find(node, vc)
        return State.CLOSED if link is None else link.state

    def pending(self) -> list[tuple[int, int]]:
        """(node, vc) of every link on which a visit would send something."""
        return [(link.node, link.vc) for link in self.links if self._can_send(link)]

    def opening(self) -> list[tuple[int, int]]:
        """(node, vc) of every link that waits for `open_ack_sent`."""
        return [(link.node, link.vc) for link in self.links if link.state == State.OPEN_RECD]

    def check(self):
        """Assert the invariants that hold between any two events."""
        for link in self.links:
            link.check()
            assert not self.parameters.link_slots or link.stored <= self.parameters.link_slots
        assert 0 <= self.free_slots <= self.parameters.slots
        self._check_selective()

    # ---- common to all events ------------------------------------------------------------

    def _event(self, event: str, node: int, vc: int, **arguments) -> Outcome:
        link = self.links.find(node, vc)
        state = State.CLOSED if link is None else link.state
        step = Step(event, node, vc, link, Outcome(event, node, vc, state), **arguments)
        step.out.received = step.frame
        settled = link is not None and link.settled
        action = TABLE[event, state]
        if event.startswith("RX_") and action != "unexpected" and self._is_stale(step):
            step.out.drop = "stale"
        else:
            getattr(self, "_" + action)(step)
        self._close_again(step, settled)
        if step.link is not None and (
            event[:3] == "RX_" or event[:5] == "HOST_" or event == "VISIT"
        ):
            self.links.touch(step.link)
        step.out.new_state = State.CLOSED if step.link is None else step.link.state
        if step.out.drop is not None:
            self.counters[step.out.drop] += 1
        return step.out

    def _is_stale(self, step):
        """The epoch check of section 6 (L12), for frames that do something on this link."""
        link, frame = step.link, step.frame
        if link is None or link.state == State.OPEN_SENT or link.peer_epoch == 0:
            return False
        if frame.opcode == Opcode.CLOSE_ACK:
            return frame.epoch not in (link.peer_epoch, link.epoch)
        return (
            frame.opcode
            in (
                Opcode.PAYLOAD,
                Opcode.ACK,
                Opcode.NACK,
                Opcode.NACK_FULL,
                Opcode.CLOSE,
                Opcode.CLOSE_NACK,
            )
            and frame.epoch != link.peer_epoch
        )

    def _nothing(self, step):
        pass

    def _accept(self, step):
        step.out.result = TAKEN

    # ---- the link timer (5.4) ------------------------------------------------------------

    def _visit_timer(self, step):
        link = step.link
        timed_out, link.timer_bit = link.timer_bit and not self._paced(link), True
        step.released = link.held
        if link.held:
            link.held = False
            link.position = link.oldest
        if timed_out and not self._time_out(step):
            return
        if (
            link.state in DATA_STATES and link.gap and step.out.frame is None and not link.zero
        ):  # Z7
            (self._timer_gap if link.selective else self._nack_gap)(step)

    def _time_out(self, step):
        """A whole round without progress (L2, L3); False if that ended the link."""
        link, limits, before = step.link, self.parameters, step.link.count
        if link.zero and link.state == State.CLOSE_RECD and not link.stored:
            self._told_again(step, before)
            return step.link is not None
        if link.state != State.OPEN or link.in_flight:
            if limits.max_retry and link.count >= limits.max_retry:
                self._last_word(step)
                self._end(step, "RETRIES_USED_UP")
                return False
            link.count += 1
            if not self._patient(step, before):
                self._retry(step)
        elif not link.stored:
            if limits.idle_limit and link.count >= limits.idle_limit:
                self._close(step)  # before the NACK of a gap (C7)
            else:
                link.count += 1
        self._wake(step, before)
        return step.link is not None

    def _retry(self, step):
        link = step.link
        if link.state == State.OPEN_SENT:
            self._put(step, Opcode.OPEN, link.open_id)
        elif link.state == State.OPEN_RECD:
            self._put(step, Opcode.OPEN_ACK, link.oldest, link.received)
        elif link.in_flight:
            link.position, step.out.replays = link.oldest, True
        elif link.gap and not link.zero:
            pass  # the NACK goes first (C7)
        elif link.state == State.CLOSE_SENT and link.settled:
            self._send_close(step)
        elif link.state == State.CLOSE_RECD and not link.stored:
            self._send_close_nack(step)
