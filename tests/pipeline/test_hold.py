"""`Hold` against a queue: what it takes comes out once, in order, and stays while it is needed."""

import random
from collections import deque

import pytest
from amaranth import Signal
from amaranth.hdl import ResetInserter

from tests.streams import simulate
from ttpoe.pipeline.hold import Hold

BITS = 12
ALWAYS = 1.0


async def play(ctx, dut, fast, clocks, rng, offers, takes, joins):
    """`offers`, `takes`, `joins`: how probable each is in a clock. Each event is a number of its
    own. Returns the clocks in which one was taken in, and those in which one was chosen."""
    waits, taken, number, offered = deque(), None, 0, False
    accepted, chosen = [], []
    for clock in range(clocks):
        offered = offered or rng.random() < offers
        ctx.set(dut.i_event.valid, offered)
        ctx.set(dut.i_event.payload, number if offered else rng.getrandbits(BITS))
        ready = ctx.get(dut.i_event.ready)
        assert ready == (len(waits) < 2 if fast else not waits and taken is None), clock
        assert ctx.get(dut.o_valid) == bool(waits), clock
        if waits:
            assert ctx.get(dut.o_waits) == waits[0], clock
        if taken is not None:
            assert ctx.get(dut.o_taken) == taken, clock
        joined = rng.random() < joins
        take = waits and (taken is None or joined) and rng.random() < takes
        ctx.set(dut.i_joined, joined)
        ctx.set(dut.i_take, bool(take))
        assert ctx.get(dut.i_event.ready) == ready, "it comes from a register"
        if joined:
            taken = None
        if take:
            taken = waits.popleft()
            chosen.append(clock)
        if offered and ready:
            waits.append(number)
            accepted.append(clock)
            number, offered = number + 1, False
        await ctx.tick()
    return accepted, chosen


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("offers", [0.3, ALWAYS])
@pytest.mark.parametrize("takes, joins", [(0.2, ALWAYS), (0.7, 0.7), (ALWAYS, 0.2), (0.3, 0.3)])
def test_each_event_once_in_order_and_as_long_as_it_is_needed(fast, offers, takes, joins):
    dut = Hold(BITS, fast)
    rng = random.Random(f"{fast} {offers} {takes} {joins}")

    async def testbench(ctx):
        accepted, chosen = await play(ctx, dut, fast, 500, rng, offers, takes, joins)
        assert len(chosen) > 40 and len(accepted) - len(chosen) in range(3)

    simulate(dut, testbench)


@pytest.mark.parametrize("fast, clocks_each", [(False, 3), (True, 1)])
def test_how_often(fast, clocks_each):
    """One event in three clocks, or in every clock, chosen one clock after it was offered."""
    dut = Hold(BITS, fast)

    async def testbench(ctx):
        accepted, chosen = await play(ctx, dut, fast, 60, random.Random(0), *[ALWAYS] * 3)
        assert accepted == list(range(0, 60, clocks_each))
        assert chosen == list(range(1, 60, clocks_each))

    simulate(dut, testbench)


@pytest.mark.parametrize("fast", [False, True])
def test_after_reset_nothing_waits(fast):
    reset = Signal()
    dut = Hold(BITS, fast)

    async def testbench(ctx):
        for take in (0, 1):  # an event waits, or has been taken
            ctx.set(dut.i_event.valid, 1)
            ctx.set(dut.i_event.payload, 77)
            await ctx.tick()
            ctx.set(dut.i_take, take)
            await ctx.tick()
            ctx.set(dut.i_take, 0)
            assert fast or not ctx.get(dut.i_event.ready)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            assert ctx.get(dut.i_event.ready) and not ctx.get(dut.o_valid)
            await play(ctx, dut, fast, 10, random.Random(0), *[ALWAYS] * 3)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)

    simulate(ResetInserter(reset)(dut), testbench)
