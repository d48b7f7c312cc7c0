"""The urgency arbiter: who is granted, and how long anyone waits."""

import random

import pytest
from amaranth.sim import Simulator

from ttpoe.stream.arbiter import UrgencyArbiter

SIZES = [(1, 4), (2, 4), (3, 4), (5, 4), (3, 1), (3, 2), (4, 3)]


def run(count, share, inputs):
    """(requests, grant, index) of each clock; `inputs` gives (requests, take) per clock."""
    dut = UrgencyArbiter(count, share)
    seen = []

    async def bench(ctx):
        for requests, take in inputs:
            ctx.set(dut.requests, requests)
            ctx.set(dut.advance, bool(take and requests))
            seen.append((requests, ctx.get(dut.grant), ctx.get(dut.index)))
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    return seen


@pytest.mark.parametrize("count,share", SIZES)
def test_grant_is_one_requester_that_asks(count, share):
    seed = 100 * count + share
    rng = random.Random(seed)
    inputs = [(rng.getrandbits(count), rng.random() < 0.7) for _ in range(600)]
    for requests, grant, index in run(count, share, inputs):
        if requests:
            assert grant == 1 << index and grant & requests, f"seed {seed}"
        else:
            assert (grant, index) == (0, 0), f"seed {seed}"


def test_order_of_grants_when_all_ask():
    indices = [index for _, _, index in run(3, 4, [(0b111, 1)] * 24)]
    assert indices == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2] * 2


def test_turn_nobody_takes_goes_to_the_most_urgent():
    indices = [index for _, _, index in run(3, 4, [(0b110, 1)] * 12)]
    assert indices == [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]


def test_unused_grants_pass_no_turn():
    inputs = [(0b111, clock % 3 == 0) for clock in range(36)]
    used = [index for (_, take), (_, _, index) in zip(inputs, run(3, 4, inputs)) if take]
    assert used == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]


@pytest.mark.parametrize("pause", [[(0b10, 1)], [(0b10, 1), (0b00, 1)], [(0b10, 1)] * 2])
def test_now_and_then_the_most_urgent_never_loses(pause):
    """Whoever had to wait is served in the next clock, so no turns add up against it."""
    seen = run(2, 4, ([(0b11, 1)] + pause) * 30)
    assert {index for requests, _, index in seen if requests == 0b11} == {0}


@pytest.mark.parametrize("count,share", SIZES)
def test_bound_on_waiting(count, share):
    """Within share * count grants, whatever the others do; and the bound is reached."""
    worst = 0
    for target in range(count):
        seed = 1000 * count + 10 * share + target
        rng = random.Random(seed)
        inputs = []
        for clock in range(800):
            others = (1 << count) - 1 if clock < 400 else rng.getrandbits(count)
            inputs.append((others | 1 << target, rng.random() < 0.8))
        waited = 0
        for (_, take), (_, grant, _) in zip(inputs, run(count, share, inputs)):
            if not take:
                continue
            waited += 1
            if grant >> target & 1:
                worst = max(worst, waited)
                waited = 0
            assert waited < share * count, f"seed {seed}"
    if count > 1:
        assert worst == share * count
