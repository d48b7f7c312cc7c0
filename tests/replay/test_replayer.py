"""NACKed ranges sent again along a list of slots (R7)."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.long import crossed
from tests.replay.replayer_bench import CONFIG, Bench, Order, RandomRanges, low, replayed
from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.replay.replayer import Replayer, Walk


@pytest.mark.parametrize("una", [0, 100, 126])
@pytest.mark.parametrize(
    "lag,current,first,last",
    [
        (0, 1, 0, 0),
        (0, 64, 0, 63),
        (0, 64, 63, 63),
        (0, 64, 5, 9),
        (7, 20, 0, 1),
        (7, 20, 3, 40),
        (7, 20, -4, 2),
        (40, 24, 23, 23),
    ],
)
def test_clocks_of_one_range(una, lag, current, first, last):
    """Range in clock 0; SEEK in 2, out of Q3 three clocks later; then one to measure, two for each
    hop to the first; a REPLAY every third clock; WALKED three clocks behind the last."""
    dut = Replayer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut, seed=lag)
        slots = bench.link(64)
        wanted = dict(lid=5, first=low(una + first), last=low(una + last))
        walk = dict(found=1, head=slots[0], una=una, lag=lag, current=current)
        await bench.step(push=wanted)
        await bench.until(Walk.WALKED, answer=lambda _seek: walk)
        clock, seek = bench.taken[0]
        assert clock == 2 and seek["walk"] == Walk.SEEK
        assert {name: seek[name] for name in wanted} == wanted
        places = range(max(first, 0), min(last, current - 1) + 1)
        begin = bench.walk_clocks[0] + 4 + 2 * (lag + places[0])
        assert replayed(bench) == [
            (begin + 3 * n, low(una + place), slots[lag + place]) for n, place in enumerate(places)
        ]
        clock, walked = bench.taken[-1]
        assert clock == begin + 3 * len(places)
        assert bench.hops == lag + places[-1] + 1, "the last one is passed, too"
        assert all(fields["lid"] == 5 for _clock, fields in bench.taken)
        for _ in range(20):
            await bench.step()
        assert bench.taken[-1][1] is walked and bench.full == 0

    simulate(dut, testbench)


@pytest.mark.parametrize(
    "lag,current,first,last",
    [(0, 3, 3, 5), (0, 3, -4, -1), (5, 3, -4, -1), (5, 3, -9, -7), (2, 3, 2, 1), (0, 1, 1, 1)],
)
def test_a_range_of_which_nothing_is_in_flight_any_more(lag, current, first, last):
    """Acknowledged or rewound since, or empty: WALKED at once, and no slot is sent."""
    dut = Replayer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        slots = bench.link(20)
        await bench.step(push=dict(lid=2, first=low(50 + first), last=low(50 + last)))
        await bench.until(
            Walk.WALKED,
            answer=lambda _seek: dict(found=1, head=slots[0], una=50, lag=lag, current=current),
        )
        assert [f["walk"] for _clock, f in bench.taken] == [Walk.SEEK, Walk.WALKED]

    simulate(dut, testbench)


def test_ranges_of_one_link_share_a_walk():
    """Each that begins where the walk stands or behind that; four clocks to take up another."""
    dut = Replayer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        slots, lag = bench.link(30), 3
        walk = dict(found=1, head=slots[0], una=100, lag=lag, current=20)
        for first, last in ((2, 3), (4, 4), (9, 10), (6, 11)):
            await bench.step(
                push=dict(lid=5, first=low(100 + first), last=low(100 + last)),
                answer=lambda _seek: walk,
            )
        await bench.until(Walk.WALKED, answer=lambda _seek: walk)
        begin = bench.walk_clocks[0] + 4 + 2 * (lag + 2)
        # Two clocks after the last REPLAY to see the end, four for the next range; 5 to 8 are hops.
        clocks = [begin + more for more in (0, 3, 10, 25, 28)]
        assert replayed(bench) == [
            (clock, low(100 + place), slots[lag + place])
            for clock, place in zip(clocks, (2, 3, 4, 9, 10))
        ]
        # 6 to 11: the walk has passed 6. It has a walk of its own.
        await bench.until(Walk.SEEK, answer=lambda _seek: dict(found=0))
        assert [f["first"] for _clock, f in bench.taken if f["walk"] == Walk.SEEK] == [102, 106]

    simulate(dut, testbench)


@pytest.mark.parametrize(
    "why,lid,first,last",
    [
        ("another link's", 4, 8, 9),
        ("behind the walk", 5, 6, 9),
        ("empty", 5, 9, 8),
        ("not passed by the sending position", 5, 20, 20),
        ("acknowledged", 5, -3, -1),
    ],
)
def test_a_range_that_the_walk_does_not_take_along(why, lid, first, last):
    """It waits for the WALKED and has its own SEEK."""
    dut = Replayer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        slots = bench.link(30)
        places = (7, 7) if first >= 0 else (-9, -8)
        await bench.step(push=dict(lid=5, first=low(100 + places[0]), last=low(100 + places[1])))
        await bench.step(push=dict(lid=lid, first=low(100 + first), last=low(100 + last)))
        for _ in range(120):
            await bench.step(
                answer=lambda _seek: dict(found=1, head=slots[0], una=100, lag=2, current=20)
            )
        kinds = [f["walk"] for _clock, f in bench.taken]
        replays = kinds.index(Walk.WALKED) - 1
        assert replays == (first >= 0), why
        assert kinds[replays + 2] == Walk.SEEK and bench.taken[replays + 2][1]["lid"] == lid, why
        assert kinds.count(Walk.SEEK) == kinds.count(Walk.WALKED) == 2, why

    simulate(dut, testbench)


@pytest.mark.parametrize("slots, pace", crossed([4, 64, 1024], [1.0, 0.4, 0.1]))
def test_random_ranges_against_a_list(slots, pace):
    """Each range: its packets in order with their slots, behind a SEEK of its own or of one before
    it; nothing else."""
    config = preset("tiny").replace(slots=slots)
    seed = f"{slots} {pace}"
    rng = random.Random(seed)
    dut = Replayer(config)
    order = Order(config)

    async def testbench(ctx):
        bench = Bench(
            ctx, dut, config, lambda: rng.random() < pace, lambda: rng.choice((3, 3, 4, 8)), seed
        )
        ranges = RandomRanges(bench, order, rng)
        checked = 0
        while ranges.left or order.waiting or bench.walks or order.walk:
            await bench.step(ranges.push(), ranges.answer)
            for _clock, fields in bench.taken[checked:]:
                order.take(fields)
            checked = len(bench.taken)
            assert bench.clock < 60000, seed
        for _ in range(200):
            await bench.step(None, ranges.answer)
        assert len(bench.taken) == checked and bench.full == 0
        assert order.seeks + order.joined == 60, seed
        assert all(ranges.seen.values()), f"seed {seed} did not reach {ranges.seen}"

    simulate(dut, testbench)
    assert order.joined > 2 or slots == 4, seed


def test_the_list_may_grow_while_a_replay_waits():
    """The packet behind the one that waits is found, though its link was written meanwhile."""
    dut = Replayer(CONFIG)

    async def testbench(ctx):
        go = [0]
        bench = Bench(ctx, dut, ready=lambda: go[0])
        slots = bench.link(3)
        late = bench.following.pop(slots[1])
        await bench.step(push=dict(lid=1, first=0, last=1))
        go[0] = 1
        await bench.until(
            Walk.SEEK, answer=lambda _s: dict(found=1, head=slots[0], una=0, lag=1, current=2)
        )
        go[0] = 0
        for _ in range(20):
            await bench.step()
        bench.following[slots[1]] = late
        await bench.step()
        go[0] = 1
        await bench.until(Walk.WALKED)
        assert [entry[1:] for entry in replayed(bench)] == [(0, slots[1]), (1, slots[2])]

    simulate(dut, testbench)


@pytest.mark.parametrize("busy", [False, True])
def test_ranges_that_find_the_queue_full_are_dropped_and_counted(busy):
    """Sixteen wait, and one more is under way; the seventeenth waiting one is counted, once."""
    dut = Replayer(CONFIG)

    async def testbench(ctx):
        go = [0]
        bench = Bench(ctx, dut, ready=lambda: go[0])
        fit = Replayer.QUEUE
        if busy:
            await bench.step(push=dict(lid=7, first=0, last=0))
            for _ in range(4):
                await bench.step()
        else:
            fit += 1  # the first leaves the queue while the others come
        for n in range(fit + 3):
            assert bench.full == 0 or n > fit
            await bench.step(push=dict(lid=n % 8, first=n, last=n))
        for _ in range(4):
            await bench.step()
        assert bench.full == 3
        go[0] = 1
        for _ in range(40 * Replayer.QUEUE):
            await bench.step()
        seeks = [fields["first"] for _clock, fields in bench.taken]
        assert Replayer.QUEUE == 16
        assert seeks == [0] * busy + list(range(fit)) and bench.full == 3

    simulate(dut, testbench)


def test_reset_ends_the_walk_and_empties_the_queue():
    reset = Signal()
    dut = Replayer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        slots = bench.link(40)
        for n in range(3):
            await bench.step(
                push=dict(lid=n, first=n, last=39),
                answer=lambda _s: dict(found=1, head=slots[0], una=0, lag=0, current=40),
            )
        for _ in range(30):
            await bench.step()
        assert len(replayed(bench)) > 3
        ctx.set(reset, 1)
        bench.walks, bench.shown = {}, None
        await ctx.tick()
        ctx.set(reset, 0)
        count = len(bench.taken)
        for _ in range(100):
            await bench.step()
        assert len(bench.taken) == count
        await bench.step(push=dict(lid=4, first=11, last=12))
        for _ in range(5):
            await bench.step()
        assert bench.taken[-1][1]["lid"] == 4 and bench.taken[-1][1]["first"] == 11

    simulate(ResetInserter(reset)(dut), testbench)
