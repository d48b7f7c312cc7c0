"""The urgency arbiter: who is granted, and how long anyone waits."""

import random

import pytest
from amaranth.sim import Simulator

from ttpoe.stream.arbiter import UrgencyArbiter

SIZES = [(1, 4), (2, 4), (3, 4), (5, 4), (3, 1), (3, 2), (4, 3)]


def run(count, share, inputs):
    """(requests, grant, index) of each clock; `inputs` gives (requests, take) per clock, and maybe
    who waits for room."""
    dut = UrgencyArbiter(count, share)
    seen = []

    async def bench(ctx):
        for requests, take, *waiting in inputs:
            ctx.set(dut.requests, requests)
            ctx.set(dut.waiting, waiting[0] if waiting else 0)
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


class Described:
    """The arbiter as its documentation has it."""

    def __init__(self, count, share):
        self.count, self.share, self.turn, self.pointer = count, share, 0, 0

    def clock(self, requests, take, waiting):
        """The grant (0: none); `take`: it is used."""
        by_turn, mine = self.turn == self.share - 1, 1 << self.pointer
        grant = requests & mine if by_turn else 0
        grant = grant or requests & -requests
        if not requests | waiting or (take and requests and not (requests | waiting) & ~grant):
            self.turn = 0
        elif take and requests and not (by_turn and waiting & mine):
            self.turn = (self.turn + 1) % self.share
            self.pointer = (self.pointer + by_turn) % self.count
        return grant


@pytest.mark.parametrize("count,share", [*SIZES, (15, 4)])
def test_random_requests_with_and_without_room(count, share):
    """Clock by clock as described; many ask, or few, or one."""
    rng = random.Random(f"{count} {share}")
    inputs = []
    for clock in range(500):
        if clock % 20 == 0:
            asks, room, takes = rng.random(), rng.choice((0.3, 0.9)), rng.choice((0.5, 1.0))
        wants = sum((rng.random() < asks) << n for n in range(count))
        without = wants & rng.getrandbits(count) if rng.random() > room else 0
        inputs.append((wants & ~without, rng.random() < takes, without))
    described = Described(count, share)
    wanted = [described.clock(*clock) for clock in inputs]
    assert [grant for _, grant, _ in run(count, share, inputs)] == wanted


def test_the_turn_waits_for_one_without_room():
    """Its room is there but now and then: it is the next one then, not one in a round of turns."""
    rooms = (15, 31, 40, 63)
    inputs = [(0b111, 1) if n in rooms else (0b011, 1, 0b100) for n in range(64)]
    indices = [index for _, _, index in run(3, 4, inputs)]
    assert [n for n, index in enumerate(indices) if index == 2] == [15, 31, 63]


def test_one_that_waits_for_room_is_somebody_who_waits():
    """Beside it the only one who asks uses up its turns, so that the other's comes."""
    inputs = [(0b01, 1, 0b10)] * 7 + [(0b11, 1)] * 2
    assert [index for _, _, index in run(2, 4, inputs)] == [0] * 7 + [1, 0]
