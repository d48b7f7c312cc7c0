"""Acknowledged slots are freed in runs, of one link at a time (S10)."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.replay.retirer import RUN, Retirer

CONFIG = preset("tiny").replace(slots=64)
PIPELINE = 8
"""Clocks from a RETIRE that is taken to its leaving Q3, here."""


class Bench:
    """The list memory, others who use it, Q0 and the pipeline; and what must come of a report."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut
        self.following = list(range(1, CONFIG.slots)) + [0]
        self.rng = random.Random(7)
        self.shown = None  # what the memory shows
        self.run = None  # what is walked along: lid, slots, how many have been passed
        self.left = None  # clocks until the RETIRE that was taken leaves Q3
        self.lag = None  # of the link of the run, as its RETIRE leaves it
        self.clock = 0
        self.passed, self.retired = [], []  # (clock, slot), (clock, fields)

    def begin(self, report):
        """A report that is taken: the run that it begins."""
        slots, at = [], report["head"]
        for _ in range(min(report["count"], RUN)):
            slots.append(at)
            at = self.following[at]
        self.run = dict(lid=report["lid"], slots=slots, passed=0, taken=False)

    async def step(self, report=None, walk=0, ready=1, again=None):
        """One clock. `again` is what is left of the link's lag when its RETIRE leaves."""
        ctx, dut, run = self.ctx, self.dut, self.run
        leaves = self.left == 0
        if leaves:
            report = again
        ctx.set(dut.i_retired, leaves)
        ctx.set(dut.i_lag.valid, report is not None)
        ctx.set(dut.i_lag.payload, report or dict(lid=5, count=63, head=11))
        ctx.set(dut.i_walk, walk)
        ctx.set(dut.o_retire.ready, ready)
        garbage = self.rng.randrange(CONFIG.slots)
        ctx.set(dut.successor.data, garbage if self.shown is None else self.shown)
        assert ctx.get(dut.o_walks.valid) == (run is not None), self.clock
        assert run is None or ctx.get(dut.o_walks.payload) == run["lid"]
        self.shown = None
        if ctx.get(dut.successor.en) and not walk:  # else somebody else reads
            self.shown = self.following[ctx.get(dut.successor.addr)]
        if ctx.get(dut.o_passed.valid):
            slot = ctx.get(dut.o_passed.payload)
            assert slot == run["slots"][run["passed"]], self.clock
            run["passed"] += 1
            self.passed.append((self.clock, slot))
        if ctx.get(dut.o_retire.valid):
            fields = {name: ctx.get(dut.o_retire.p[name]) for name in ("lid", "slot", "count")}
            slots = run["slots"]
            assert fields == dict(lid=run["lid"], slot=slots[-1], count=len(slots)), self.clock
            assert run["passed"] == len(slots) and not run["taken"]
            if ready:
                run["taken"] = True
                self.retired.append((self.clock, fields))
                self.left = PIPELINE + 1
        self.left = None if self.left in (None, 0) else self.left - 1
        if leaves:
            self.run = None
        if report and (leaves or run is None):
            self.begin(report)
        await ctx.tick()
        self.clock += 1


@pytest.mark.parametrize("pace", [1.0, 0.3])
def test_what_lags_behind_of_one_link_is_freed_in_runs(pace):
    """Whoever disturbs it; what is reported of others meanwhile is left to visits."""
    rng = random.Random(pace)
    dut = Retirer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        rng.shuffle(bench.following)
        counts = (1, 2, 3, RUN - 1, RUN, RUN + 1, 2 * RUN, CONFIG.slots)
        random_lag = lambda: dict(
            lid=rng.randrange(CONFIG.links),
            count=rng.choice(counts),
            head=rng.randrange(CONFIG.slots),
        )
        for _ in range(8000):
            busy = rng.random() < 0.5
            again = None
            if bench.run and rng.random() < 0.6:
                again = random_lag() | {"lid": bench.run["lid"]}
            await bench.step(
                random_lag() if rng.random() < 0.1 else None,
                walk=busy and rng.random() < 0.7,
                ready=rng.random() < pace,
                again=again,
            )
        lengths = {fields["count"] for _clock, fields in bench.retired}
        assert lengths == {1, 2, 3, RUN - 1, RUN}
        assert len(bench.retired) > 50

    simulate(dut, testbench)


@pytest.mark.parametrize("count", [1, 2, RUN - 1, RUN, RUN + 1, CONFIG.slots])
def test_pace_of_a_run_and_of_the_next_one(count):
    """Report in clock 0: a slot passed in 3, 5, ..., and RETIRE 2n clocks behind the report and
    one, with the last of them; what its own event reports is begun at once."""
    dut = Retirer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        length, lid = min(count, RUN), 3
        await bench.step(dict(lid=lid, count=count, head=2))
        again = dict(lid=lid, count=5, head=40)
        while not bench.retired:
            await bench.step()
        assert bench.passed == [(3 + 2 * n, 2 + n) for n in range(length)]
        at = 2 * length + 1
        assert bench.retired == [(at, dict(lid=lid, slot=2 + length - 1, count=length))]
        while len(bench.retired) < 2:
            await bench.step(again=again)
        left = at + PIPELINE + 1
        assert bench.passed[length:] == [(left + 3 + 2 * n, 40 + n) for n in range(5)]
        assert bench.retired[1] == (left + 11, dict(lid=lid, slot=44, count=5))
        for _ in range(40):
            await bench.step()
        assert len(bench.retired) == 2 and bench.run is None

    simulate(dut, testbench)


def test_it_waits_for_who_reads_the_list():
    dut = Retirer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        await bench.step(dict(lid=1, count=3, head=7))
        for _ in range(10):
            await bench.step(walk=1)
        assert not bench.passed
        for _ in range(2):
            await bench.step()
        assert not bench.passed
        for _ in range(10):
            await bench.step(walk=1)
        assert bench.passed == [(13, 7)]
        for _ in range(6):
            await bench.step()
        assert bench.retired == [(27, dict(lid=1, slot=9, count=3))]

    simulate(dut, testbench)


def test_retirer_is_idle_after_reset():
    reset = Signal()
    dut = Retirer(CONFIG)

    async def testbench(ctx):
        bench = Bench(ctx, dut)
        for clocks in (1, 2, 8):  # it passes, hops, offers
            await bench.step(dict(lid=1, count=3, head=5))
            for _ in range(clocks):
                await bench.step(ready=0)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            bench.run = None
            passed = len(bench.passed)
            for _ in range(20):
                await bench.step()
            assert not bench.retired and len(bench.passed) == passed

    simulate(ResetInserter(reset)(dut), testbench)
