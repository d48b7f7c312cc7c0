"""The global link timer visits every link in turn (section 5.4, claim S12)."""

import random

import pytest

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.link.timer import LinkTimer

TINY = preset("tiny")


@pytest.mark.parametrize("tick", [0, 1, 2, 7, 20, 200])
def test_timer_visits_every_link_once_a_round(tick):
    """The first visit after a tick (at least one clock); 0 and 1 give the pace of 2."""
    dut = LinkTimer(TINY)
    visits, rounds = [], []

    async def testbench(ctx):
        ctx.set(dut.cfg_timer_tick, tick)
        ctx.set(dut.i_enable, 1)
        ctx.set(dut.o_visit.ready, 1)
        for clock in range(3 * TINY.links * max(tick, 2) + tick + 3):
            if ctx.get(dut.o_visit.valid):
                visits.append((clock, ctx.get(dut.o_visit.payload)))
            if ctx.get(dut.o_round):
                rounds.append(clock)
            await ctx.tick()

    simulate(dut, testbench)
    assert [lid for _clock, lid in visits[:24]] == list(range(8)) * 3
    assert visits[0][0] == max(tick, 1)
    gaps = {b[0] - a[0] for a, b in zip(visits, visits[1:])}
    assert gaps == {max(tick, 2)}  # a visit itself takes a clock
    assert rounds == [clock for clock, lid in visits if lid == TINY.links - 1]


def test_timer_leaves_no_link_out_when_it_must_wait():
    dut = LinkTimer(TINY)
    rng, visits = random.Random(4), []

    async def testbench(ctx):
        ctx.set(dut.cfg_timer_tick, 3)
        ctx.set(dut.i_enable, 1)
        shown = None
        for _clock in range(2000):
            ready = rng.random() < 0.1
            ctx.set(dut.o_visit.ready, ready)
            if ctx.get(dut.o_visit.valid):
                lid = ctx.get(dut.o_visit.payload)
                assert shown in (None, lid)  # stable while it waits
                shown = None if ready else lid
                if ready:
                    visits.append(lid)
            else:
                assert shown is None
            await ctx.tick()

    simulate(dut, testbench)
    assert len(visits) > 50 and visits == [n % TINY.links for n in range(len(visits))]


def test_timer_stands_still_until_enabled():
    dut = LinkTimer(TINY)

    async def testbench(ctx):
        ctx.set(dut.cfg_timer_tick, 1)
        for _clock in range(50):
            await ctx.tick()
            assert not ctx.get(dut.o_visit.valid)

    simulate(dut, testbench)
