"""`Noise`: the two xorshift sequences of the paper, from a seed and a salt."""

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.streams import simulate
from tests.traffic.traffic_twin import GOLDEN, xorshift32, xorshift64
from ttpoe.traffic.noise import Noise

FOLLOWING = {32: xorshift32, 64: xorshift64}
SEED = 0x1234ABCD


def start(width, salt, seed):
    """The first number: the seed at both ends of the register, set apart by the salt."""
    salt = salt * GOLDEN % (1 << width)
    return salt ^ seed ^ seed << (width - 32) or salt


async def numbers(ctx, dut, count):
    """`count` numbers, a step in each clock; the first comes in the second clock after reset."""
    await ctx.tick()
    found = []
    for _ in range(count):
        found.append(ctx.get(dut.o_value))
        ctx.set(dut.i_step, 1)
        await ctx.tick()
    ctx.set(dut.i_step, 0)
    return found


@pytest.mark.parametrize("seed", [0, 1, SEED, 0xFFFFFFFF])
@pytest.mark.parametrize("width", [32, 64])
def test_the_sequence(width, seed):
    dut = Noise(width, salt=7)

    async def testbench(ctx):
        ctx.set(dut.cfg_seed, seed)
        wanted = [start(width, 7, seed)]
        for _ in range(199):
            wanted.append(FOLLOWING[width](wanted[-1]))
        assert await numbers(ctx, dut, 200) == wanted

    simulate(dut, testbench)


def test_the_numbers_of_the_paper():
    """The first ones of "xorshift, 13 17 5" from the paper's own seed, 2463534242."""
    assert xorshift32(2463534242) == 723471715
    assert xorshift32(723471715) == 2497366906


def test_a_seed_that_would_be_zero_is_replaced():
    """At 64 bits: the salt's two halves are the same, and the seed is that half."""
    salt = 0x0000000100000001 * pow(GOLDEN, -1, 1 << 64) % (1 << 64)
    dut = Noise(64, salt)

    async def testbench(ctx):
        ctx.set(dut.cfg_seed, 1)
        assert await numbers(ctx, dut, 1) == [0x0000000100000001]

    simulate(dut, testbench)


def test_it_holds_without_a_step_and_its_seed_counts_only_after_reset():
    reset, dut = Signal(), Noise(32, salt=3)

    async def testbench(ctx):
        ctx.set(dut.cfg_seed, SEED)
        first = await numbers(ctx, dut, 5)
        held = ctx.get(dut.o_value)
        ctx.set(dut.cfg_seed, 99)
        await ctx.tick().repeat(4)
        assert ctx.get(dut.o_value) == held == xorshift32(first[-1])
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        assert await numbers(ctx, dut, 1) == [start(32, 3, 99)]

    simulate(ResetInserter(reset)(dut), testbench)


def test_salts_set_generators_apart():
    starts = {start(32, salt, SEED) for salt in range(1, 600)}
    assert len(starts) == 599
