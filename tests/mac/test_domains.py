"""`phy_domain`: a domain whose clock may stop is reset at once, and leaves reset by its own clock."""

import importlib.util
import subprocess
import sys

import pytest
from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import AsyncFIFO
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from ttpoe.mac.domains import phy_domain
from ttpoe.verilog.component import emit_rtlil

SCRIPT = """from pyosys import libyosys
design = libyosys.Design()
libyosys.run_pass("read_rtlil domain.il", design)
libyosys.run_pass("proc; flatten; opt; write_rtlil merged.il", design)
"""


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


class Crosses(wiring.Component):
    """A FIFO into the domain, and a register that the domain resets."""

    clock: In(1)
    data: In(1)
    seen: Out(4)

    def elaborate(self, platform):
        m = Module()
        phy_domain(m, "phy", self.clock)
        m.submodules.fifo = fifo = AsyncFIFO(width=1, depth=4, w_domain="sync", r_domain="phy")
        m.d.comb += [fifo.w_data.eq(self.data), fifo.w_en.eq(1), fifo.r_en.eq(1)]
        m.d.phy += self.seen.eq(self.seen + (fifo.r_rdy & fifo.r_data))
        return m


@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="Yosys is missing")
def test_a_tool_does_not_join_the_reset_with_that_in_a_fifo(tmp_path):
    """With `lib.cdc.ResetSynchronizer` two such cells are left, and one of them drives both."""
    (tmp_path / "domain.il").write_text(emit_rtlil(Crosses(), "domain"))
    words = (sys.executable, "-c", SCRIPT)
    subprocess.run(words, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    merged = (tmp_path / "merged.il").read_text()
    assert merged.count("cell $adff ") == 3, "two of the FIFO, and ours of two bits"
