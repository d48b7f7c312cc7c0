"""Beats and bytes across two clocks: nothing is lost, and a frame on the wire does not run dry."""

import random

import pytest
from amaranth.sim import Simulator

from ttpoe.config import preset
from ttpoe.mac.crossing import RxCrossing, TxCrossing, depth_beats, start_beats

NS = 1e-9


def simulate(dut, sync_ns, wire_ns, *benches, phase=0.3):
    simulator = Simulator(dut)
    simulator.add_clock(sync_ns * NS, domain="sync")
    simulator.add_clock(wire_ns * NS, domain="wire", phase=phase * wire_ns * NS)
    for number, bench in enumerate(benches):
        simulator.add_testbench(bench, background=number > 0)
    simulator.run()


def config_of(width_bits):
    return preset("default").replace(width_bits=width_bits)


def beats_of(frame, width, error=0):
    parts = [frame[n : n + width] for n in range(0, len(frame), width)]
    return [
        {
            "data": int.from_bytes(part, "little"),
            "keep": (1 << len(part)) - 1,
            "last": n == len(parts) - 1,
            "error": n == len(parts) - 1 and error,
        }
        for n, part in enumerate(parts)
    ]


def send_all(dut, width, frames, errors, pause=lambda: False):
    async def bench(ctx):
        for number, frame in enumerate(frames):
            for beat in beats_of(frame, width, number in errors):
                while pause():
                    await ctx.tick()
                ctx.set(dut.i.payload, beat)
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
                ctx.set(dut.i.valid, 0)

    return bench


@pytest.mark.parametrize("width_bits", [64, 512])
@pytest.mark.parametrize("sync_ns,wire_ns", [(3.1, 8), (40, 7.9), (9, 2)])
def test_send(width_bits, sync_ns, wire_ns):
    rng = random.Random(width_bits)
    width = width_bits // 8
    frames = [rng.randbytes(rng.choice([1, 2, width, width + 1, 3 * width - 1])) for _ in range(25)]
    errors, found = {3, 9, 10}, []
    dut = TxCrossing(config_of(width_bits))

    async def wire(ctx):
        frame = bytearray()
        while len(found) < len(frames):
            ctx.set(dut.o.ready, rng.random() < 0.8)
            *_, valid, ready, byte = await ctx.tick("wire").sample(
                dut.o.valid, dut.o.ready, dut.o.payload
            )
            if valid and ready:
                frame.append(byte.data)
                if byte.last:
                    found.append((bytes(frame), byte.error))
                    frame.clear()

    pause = lambda: rng.random() < 0.1
    simulate(dut, sync_ns, wire_ns, wire, send_all(dut, width, frames, errors, pause))
    assert found == [(frame, int(n in errors)) for n, frame in enumerate(frames)]


@pytest.mark.parametrize("start", [1, 2])
def test_clocks_to_the_first_byte(start):
    """From the beat that lets its frame go: 3 clocks of the wire; the fourth is for a synchroniser
    that takes its time, and none does so here."""
    found = set()
    for phase in (0.02, 0.3, 0.6, 0.98):
        dut = TxCrossing(config_of(64), start)
        edges = {"all": 0, "written": 0}

        async def engine(ctx, dut=dut, edges=edges):
            for beat in beats_of(bytes(8 * start), 8):
                await ctx.tick().repeat(9)
                ctx.set(dut.i.payload, beat)
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
                edges["written"] = edges["all"]
                ctx.set(dut.i.valid, 0)

        async def wire(ctx, dut=dut, edges=edges):
            while not ctx.get(dut.o.valid):
                await ctx.tick("wire")
                edges["all"] += 1

        simulate(dut, 7.9, 8, wire, engine, phase=phase)
        found.add(edges["all"] - edges["written"])
    assert found == {3}


