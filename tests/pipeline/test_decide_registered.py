"""Q2 and Q3 with registers give what they give without, two clocks and one clock later.

The tests and proofs of a single event look at `Decide` and `Commit` as functions; the engine has
registers in them. One event per clock, at random: what one leaves on its way must not touch the
next one.
"""

import random
from functools import reduce
from operator import and_

from amaranth import Elaboratable, Module, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.link.fsm import Action, Event
from ttpoe.link.table import tag_layout
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.q3_commit import Commit
from ttpoe.pipeline.records import committed_layout, pipeline_event_layout

CONFIG = preset("tiny")
CLOCKS = 600
LATE = {"i_reorder_free": 1, "i_asking": 2, "i_first_id": 2, "i_epoch": 2}
"""Inputs that come so many clocks behind the event."""


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


def near(rng, tag):
    """An event with IDs near to the tag's."""
    return drawn(
        rng,
        pipeline_event_layout(CONFIG),
        tx_id=(rng.choice((tag["received"], tag["una"])) + rng.randrange(-2, 6)) % (1 << 32),
        rx_id=(tag["una"] + rng.randrange(-2, 6)) % (1 << 32),
        epoch=rng.choice((0, tag["epoch"], tag["peer_epoch"], rng.getrandbits(16))),
    )


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


def test_decide_with_registers_is_two_clocks_later():
    rng = random.Random(1)
    pair = Pair(Decide, 2, LATE)
    dut = pair.plain
    pair.action = dut.o_outcome.action
    bits = ("i_full", "i_self", "i_walking", "i_reorder_free", "i_asking", "i_free", "i_slow")

    def draw():
        tag = drawn(rng, tag_layout(CONFIG))
        tag["sent"] = rng.randint(0, tag["alloc"])
        yield dut.i_tag, tag
        yield dut.i_event, near(rng, tag)
        yield from ((getattr(dut, name), rng.randrange(2)) for name in bits)
        yield dut.i_kept, drawn(rng, dut.i_kept.shape())
        yield dut.i_lid, rng.randrange(CONFIG.links)
        yield dut.i_first_id, rng.getrandbits(32)
        yield dut.i_epoch, rng.getrandbits(16)
        yield dut.cfg_max_retry, 3
        yield dut.cfg_link_slots, 6
        yield dut.cfg_init_id, 1
        yield dut.cfg_selective, 1
        yield dut.cfg_congestion, 1

    seen = run(pair, 2, draw)
    assert len(set(seen)) > len(Action) / 3


def test_commit_with_registers_is_one_clock_later():
    rng = random.Random(2)
    pair = Pair(Commit, 1, {})
    done = pair.plain.i_done
    pair.action = done.payload.outcome.action

    def draw():
        yield done.payload, drawn(rng, committed_layout(CONFIG))
        yield done.valid, rng.random() < 0.7

    assert len(set(run(pair, 1, draw))) > 0.9 * len(Action)
