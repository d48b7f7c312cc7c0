"""`SlotLists` against a model made of plain Python lists."""

import random

import pytest

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.replay.lists import SlotLists


async def sweep(ctx, dut, slots):
    """Wait for `o_ready`; it must take exactly `slots` clocks, and offer nothing before."""
    ctx.set(dut.successor.en, 1)
    for _ in range(slots):
        assert ctx.get(dut.o_ready) == 0 and ctx.get(dut.o_slot.valid) == 0
        assert ctx.get(dut.o_free_count) == 0
        await ctx.tick()
    assert ctx.get(dut.o_ready) == 1 and ctx.get(dut.o_free_count) == slots
    assert ctx.get(dut.o_slot.valid) == 0
    await ctx.tick()  # the first slot is taken from the list
    assert ctx.get(dut.o_slot.valid) == 1


def set_free(ctx, dut, chain, lid=0):
    ctx.set(
        dut.i_free.payload,
        {
            "head": chain[0],
            "tail": chain[-1],
            "count": len(chain),
            "lid": lid,
            "whole_link": len(chain) > 1,
        },
    )
    ctx.set(dut.i_free.valid, 1)


async def take_all(ctx, dut, slots):
    """Takes every free slot: they come in order, one in two clocks."""
    ctx.set(dut.o_slot.ready, 1)
    for expected in range(slots):
        assert ctx.get(dut.o_slot.valid) == 1
        assert ctx.get(dut.o_slot.payload) == expected
        await ctx.tick()
        assert ctx.get(dut.o_slot.valid) == 0
        await ctx.tick()
    assert ctx.get(dut.o_slot.valid) == 0 and ctx.get(dut.o_free_count) == 0


@pytest.mark.parametrize("slots", [4, 16, 1024])
def test_sweep_then_one_slot_in_two_clocks_in_order(slots):
    dut = SlotLists(Config(slots=slots))

    async def testbench(ctx):
        await sweep(ctx, dut, slots)
        await take_all(ctx, dut, slots)

    simulate(dut, testbench)


def test_two_slots_are_in_stock_after_a_pause():
    dut = SlotLists(Config(slots=4))

    async def testbench(ctx):
        await sweep(ctx, dut, 4)
        await ctx.tick().repeat(3)
        ctx.set(dut.o_slot.ready, 1)
        for expected in (0, 1):
            assert ctx.get(dut.o_slot.valid) == 1 and ctx.get(dut.o_slot.payload) == expected
            await ctx.tick()

    simulate(dut, testbench)


def test_freed_into_empty_list_is_offered_two_clocks_later():
    dut = SlotLists(Config(slots=4))

    async def testbench(ctx):
        await sweep(ctx, dut, 4)
        await take_all(ctx, dut, 4)
        # Link 1 -> 3 -> 0, free the three, and take all of them.
        for tail, slot in ((1, 3), (3, 0)):
            ctx.set(dut.i_append.payload, {"tail": tail, "slot": slot})
            ctx.set(dut.i_append.valid, 1)
            await ctx.tick()
        ctx.set(dut.i_append.valid, 0)
        set_free(ctx, dut, [1, 3, 0])
        await ctx.tick()
        ctx.set(dut.i_free.valid, 0)
        assert ctx.get(dut.o_slot.valid) == 0 and ctx.get(dut.o_free_count) == 3
        await ctx.tick()
        got = []
        for _ in range(3):
            assert ctx.get(dut.o_slot.valid) == 1
            got.append(ctx.get(dut.o_slot.payload))
            await ctx.tick().repeat(2)
        assert got == [1, 3, 0] and ctx.get(dut.o_slot.valid) == 0

    simulate(dut, testbench)


def test_the_last_one_waits_for_a_chain_that_arrives():
    """The list (beside its stock of two) gives up its last slot in the clock after a splice."""
    dut = SlotLists(Config(slots=4))

    async def testbench(ctx):
        await sweep(ctx, dut, 4)
        ctx.set(dut.o_slot.ready, 1)
        ctx.set(dut.i_reading, {"valid": 1, "slot": 3})
        await ctx.tick().repeat(6)  # 0, 1, 2 are out, 3 is in the list
        ctx.set(dut.i_append.payload, {"tail": 1, "slot": 0})
        ctx.set(dut.i_append.valid, 1)
        await ctx.tick()
        ctx.set(dut.i_append.valid, 0)
        ctx.set(dut.i_reading, {"valid": 0, "slot": 3})
        assert ctx.get(dut.o_free_count) == 1 and ctx.get(dut.o_slot.valid) == 0
        set_free(ctx, dut, [1, 0])
        await ctx.tick()
        ctx.set(dut.i_free.valid, 0)
        assert ctx.get(dut.o_free_count) == 3
        for expected in (None, 3, None, 1, None, 0, None):
            assert ctx.get(dut.o_slot.valid) == (expected is not None)
            assert expected is None or ctx.get(dut.o_slot.payload) == expected
            await ctx.tick()

    simulate(dut, testbench)


