"""The global link timer: one scanner serves every link (protocol section 5.4, claim S12).

The scanner names one link per tick, round and round; the pipeline sets that link's timer bit or,
if it is still set, finds a time-out. One counter and one link number, whatever the number of
links: a link times out between one and two rounds (links x tick clocks each) after its last
progress.
"""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LinkTimer"]


class LinkTimer(wiring.Component):
    """Round-robin scanner.

    Members
    -------
    i_enable : In(1)
        The link table is ready.
    cfg_timer_tick : In(24)
        Clocks from one visit to the next; 0 and 1 count as 2.
    o_visit : Out(stream of lid)
        The link to be visited. If it is not taken within a tick the next visit is late by as
        much; none is left out.
    o_round : Out(1)
        One clock high when a round is complete.

    Reset: starts with link 0, `cfg_timer_tick` clocks, at least one, after `i_enable`.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_enable": In(1),
                "cfg_timer_tick": In(24),
                "o_visit": Out(stream.Signature(config.lid_bits)),
                "o_round": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lid = Signal(self._config.lid_bits)
        clocks = Signal(24)
        m.d.comb += self.o_visit.payload.eq(lid)
        passed = Signal()
        m.d.comb += passed.eq(clocks + 1 >= self.cfg_timer_tick)
        with m.If(self.i_enable & ~passed):
            m.d.sync += clocks.eq(clocks + 1)
        with m.If(self.o_visit.valid & self.o_visit.ready):
            m.d.sync += [self.o_visit.valid.eq(0), lid.eq(lid + 1)]
            with m.If(lid == self._config.links - 1):
                m.d.sync += lid.eq(0)
                m.d.comb += self.o_round.eq(1)
        with m.Elif(self.i_enable & passed & ~self.o_visit.valid):
            m.d.sync += [self.o_visit.valid.eq(1), clocks.eq(0)]
        return m
