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


def expected(tags, last, wanted):
    """The way, or None: the one that was not used last first."""
    idle = [tag == IDLE for tag in tags]
    ways = [way for way in (1 - last, last) if idle[way]]
    return ways[0] if wanted and ways else None


def test_every_pair_of_ways():
    dut = VictimChoice(TINY)
    cases = list(product([IDLE, *BUSY], [IDLE, *BUSY], (0, 1), (0, 1), (0, 1)))

    async def testbench(ctx):
        for *tags, touch, last, wanted in cases:
            for way, tag in enumerate(tags):
                for name, value in tag.items():
                    ctx.set(dut.i_tags[way][name], value)
                ctx.set(dut.i_touch[way], touch ^ (last & way))
            ctx.set(dut.i_row, TINY.rows - 1)
            ctx.set(dut.i_wanted, wanted)
            way = expected(tags, last, wanted)
            assert ctx.get(dut.o_valid) == (way is not None), (tags, last, wanted)
            if way is not None:
                assert ctx.get(dut.o_lid) == (TINY.rows - 1) << 1 | way, (tags, last)

    simulate(dut, testbench)
    assert {expected(tags, last, wanted) for *tags, _touch, last, wanted in cases} == {0, 1, None}
