"""`phy_domain`: a domain whose clock may stop is reset at once, and leaves reset by its own clock."""

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from ttpoe.mac.domains import phy_domain


class Waits(wiring.Component):
    """A domain behind the pin `clock`, whether it is in reset, and what it has counted."""

    clock: In(1)
    reset: In(1)
    pin: In(1)
    resets: Out(1)
    counted: Out(4)

    def elaborate(self, platform):
        m = Module()
        m.domains += ClockDomain("sync", local=True)
        m.d.comb += [ClockSignal("sync").eq(0), ResetSignal("sync").eq(self.reset)]
        phy_domain(m, "phy", self.clock, self.pin)
        count = Signal(4)
        m.d.phy += count.eq(count + 1)
        m.d.comb += [self.resets.eq(ResetSignal("phy")), self.counted.eq(count)]
        return m


def test_reset_at_once_and_two_edges_to_leave():
    dut = Waits()

    async def edge(ctx):
        for level in (1, 0):
            ctx.set(dut.clock, level)
            await ctx.delay(1e-9)
        return ctx.get(dut.resets), ctx.get(dut.counted)

    async def testbench(ctx):
        for source in (dut.reset, dut.pin):
            ctx.set(source, 1)
            await ctx.delay(1e-9)
            assert ctx.get(dut.resets), "with no edge of a clock"
            assert await edge(ctx) == (1, 0)
            ctx.set(source, 0)
            await ctx.delay(1e-9)
            assert [await edge(ctx) for _ in range(4)] == [(1, 0), (0, 0), (0, 1), (0, 2)]

    simulator = Simulator(dut)
    simulator.add_testbench(testbench)
    simulator.run()