def test_emptied_list_leaves_the_links_chain_alone():
    """The tail of an emptied free list belongs to a link: a splice must not write its `next`."""
    dut = SlotLists(Config(slots=4))

    async def testbench(ctx):
        await sweep(ctx, dut, 4)
        await take_all(ctx, dut, 4)
        ctx.set(dut.o_slot.ready, 0)
        ctx.set(dut.i_append.payload, {"tail": 3, "slot": 1})  # 3 was the last free one
        ctx.set(dut.i_append.valid, 1)
        ctx.set(dut.successor.addr, 3)
        await ctx.tick()
        ctx.set(dut.i_append.valid, 0)
        await ctx.tick()
        assert ctx.get(dut.successor.data) == 1  # written in the clock before the read
        set_free(ctx, dut, [2])
        await ctx.tick()
        ctx.set(dut.i_free.valid, 0)
        await ctx.tick()
        assert ctx.get(dut.successor.data) == 1

    simulate(dut, testbench)


def test_slot_being_read_is_withheld_then_offered():
    dut = SlotLists(Config(slots=4))

    async def testbench(ctx):
        await sweep(ctx, dut, 4)
        await take_all(ctx, dut, 4)
        set_free(ctx, dut, [2])
        await ctx.tick()
        ctx.set(dut.i_free.valid, 0)
        ctx.set(dut.i_reading, {"valid": 1, "slot": 2})
        for _ in range(3):
            assert ctx.get(dut.o_slot.valid) == 0 and ctx.get(dut.o_free_count) == 1
            await ctx.tick()
        ctx.set(dut.i_reading, {"valid": 1, "slot": 1})
        await ctx.tick()
        assert ctx.get(dut.o_slot.valid) == 1 and ctx.get(dut.o_slot.payload) == 2
        ctx.set(dut.i_reading, {"valid": 0, "slot": 2})
        assert ctx.get(dut.o_slot.valid) == 1

    simulate(dut, testbench)


