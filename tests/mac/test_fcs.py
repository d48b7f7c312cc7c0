"""`Fcs` against zlib: every number of bytes in the last beat, stalls, restarts."""

import random
import zlib

import pytest
from amaranth.sim import Simulator

from ttpoe.mac.fcs import Fcs


def beats(octets, width):
    for at in range(0, len(octets), width):
        part = octets[at : at + width]
        yield int.from_bytes(part, "little"), (1 << len(part)) - 1


def simulate(dut, bench):
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


async def frame(ctx, dut, octets, rng, separate_start=False):
    """Puts one frame in; what `fcs` and `match` are after it."""
    width = len(dut.keep)
    if separate_start:
        ctx.set(dut.start, 1)
        await ctx.tick()
    for number, (data, keep) in enumerate(beats(octets, width)):
        while rng.random() < 0.2 and number:
            ctx.set(dut.valid, 0)
            ctx.set(dut.data, rng.getrandbits(8 * width))
            ctx.set(dut.start, 0)
            await ctx.tick()
        garbage = rng.getrandbits(8 * width) & ~((1 << 8 * keep.bit_count()) - 1)
        ctx.set(dut.start, number == 0 and not separate_start)
        ctx.set(dut.valid, 1)
        ctx.set(dut.data, data | garbage)
        ctx.set(dut.keep, keep)
        await ctx.tick()
    ctx.set(dut.valid, 0)
    ctx.set(dut.start, 0)
    await ctx.tick().repeat(2)
    return ctx.get(dut.fcs), ctx.get(dut.match)


@pytest.mark.parametrize("width", [5, 8])
def test_fcs_of_every_length(width):
    dut, rng = Fcs(width), random.Random(width)

    async def bench(ctx):
        for length in [*range(1, 40)] * 4:  # for each count of zeros 20 frames: each bit counts
            octets = rng.randbytes(length)
            fcs, _match = await frame(ctx, dut, octets, rng, separate_start=length % 2)
            assert fcs == zlib.crc32(octets), length
            await ctx.tick()
            assert ctx.get(dut.fcs) == fcs, "it holds"

    simulate(dut, bench)


@pytest.mark.parametrize("width", [8])
def test_match_only_if_not_a_bit_is_wrong(width):
    dut, rng = Fcs(width), random.Random(width)

    async def bench(ctx):
        for length in range(1, 20):
            octets = rng.randbytes(length)
            octets += zlib.crc32(octets).to_bytes(4, "little")
            _fcs, match = await frame(ctx, dut, octets, rng)
            assert match, length
            place = rng.randrange(8 * len(octets))
            wrong = bytearray(octets)
            wrong[place // 8] ^= 1 << place % 8
            _fcs, match = await frame(ctx, dut, bytes(wrong), rng)
            assert not match, (length, place)
            _fcs, match = await frame(ctx, dut, octets + b"\0", rng)
            assert not match, length

    simulate(dut, bench)


def test_reset_value():
    dut = Fcs(8)

    async def bench(ctx):
        ctx.set(dut.valid, 1)
        ctx.set(dut.keep, 0xFF)
        ctx.set(dut.data, 0x0123456789ABCDEF)
        await ctx.tick()
        ctx.set(dut.valid, 0)
        await ctx.tick().repeat(2)
        assert ctx.get(dut.fcs) == zlib.crc32(0x0123456789ABCDEF.to_bytes(8, "little"))

    simulate(dut, bench)
