"""Look-ups, and clearing up; the pipeline answers late (R5, R10)."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.reorder.reorder_bench import DELAY, Answers
from tests.streams import simulate
from ttpoe.config import Config, preset
from ttpoe.reorder.lookup import LookUp

TINY = preset("tiny")
MASK = (1 << 32) - 1

LOOK_FIELDS = ("purge", "last", "lid", "id")


def look_bench(ctx, dut, ready=lambda: 1, delay=lambda: DELAY):
    return Answers(ctx, dut.o_look, dut.i_looked, LOOK_FIELDS, ready, delay)


class Receiver:
    """What the pipeline does with LOOKs and PURGEs of all links, while packets come.

    `last` of a LOOK says that the one for the ID before was under way when it was offered.
    """

    def __init__(self, rng, config):
        self.rng, self.config = rng, config
        self.received = [rng.getrandbits(32) for _ in range(config.links)]
        self.kept = [set() for _ in range(config.links)]
        self.looking = [False] * config.links
        self.jobs, self.now = [], None  # those that wait, oldest first; the one that is served
        self.alone, self.ends = False, False  # its first LOOK comes; an answer has ended it
        self.told = self.follows = None  # the ID that the last answer named; the one behind a LOOK
        self.hits = self.misses = self.chained = self.stopped = 0

    def wanted(self, lid):
        return self.received[lid] + 1 & MASK

    def packet_comes(self):
        """A packet comes in order, or is kept: the job that it asks for, or None."""
        rng = self.rng
        lid = rng.randrange(self.config.links)
        kept = self.kept[lid]
        if rng.random() < 0.7 or self.wanted(lid) in kept:
            if sum(map(len, self.kept)) < self.config.reorder_slots:
                kept.add(self.wanted(lid) + rng.choice((1, 1, 2, 2, 3, 4, 5)) & MASK)
            return None
        self.received[lid] = self.wanted(lid)
        if not kept or self.looking[lid]:
            return None
        self.looking[lid] = True
        return dict(purge=0, lid=lid)

    def answer(self, fields, pending):
        """To an event that is taken while the answers of `pending` others are to come."""
        ahead = fields["last"] and not fields["purge"]  # offered before its job ended
        if self.now is None or (self.ends and not pending and not ahead):
            self.now = self.jobs.pop(0)
            self.alone, self.ends, self.told = True, False, None
            self.place = 0
        assert {name: fields[name] for name in self.now} == self.now
        if self.now["purge"]:
            last = self.place == self.config.reorder_window - 1
            assert fields["id"] == self.place and fields["last"] == last
            self.place += 1
            self.now = None if last else self.now
            return None
        return self.look(fields, pending)

    def look(self, fields, pending):
        lid, number, ahead = fields["lid"], fields["id"], fields["last"]
        kept = self.kept[lid]
        assert len(pending) <= 1
        if ahead:
            assert not self.alone and number == self.follows
            self.chained += bool(pending)
        else:
            assert not pending and (self.alone or number == self.told)
        self.alone, self.follows = False, number + 1 & MASK
        hit = self.looking[lid] and number == self.wanted(lid) and number in kept
        if hit:
            kept.remove(number)
            self.received[lid] = number
        elif self.looking[lid] and (not kept or (number == self.wanted(lid) and not ahead)):
            self.looking[lid] = False
        self.hits, self.misses = self.hits + hit, self.misses + (ahead and not hit)
        self.stopped += self.ends  # one that was ahead when the look-up ended
        self.ends |= not self.looking[lid]
        self.told = self.wanted(lid)
        return dict(on=self.looking[lid], hit=hit, id=self.told)


@pytest.mark.parametrize("reorder_slots", [4, 16])
@pytest.mark.parametrize("pace", [1.0, 0.3])
def test_jobs_are_done_in_order_and_each_to_its_end(reorder_slots, pace):
    """Look-ups between purges, while packets come: what is kept is delivered in order, and behind
    the last look-up no link has a packet that it could deliver."""
    config = Config(rx_slots=64, reorder_slots=reorder_slots, sets=4)
    rng = random.Random(f"{reorder_slots} {pace}")
    dut = LookUp(config)

    async def testbench(ctx):
        receiver = Receiver(rng, config)
        bench = look_bench(ctx, dut, lambda: rng.random() < pace, lambda: rng.choice((DELAY, 20)))
        reply = lambda fields: receiver.answer(fields, bench.pending)
        purges = 6
        for clock in range(6000):
            job = receiver.packet_comes() if clock % 5 == 0 and clock < 4000 else None
            if job is None and purges and rng.random() < 0.002:
                job, purges = dict(purge=1, lid=rng.randrange(config.links)), purges - 1
            ctx.set(dut.i_job.valid, job is not None)
            ctx.set(dut.i_job.payload, job or dict(purge=1, lid=5))
            receiver.jobs += [job] if job else []
            await bench.step(reply)
        assert not receiver.jobs and not any(receiver.looking) and not ctx.get(dut.o_look.valid)
        for lid, kept in enumerate(receiver.kept):
            assert receiver.wanted(lid) not in kept, "left behind"
        assert bench.most == 2
        counts = receiver.hits, receiver.misses, receiver.chained, receiver.stopped
        assert all(counts), counts

    simulate(dut, testbench)


@pytest.mark.parametrize("reorder_slots", [4, 16])
def test_as_many_jobs_wait_as_there_are_slots_of_each_kind(reorder_slots):
    """All of them in consecutive clocks: none is lost."""
    config = Config(rx_slots=64, reorder_slots=reorder_slots)
    rng = random.Random(reorder_slots)
    dut = LookUp(config)

    async def testbench(ctx):
        bench = look_bench(ctx, dut)
        jobs = [
            dict(purge=n % 2, lid=rng.randrange(config.links)) for n in range(2 * reorder_slots)
        ]
        rng.shuffle(jobs)
        reply = lambda fields: None if fields["purge"] else dict(on=0, hit=0, id=0)
        for clock in range(2 * reorder_slots + reorder_slots * (config.reorder_window + 30)):
            ctx.set(dut.i_job.valid, clock < len(jobs))
            ctx.set(dut.i_job.payload, jobs[clock] if clock < len(jobs) else dict(purge=0, lid=0))
            await bench.step(reply)
        begun = [
            dict(purge=fields["purge"], lid=fields["lid"])
            for _clock, fields in bench.taken
            if not fields["purge"] or fields["id"] == 0
        ]
        assert begun == jobs

    simulate(dut, testbench)


def test_pace_of_a_purge_and_of_a_look_up():
    """A PURGE in every clock. The first LOOK is alone; then two are under way while there are hits,
    each in the clock behind an answer; behind one that is no hit all are waited for."""
    dut = LookUp(TINY)
    window = TINY.reorder_window

    async def testbench(ctx):
        bench = look_bench(ctx, dut)
        said = [dict(on=1, hit=0, id=100)]  # the first one's ID is a guess
        said += [dict(on=1, hit=1, id=101 + n) for n in range(3)]
        said += [dict(on=1, hit=0, id=200)] * 2  # 103, 104
        said += [dict(on=1, hit=1, id=201)]
        said += [dict(on=0, hit=0, id=201), dict(on=1, hit=1, id=202)]
        reply = lambda fields: None if fields["purge"] else said.pop(0)
        for job in (dict(purge=1, lid=6), dict(purge=0, lid=2), dict(purge=1, lid=1)):
            ctx.set(dut.i_job.payload, job)
            ctx.set(dut.i_job.valid, 1)
            await bench.step(reply)
        ctx.set(dut.i_job.valid, 0)
        for _ in range(2 * window + 120):
            await bench.step(reply)
        clocks = [clock for clock, _fields in bench.taken]
        first, looks, second = clocks[:window], bench.taken[window:-window], clocks[-window:]
        assert first == list(range(first[0], first[0] + window))
        assert first[0] == 3, "job in clock 0, readable in clock 2, an event in clock 3"
        turn, began = DELAY + 1, looks[0][0]  # from a LOOK to the one behind its answer
        assert [(clock - began, f["id"], f["last"]) for clock, f in looks[1:]] == [
            (turn, 100, 0),
            (turn + 1, 101, 1),
            (2 * turn, 102, 1),
            (2 * turn + 1, 103, 1),
            (3 * turn, 104, 1),
            (4 * turn, 200, 0),
            (4 * turn + 1, 201, 1),
            (5 * turn, 202, 1),
        ]
        assert second == list(range(second[0], second[0] + window))
        assert second[0] == looks[-1][0] + DELAY + 2
        assert {fields["lid"] for _c, fields in looks} == {2}
        assert not said

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
