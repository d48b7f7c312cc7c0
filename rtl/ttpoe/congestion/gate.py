"""`Gate`: links of VC 2 that may not send yet wait here, and hold up no other (decision K9)."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..memory.protected import ERRORS, SmallFifo, errors_of, protected_fifo, report
from .state import gate_layout

__all__ = ["Gate"]


class Gate(wiring.Component):
    """Between the ready queue of VC 2 and Q0.

    A link is looked up in the law's memory. One that the law calls slow goes round: it is looked at
    again and again, in turn with the others, until its window and its time let it go. So what holds
    a link back is found to have ended without anybody waking it. The first look at a slow link
    never lets it go: the law may not have heard of the link's last event yet.

    Members
    -------
    i_visit : In(stream of lid)
        From `link.ready`.
    o_visit : Out(stream of lid)
        To Q0.
    i_now : In(16)
        See `line_clock`.
    o_index : Out(data_bits), i_state : In(gate word)
        The link that is looked up; one clock later what the law says of it.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: a link that is not slow is on `o_visit` two clocks after it came, if nobody is looked at
    just then; one look takes two clocks, of a slow link three. A link that goes round is looked at
    every 5 clocks if it is alone, every 3 clocks for each if there are many.

    A link is in the ready queue or here once at most (its tag's `queued`): nothing overflows.

    Reset: empty.
    """

    def __init__(self, config):
        self._config = config
        lid = config.lid_bits
        super().__init__(
            {
                "i_visit": In(stream.Signature(lid)),
                "o_visit": Out(stream.Signature(lid)),
                "i_now": In(16),
                "o_index": Out(config.data_bits),
                "i_state": In(gate_layout()),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.waiting = waiting = protected_fifo(
            config.protect, SmallFifo, width=config.lid_bits, depth=config.data_links
        )
        report(m, config.protect, self.o_errors, errors_of(waiting))

        turn = Signal()  # of those that go round, if both are there
        chosen, lid = (Signal(config.lid_bits, name=n) for n in ("chosen", "lid"))
        again_now, again, looking, judging, full = (
            Signal(name=n) for n in ("again_now", "again", "looking", "judging", "full")
        )
        next_at = Signal(16)
        m.d.comb += [
            again_now.eq(waiting.r_rdy & (turn | ~self.i_visit.valid)),
            chosen.eq(Mux(again_now, waiting.r_data, self.i_visit.payload)),
            self.o_index.eq(chosen[: config.data_bits]),
            waiting.w_data.eq(lid),
        ]

        out = self.o_visit
        leaves = out.valid & out.ready
        with m.If(leaves):
            m.d.sync += out.valid.eq(0)
        # One look at a time; the last one's link has left the place in front of Q0.
        takes = Signal()
        m.d.comb += [
            takes.eq(~looking & ~judging & (~out.valid | leaves)),
            waiting.r_en.eq(takes & again_now),
            self.i_visit.ready.eq(takes & ~again_now),
        ]
        m.d.sync += looking.eq(takes & (again_now | self.i_visit.valid))
        with m.If(takes):
            m.d.sync += [lid.eq(chosen), again.eq(again_now), turn.eq(~again_now)]

        with m.If(looking):
            m.d.sync += [
                judging.eq(self.i_state.slow),
                full.eq(self.i_state.stop),
                # What is not paced is always in time.
                next_at.eq(Mux(self.i_state.paced, self.i_state.next_at, self.i_now)),
            ]
            with m.If(~self.i_state.slow):
                m.d.sync += [out.valid.eq(1), out.payload.eq(lid)]
        early = Signal(16)
        m.d.comb += early.eq(self.i_now - next_at)
        with m.If(judging):
            m.d.sync += judging.eq(0)
            with m.If(again & ~full & ~early[15]):
                m.d.sync += [out.valid.eq(1), out.payload.eq(lid)]
            with m.Else():
                m.d.comb += waiting.w_en.eq(1)
        return m
