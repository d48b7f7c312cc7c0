"""Acknowledged slots are freed one after the other, of one link at a time (S10)."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.streams import simulate
from ttpoe.config import Config, preset
from ttpoe.replay.retirer import Retirer

CONFIG = preset("tiny").replace(slots=64)


@pytest.mark.parametrize("pace", [1.0, 0.3])
def test_retirer_frees_what_lags_behind_of_one_link_at_a_time(pace):
    """`count` RETIREs, one per clock from the clock behind the report on; what is reported
    meanwhile is left to others."""
    rng = random.Random(pace)
    dut = Retirer(CONFIG)

    async def testbench(ctx):
        left, lid, served = 0, None, 0
        for clock in range(4000):
            report = None
            if rng.random() < 0.3:
                report = dict(
                    lid=rng.randrange(CONFIG.links), count=rng.choice((1, 1, 2, 5, CONFIG.slots))
                )
            ctx.set(dut.i_lag.valid, report is not None)
            ctx.set(dut.i_lag.payload, report or dict(lid=3, count=9))
            ready = rng.random() < pace
            ctx.set(dut.o_retire.ready, ready)
            assert ctx.get(dut.o_retire.valid) == (left > 0), clock
            if left:
                assert ctx.get(dut.o_retire.payload) == lid, clock
                left -= ready
            elif report:
                left, lid, served = report["count"], report["lid"], served + 1
            await ctx.tick()
        assert served > 100 * pace

    simulate(dut, testbench)


def test_retirer_is_idle_after_reset():
    reset = Signal()
    dut = Retirer(Config())

    async def testbench(ctx):
        assert not ctx.get(dut.o_retire.valid)
        ctx.set(dut.i_lag.payload, dict(lid=1, count=5))
        ctx.set(dut.i_lag.valid, 1)
        await ctx.tick()
        ctx.set(dut.i_lag.valid, 0)
        assert ctx.get(dut.o_retire.valid)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        assert not ctx.get(dut.o_retire.valid)

    simulate(ResetInserter(reset)(dut), testbench)
