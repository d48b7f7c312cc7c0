"""The timer's questions for what is missing; the pipeline answers late (R6)."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from tests.reorder.reorder_bench import DELAY, Answers
from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.reorder.ask import Ask

TINY = preset("tiny")
MASK = (1 << 32) - 1

ASK_FIELDS = ("lid", "id")


class Rounds:
    """Rounds of questions, each of which the pipeline ends behind an ID of its choice."""

    def __init__(self, ctx, dut, ready=lambda: 1, delay=lambda: DELAY):
        self.ctx, self.dut = ctx, dut
        self.bench = Answers(ctx, dut.o_ask, dut.i_asked, ASK_FIELDS, ready, delay)
        self.overs = []  # clocks in which `o_over` was high

    async def step(self, reply=lambda _fields: None):
        """One clock; `o_over` is looked at with what is answered in it."""
        ctx, bench, due = self.ctx, self.bench, self.bench.due()
        ctx.set(self.dut.i_asked.valid, due is not None)
        if due is not None:
            ctx.set(self.dut.i_asked.payload, due)
        if ctx.get(self.dut.o_over):
            assert due is not None
            self.overs.append(bench.clock)
        await bench.step(reply)

    async def round(self, lid, start, length, later):
        """One round, to its end. The answer to the ID `length` - 1 behind `start` is the first that
        ends it; `later` is what those behind it say."""
        ctx, bench, dut = self.ctx, self.bench, self.dut
        ctx.set(dut.i_start.payload, dict(lid=lid, id=start))
        ctx.set(dut.i_start.valid, 1)
        await self.step()
        ctx.set(dut.i_start.valid, 0)
        ctx.set(dut.i_start.payload, dict(lid=lid ^ 1, id=start + 99 & MASK))

        def reply(fields):
            place = fields["id"] - start & MASK
            return dict(on=later() if place >= length else place < length - 1)

        done = len(self.overs)
        while len(self.overs) == done:
            await self.step(reply)
            assert bench.clock < 1_000_000
        assert not bench.pending, "over, and one is under way"


@pytest.mark.parametrize("pace", [1.0, 0.3])
def test_each_missing_id_is_asked_for_once(pace):
    """Every ID once, in order, and the one behind the last; the round is over once, with the answer
    to that, whatever it says."""
    rng = random.Random(f"ask {pace}")
    dut = Ask(TINY)

    async def testbench(ctx):
        rounds = Rounds(
            ctx, dut, lambda: rng.random() < pace, lambda: rng.choice((1, DELAY, DELAY, 20))
        )
        bench = rounds.bench
        for number in range(80):
            lid, start = rng.randrange(TINY.links), rng.choice((7, MASK - 3, 0x7FFFFFFE))
            length, done = rng.choice((1, 1, 2, 3, 9)), len(bench.taken)
            await rounds.round(lid, start, length, lambda: rng.random() < 0.5)
            asked = [fields for _clock, fields in bench.taken[done:]]
            assert asked == [dict(lid=lid, id=start + n & MASK) for n in range(length + 1)]
            for _ in range(rng.randrange(4)):
                await rounds.step()
                assert not ctx.get(dut.o_ask.valid)
            assert len(rounds.overs) == number + 1
        assert bench.most == 2

    simulate(dut, testbench)


def test_pace_of_a_round_and_its_end():
    """Start in clock 0: ASKs in 1 and 2; each further one in the clock behind an answer. `o_over`
    with the last answer."""
    dut = Ask(TINY)

    async def testbench(ctx):
        rounds = Rounds(ctx, dut)
        await rounds.round(1, 50, 4, lambda: 1)
        turn = DELAY + 1  # from an ASK to the one behind its answer
        assert [(clock, fields["id"]) for clock, fields in rounds.bench.taken] == [
            (1, 50),
            (2, 51),
            (turn + 1, 52),
            (turn + 2, 53),
            (2 * turn + 1, 54),
        ]
        assert rounds.overs == [2 * turn + 1 + DELAY]

    simulate(dut, testbench)


@pytest.mark.parametrize("answers", [0, 1])
def test_at_most_two_are_under_way(answers):
    """The third waits for an answer, and no longer."""
    dut = Ask(TINY)

    async def testbench(ctx):
        rounds = Rounds(ctx, dut, delay=lambda: 40)
        ctx.set(dut.i_start.payload, dict(lid=3, id=9))
        ctx.set(dut.i_start.valid, 1)
        await rounds.step()
        ctx.set(dut.i_start.valid, 0)
        for _ in range(60):
            left = answers and len(rounds.bench.taken) == 0
            await rounds.step(lambda _fields, said=left: dict(on=1) if said else None)
        assert [fields["id"] for _clock, fields in rounds.bench.taken] == [9, 10, 11][: 2 + answers]
        assert not rounds.overs

    simulate(dut, testbench)


def test_reset_ends_the_round():
    reset = Signal()
    dut = Ask(TINY)

    async def testbench(ctx):
        rounds = Rounds(ctx, dut)
        ctx.set(dut.i_start.payload, dict(lid=3, id=9))
        ctx.set(dut.i_start.valid, 1)
        await rounds.step()
        ctx.set(dut.i_start.valid, 0)
        await rounds.step()
        ctx.set(dut.o_ask.ready, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        for _ in range(40):
            await rounds.step()
        assert len(rounds.bench.taken) == 1 and not rounds.overs
        await rounds.round(5, 70, 1, lambda: 0)
        assert [fields["id"] for _clock, fields in rounds.bench.taken[1:]] == [70, 71]

    simulate(ResetInserter(reset)(dut), testbench)
