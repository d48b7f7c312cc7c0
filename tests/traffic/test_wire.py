"""Every frame that enters a wire leaves it or is counted; rates, order and clocks."""

import pytest

from tests.long import BYTES
from tests.simulated import made_with_reset
from tests.streams import simulate
from tests.traffic.traffic_twin import beats_of, octets_of, rng_for
from ttpoe.config import Config
from ttpoe.traffic.wire import WIRE_EVENTS, Wire

ALWAYS = 65536


class Run:
    """What came out: `frames` of (octets, error), `ends` and `starts` in clocks, `counts`."""

    def __init__(
        self, width, frames, idle=0, tail=3000, number=0, store=16, reset_at=None, **settings
    ):
        self.frames, self.starts, self.ends, self.sent_at = [], [], [], []
        self.counts = dict.fromkeys(WIRE_EVENTS, 0)
        self.beats = []
        rng = rng_for("wire", width, len(frames), sorted(settings))
        config = Config(width_bits=8 * width)
        self.wire, reset, simulated = made_with_reset(Wire, config, number, store)
        wire, clock, octets = self.wire, 0, b""

        async def tick(ctx):
            nonlocal clock, octets
            await ctx.tick()
            clock += 1
            for name in WIRE_EVENTS:
                self.counts[name] += ctx.get(getattr(wire, name))
            if not ctx.get(wire.o.valid):
                return
            beat = wire.o.payload
            data, keep, last, error = (
                ctx.get(signal) for signal in (beat.data, beat.keep, beat.last, beat.error)
            )
            self.beats.append(clock)
            if not octets:
                self.starts.append(clock)
            octets += octets_of(data, keep, width)
            assert last or (keep == (1 << width) - 1 and not error)
            if last:
                self.frames.append((octets, error))
                self.ends.append(clock)
                octets = b""

        async def bench(ctx):
            nonlocal octets
            ctx.set(wire.cfg_seed, 0x600D5EED)
            for name, value in settings.items():
                ctx.set(getattr(wire, f"cfg_{name}"), value)
            for _ in range(4):
                await tick(ctx)
            beat = wire.i.payload
            for number, (frame, error) in enumerate(frames):
                for data, keep, last in beats_of(frame, width):
                    for signal, value in (
                        (beat.data, data),
                        (beat.keep, keep),
                        (beat.last, last),
                        (beat.error, error and last),
                        (wire.i.valid, 1),
                    ):
                        ctx.set(signal, value)
                    while not ctx.get(wire.i.ready):
                        await tick(ctx)
                    if last:
                        self.sent_at.append(clock)
                    await tick(ctx)
                if number == reset_at:
                    ctx.set(reset, 1)
                    await ctx.tick()
                    ctx.set(reset, 0)
                    octets = b""
                    self.frames.clear()
                    self.counts = dict.fromkeys(WIRE_EVENTS, 0)
                if idle:
                    ctx.set(wire.i.valid, 0)
                    for _ in range(rng.randint(0, idle)):
                        await tick(ctx)
            ctx.set(wire.i.valid, 0)
            for _ in range(tail):
                await tick(ctx)

        simulate(simulated, bench)
        assert not octets, "a frame without an end"
        c = self.counts
        assert c["left"] == len(self.frames)
        assert c["entered"] == c["lost"] + c["overflowed"] + c["left"] - c["doubled"], c


def frames_for(width, count, low=64, high=200):
    rng = rng_for("frames", width, count, low, high)
    return [
        (n.to_bytes(4, "big") + rng.randbytes(rng.randint(low, high) - 4), 0) for n in range(count)
    ]


def numbers(frames):
    return [int.from_bytes(octets[:4], "big") for octets, _error in frames]


def only(counts, **expected):
    assert counts == dict.fromkeys(WIRE_EVENTS, 0) | expected


