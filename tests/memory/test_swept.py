"""`SweptMemory`: all words are zero after reset; a set is read and one is written in every clock."""

import random

import pytest

from tests.simulated import made
from tests.streams import simulate
from ttpoe.memory.swept import SweptMemory

WIDTH, DEPTH, WAYS = 12, 8, 2


def block(protect):
    return made(SweptMemory, protect, WIDTH, DEPTH, WAYS)


async def sweep(ctx, dut):
    """It is ready `depth` clocks after reset, not one earlier or later."""
    for clock in range(DEPTH):
        assert not ctx.get(dut.o_ready), clock
        await ctx.tick()
    assert ctx.get(dut.o_ready)


@pytest.mark.parametrize("protect", ["none", "secded"])
def test_the_sweep_leaves_zeros(protect):
    """Whatever was there: the words are set to something in front of it."""
    dut = SweptMemory(protect, WIDTH, DEPTH, WAYS)
    made_of, elaborate = [], dut.elaborate

    def recorded(platform):
        m = elaborate(platform)
        for way in range(WAYS):
            memory = getattr(m.submodules, f"way{way}")
            made_of.append(getattr(memory, "_coded", memory))
        return m

    dut.elaborate = recorded

    async def testbench(ctx):
        for memory in made_of:
            for place in range(DEPTH):
                ctx.set(memory.data[place], 0xAAA)
        await sweep(ctx, dut)
        for place in range(DEPTH):
            ctx.set(dut.i_read_index, place)
            await ctx.tick()
            assert [ctx.get(word) for word in dut.o_read] == [0] * WAYS

    simulate(dut, testbench)
    assert len(made_of) == WAYS


@pytest.mark.parametrize("protect", ["none", "secded"])
def test_words_are_what_was_written_last(protect):
    """At random; what is written in a clock is read in the next one."""
    dut, rng = block(protect), random.Random(1)
    stored = [[0] * WAYS for _ in range(DEPTH)]

    async def testbench(ctx):
        await sweep(ctx, dut)
        for _ in range(400):
            at, place, value = rng.randrange(DEPTH), rng.randrange(DEPTH), rng.getrandbits(WIDTH)
            writes = [rng.randrange(2) for _ in range(WAYS)]
            ctx.set(dut.i_read_index, at)
            ctx.set(dut.i_write_index, place)
            ctx.set(dut.i_value, value)
            for way in range(WAYS):
                ctx.set(dut.i_write[way], writes[way])
                ctx.set(dut.i_used[way], 1)
            wanted = list(stored[at])
            for way in range(WAYS):
                if writes[way]:
                    stored[place][way] = value
            await ctx.tick()
            for way in range(WAYS):
                if place != at or not writes[way]:  # else it is undefined
                    assert ctx.get(dut.o_read[way]) == wanted[way]
            assert not ctx.get(dut.o_errors.corrected) or place == at

    simulate(dut, testbench)
