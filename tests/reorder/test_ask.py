"""The timer's questions for what is missing; the pipeline answers late (R6)."""

import random

import pytest

from tests.reorder.reorder_bench import DELAY, Answers
from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.reorder.ask import Ask

TINY = preset("tiny")
MASK = (1 << 32) - 1

ASK_FIELDS = ("lid", "id", "first")


@pytest.mark.parametrize("pace", [1.0, 0.3])
def test_each_missing_id_is_asked_for_once(pace):
    """Every ID once, in order; `first` begins the run of missing ones that the ID ends."""
    rng = random.Random(f"ask {pace}")
    dut = Ask(TINY)

    async def testbench(ctx):
        bench = Answers(
            ctx,
            dut.o_ask,
            dut.i_asked,
            ASK_FIELDS,
            lambda: rng.random() < pace,
            lambda: rng.choice((DELAY, DELAY, 20)),
        )
        for _round in range(60):
            lid, start = rng.randrange(TINY.links), rng.choice((7, MASK - 3, 0x7FFFFFFE))
            length = rng.choice((1, 1, 2, 3, 9))
            kept = [rng.random() < 0.5 for _ in range(length)]
            expected, first = [], start
            for n, hit in enumerate(kept):
                number = (start + n) & MASK
                expected.append(dict(lid=lid, id=number, first=first))
                if hit:
                    first = (number + 1) & MASK
            answers = [
                dict(on=n < length - 1, hit=hit, id=rng.getrandbits(32))
                for n, hit in reversed(list(enumerate(kept)))
            ]
            ctx.set(dut.i_start.payload, dict(lid=lid, id=start))
            ctx.set(dut.i_start.valid, 1)
            done = len(bench.taken)
            await bench.step(lambda _fields: None)
            ctx.set(dut.i_start.valid, 0)
            finished = 0
            while not finished:
                await bench.step(lambda _fields, answers=answers: answers.pop())
                finished = not answers and bench.pending[-1][0] == bench.clock
                if finished:  # the answer that ends the round is `over` in its own clock
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


def test_pace_of_a_round_and_its_end():
    """Start in clock 0: ASK in 1; the next one in the clock behind the answer. `o_over` once."""
    dut = Ask(TINY)

    async def testbench(ctx):
        bench = Answers(ctx, dut.o_ask, dut.i_asked, ASK_FIELDS, lambda: 1, lambda: DELAY)
        ctx.set(dut.i_start.payload, dict(lid=1, id=50))
        ctx.set(dut.i_start.valid, 1)
        overs = []
        for clock in range(60):
            answer = next((said for at, said in bench.pending if at == clock), None)
            if answer:  # as `step` is about to
                ctx.set(dut.i_asked.valid, 1)
                ctx.set(dut.i_asked.payload, answer)
                overs += [clock] * ctx.get(dut.o_over)
            await bench.step(lambda fields: dict(on=fields["id"] < 53, hit=0, id=0))
            ctx.set(dut.i_start.valid, 0)
            ctx.set(dut.i_asked.valid, 0)
            assert not ctx.get(dut.o_over)
        assert [(clock, fields["id"]) for clock, fields in bench.taken] == [
            (1, 50),
            (DELAY + 2, 51),
            (2 * DELAY + 3, 52),
            (3 * DELAY + 4, 53),
        ]
        assert overs == [4 * DELAY + 4]

    simulate(dut, testbench)
