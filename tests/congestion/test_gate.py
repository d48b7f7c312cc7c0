"""The gate: who may not send yet goes round, and holds up nobody (decision K9)."""

import random

import pytest

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.congestion.gate import Gate

CONFIG = preset("default")
PASSES = dict(slow=0, stop=0, paced=0, next_at=0)


def bench(dut, states, visits, ready=lambda: 1, clocks=400, now=lambda clock: clock // 8):
    """Offers `visits`; {clock: link} of those that left. `states`: link -> word, may be changed."""
    left = {}

    async def testbench(ctx):
        waiting, index = list(visits), 0
        for clock in range(clocks):
            ctx.set(dut.i_now, now(clock))
            ctx.set(dut.i_state, states(index, clock))
            ctx.set(dut.i_visit.valid, bool(waiting))
            ctx.set(dut.i_visit.payload, waiting[0] if waiting else 0)
            ctx.set(dut.o_visit.ready, ready())
            index = ctx.get(dut.o_index)
            if ctx.get(dut.o_visit.valid) and ctx.get(dut.o_visit.ready):
                left[clock] = ctx.get(dut.o_visit.payload)
            if waiting and ctx.get(dut.i_visit.ready):
                waiting.pop(0)
            await ctx.tick()

    simulate(dut, testbench)
    return left


def test_a_free_link_passes_in_two_clocks():
    left = bench(Gate(CONFIG), lambda link, clock: PASSES, [5], clocks=20)
    assert left == {2: 5}


def test_nobody_is_lost_or_doubled():
    """Links of all kinds, a slow taker; each leaves once, in the end."""
    rng = random.Random(3)
    words = {
        link: rng.choice((PASSES, dict(slow=1, stop=0, paced=1, next_at=rng.randrange(60))))
        for link in range(40)
    }
    left = bench(
        Gate(CONFIG),
        lambda link, clock: words.get(link, PASSES),
        range(40),
        ready=lambda: rng.random() < 0.3,
        clocks=900,
    )
    assert sorted(left.values()) == list(range(40))


@pytest.mark.parametrize("start", [0, 0x2AAA, 0x5555, 65536 - 20])
def test_a_paced_link_leaves_in_its_time_and_holds_up_no_other(start):
    """Also across the wrap of the time."""
    due = {1: 30, 2: 10}

    def word(link, clock):
        if link in due:
            return dict(slow=1, stop=0, paced=1, next_at=(start + due[link]) % 65536)
        return PASSES

    left = bench(Gate(CONFIG), word, [1, 2, 3], now=lambda clock: (start + clock // 8) % 65536)
    when = {link: clock for clock, link in left.items()}
    assert when[3] < 20
    for link, time in due.items():
        assert 8 * time <= when[link] <= 8 * time + 12


def test_a_full_window_is_found_open_without_a_word():
    def word(link, clock):
        return dict(slow=1, stop=clock < 100, paced=0, next_at=0)

    (when,) = bench(Gate(CONFIG), word, [9])
    assert 100 <= when <= 110


def test_the_first_look_at_a_slow_link_is_not_believed():
    """The law may not have written yet what the link's last event did: 6 clocks and more."""
    (when,) = bench(Gate(CONFIG), lambda link, clock: dict(slow=1, stop=0, paced=0, next_at=0), [9])
    assert when >= 7
