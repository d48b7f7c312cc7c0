"""`Part`: what every part of `model.Endpoint` builds on, and what goes through the parts.

A part (`Opening`, `Data`, `Selective`, `Controlled`, `Closing`, `Zero`) is a chapter of one class: it calls
methods of the others, which are declared at the end of `Part`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..frames.datagram import Network
from ..frames.frame import ETHERTYPE_SEED, Frame
from .link import Link, LinkTable
from .states import State

__all__ = ["BLOCKED", "REFUSED", "TAKEN", "Outcome", "Parameters", "Part", "Step"]

TAKEN, REFUSED, BLOCKED = "TAKEN", "REFUSED", "BLOCKED"


@dataclass(frozen=True)
class Parameters:
    """What an engine is built and configured with. `link_slots`, `max_retry`, `idle_limit`: 0 = no
    limit / never. `selective`: offers and accepts selective replay; `reorder_slots`: how many
    packets it can keep that came before their turn. `congestion`: offers and accepts congestion
    control on VC 2 (K1). `network`: knows the IPv4 form, in this network (E1, E2); links that it
    opens have it if `ethertype` is 0x0800."""

    node: int
    sets: int = 256
    vc_tables: int = 3
    slots: int = 1024
    link_slots: int = 0
    init_id: int = 1
    fixed_open_id: bool = False
    max_retry: int = 0
    idle_limit: int = 0
    ethertype: int = ETHERTYPE_SEED
    selective: bool = True
    reorder_slots: int = 16
    congestion: bool = True
    network: Network | None = None

    @property
    def window(self):
        """How far ahead of the last in-order ID a kept packet may be (R2)."""
        return 4 * self.reorder_slots

    @property
    def controlled_slots(self):
        """How many slots a controlled link may hold, whatever `link_slots` says (K11)."""
        return 3 * self.slots // 4


@dataclass
class Outcome:
    """What one event did."""

    event: str
    node: int
    vc: int
    old_state: State
    new_state: State = State.CLOSED
    frame: Frame | None = None
    deliveries: list = field(default_factory=list)
    """(node, vc, id, data) for the host, in order."""
    notices: list = field(default_factory=list)
    """(name, node, vc), names of decisions L6, L19 and L21."""
    drop: str | None = None
    """Why a received frame, or its payload, was dropped."""
    result: str | None = None
    """TAKEN, REFUSED or BLOCKED, for host payload and open."""
    received: Frame | None = None
    """The frame of an RX event."""
    replays: bool = False
    """A time-out set the sending position back to the oldest (D6)."""
    kept: bool = False
    """The received payload was kept for later (R2)."""
    victim: tuple | None = None
    """(node, vc) that is to get the VICTIM event next (L5)."""


@dataclass
class Step:
    """One event on its way through the model."""

    event: str
    node: int
    vc: int
    link: Link | None
    out: Outcome
    frame: Frame | None = None
    room: bool = True
    data: bytes = b""
    send_now: bool = False
    keep: bool | None = None
    ask: bool | None = None
    free: bool = True
    slow: bool = False
    coin: bool = False
    crowded: bool = False
    released: bool = False
    """The link was held until this event."""
    first_time: bool = False
    """The PAYLOAD of this event had not been sent before."""
    packet_id: int | None = None
    ahead: bool = False


class Part:
    """The state of an endpoint, and what any part does with a link, a frame and a notice."""

    parameters: Parameters
    ids: Callable[[], tuple[int, int]]
    links: LinkTable
    counters: Counter
    code: int | Callable[[], int]

    @property
    def free_slots(self) -> int:
        return self.parameters.slots - sum(link.stored for link in self.links)

    def _believed(self, step):
        """Whether OPEN_NACK or NACK_NOLINK is about this incarnation (L7)."""
        link, epoch = step.link, step.frame.epoch
        return epoch == link.epoch or epoch == 0 and not link.peer_epoch

    def _put(self, step, opcode, tx_id=0, rx_id=0, payload=b""):
        """Send one frame on the link of the event, with its epoch and EtherType."""
        self._emit(
            step,
            opcode,
            tx_id,
            rx_id,
            step.link.epoch,
            step.link.ethertype,
            payload,
            self._extension(step.link, opcode),
            self._congestion(step, opcode),
        )

    def _reply(self, step, opcode, rx_id):
        """Answer a frame for which there is no link: epoch and EtherType are the frame's."""
        self._emit(step, opcode, 0, rx_id, step.frame.epoch, step.frame.ethertype, b"")

    def _emit(
        self, step, opcode, tx_id, rx_id, epoch, ethertype, payload, extension=0, congestion=0
    ):
        assert step.out.frame is None, "two frames for one event"
        step.out.frame = Frame(
            self.parameters.node,
            step.node,
            opcode,
            step.vc,
            tx_id,
            rx_id,
            epoch,
            extension,
            ethertype,
            payload,
            congestion,
        )

    def _notice(self, step, name):
        step.out.notices.append((name, step.node, step.vc))

    def _enter(self, step, state):
        """Change of state: a new exchange begins, its timer and count start anew (L1)."""
        step.link.state = state
        step.link.timer_bit = False
        step.link.count = 0

    def _end(self, step, notice):
        """Everything of the link is freed, now."""
        self._forget(step.link)
        self.links.remove(step.link)
        step.link = None
        self._notice(step, notice)

    def _progress(self, step):
        """Progress by the peer (L1)."""
        step.link.timer_bit = False
        step.link.count = 0

    def _heard(self, step):
        """A PAYLOAD was accepted: progress, unless something of ours waits for its ACK (L1)."""
        if not step.link.in_flight:
            self._progress(step)
        elif step.link.zero:  # it is woken again (Z7)
            step.link.count = 0

    def _unexpected(self, step):
        step.out.drop = "unexpected"

    def _refuse(self, step):
        """What the host wants cannot be; it hears so, also of a payload (L5, L20, L21)."""
        step.out.result = REFUSED
        self._notice(
            step, "REFUSED" if step.event == "HOST_OPEN" or step.link is None else "PAYLOAD_REFUSED"
        )

    # ---- what one part asks of another -------------------------------------------------------

    if TYPE_CHECKING:
        # Endpoint
        def _event(self, event: str, node: int, vc: int, **arguments) -> Outcome: ...

        # Opening
        def _acknowledge_open(self, step) -> None: ...
        def _restart(self, step) -> None: ...

        # Data
        def _acknowledged(self, link, packet_id) -> int: ...
        def _nack_gap(self, step) -> None: ...
        def _retire(self, step, count) -> None: ...

        # Controlled
        def _congestion(self, step, opcode) -> int: ...
        def _echo(self, step) -> None: ...
        def _echoed(self, step) -> None: ...
        def _link_limit(self, link) -> int: ...
        def _may_leave(self, step) -> bool: ...
        def _paced(self, link) -> bool: ...
        def _patient(self, step, time_outs) -> bool: ...

        # Selective
        def _data_ahead(self, step) -> None: ...
        def _delivered_next(self, step) -> None: ...
        def _extension(self, link, opcode) -> int: ...
        def _forget(self, link) -> None: ...
        def _nacked_range(self, step) -> None: ...
        def _negotiate(self, step) -> None: ...

        # Closing
        def _close(self, step) -> None: ...
        def _send_close(self, step) -> None: ...

        # Zero
        def _bad_ack(self, step) -> None: ...
        def _last_word(self, step) -> None: ...
        def _lost_step(self, link, packet_id) -> bool: ...
        def _open_zero(self, step) -> None: ...
        def _out_of_step(self, step) -> None: ...