class Owners:
    """What the links and the reader of `SlotLists` do, and where each slot is at any time."""

    def __init__(self, ctx, dut, slots, seed):
        self.ctx, self.dut, self.slots = ctx, dut, slots
        self.rng, self.walker = random.Random(seed), random.Random(seed)
        self.free, self.stock = list(range(1, slots)), [0]
        self.advances = True  # the list's head was taken in the clock before
        self.owned, self.chains = [], []  # taken but not linked; linked lists
        self.successor = {}  # what next[] must hold for linked slots
        self.expected_next = None
        self.expected_walk = None  # (port that shows it, successor)
        self.reading = None
        self.hungry = self.generous = 0.5
        self.seen = {"last_while_free": 0, "into_empty": 0, "withheld": 0, "chain": 0}
        self.seen |= {"walk": 0, "run": 0, "both": 0}

    def check_reads(self, where):
        """The successors that were asked for in the clock before."""
        if self.expected_next is not None:
            assert self.ctx.get(self.dut.successor.data) == self.expected_next, where
        if self.expected_walk is not None:
            who, expected = self.expected_walk
            assert self.ctx.get(getattr(self.dut, who).data) == expected, (who, where)
            self.seen[who] += 1

    def act(self):
        """A chain starts with a taken slot, grows, is freed from its head: (append, freed)."""
        rng, owned = self.rng, self.owned
        append = freed = None
        if owned and not self.chains or (owned and rng.random() < 0.15):
            self.chains.append([owned.pop(rng.randrange(len(owned)))])
        if self.chains and rng.random() < self.generous:
            chain = rng.choice(self.chains)
            k = rng.choice([1, 1, len(chain), rng.randint(1, len(chain))])
            freed, chain[:] = chain[:k], chain[k:]
            self.chains = [c for c in self.chains if c]
        elif self.chains and owned and rng.random() < 0.7:
            chain = rng.choice(self.chains)
            append = (chain[-1], owned.pop(rng.randrange(len(owned))))
            chain.append(append[1])
        return append, freed

    def drive(self, append, freed):
        """Returns whether a free slot is taken if there is one."""
        ctx, dut, rng = self.ctx, self.dut, self.rng
        # i_reading names a free slot only from the clock after its freeing on.
        if self.reading is not None and rng.random() < 0.3:
            self.reading = None
        ctx.set(dut.i_reading, {"valid": self.reading is not None, "slot": self.reading or 0})
        ready = rng.random() < self.hungry
        ctx.set(dut.o_slot.ready, ready)
        ctx.set(dut.i_append.valid, append is not None)
        if append:
            ctx.set(dut.i_append.payload, {"tail": append[0], "slot": append[1]})
            self.successor[append[0]] = append[1]
        ctx.set(dut.i_free.valid, freed is not None)
        if freed:
            set_free(ctx, dut, freed)
            self.seen["chain"] += len(freed) > 1
        return ready

    def ask(self, append):
        """Asks for two successors, not for one that is written in this very clock. The second one
        is the replayer's, or the retirer's if that does not ask."""
        ctx, dut = self.ctx, self.dut
        linked = [s for c in self.chains for s in c[:-1]]
        self.expected_next = self.expected_walk = None
        settled = [slot for slot in linked if not append or slot != append[0]]
        if settled:
            asked = self.rng.choice(settled)
            ctx.set(dut.successor.addr, asked)
            self.expected_next = self.successor[asked]
        asks = [name for name in ("walk", "run") if self.walker.random() < 0.6]
        self.seen["both"] += bool(settled) and len(asks) == 2
        for name in ("walk", "run"):
            port, asked = getattr(dut, name), self.walker.choice(settled or [0])
            ctx.set(port.en, name in asks)
            ctx.set(port.addr, asked)
            if settled and name == (asks or [None])[0]:
                self.expected_walk = name, self.successor[asked]

    def check_offer(self, freed, where):
        """Returns whether a slot goes from the list into the stock."""
        ctx, dut, stock, free = self.ctx, self.dut, self.stock, self.free
        goes = len(stock) < 2 and bool(free) and not self.advances
        waits = len(free) == 1 and bool(freed)  # for the splice behind it
        stocked = goes and not waits and free[0] != self.reading
        self.seen["withheld"] += goes and free[0] == self.reading
        self.seen["last_while_free"] += goes and waits
        assert ctx.get(dut.o_slot.valid) == bool(stock), where
        assert ctx.get(dut.o_free_count) == len(free) + len(stock), where
        if stock:
            assert ctx.get(dut.o_slot.payload) == stock[0], where
        self.seen["into_empty"] += bool(not free and freed)
        return stocked

    def move(self, ready, stocked, freed, where):
        """Behind the clock: every slot is in one place."""
        if self.stock and ready:
            self.owned.append(self.stock.pop(0))
        self.advances = stocked and len(self.free) > 1
        if stocked:
            self.stock.append(self.free.pop(0))
        if freed:
            if self.reading is None and self.rng.random() < 0.4:
                self.reading = self.rng.choice(freed)
            self.free.extend(freed)
        everywhere = sorted(
            self.free + self.stock + self.owned + [s for c in self.chains for s in c]
        )
        assert everywhere == list(range(self.slots)), where


@pytest.mark.parametrize(
    "slots, clocks, seed",
    [(4, 3000, 1), (4, 3000, 2), (8, 3000, 3), (64, 4000, 4), (1024, 6000, 5)],
)
def test_random_against_model(slots, clocks, seed):
    """Random allocation, linking, freeing of chains; every slot is in one place at any time."""
    dut = SlotLists(Config(slots=slots))
    seen = {}

    async def testbench(ctx):
        await sweep(ctx, dut, slots)
        owners = Owners(ctx, dut, slots, seed)
        for clock in range(clocks):
            where = f"seed {seed} clock {clock}"
            owners.check_reads(where)
            if clock % 400 == 0:  # phases: hoard, mixed, drain
                owners.hungry, owners.generous = owners.rng.choice(
                    [(0.9, 0.1), (0.5, 0.5), (1.0, 0.9), (0.2, 0.9)]
                )
            append, freed = owners.act()
            ready = owners.drive(append, freed)
            owners.ask(append)
            stocked = owners.check_offer(freed, where)
            await ctx.tick()
            owners.move(ready, stocked, freed, where)
        seen.update(owners.seen)

    simulate(dut, testbench)
    # Of many slots the one that is being read is hardly ever the head.
    needed = tuple(seen) if slots <= 8 else ("chain", "walk", "run", "both")
    assert all(seen[name] for name in needed), f"seed {seed} did not reach {seen}"


def test_reset_starts_over():
    from amaranth.hdl import ResetInserter, Signal

    reset = Signal()
    inner = SlotLists(Config(slots=8))
    dut = ResetInserter(reset)(inner)

    async def testbench(ctx):
        await sweep(ctx, inner, 8)
        ctx.set(inner.o_slot.ready, 1)
        await ctx.tick().repeat(8)
        set_free(ctx, inner, [3])
        await ctx.tick()
        ctx.set(inner.i_free.valid, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        await sweep(ctx, inner, 8)
        await take_all(ctx, inner, 8)

    simulate(dut, testbench)
