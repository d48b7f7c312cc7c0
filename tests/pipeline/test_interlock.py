"""The interlock: distances, order, bounds and pace, and every clock against its description."""

import random
from itertools import combinations

import pytest
from amaranth import Signal
from amaranth.hdl import ResetInserter

from tests.pipeline.interlock_bench import CONFIG, Bench, Entry
from tests.simulated import Simulated
from ttpoe.pipeline.interlock import Interlock

# With check bits in memories the events lie in registers, not in LUT RAM.
SIMULATED = {
    protect: Simulated(Interlock(CONFIG.replace(protect=protect)), period=1e-8)
    for protect in ("none", "secded")
}


def run(job, seed=0, protect="none"):
    """Runs `job(bench)`."""
    simulated = SIMULATED[protect]

    async def testbench(ctx):
        await job(Bench(ctx, simulated.design, random.Random(seed)))

    simulated.run(testbench)


def entries(*keys):
    """Events of (row, place or None)."""
    return [Entry(row, place, number) for number, (row, place) in enumerate(keys)]


def check_distances(entered):
    """Section 5.1: exactly 6 clocks or 9 or more within a set, 9 or more within a place; nobody
    overtakes one of its set or place. `entered`: as they came in."""
    for at, older in enumerate(entered):
        for newer in entered[at + 1 :]:
            gap = newer.entered - older.entered
            assert gap > 0
            if gap >= 9:
                break
            assert newer.row != older.row or gap == 6, (older, newer)
            assert newer.place is None or newer.place != older.place, (older, newer)
    for older, newer in combinations(entered, 2):
        together = older.row == newer.row or (
            older.place is not None and older.place == newer.place
        )
        assert not together or older.number < newer.number, (older, newer)


def check_waits(entered):
    """Clocks from being taken: 1 to 9, and to 17 behind one that waits aside."""
    for entry in entered:
        waited = entry.entered - entry.taken
        assert 1 <= waited <= (17 if entry.behind else 9), entry


@pytest.mark.parametrize("busy", [1.0, 0.5])
@pytest.mark.parametrize("rows, places", [(1, 1), (1, 4), (2, 2), (4, 1), (4, 8)])
@pytest.mark.parametrize("protect", ["none", "secded"])
def test_random_events(protect, rows, places, busy):
    seed = f"{rows} {places} {busy}"

    async def job(bench):
        rng = bench.rng
        events = entries(
            *(
                (rng.randrange(rows), rng.choice((None, None, rng.randrange(places))))
                for _ in range(220)
            )
        )
        await bench.play(events, pause=lambda: rng.random() >= busy)
        assert sorted(entry.number for entry in bench.entered) == list(range(220)), "once each"
        check_distances(bench.entered)
        check_waits(bench.entered)
        assert bench.asides > 30
        assert rows == 1 or any(
            older.number > newer.number for older, newer in zip(bench.entered, bench.entered[1:])
        ), "others go on while one waits aside"

    run(job, seed, protect)


def test_one_event_per_clock_over_different_sets_and_places():
    async def job(bench):
        keys = [(n % 4, None) for n in range(4)]
        at = await bench.play(entries(*keys))
        assert at == [1, 2, 3, 4] and not bench.asides

    run(job)


@pytest.mark.parametrize(
    "keys, at",
    [
        ([(2, None)] * 5, [1, 7, 13, 19, 25]),
        ([(2, 3)] * 4, [1, 10, 19, 28]),
        ([(0, 3), (1, 3), (2, 3), (3, 3)], [1, 10, 19, 28]),
        ([(2, 3), (2, 4), (2, None), (2, 5)], [1, 7, 13, 19]),
        # The second one of a set waits aside, others pass it; it goes before one at the door.
        ([(2, None), (2, None), (0, None), (1, None), (3, None)], [1, 7, 3, 4, 5]),
        # Of the same set and the same place: not 6 clocks behind, though the set would allow it.
        ([(2, 3), (2, 3), (0, None)], [1, 10, 3]),
        # A place that is shown for nothing does not count.
        ([(0, 3), (1, None), (2, 3)], [1, 2, 10]),
        # Nobody overtakes the one aside, if only their place is the same.
        ([(0, None), (0, 3), (1, 3), (2, None)], [1, 7, 16, 9]),
        # The waiting room is full: the next one that is too early holds up those behind it.
        ([(2, None), (1, None), (1, None), (2, None), (0, None)], [1, 2, 8, 7, 9]),
    ],
)
def test_when_each_enters(keys, at):
    """Clocks after the first one was taken, all of them offered as soon as they are."""

    async def job(bench):
        assert await bench.play(entries(*keys)) == at
        check_distances(bench.entered)

    run(job)


def test_longest_waits():
    """9 clocks if the waiting room is free, 17 behind one that waits aside: never longer (above)."""

    async def job(bench):
        events = entries((0, 3), (1, 3), (1, 3))
        await bench.play(events)
        assert [entry.entered - entry.taken for entry in events] == [1, 9, 17]

    run(job)


def test_a_stranger_waits_one_clock_for_the_one_from_the_waiting_room():
    async def job(bench):
        events = entries((0, None), (0, None), (1, None))
        first, second, stranger = events
        for offered in (first, second, *[None] * 4, stranger, None, None):
            assert await bench.step(offered) == (offered is not None)
        assert (first.entered, second.entered, stranger.entered) == (1, 7, 8)

    run(job)


def test_after_reset_nothing_waits_and_nothing_is_ahead():
    reset = Signal()
    dut = Interlock(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut, random.Random(0))
        for entry in entries((0, 3), (0, 3), (0, 3)):
            assert await bench.step(entry)
        assert bench.room is not None and bench.door is not None
        ctx.set(dut.i_event.valid, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        after = Bench(ctx, dut, random.Random(0))
        for _ in range(12):
            await after.step(None)
        assert await after.play(entries((0, 3), (1, None))) == [1, 2]

    simulator = Simulated(ResetInserter(reset)(dut), period=1e-8)
    simulator.run(testbench)
