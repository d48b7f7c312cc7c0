"""Look-ups, and clearing up; the pipeline answers late (R5, R10)."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.reorder.reorder_bench import DELAY, Answers
from tests.streams import simulate
from ttpoe.config import Config, preset
from ttpoe.reorder.lookup import LookUp

TINY = preset("tiny")

LOOK_FIELDS = ("purge", "last", "lid", "id")


def look_bench(ctx, dut, ready=lambda: 1, delay=lambda: DELAY):
    return Answers(ctx, dut.o_look, dut.i_looked, LOOK_FIELDS, ready, delay)


@pytest.mark.parametrize("reorder_slots", [4, 16])
@pytest.mark.parametrize("pace", [1.0, 0.3])
def test_jobs_are_done_in_order_and_each_to_its_end(reorder_slots, pace):
    """Look-ups of random length between purges; as many jobs wait as may."""
    config = Config(rx_slots=64, reorder_slots=reorder_slots)
    rng = random.Random(f"{reorder_slots} {pace}")
    dut = LookUp(config)
    window = config.reorder_window

    async def testbench(ctx):
        bench = look_bench(ctx, dut, lambda: rng.random() < pace, lambda: rng.choice((DELAY, 20)))
        jobs = [
            dict(purge=n % 2, lid=rng.randrange(config.links)) for n in range(2 * reorder_slots)
        ]
        rng.shuffle(jobs)
        expected = []  # (fields; ID of the first LOOK of a look-up is free)
        answers = []
        for job in jobs:
            if job["purge"]:
                expected += [dict(job, id=n, last=n == window - 1) for n in range(window)]
                continue
            ids = [rng.getrandbits(32) for _ in range(rng.randrange(1, 6))]
            expected += [dict(job, id=n, last=0) for n in (None, *ids)]
            answers += [dict(on=1, hit=0, id=n) for n in ids]
            answers.append(dict(on=0, hit=0, id=rng.getrandbits(32)))
        answers.reverse()

        def reply(fields):
            return None if fields["purge"] else answers.pop()

        for job in jobs:  # all of them in consecutive clocks: none is lost
            ctx.set(dut.i_job.payload, job)
            ctx.set(dut.i_job.valid, 1)
            await bench.step(reply)
        ctx.set(dut.i_job.valid, 0)
        while len(bench.taken) < len(expected):
            await bench.step(reply)
            assert bench.clock < 200 * len(expected)
        for _ in range(40):
            await bench.step(reply)
        assert len(bench.taken) == len(expected) and not answers
        for (_clock, found), want in zip(bench.taken, expected):
            if want["id"] is None:
                want = dict(want, id=found["id"])
            assert found == want

    simulate(dut, testbench)


def test_pace_of_a_purge_and_of_a_look_up():
    """A PURGE in every clock; a LOOK in the clock behind the answer, or stalled for nobody else."""
    dut = LookUp(TINY)
    window = TINY.reorder_window

    async def testbench(ctx):
        bench = look_bench(ctx, dut)
        left = [3]

        def reply(fields):
            if fields["purge"]:
                return None
            left[0] -= 1
            return dict(on=left[0] > 0, hit=0, id=100 + left[0])

        for job in (dict(purge=1, lid=6), dict(purge=0, lid=2), dict(purge=1, lid=1)):
            ctx.set(dut.i_job.payload, job)
            ctx.set(dut.i_job.valid, 1)
            await bench.step(reply)
        ctx.set(dut.i_job.valid, 0)
        for _ in range(2 * window + 60):
            await bench.step(reply)
        clocks = [clock for clock, _fields in bench.taken]
        assert len(clocks) == 2 * window + 3
        first, looks, second = clocks[:window], clocks[window : window + 3], clocks[window + 3 :]
        assert first == list(range(first[0], first[0] + window))
        assert first[0] == 3, "job in clock 0, readable in clock 2, an event in clock 3"
        assert [b - a for a, b in zip(looks, looks[1:])] == [DELAY + 1] * 2
        assert second == list(range(second[0], second[0] + window))
        assert [fields["lid"] for _c, fields in bench.taken[window:]] == [2] * 3 + [1] * window

    simulate(dut, testbench)


def test_a_look_up_waits_for_its_answer():
    dut = LookUp(TINY)

    async def testbench(ctx):
        bench = look_bench(ctx, dut)
        for lid in (3, 4):
            ctx.set(dut.i_job.payload, dict(purge=0, lid=lid))
            ctx.set(dut.i_job.valid, 1)
            await bench.step(lambda _fields: None)
        ctx.set(dut.i_job.valid, 0)
        for _ in range(60):
            await bench.step(lambda _fields: None)
        assert [fields["lid"] for _clock, fields in bench.taken] == [3]

    simulate(dut, testbench)


def test_reset_forgets_jobs():
    reset = Signal()
    dut = LookUp(TINY)

    async def testbench(ctx):
        bench = look_bench(ctx, dut)
        for lid in range(4):
            ctx.set(dut.i_job.payload, dict(purge=1, lid=lid))
            ctx.set(dut.i_job.valid, 1)
            await bench.step(lambda _fields: None)
        ctx.set(dut.i_job.valid, 0)
        for _ in range(5):
            await bench.step(lambda _fields: None)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        count = len(bench.taken)
        for _ in range(40):
            await bench.step(lambda _fields: None)
        assert 0 < count == len(bench.taken)

    simulate(ResetInserter(reset)(dut), testbench)
