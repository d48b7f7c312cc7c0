"""Realignment by the 60-byte header, both ways, at every width."""

import random

import pytest
from amaranth.sim import Simulator

from tests.long import BYTES
from ttpoe.stream.carry import Carry


def run(width_bytes, carry_bytes, beats, gaps):
    """What `joined` shows while each of `beats` is used, idle clocks with junk in between."""
    dut = Carry(width_bytes, carry_bytes)
    seen = []

    async def bench(ctx):
        for beat, gap in zip(beats, gaps):
            for _ in range(gap):
                ctx.set(dut.beat, (1 << 8 * width_bytes) - 1)
                await ctx.tick()
            ctx.set(dut.beat, int.from_bytes(beat, "little"))
            ctx.set(dut.advance, 1)
            seen.append(ctx.get(dut.joined).to_bytes(width_bytes, "little"))
            await ctx.tick()
            ctx.set(dut.advance, 0)

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    return seen


def cut(octets, width):
    return [octets[n : n + width].ljust(width, b"\0") for n in range(0, len(octets), width)]


@pytest.mark.parametrize("width", BYTES)
def test_payload_leaves_the_wire_alignment(width):
    rng = random.Random(width)
    payload = rng.randbytes(5 * width)
    beats = cut(rng.randbytes(60) + payload, width)
    seen = run(width, 4, beats, [rng.randrange(3) for _ in beats])
    first = 60 // width + 1  # the first joined beat that is all payload
    assert b"".join(seen[first:])[: len(payload)] == payload


@pytest.mark.parametrize("width", BYTES)
def test_payload_enters_the_wire_alignment(width):
    rng = random.Random(width)
    payload = rng.randbytes(5 * width)
    beats = cut(payload, width)
    seen = run(width, width - 4, beats, [rng.randrange(3) for _ in beats])
    wire = cut(rng.randbytes(60) + payload, width)
    hb = 60 // width
    assert seen[0][-4:] == wire[hb][-4:]
    assert seen[1:] == wire[hb + 1 : hb + len(seen)]
