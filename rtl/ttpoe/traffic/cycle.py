"""`LinkCycle`: opens, uses and closes the link between two engines on one VC, again and again."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Notice, event_signature
from .noise import Noise

__all__ = ["LinkCycle", "CycleError"]

SIDES = ("a", "b")
_COUNT_BITS = 16


class CycleError(enum.Enum, shape=3):
    """What must not happen.

    NOTICE: a host was told of a link's change that nobody asked for. REFUSED: an engine refused a
    payload. LOST: the link is closed, and a packet has not arrived. STUCK: no progress.
    """

    NONE = 0
    NOTICE = 1
    REFUSED = 2
    LOST = 3
    STUCK = 4


class LinkCycle(wiring.Component):
    """One VC of both engines: RUN, PAUSE, CLOSE, DOWN, SETTLE, and again.

    In RUN both sources send, for a random time. In PAUSE they have stopped, and the engines take
    what is offered; half of the times all of it must arrive, too. Then one side or both are told to
    close the link, and all data under way must still arrive. When both sides are down, the network
    has settled and the hosts have read everything, the next RUN begins, half of the times with one
    side or both told to open the link.

    Why the sources stop: what a host offers to a link that is closing is refused (section 2), and
    a CLOSE of the last incarnation that is still under way would end the next one before it is open
    (decision L14). Both are no errors, but nothing could be checked across them.

    Parameters
    ----------
    number : int
        Sets the random numbers of VCs apart, from 0.

    Members; X is a and b
    ---------------------
    cfg_seed : In(32)
    cfg_run_mask : In(20)
        RUN lasts `cfg_settle` clocks and 0 to this many more; one less than a power of two.
    cfg_settle : In(20)
        Longer than any frame can be under way.
    cfg_patience : In(24)
        STUCK (in SETTLE: LOST) if for so many clocks nothing arrives and no link is closed. Longer
        than `cfg_settle`, and than a host may make its engine wait.
    i_finish : In(1)
        Let all packets arrive, close the link and stay in DONE.
    i_notice_X : event of notice kind
        What engine X says of this VC's link.
    i_taken_X, i_refused_X : In(1)
        Engine X has taken, or refused, a payload of this VC.
    i_busy_X, i_sent_X : In(1)
        From the source at X: in a packet; a packet was handed over.
    i_received_X : In(1)
        From the checker at X.
    o_enable : Out(1)
        To both sources.
    o_relinked : Out(1)
        To both checkers, in the last clock of SETTLE.
    o_open_X, o_close_X : Out(1)
        Command for engine X, for one clock. There are `cfg_settle` clocks or more between two.
    closed : Out(1)
        The link was closed as it should be, for one clock.
    o_done : Out(1)
        In DONE.
    o_error : Out(CycleError)
        The first error; until reset.
    """

    def __init__(self, number):
        self._number = number
        members = {}
        for x in SIDES:
            members |= {
                f"i_notice_{x}": In(event_signature(Notice)),
                **{
                    f"i_{name}_{x}": In(1)
                    for name in ("taken", "refused", "busy", "sent", "received")
                },
                f"o_open_{x}": Out(1),
                f"o_close_{x}": Out(1),
            }
        super().__init__(
            members
            | {
                "cfg_seed": In(32),
                "cfg_run_mask": In(20),
                "cfg_settle": In(20),
                "cfg_patience": In(24),
                "i_finish": In(1),
                "o_enable": Out(1),
                "o_relinked": Out(1),
                "closed": Out(1),
                "o_done": Out(1),
                "o_error": Out(CycleError),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.noise = self._noise = Noise(32, 0x601 + self._number)
        m.d.comb += [self._noise.cfg_seed.eq(self.cfg_seed), self._noise.i_step.eq(1)]
        self._errors, self._expects_up, self._expects_down = [], Signal(), Signal()
        up = Cat(self._link_up(m, x) for x in SIDES)
        offered = Cat(
            self._differ(m, f"offered_{x}", x, f"i_sent_{x}", f"i_taken_{x}") for x in SIDES
        )
        missing = Cat(
            self._differ(m, f"missing_from_{x}", x, f"i_sent_{x}", f"i_received_{y}")
            for x, y in (SIDES, SIDES[::-1])
        )
        busy = Cat(getattr(self, f"i_busy_{x}") for x in SIDES)
        self._states(m, up, ~(offered.any() | busy.any()), ~missing.any())
        self._verdict(m)
        return m

    def _link_up(self, m, x):
        up, notice = Signal(name=f"up_{x}"), getattr(self, f"i_notice_{x}")
        goes_up, goes_down = notice.p == Notice.LINK_UP, notice.p == Notice.LINK_DOWN
        # A duplicate of the OPEN that the wire kept back is taken for a repeat (L19): the host is
        # told, and the link stays as it is.
        late_open = (notice.p == Notice.IDS_REUSED) & up
        with m.If(notice.valid & ~late_open):
            m.d.sync += up.eq(goes_up)
        self._errors.append(
            (
                CycleError.NOTICE,
                notice.valid
                & ~late_open
                & ~((goes_up & ~up & self._expects_up) | (goes_down & up & self._expects_down)),
            )
        )
        self._errors.append((CycleError.REFUSED, getattr(self, f"i_refused_{x}")))
        return up

    def _differ(self, m, name, x, more, less):
        """Whether a count of `more` and one of `less` differ."""
        difference = Signal(_COUNT_BITS, name=name)
        m.d.sync += difference.eq(difference + getattr(self, more) - getattr(self, less))
        return (difference != 0) | getattr(self, more)

    def _states(self, m, up, all_taken, all_arrived):
        noise = self._noise.o_value
        clocks, drains = Signal(20), Signal()
        used = Signal(2)  # both sides have sent in this RUN
        settled = clocks == 0
        sides = Signal(2)  # told to open or close
        m.d.comb += sides.eq(Mux(noise[4:6] == 0, noise[6:8], noise[4:6]))
        with m.If(~settled):
            m.d.sync += clocks.eq(clocks - 1)
        with m.FSM(init="SETTLE", name="cycle") as fsm:
            with m.State("SETTLE"):
                with m.If(settled & all_arrived):
                    m.d.comb += self.o_relinked.eq(1)
                    with m.If(self.i_finish):
                        m.next = "DONE"
                    with m.Else():
                        m.d.comb += Cat(self.o_open_a, self.o_open_b).eq(
                            sides & noise[8].replicate(2)
                        )
                        m.d.sync += [
                            used.eq(0),
                            drains.eq(noise[9]),
                            clocks.eq(self.cfg_settle + (noise[12:] & self.cfg_run_mask)),
                        ]
                        m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += [self.o_enable.eq(1), self._expects_up.eq(1)]
                m.d.sync += used.eq(used | Cat(self.i_sent_a, self.i_sent_b))
                with m.If((settled | self.i_finish) & used.all()):
                    m.next = "PAUSE"
            with m.State("PAUSE"):
                m.d.comb += self._expects_up.eq(1)
                with m.If(all_taken & up.all() & (all_arrived | ~(drains | self.i_finish))):
                    m.next = "CLOSE"
            with m.State("CLOSE"):
                # No command before every frame of the opening has gone.
                m.d.comb += self._expects_down.eq(1)
                with m.If(settled & (sides != 0)):
                    m.d.comb += Cat(self.o_close_a, self.o_close_b).eq(sides)
                    m.next = "DOWN"
            with m.State("DOWN"):
                m.d.comb += self._expects_down.eq(1)
                with m.If(~up.any()):
                    m.d.comb += self.closed.eq(1)
                    m.d.sync += clocks.eq(self.cfg_settle)
                    m.next = "SETTLE"
            with m.State("DONE"):
                m.d.comb += self.o_done.eq(1)
        self._watch(m, fsm)

    def _watch(self, m, fsm):
        waited = Signal(24)
        with m.If(self.i_received_a | self.i_received_b | self.closed | self.o_done):
            m.d.sync += waited.eq(0)
        with m.Else():
            m.d.sync += waited.eq(waited + 1)
        late = waited == self.cfg_patience
        self._errors += [
            (CycleError.LOST, late & fsm.ongoing("SETTLE")),
            (CycleError.STUCK, late & ~fsm.ongoing("SETTLE")),
        ]

    def _verdict(self, m):
        with m.If(self.o_error == CycleError.NONE):
            for error, condition in self._errors:
                with m.If(condition):
                    m.d.sync += self.o_error.eq(error)
