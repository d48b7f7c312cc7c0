"""`ForwardedMemory` against a list of words, at every distance that it allows."""

import random

import pytest
from amaranth import Signal
from amaranth.hdl import ResetInserter
from amaranth.lib import data

from tests.streams import simulate
from ttpoe.memory import swept
from ttpoe.memory.forwarded import APART, CHANGE, FORWARDED, ForwardedMemory
from ttpoe.memory.protected import protected_memory

WORD = data.StructLayout({"low": 5, "high": 4})
LEFT = 0b1001_10101


def read(ctx, views):
    """The words of all ways, as numbers."""
    return [ctx.get(view.as_value()) for view in views]


async def sweep(ctx, dut, depth):
    """`depth` clocks after reset it is ready, not one earlier or later."""
    for clock in range(depth):
        assert not ctx.get(dut.o_ready), clock
        await ctx.tick()
    assert ctx.get(dut.o_ready)


def allowed(clocks, now):
    """May the next access be now, if those of its set were in these `clocks`?"""
    return all(now - clock == FORWARDED or now - clock >= APART for clock in clocks)


class Accesses:
    """Access upon access, what each must see, and between them sets that are shown for nobody."""

    def __init__(self, ctx, dut, depth, ways, rng):
        self.ctx, self.dut, self.depth, self.ways, self.rng = ctx, dut, depth, ways, rng
        # [set][way] as the changes up to now leave it, and as the memory holds it.
        self.newest = [[0] * ways for _ in range(depth)]
        self.stored = [[0] * ways for _ in range(depth)]
        self.stages = [None] * (CHANGE + 2)  # an access, or None, in each clock of its own
        self.at = {}  # clocks of the accesses to each set
        self.now = 0
        self.distances = set()

    def free(self, places):
        """Which of these sets may be accessed in this clock."""
        return [place for place in places if allowed(self.at.get(place, []), self.now)]

    def _show(self, place, shown):
        """Clock 0."""
        if place is not None:
            clocks = self.at.setdefault(place, [])
            self.distances |= {self.now - clock for clock in clocks[-1:]}
            self.at[place] = [*clocks, self.now][-2:]
        self.ctx.set(self.dut.i_index, shown)
        written = self.ctx.get(self.dut.o_writes)
        access = None if place is None else {"set": place}
        self.stages = [access, *self.stages[:-1]]
        return written

    def _compare(self):
        """Clocks 1 and 2: what the memory holds, and what all older accesses left."""
        first, second = self.stages[1:3]
        self.ctx.set(self.dut.i_valid, first is not None)
        if first is not None:
            assert read(self.ctx, self.dut.o_read) == self.stored[first["set"]]
        if second is not None:
            assert read(self.ctx, self.dut.o_value) == self.newest[second["set"]]

    def _change(self, changes):
        """Clock 7, and 8: it is written. What is said for nobody is not looked at."""
        access, written = self.stages[CHANGE:]
        change = access is not None and changes
        way, value = self.rng.randrange(self.ways), self.rng.getrandbits(WORD.size)
        self.ctx.set(self.dut.i_change, bool(change))
        self.ctx.set(self.dut.i_change_way, way)
        self.ctx.set(self.dut.i_value.as_value(), value)
        if access is not None:
            access.update(change=change, way=way, value=value)
        if change:
            self.newest[access["set"]][way] = value
        writes = written is not None and written["change"]
        assert self.ctx.get(self.dut.o_writes) == writes
        if writes:
            self.stored[written["set"]][written["way"]] = written["value"]

    async def step(self, place, changes=True):
        """One clock: an access to `place`, or nobody's; the one in its clock 7 may change."""
        shown = self.rng.randrange(self.depth) if place is None else place
        written = self._show(place, shown)
        self._compare()
        self._change(changes)
        await self.ctx.tick()
        self.now += 1
        if not written:
            assert read(self.ctx, self.dut.o_read) == self.stored[shown], "read for nobody"


@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("distinct", [1, 2, 3, 6, 16])
def test_random_accesses_see_what_older_ones_left(ways, distinct):
    """`distinct` sets only, as often as they may be accessed, and less often."""
    depth, seed = 16, f"{ways} {distinct}"
    rng = random.Random(seed)
    dut = ForwardedMemory("none", WORD, depth, ways)

    async def testbench(ctx):
        await sweep(ctx, dut, depth)
        accesses = Accesses(ctx, dut, depth, ways, rng)
        places = rng.sample(range(depth), distinct)
        for clock in range(800):
            free = accesses.free(places)
            busy = rng.random() < (0.95 if clock % 200 < 100 else 0.6)
            place = rng.choice(free) if free and busy else None
            await accesses.step(place, changes=rng.random() < 0.6)
        assert {FORWARDED, APART, APART + 1, APART + 2} <= accesses.distances, seed
        assert not accesses.distances & {1, 2, 3, 4, 5, 7, 8}

    simulate(dut, testbench)


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("distance", [6, 9, 10, 11])
def test_a_change_is_seen_at_every_distance(distance, way):
    """In its way, and only there; others between them are of other sets."""
    dut = ForwardedMemory("none", WORD, 16, ways=2)

    async def testbench(ctx):
        await sweep(ctx, dut, 16)
        for clock in range(distance + 3):
            ctx.set(dut.i_index, 15 if clock in (0, distance) else clock)
            ctx.set(dut.i_change, 1)
            ctx.set(dut.i_change_way, way if clock == 7 else 1 - way)
            ctx.set(dut.i_value.as_value(), LEFT if clock == 7 else 7)
            if clock < 7:
                ctx.set(dut.i_change, 0)
            if clock == distance + 2:
                assert read(ctx, dut.o_value) == [LEFT if way == here else 0 for here in (0, 1)]
            await ctx.tick()

    simulate(dut, testbench)


