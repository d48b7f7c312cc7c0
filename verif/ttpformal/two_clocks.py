"""Two clocks in one proof: each has an edge in any step of the solver, also both in the same.

All orders of edges are among these runs, so any ratio, any phase and any drift.
"""

from contextlib import contextmanager

from amaranth.hdl import Cat, ClockDomain, Module, Mux, Signal
from amaranth.lib import fifo
from amaranth.lib.cdc import FFSynchronizer

__all__ = ["harsh_synchronisers", "two_clocks"]


def two_clocks(h, *names):
    """Domains of these names; {domain: it has an edge in this step}, which is any. For
    `EnableInserter`. A domain called `sync` is the harness' own."""
    for name in names:
        if name != "sync":
            domain = ClockDomain(name, reset_less=True)
            h.m.domains += domain
            h.m.d.comb += domain.clk.eq(h.clock.clk)
    return {name: h.free(1, f"{name}_edge") for name in names}


def _harsh(h):
    class Harsh(FFSynchronizer):
        """Its first register takes each bit as it is, or as it was a step before: so what changes
        in more than one bit may be seen as a value that it never had."""

        def elaborate(self, platform):
            m = Module()
            before, choice = h.past(self.i), h.free(len(self.i), "unsettled")
            first = Signal(len(self.i), name="stage0")
            second = Signal(len(self.i), name="stage1")
            m.d[self._o_domain] += [
                first.eq(Cat(Mux(choice[n], before[n], self.i[n]) for n in range(len(self.i)))),
                second.eq(first),
            ]
            m.d.comb += self.o.eq(second)
            return m

    return Harsh


@contextmanager
def harsh_synchronisers(h, *modules):
    """Inside, what these modules and Amaranth's FIFOs build has harsh synchronisers."""
    modules = (fifo, *modules)
    for module in modules:
        module.FFSynchronizer = _harsh(h)
    try:
        yield
    finally:
        for module in modules:
            module.FFSynchronizer = FFSynchronizer
