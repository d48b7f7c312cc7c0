"""`Store`: no frame runs dry behind it, none is lost or changed; when the next one begins."""

import random

import pytest

from tests.long import BITS
from tests.simulated import made
from tests.streams import receive_packet, send_packet, simulate
from ttpoe.config import Config
from ttpoe.mac.store import SLACK_BEATS, Store, beats_before_start

CONFIG = Config(width_bits=64)
DEPTH, START = 16, 6


def frame(rng, beats, width_bits=64):
    """A frame of so many beats; its last has a random number of bytes and, at times, an error."""
    lanes = width_bits // 8
    keep = (1 << rng.randint(1, lanes)) - 1
    return [
        dict(
            data=rng.getrandbits(width_bits),
            keep=keep if last else (1 << lanes) - 1,
            last=int(last),
            error=int(last and rng.random() < 0.3),
        )
        for last in [*[False] * (beats - 1), True]
    ]


def plain(beats):
    return [dict(data=b.data, keep=b.keep, last=b.last, error=b.error) for b in beats]


@pytest.mark.parametrize("width_bits", BITS)
def test_beats_come_out_as_they_went_in(width_bits):
    dut = made(Store, Config(width_bits=width_bits), DEPTH, START)
    rng, got = random.Random(width_bits), []
    frames = [frame(rng, rng.randint(1, 2 * DEPTH), width_bits) for _ in range(15)]

    async def source(ctx):
        for beats in frames:
            await send_packet(ctx, dut.i, beats, lambda: rng.random() < 0.3)

    async def wire(ctx):
        for _ in frames:
            got.append(plain(await receive_packet(ctx, dut.o, lambda: rng.random() < 0.7)))

    simulate(dut, source, wire)
    assert got == frames


def clocks_of(dut, beats, clocks, takes=lambda clock: True):
    """The clocks in which a beat is offered; `beats` are given, one per clock where it is True."""
    offered, waiting = [], frame(random.Random(1), sum(map(bool, beats)))

    async def testbench(ctx):
        for clock in range(clocks):
            gives = clock < len(beats) and beats[clock]
            ctx.set(dut.i.valid, gives)
            if gives:
                assert ctx.get(dut.i.ready)
                ctx.set(dut.i.p, waiting.pop(0))
            ctx.set(dut.o.ready, takes(clock))
            if ctx.get(dut.o.valid):
                offered.append(clock)
            await ctx.tick()

    simulate(dut, testbench)
    return offered


@pytest.mark.parametrize("beats", [1, 2, START - 1])
def test_a_short_frame_begins_when_it_is_whole(beats):
    """Two clocks after its last beat, and however slow its source is, without a pause."""
    dut = made(Store, CONFIG, DEPTH, START)
    slow = [clock % 4 == 3 for clock in range(4 * beats)]
    last = len(slow) - 1
    assert clocks_of(dut, slow, 60) == [last + 2 + n for n in range(beats)]


def test_a_long_frame_begins_with_enough_beats():
    """`START` are enough: the last of them is taken in clock `START` - 1."""
    dut = made(Store, CONFIG, DEPTH, START)
    assert clocks_of(dut, [True] * 40, 60) == [START + 1 + n for n in range(40)]


def test_enough_beats_are_those_that_a_slow_source_is_short_of():
    """A source at half of the wire's rate, and a start that `beats_before_start` says."""
    beats = 44
    start = beats_before_start(CONFIG, 8 * beats, 100e6, 200e6, tolerance_ppm=0)
    assert start == SLACK_BEATS + beats // 2
    offered = clocks_of(made(Store, CONFIG, 64, start), [True, False] * beats, 140)
    assert offered == list(range(offered[0], offered[0] + beats))


def test_store_and_forward_begins_a_frame_that_does_not_fit():
    dut = made(Store, CONFIG, DEPTH, DEPTH)
    offered = clocks_of(dut, [True] * DEPTH, 40, takes=lambda clock: False)
    assert offered[0] == DEPTH + 1
    assert clocks_of(dut, [True] * (DEPTH - 1) + [False] * 20, 40)[:1] == [DEPTH]


def test_between_two_frames_lies_one_clock():
    dut, seen = made(Store, CONFIG, DEPTH, START), []

    async def source(ctx):
        rng = random.Random(2)
        for _ in range(3):
            await send_packet(ctx, dut.i, frame(rng, 3))

    async def wire(ctx):
        ctx.set(dut.o.ready, 1)
        for _ in range(30):
            *_, valid = await ctx.tick().sample(dut.o.valid)
            seen.append(str(valid))

    simulate(dut, source, wire)
    assert "".join(seen).strip("0") == "11101110111"


def test_what_is_refused():
    for depth, start in ((1, 1), (8, 9), (8, 0)):
        with pytest.raises(ValueError, match=f"got {start} of {depth}"):
            Store(CONFIG, depth, start)


def test_beats_before_start():
    assert beats_before_start(CONFIG, 9014, 156.25e6, 156.25e6, tolerance_ppm=0) == SLACK_BEATS
    assert beats_before_start(CONFIG, 9014, 156.25e6, 156.25e6) == SLACK_BEATS + 1
    assert beats_before_start(CONFIG, 9014, 500e6, 156.25e6) == SLACK_BEATS
    assert beats_before_start(CONFIG, 800, 100e6, 200e6, tolerance_ppm=0) == SLACK_BEATS + 50
    assert beats_before_start(CONFIG, 64, 10e6, 156.25e6) == 8