@pytest.mark.parametrize("width", BYTES)
def test_without_faults(width):
    frames = frames_for(width, 40)
    run = Run(width, frames, tail=60)
    assert run.frames == frames
    only(run.counts, entered=40, left=40)
    # Last beat taken in clock t, first beat out in t + 3; then a beat per clock within a frame.
    assert run.starts[0] == run.sent_at[0] + 3
    for start, end, (octets, _error) in zip(run.starts, run.ends, run.frames):
        assert end - start + 1 == -(-len(octets) // width)


@pytest.mark.parametrize("width", [8, 64])
def test_equal_frames_leave_without_a_gap(width):
    frames = frames_for(width, 30, 64, 64)
    run = Run(width, frames, tail=60)
    assert run.beats == list(range(run.beats[0], run.beats[0] + len(run.beats)))


@pytest.mark.parametrize("width", [8, 32, 64])
def test_lengths_around_every_boundary(width):
    sizes = sorted({*range(1, 3), width - 1, width, width + 1, 2 * width, 1084, 1514, 2047, 2048})
    frames = [(bytes((n * 7 + size) % 256 for n in range(size)), size % 2) for size in sizes]
    assert Run(width, frames, store=32, idle=4, tail=1200).frames == frames


def test_a_frame_that_is_too_long_is_dropped_whole():
    frames = [(bytes(64), 0), (bytes(2049), 0), (bytes(5000), 0), (bytes(range(100)), 0)]
    run = Run(8, frames)
    assert run.frames == [frames[0], frames[3]]
    only(run.counts, entered=4, left=2, overflowed=2)


@pytest.mark.parametrize("delay", [1, 7, 500])
def test_delay(delay):
    run = Run(64, frames_for(64, 4, 64, 64), idle=5, delay=delay)
    assert [start - sent for start, sent in zip(run.starts, run.sent_at)] == [3 + delay] * 4


def test_store_is_full():
    """What finds no room is dropped whole and counted; later frames pass unharmed."""
    frames = frames_for(64, 40, 64, 64)
    run = Run(64, frames, store=4, delay=30, tail=200)
    assert run.counts["overflowed"] > 20 and run.counts["left"] >= 4
    assert [frame for frame in run.frames if frame not in frames] == []
    assert numbers(run.frames) == sorted(numbers(run.frames))


@pytest.mark.parametrize("width", [8, 64])
def test_each_fault_always(width):
    frames = frames_for(width, 12)
    run = Run(width, frames, loss=ALWAYS)
    only(run.counts, entered=12, lost=12)
    run = Run(width, frames, corrupt=ALWAYS)
    only(run.counts, entered=12, left=12, corrupted=12)
    assert all(error for _octets, error in run.frames)
    # Beyond the header's last beat is beyond the end of a short frame: some are only marked.
    altered = [octets != before for (octets, _e), (before, _f) in zip(run.frames, frames)]
    assert sum(altered) >= 9
    for (octets, _error), (before, _none) in zip(run.frames, frames):
        bits = {a ^ b for a, b in zip(octets, before)} - {0}
        assert len(octets) == len(before) and len(bits) <= 1
        assert all(bit.bit_count() == 1 for bit in bits)


@pytest.mark.parametrize("width", [8, 64])
def test_doubled(width):
    frames = frames_for(width, 12)
    run = Run(width, frames, idle=40, double=ALWAYS, hold_mask=7)
    only(run.counts, entered=12, doubled=run.counts["doubled"], left=12 + run.counts["doubled"])
    assert run.counts["doubled"] >= 8
    for frame in frames:
        assert 1 <= run.frames.count(frame) <= 2
    assert len(run.frames) == 12 + run.counts["doubled"]


def test_reordered():
    frames = frames_for(8, 60)
    run = Run(8, frames, idle=10, reorder=20000, hold_mask=63)
    assert sorted(run.frames) == sorted(frames)
    order = numbers(run.frames)
    assert order != sorted(order)
    only(run.counts, entered=60, left=60, held=run.counts["held"])
    # One at a time: what passes another stays in order.
    passed = sum(later < earlier for earlier, later in zip(order, order[1:]))
    assert 3 <= passed <= run.counts["held"] < 40


def test_the_last_frame_is_not_kept_for_ever():
    run = Run(8, frames_for(8, 1), reorder=ALWAYS, hold_mask=255, tail=400)
    assert run.counts["held"] == run.counts["left"] == 1


def test_pause():
    frames = frames_for(8, 30)
    run = Run(8, frames, pause=128)
    beats = sum(-(-len(octets) // 8) for octets, _error in frames)
    assert run.frames == frames
    assert 1.5 < run.sent_at[-1] / beats < 2.5


def test_rates_and_independent_wires():
    frames = frames_for(64, 1500, 64, 64)
    runs = [Run(64, frames, number=number, loss=6554, corrupt=3277, tail=100) for number in (0, 1)]
    for run in runs:
        assert 100 < run.counts["lost"] < 200  # 10 % of 1,500
        assert 35 < run.counts["corrupted"] < 110  # 5 % of what is not lost
    assert numbers(runs[0].frames) != numbers(runs[1].frames)
    again = Run(64, frames, number=0, loss=6554, corrupt=3277, tail=100)
    assert again.frames == runs[0].frames


@pytest.mark.parametrize("width", [8, 64])
def test_everything_at_once(width):
    frames = frames_for(width, 300, 60, 1084 if width == 64 else 300)
    run = Run(
        width,
        frames,
        idle=20,
        store=64,
        loss=6554,
        double=6554,
        reorder=6554,
        corrupt=6554,
        delay=100,
        hold_mask=255,
        pause=30,
    )
    for octets, error in run.frames:
        assert error or (octets, error) in frames
    assert all(run.counts[name] for name in ("lost", "corrupted", "doubled", "held")), run.counts


def test_reset_in_mid_flight():
    frames = frames_for(8, 20)
    run = Run(8, frames, delay=300, reset_at=9, double=30000, reorder=10000, hold_mask=15)
    assert run.counts["entered"] == 10 and run.counts["overflowed"] == 0
    assert set(run.frames) == set(frames[10:])
