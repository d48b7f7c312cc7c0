"""Whom a full set asks to close: every combination of two ways (decision L5)."""

from itertools import product

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.link.fsm import LinkState
from ttpoe.pipeline.victim import VictimChoice

TINY = preset("tiny")
IDLE = dict(state=LinkState.OPEN, alloc=0, timer=1)
BUSY = [
    dict(IDLE, alloc=1),
    dict(IDLE, timer=0),
    *(dict(IDLE, state=state) for state in LinkState if state is not LinkState.OPEN),
]


def expected(tags, last):
    """The way, or None: the one that was not used last first."""
    ways = [way for way in (1 - last, last) if tags[way] == IDLE]
    return ways[0] if ways else None


def test_every_pair_of_ways():
    dut = VictimChoice(TINY)
    cases = list(product([IDLE, *BUSY], [IDLE, *BUSY], (0, 1), (0, 1)))

    async def testbench(ctx):
        for *tags, touch, last in cases:
            for way, tag in enumerate(tags):
                for name, value in tag.items():
                    ctx.set(dut.i_tags[way][name], value)
                ctx.set(dut.i_tags[way].touch, touch ^ (last & way))
            way = expected(tags, last)
            assert ctx.get(dut.o_valid) == (way is not None), (tags, last)
            if way is not None:
                assert ctx.get(dut.o_way) == way, (tags, last)

    simulate(dut, testbench)
    assert {expected(tags, last) for *tags, _touch, last in cases} == {0, 1, None}
