"""`ForwardedMemory` against a list of words, at every distance between accesses of one set."""

import random

import pytest
from amaranth.lib import data

from tests.streams import simulate
from ttpoe.memory import forwarded
from ttpoe.memory.forwarded import ForwardedMemory
from ttpoe.memory.protected import protected_memory

WORD = data.StructLayout({"low": 5, "high": 4})


def word(rng):
    return {"low": rng.getrandbits(5), "high": rng.getrandbits(4)}


def read(ctx, view):
    return {name: ctx.get(view[name]) for name in WORD.members}


async def sweep(ctx, dut, depth):
    """`depth` clocks after reset it is ready, not one earlier or later."""
    for clock in range(depth):
        assert not ctx.get(dut.o_ready), clock
        await ctx.tick()
    assert ctx.get(dut.o_ready)


class Accesses:
    """One access in every clock, and what each must see; `model[set][way]` as all older ones leave
    it."""

    def __init__(self, ctx, dut, depth, ways, rng, sets):
        self.ctx, self.dut, self.rng, self.sets, self.ways = ctx, dut, rng, sets, ways
        self.model = [[dict(low=0, high=0) for _ in range(ways)] for _ in range(depth)]
        self.stages = [None] * 4  # the accesses in Q0 to Q3
        self.seen = {"front": 0, "none": 0, "follows": 0}

    def _q1(self, access):
        ctx, dut, rng = self.ctx, self.dut, self.rng
        access.update(
            hit=rng.random() < 0.8, way=rng.randrange(self.ways), follows=rng.random() < 0.2
        )
        ctx.set(dut.i_hit, access["hit"])
        ctx.set(dut.i_way, access["way"])
        ctx.set(dut.i_follows, access["follows"])

    def _q2(self, access, front):
        """`front`: the access right in front, whose change is in Q3."""
        ctx, dut, words = self.ctx, self.dut, self.model[access["set"]]
        same = front is not None and front["set"] == access["set"]
        takes = (
            same
            and front["change"]
            and (access["follows"] or (access["hit"] and access["way"] == front["change_way"]))
        )
        want = dict(low=0, high=0)
        if takes:
            want = words[front["change_way"]]
        elif access["hit"]:
            want = words[access["way"]]
        assert read(ctx, dut.o_value) == want
        assert ctx.get(dut.o_from_q3) == bool(takes)
        assert ctx.get(dut.o_index) == access["set"]
        assert front is None or ctx.get(dut.o_behind) == same
        self.seen["front"] += bool(takes)
        self.seen["follows"] += bool(takes and not access["hit"])
        self.seen["none"] += not takes and not access["hit"]
        access.update(
            change=self.rng.random() < 0.6,
            change_way=self.rng.randrange(self.ways),
            value=word(self.rng),
        )
        ctx.set(dut.i_change, access["change"])
        ctx.set(dut.i_change_way, access["change_way"])

    async def step(self):
        ctx, dut = self.ctx, self.dut
        self.stages = [{"set": self.rng.choice(self.sets)}, *self.stages[:3]]
        q0, q1, q2, q3 = self.stages
        ctx.set(dut.i_index, q0["set"])
        ctx.set(dut.i_valid, q1 is not None)
        if q3 is not None:
            assert ctx.get(dut.o_write) == q3["change"]
            ctx.set(dut.i_value, q3["value"])
            if q3["change"]:
                assert ctx.get(dut.o_write_way) == q3["change_way"]
                self.model[q3["set"]][q3["change_way"]] = q3["value"]
        if q1 is not None:
            self._q1(q1)
        if q2 is not None:
            self._q2(q2, q3)
        await ctx.tick()


@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("distinct", [1, 2, 3, 16])
def test_random_accesses_see_what_older_ones_left(ways, distinct):
    """`distinct` sets only: the same set again and again in consecutive clocks."""
    depth, rng = 16, random.Random(f"{ways} {distinct}")
    dut = ForwardedMemory("none", WORD, depth, ways)

    async def testbench(ctx):
        await sweep(ctx, dut, depth)
        accesses = Accesses(ctx, dut, depth, ways, rng, rng.sample(range(depth), distinct))
        for _ in range(1500):
            await accesses.step()
        assert distinct > 3 or all(accesses.seen.values()), accesses.seen

    simulate(dut, testbench)


@pytest.mark.parametrize("distance", range(1, 7))
def test_a_change_is_seen_at_every_distance(distance):
    """Other accesses between them are of other sets."""
    dut = ForwardedMemory("none", WORD, 8)

    async def testbench(ctx):
        await sweep(ctx, dut, 8)
        ctx.set(dut.i_hit, 1)
        for clock in range(distance + 3):
            ctx.set(dut.i_index, 5 if clock in (0, distance) else 2)
            ctx.set(dut.i_change, clock == 2)
            ctx.set(dut.i_value, dict(low=21, high=9) if clock == 3 else dict(low=7, high=7))
            if clock == distance + 2:
                assert read(ctx, dut.o_value) == dict(low=21, high=9)
            await ctx.tick()

    simulate(dut, testbench)


@pytest.mark.parametrize("depth, ways", [(0, 1), (1, 1), (16, 0), (16, 3)])
def test_sizes_that_it_cannot_have(depth, ways):
    with pytest.raises(ValueError, match=f"got {depth} and {ways}"):
        ForwardedMemory("none", WORD, depth, ways)


@pytest.mark.parametrize("wrong, port", [(1, "corrected"), (2, "uncorrectable")])
def test_a_wrong_bit_is_told_if_the_word_counts(monkeypatch, wrong, port):
    """A word that is read for nobody does not count."""
    made = []

    def record(*arguments, **names):
        made.append(protected_memory(*arguments, **names))
        return made[-1]

    monkeypatch.setattr(forwarded, "protected_memory", record)
    dut = ForwardedMemory("secded", WORD, 4)

    async def testbench(ctx):
        await sweep(ctx, dut, 4)
        cell = made[0]._coded.data[3]
        ctx.set(cell, ctx.get(cell) ^ ((1 << wrong) - 1))
        told = []
        for valid in (0, 1):
            ctx.set(dut.i_index, 3)
            await ctx.tick()
            ctx.set(dut.i_index, 0)
            ctx.set(dut.i_valid, valid)
            await ctx.tick()
            ctx.set(dut.i_valid, 0)
            told.append(ctx.get(dut.o_errors[port]))
            await ctx.tick()
        assert told == [0, 1]

    simulate(dut, testbench)
