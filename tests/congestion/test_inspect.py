"""The read-out of the law's word falls into the gap that the read-out of the tag made."""

import random

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Component

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.congestion.law import Law
from ttpoe.link.fsm import Event
from ttpoe.pipeline.pipeline import Pipeline

CONFIG = preset("default")


class Both(Component):
    """The pipeline, and the law behind it, as in the engine."""

    def __init__(self):
        self.pipeline, self.law = Pipeline(CONFIG), Law(CONFIG)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.pipeline, m.submodules.law = self.pipeline, self.law
        wiring.connect(m, self.pipeline.o_done, self.law.i_done)
        inspect = self.pipeline.i_inspect
        m.d.comb += [
            self.law.i_inspect.valid.eq(inspect.valid & inspect.ready),
            self.law.i_inspect.payload.eq(inspect.payload),
        ]
        return m


def test_no_event_is_in_the_way():
    """An event in every clock in which the door takes one, of sets that differ or do not."""
    rng, dut = random.Random(2), Both()
    pipeline, law = dut.pipeline, dut.law

    async def testbench(ctx):
        while not (ctx.get(pipeline.o_ready) and ctx.get(law.o_ready)):
            await ctx.tick()
        answers = asks = 0
        for clock in range(3000):
            if ctx.get(pipeline.i_event.ready) or not clock:
                row = rng.choice((clock % CONFIG.rows, rng.randrange(3)))
                event = dict(event=Event.TIMER, by_lid=1, lid=2 * row)
                ctx.set(pipeline.i_event.payload, dict(event=event, row=row))
                ctx.set(pipeline.i_event.valid, 1)
            ctx.set(pipeline.i_inspect.valid, clock % 40 > 20)
            answers += ctx.get(law.o_inspected.valid)
            asks += ctx.get(law.asks)
            assert not (ctx.get(law.inspects) and ctx.get(law.asks)), clock
            await ctx.tick()
        assert answers > 50 and asks > 1000

    simulate(dut, testbench)
