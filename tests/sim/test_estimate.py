"""How much time `ttpoe sim` says is left."""

import pytest

from ttpoe.config import preset
from ttpsim.scenario import estimate
from ttpsim.scenario.run import Run

TINY = preset("tiny")


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch, tmp_path):
    clock = Clock()
    monkeypatch.setattr(estimate, "time", clock)
    monkeypatch.setattr(estimate, "_FILE", tmp_path / "seconds.json")
    return clock


def runs(count):
    return [Run(f"s{n}", f"s{n}", "verilator", TINY, 1, {}, False) for n in range(count)]


def passed(plan, run, seconds):
    run.state, run.seconds = "passed", seconds
    plan.ran(run)


def test_it_is_right_from_the_start_if_the_guess_is(clock):
    """A build of half a minute that is not over does not make what is left longer and longer."""
    some = runs(20)
    plan = estimate.Estimate(some, jobs=2)
    work = estimate.build_seconds(some[0]) + 20 * 6
    assert plan.left() == pytest.approx(work / 2)
    clock.now = 20.0
    assert plan.left(under_way=40.0) == pytest.approx((work - 40) / 2)
    assert plan.left(under_way=1000.0) == 0


def test_the_pace_so_far_counts(clock):
    some = runs(40)
    plan = estimate.Estimate(some, jobs=1)
    plan.built(some[0], made=True)
    for run in some[:20]:
        clock.now += 60
        passed(plan, run, 60)
    assert plan.left() > 20 * 25
    for run in some[20:]:
        passed(plan, run, 60)
    assert plan.left() == 0


def test_what_was_there_already_was_no_work(clock):
    some = runs(1)
    made, found = (estimate.Estimate(some, 1) for _ in range(2))
    made.built(some[0], made=True)
    found.built(some[0], made=False)
    clock.now = 1.0
    assert made.left() < found.left()


def test_runs_take_as_long_as_the_last_time(clock):
    some = runs(3)
    plan = estimate.Estimate(some, 1)
    for run in some[:2]:
        passed(plan, run, 100)
    some[2].state = "failed"
    plan.ran(some[2])
    plan.save()
    again = estimate.Estimate(some, 1)
    assert again.left() == pytest.approx(estimate.build_seconds(some[0]) + 100 + 100 + 6)
