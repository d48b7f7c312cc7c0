"""A block of Q2 or Q3 with registers beside the same one without: the same, some clocks later.

The tests and proofs of a single event look at `Decide` and `Commit` as functions; the engine has
registers in them. One event per clock, at random: what one leaves on its way must not touch the
next one.
"""

from functools import reduce
from operator import and_

from amaranth import Elaboratable, Module, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.link.fsm import Event

__all__ = ["CONFIG", "Pair", "drawn", "run"]

CONFIG = preset("tiny")
CLOCKS = 600


class Pair(Elaboratable):
    """Both forms of a block. `same`: what the one with registers says in this clock, the other one
    said `clocks` clocks ago."""

    def __init__(self, block, clocks, late):
        self.plain, self.registered = block(CONFIG), block(CONFIG, registered=True)
        self.same, self._clocks, self._late = Signal(), clocks, late

    def elaborate(self, platform):
        m = Module()
        m.submodules.plain, m.submodules.registered = self.plain, self.registered

        def later(value, clocks):
            for _ in range(clocks):
                before, value = value, Signal(len(value))
                m.d.sync += value.eq(before)
            return value

        equal = []
        for path, member, signal in self.plain.signature.flatten(self.plain):
            there = reduce(getattr, path, self.registered)
            here, there = Value.cast(signal), Value.cast(there)
            if member.flow == In and path[-1] != "ready":
                m.d.comb += there.eq(later(here, self._late.get(path[0], 0)))
            elif member.flow != In:
                equal.append(there == later(here, self._clocks))
        m.d.comb += self.same.eq(reduce(and_, equal))
        return m


def drawn(rng, layout, **chosen):
    """A record of this layout: small numbers and any, all enum members, `chosen` as it is."""
    fields = {}
    for name, field in layout:
        top = (1 << field.width) - 1
        if name in chosen:
            fields[name] = chosen[name]
        elif isinstance(field.shape, data.Layout):
            fields[name] = drawn(rng, field.shape)
        elif isinstance(field.shape, type(Event)):
            fields[name] = rng.choice(list(field.shape))
        else:
            fields[name] = rng.choice((rng.randrange(min(top, 5) + 1), rng.randint(0, top)))
    return fields


def run(pair, clocks, draw):
    """Sets what `draw()` says, {input: value}, in each clock, and compares; what `seen` gives."""
    seen = []

    async def testbench(ctx):
        for clock in range(CLOCKS):
            for signal, value in draw():
                ctx.set(signal, value)
            seen.append(ctx.get(pair.action))
            assert clock < clocks or ctx.get(pair.same), f"clock {clock}"
            await ctx.tick()

    simulate(pair, testbench)
    return seen
