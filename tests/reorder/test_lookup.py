"""Look-ups, clearing up, the timer's questions; the pipeline answers late (R5, R6, R10)."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from ttpoe.config import Config, preset
from ttpoe.reorder.lookup import Ask, LookUp

TINY = preset("tiny")
MASK = (1 << 32) - 1


def simulate(dut, testbench):
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()


class Answers:
    """The pipeline: takes events now and then, and answers each `delay` clocks later."""

    def __init__(self, ctx, port, answer, names, ready, delay):
        self.ctx, self.port, self.answer, self.names = ctx, port, answer, names
        self.ready, self.delay = ready, delay
        self.pending, self.shown, self.taken, self.clock = [], None, [], 0

    async def step(self, reply):
        """One clock; `reply(fields)` gives the answer to an event that is taken, or None."""
        ctx, port = self.ctx, self.port
        ready = self.ready()
        ctx.set(port.ready, ready)
        due = [entry for entry in self.pending if entry[0] == self.clock]
        assert len(due) <= 1
        ctx.set(self.answer.valid, bool(due))
        ctx.set(self.answer.payload, due[0][1] if due else dict(on=1, hit=1, id=0x55555555))
        if ctx.get(port.valid):
            fields = {name: ctx.get(port.payload[name]) for name in self.names}
            assert self.shown in (None, fields), "changed while it waited"
            self.shown = None if ready else fields
            if ready:
                self.taken.append((self.clock, fields))
                said = reply(fields)
                if said is not None:
                    self.pending.append((self.clock + self.delay(), said))
        else:
            assert self.shown is None, "withdrawn"
        await ctx.tick()
        self.clock += 1


# ---- LookUp --------------------------------------------------------------------------------------

LOOK_FIELDS = ("purge", "last", "lid", "id")


def look_bench(ctx, dut, ready=lambda: 1, delay=lambda: 3):
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
        bench = look_bench(ctx, dut, lambda: rng.random() < pace, lambda: rng.choice((3, 3, 4, 9)))
        jobs = [dict(purge=n % 2, lid=rng.randrange(config.links))
                for n in range(2 * reorder_slots)]
        rng.shuffle(jobs)
        expected = []                    # (fields; ID of the first LOOK of a look-up is free)
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

        for job in jobs:                  # all of them in consecutive clocks: none is lost
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
        for _ in range(2 * window + 40):
            await bench.step(reply)
        clocks = [clock for clock, _fields in bench.taken]
        assert len(clocks) == 2 * window + 3
        first, looks, second = clocks[:window], clocks[window:window + 3], clocks[window + 3:]
        assert first == list(range(first[0], first[0] + window))
        assert first[0] == 3, "job in clock 0, readable in clock 2, an event in clock 3"
        assert [b - a for a, b in zip(looks, looks[1:])] == [4, 4], "3 in the pipeline, and one"
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


# ---- Ask -----------------------------------------------------------------------------------------

ASK_FIELDS = ("lid", "id", "first")


@pytest.mark.parametrize("pace", [1.0, 0.3])
def test_walk_along_the_gaps(pace):
    """Every ID once, in order; `first` begins the run of missing ones that the ID ends."""
    rng = random.Random(f"ask {pace}")
    dut = Ask(TINY)

    async def testbench(ctx):
        bench = Answers(ctx, dut.o_ask, dut.i_asked, ASK_FIELDS,
                        lambda: rng.random() < pace, lambda: rng.choice((3, 3, 5)))
        for _walk in range(60):
            lid, start = rng.randrange(TINY.links), rng.choice((7, MASK - 3, 0x7FFFFFFE))
            length = rng.choice((1, 1, 2, 3, 9))
            kept = [rng.random() < 0.5 for _ in range(length)]
            expected, first = [], start
            for n, hit in enumerate(kept):
                number = (start + n) & MASK
                expected.append(dict(lid=lid, id=number, first=first))
                if hit:
                    first = (number + 1) & MASK
            answers = [dict(on=n < length - 1, hit=hit, id=rng.getrandbits(32))
                       for n, hit in reversed(list(enumerate(kept)))]
            ctx.set(dut.i_start.payload, dict(lid=lid, id=start))
            ctx.set(dut.i_start.valid, 1)
            done = len(bench.taken)
            await bench.step(lambda _fields: None)
            ctx.set(dut.i_start.valid, 0)
            finished = 0
            while not finished:
                await bench.step(lambda _fields, answers=answers: answers.pop())
                finished = not answers and bench.pending[-1][0] == bench.clock
                if finished:             # the answer that ends the walk is `over` in its own clock
                    ctx.set(dut.i_asked.valid, 1)
                    ctx.set(dut.i_asked.payload, bench.pending[-1][1])
                    assert ctx.get(dut.o_over)
                    await bench.step(lambda _fields: None)
            assert [fields for _clock, fields in bench.taken[done:]] == expected
            for _ in range(rng.randrange(4)):
                await bench.step(lambda _fields: None)
                assert not ctx.get(dut.o_over)
                assert not ctx.get(dut.o_ask.valid)

    simulate(dut, testbench)


def test_pace_of_a_walk_and_its_end():
    """Start in clock 0: ASK in 1; the next one in the clock behind the answer. `o_over` once."""
    dut = Ask(TINY)

    async def testbench(ctx):
        bench = Answers(ctx, dut.o_ask, dut.i_asked, ASK_FIELDS, lambda: 1, lambda: 3)
        ctx.set(dut.i_start.payload, dict(lid=1, id=50))
        ctx.set(dut.i_start.valid, 1)
        overs = []
        for clock in range(30):
            answer = next((said for at, said in bench.pending if at == clock), None)
            if answer:                   # as `step` is about to
                ctx.set(dut.i_asked.valid, 1)
                ctx.set(dut.i_asked.payload, answer)
                overs += [clock] * ctx.get(dut.o_over)
            await bench.step(lambda fields: dict(on=fields["id"] < 53, hit=0, id=0))
            ctx.set(dut.i_start.valid, 0)
            ctx.set(dut.i_asked.valid, 0)
            assert not ctx.get(dut.o_over)
        assert [(clock, fields["id"]) for clock, fields in bench.taken] == [
            (1, 50), (5, 51), (9, 52), (13, 53)]
        assert overs == [16]

    simulate(dut, testbench)
