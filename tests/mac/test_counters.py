"""`Tokens`: events from one clock to another, taken one by one."""

import pytest
from amaranth.hdl import DomainRenamer
from amaranth.sim import Simulator

from ttpoe.mac.counters import Tokens


@pytest.mark.parametrize("given_ns, taken_ns, busy", [(8, 20, 0), (20, 3, 0), (8, 8, 1)])
def test_tokens_are_not_lost(given_ns, taken_ns, busy):
    """Seven at once, as many as three bits count, also if the reader is slow or busy."""
    dut, taken = DomainRenamer({"given": "wire", "taken": "sync"})(Tokens(3)), []

    async def give(ctx):
        ctx.set(dut.give, 1)
        await ctx.tick("wire").repeat(7)
        ctx.set(dut.give, 0)

    async def take(ctx):
        for clock in range(60):
            there = ctx.get(dut.any) and (not busy or clock % 3 == 0)
            ctx.set(dut.take, there)
            taken.extend([clock] * there)
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(taken_ns * 1e-9, domain="sync")
    simulator.add_clock(given_ns * 1e-9, domain="wire", phase=0.3 * given_ns * 1e-9)
    simulator.add_testbench(take)
    simulator.add_testbench(give, background=True)
    simulator.run()
    assert len(taken) == 7


def test_what_is_refused():
    with pytest.raises(ValueError, match="bits must be 2 or more; got 1"):
        Tokens(1)