def test_one_set_again_and_again_at_the_short_distance():
    """Each finds what the one 6 clocks ahead left: nothing of the one 12 ahead comes back."""
    dut = ForwardedMemory("none", WORD, 4)

    async def testbench(ctx):
        await sweep(ctx, dut, 4)
        left = [0]
        for clock in range(6 * 20):
            ctx.set(dut.i_index, 2 if clock % 6 == 0 else clock % 2)
            if clock % 6 == 2:
                assert read(ctx, dut.o_value) == left[-1:]
            changes = clock >= 7 and clock % 6 == 1
            skips = len(left) % 3 == 0
            ctx.set(dut.i_change, changes and not skips)
            ctx.set(dut.i_value.as_value(), clock)
            if changes:
                left.append(left[-1] if skips else clock)
            await ctx.tick()

    simulate(dut, testbench)


def test_reset_sweeps_every_way():
    reset = Signal()
    dut, rng = ForwardedMemory("none", WORD, 8, ways=2), random.Random(1)

    async def testbench(ctx):
        await sweep(ctx, dut, 8)
        accesses = Accesses(ctx, dut, 8, 2, rng)
        for _clock in range(200):
            free = accesses.free(range(8))
            await accesses.step(rng.choice(free) if free else None)
        assert all(map(all, accesses.stored))
        ctx.set(dut.i_change, 1)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        ctx.set(dut.i_change, 0)
        ctx.set(dut.i_value.as_value(), 0)
        await sweep(ctx, dut, 8)
        await ctx.tick()
        after = Accesses(ctx, dut, 8, 2, rng)
        for clock in range(10):
            await after.step(clock if clock < 8 else None, changes=False)

    simulate(ResetInserter(reset)(dut), testbench)


@pytest.mark.parametrize("depth, ways", [(0, 1), (1, 1), (16, 0), (16, 3)])
def test_sizes_that_it_cannot_have(depth, ways):
    with pytest.raises(ValueError, match=f"got {depth} and {ways}"):
        ForwardedMemory("none", WORD, depth, ways)


@pytest.fixture
def memories(monkeypatch):
    """The protected memories that a `ForwardedMemory` makes, one for each way."""
    made = []

    def record(*arguments, **names):
        made.append(protected_memory(*arguments, **names))
        return made[-1]

    monkeypatch.setattr(swept, "protected_memory", record)
    return made


def upset(ctx, memory, place, bits):
    """Inverts `bits` (a mask) of the coded word."""
    cell = memory._coded.data[place]
    ctx.set(cell, ctx.get(cell) ^ bits)


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("bits, port", [(0b1, "corrected"), (0b11, "uncorrectable")])
def test_a_wrong_bit_is_told_if_the_word_counts(memories, bits, port, way):
    """A word that is read for nobody does not count, nor one whose newer copy is forwarded."""
    dut = ForwardedMemory("secded", WORD, 4, ways=2)

    async def testbench(ctx):
        await sweep(ctx, dut, 4)
        told = []
        for valid, change in ((0, None), (1, None), (1, 1 - way), (1, way)):
            upset(ctx, memories[way], 3, bits)
            for clock in range(9):  # an access in clock 0, and one 6 clocks later that counts
                ctx.set(dut.i_index, 3 if clock in (0, 6) else 0)
                ctx.set(dut.i_valid, valid and clock == 7)
                ctx.set(dut.i_change, change is not None and clock == 7)
                ctx.set(dut.i_change_way, change or 0)
                ctx.set(dut.i_value.as_value(), LEFT)
                assert clock == 8 or not ctx.get(dut.o_errors).corrected
                if clock == 8:
                    told.append(ctx.get(dut.o_errors[port]))
                    if port == "corrected":
                        assert read(ctx, dut.o_value)[way] == (LEFT if change == way else 0)
                await ctx.tick()
            if change != way:  # right again for the next one
                upset(ctx, memories[way], 3, bits)
        assert told == [0, 1, 1, 0]

    simulate(dut, testbench)