@pytest.mark.parametrize("width_bits", [64, 512])
@pytest.mark.parametrize("sync_ns,wire_ns", [(3.1, 8), (60, 8)])
def test_receive(width_bits, sync_ns, wire_ns):
    rng = random.Random(width_bits)
    width = width_bits // 8
    frames = [rng.randbytes(rng.choice([1, 2, width, width + 1, 3 * width - 1])) for _ in range(25)]
    errors, found = {3, 9, 10}, []
    dut = RxCrossing(config_of(width_bits))

    async def engine(ctx):
        frame = bytearray()
        ctx.set(dut.o.ready, 1)
        while len(found) < len(frames):
            *_, valid, beat = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                assert beat.keep & (beat.keep + 1) == 0 and beat.keep
                assert beat.last or beat.keep == (1 << width) - 1 and not beat.error
                frame += beat.data.to_bytes(width, "little")[: beat.keep.bit_length()]
                if beat.last:
                    found.append((bytes(frame), beat.error))
                    frame.clear()

    async def wire(ctx):
        for number, frame in enumerate(frames):
            for n, byte in enumerate(frame):
                last = n == len(frame) - 1
                ctx.set(
                    dut.i.payload,
                    {"data": byte, "last": last, "error": number in errors if last else 1},
                )
                ctx.set(dut.i.valid, 1)
                await ctx.tick("wire")
            ctx.set(dut.i.valid, 0)
            for _ in range(24):
                await ctx.tick("wire")

    simulate(dut, sync_ns, wire_ns, engine, wire)
    assert found == [(frame, int(n in errors)) for n, frame in enumerate(frames)]


def runs_dry(width_bits, sync_ns, longest, start, phase):
    """Whether a byte fails that the wire wants, 8 ns each, in the longest frames."""
    width = width_bits // 8
    dut = TxCrossing(config_of(width_bits), start, depth_beats(start))
    frames, late = [bytes(longest)] * (1 + (width == 8)), []

    async def wire(ctx):
        for _frame in frames:
            await ctx.tick("wire").until(dut.o.valid)
            await ctx.tick("wire").repeat(7)
            ctx.set(dut.o.ready, 1)
            last = False
            while not last:
                *_, valid, last = await ctx.tick("wire").sample(dut.o.valid, dut.o.payload.last)
                last = valid and last
                late.append(not valid)
            ctx.set(dut.o.ready, 0)
            await ctx.tick("wire").repeat(16)

    simulate(dut, sync_ns, 8, wire, send_all(dut, width, frames, ()), phase=phase)
    return any(late)


SLOW = [
    (64, 8, 300),
    (64, 63, 600),
    (64, 66, 600),
    (64, 70, 300),
    (64, 130, 300),
    (128, 131, 600),
    (512, 560, 1514),
]


@pytest.mark.parametrize("width_bits,sync_ns,longest", SLOW)
def test_a_frame_that_may_start_does_not_run_dry(width_bits, sync_ns, longest):
    width = width_bits // 8
    start = start_beats(width, 1e9 / sync_ns, 125e6, longest)
    phases = (0.02, 0.35, 0.7, 0.98) if width_bits < 512 else (0.02, 0.98)
    for phase in phases:
        assert not runs_dry(width_bits, sync_ns, longest, start, phase)
    if start > 2:  # and it is not much too late
        assert any(
            runs_dry(width_bits, sync_ns, longest, start - 2, phase) for phase in (0.02, 0.5)
        )


def test_where_a_frame_may_start():
    assert start_beats(8, 125e6, 125e6, 9018) == 1
    assert start_beats(8, 15.64e6, 125e6, 9018) == 1
    assert start_beats(8, 15e6, 125e6, 1518) == 8
    assert start_beats(8, 1e6, 125e6, 1518) == 178
    assert start_beats(8, 125e6, 125e6, 9018, pauses=20) == 2
    assert start_beats(8, 1e3, 125e6, 1518) == 190  # store and forward
    assert start_beats(8, 1e3, 125e6, 7) == 1
    assert depth_beats(1) == 8 and depth_beats(3) == 16


def test_constructors():
    config = preset("default")
    for refused, words in (
        (lambda: TxCrossing(config, depth=12), "depth must be a power of two from 4; got 12"),
        (lambda: TxCrossing(config, 17, 16), "start must be from 1 to depth, 16; got 17"),
        (lambda: RxCrossing(config, 2), "depth must be a power of two from 4; got 2"),
    ):
        with pytest.raises(ValueError, match=words):
            refused()
