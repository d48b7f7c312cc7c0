"""`Pattern`: its beats against the description in plain Python, at any pace."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.streams import simulate
from tests.traffic.traffic_twin import LONG, MIXED, SHORT, UNIFORM, Twin, beats_of
from ttpoe.config import Config
from ttpoe.traffic.pattern import Pattern

SEED = 0x1234ABCD


async def use(ctx, dut, twin, count, step=lambda: True):
    """Steps through `count` packets; each beat is the twin's, and stays until it is used."""
    width = twin.width
    for number in range(count):
        octets = twin.packet()
        for place, (data, keep, last) in enumerate(beats_of(octets, width)):
            used = False
            while not used:
                assert ctx.get(dut.o_valid)
                assert ctx.get(dut.o_number) == number
                assert ctx.get(dut.o_length_bytes) == len(octets)
                assert ctx.get(dut.o_first) == (place == 0) and ctx.get(dut.o_last) == last
                assert ctx.get(dut.o_keep) == keep
                lanes = (1 << 8 * keep.bit_count()) - 1
                assert ctx.get(dut.o_data) & lanes == data, (number, place)
                used = step()
                ctx.set(dut.i_step, used)
                await ctx.tick()
    ctx.set(dut.i_step, 0)


async def filled(ctx, dut):
    """Valid from the fourth clock after reset on, and not before."""
    for _clock in range(3):
        assert not ctx.get(dut.o_valid)
        await ctx.tick()
    assert ctx.get(dut.o_valid)


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("lengths", [SHORT, LONG, UNIFORM, MIXED])
def test_beats_in_every_clock(width, lengths):
    dut = Pattern(Config(width_bits=8 * width), stream=4)

    async def testbench(ctx):
        ctx.set(dut.cfg_seed, SEED)
        ctx.set(dut.cfg_lengths, lengths)
        await filled(ctx, dut)
        await use(ctx, dut, Twin(SEED, 4, lengths, width), 12)

    simulate(dut, testbench)


@pytest.mark.parametrize("width", [16, 32])
def test_a_beat_stays_until_it_is_used(width):
    dut, rng = Pattern(Config(width_bits=8 * width), stream=0), random.Random(width)

    async def testbench(ctx):
        ctx.set(dut.cfg_seed, 77)
        ctx.set(dut.cfg_lengths, MIXED)
        await filled(ctx, dut)
        await use(ctx, dut, Twin(77, 0, MIXED, width), 8, lambda: rng.random() < 0.4)

    simulate(dut, testbench)


def test_reset_in_mid_packet_begins_with_number_0():
    reset, dut = Signal(), Pattern(Config(), stream=1)

    async def testbench(ctx):
        ctx.set(dut.cfg_seed, SEED)
        ctx.set(dut.cfg_lengths, LONG)
        await filled(ctx, dut)
        ctx.set(dut.i_step, 1)
        await ctx.tick().until(dut.o_number == 1)
        await ctx.tick().repeat(5)
        assert ctx.get(dut.o_number) == 1 and not ctx.get(dut.o_first)
        ctx.set(dut.i_step, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        await filled(ctx, dut)
        await use(ctx, dut, Twin(SEED, 1, LONG, Config().width_bytes), 2)

    simulate(ResetInserter(reset)(dut), testbench)


def test_no_two_streams_and_no_two_seeds_are_alike():
    def packets(seed, stream):
        twin = Twin(seed, stream, UNIFORM, 8)
        return tuple(twin.packet() for _ in range(4))

    made = {packets(seed, stream) for seed in range(1, 9) for stream in range(6)}
    assert len(made) == 8 * 6
