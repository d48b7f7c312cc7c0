"""`PayloadQueue` against a list: order, kills at every moment, stream rules, credits, latency."""

import random

import pytest

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.tx.payload_queue import PayloadQueue


def entry(slot, lid, tx_id=0):
    return {
        "slot": slot,
        "lid": lid,
        "node": 0x123456,
        "vc": 1,
        "ieee": 1,
        "epoch": 7,
        "tx_id": tx_id,
    }


def set_free(ctx, dut, slot=0, lid=0, whole_link=0, valid=1):
    ctx.set(
        dut.i_free.payload,
        {"head": slot, "tail": slot, "count": 1, "lid": lid, "whole_link": whole_link},
    )
    ctx.set(dut.i_free.valid, valid)


def test_latency_is_one_clock_and_depth_is_exact():
    dut = PayloadQueue(Config(payload_depth=4))

    async def testbench(ctx):
        for n in range(4):
            assert ctx.get(dut.i.ready) == 1
            ctx.set(dut.i.payload, entry(n, n, tx_id=n))
            ctx.set(dut.i.valid, 1)
            assert n or ctx.get(dut.o.valid) == 0
            await ctx.tick()
            assert ctx.get(dut.o.valid) == 1  # the clock after it came
        assert ctx.get(dut.i.ready) == 0
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.o.ready, 1)
        for n in range(4):
            assert ctx.get(dut.o.valid) == 1 and ctx.get(dut.o.payload.tx_id) == n
            await ctx.tick()
            assert ctx.get(dut.o_left) == 1
        assert ctx.get(dut.o.valid) == 0
        await ctx.tick()
        assert ctx.get(dut.o_left) == 0

    simulate(dut, testbench)


@pytest.mark.parametrize(
    "whole_link, slot, lid, survivors",
    [
        (0, 3, 9, [1, 2, 4]),  # by slot; `lid` does not count
        (0, 9, 1, [1, 2, 3, 4]),
        (1, 9, 1, [2, 4]),  # by link; `head` does not count
        (1, 3, 9, [1, 2, 3, 4]),
    ],
)
def test_who_dies(whole_link, slot, lid, survivors):
    dut = PayloadQueue(Config(payload_depth=8))

    async def testbench(ctx):
        for n in (0, 1, 2, 3, 4):  # links 1, 0, 1, 0 behind a first of link 3
            ctx.set(dut.i.payload, entry(n, lid=3 if n == 0 else n % 2, tx_id=n))
            ctx.set(dut.i.valid, 1)
            # The free event comes together with the last entry, which is killed like the rest.
            if n == 4:
                set_free(ctx, dut, slot, lid, whole_link)
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        set_free(ctx, dut, valid=0)
        ctx.set(dut.o.ready, 1)
        got, left = [], 0
        for _ in range(9):
            left += ctx.get(dut.o_left)
            if ctx.get(dut.o.valid):
                assert ctx.get(dut.o_dead) == 0
                got.append(ctx.get(dut.o.payload.tx_id))
            await ctx.tick()
        assert got == [0] + survivors and left == 5

    simulate(dut, testbench)


@pytest.mark.parametrize("lid, survivors", [(1, [2, 4, 5]), (0, [1, 3, 5]), (2, [1, 2, 3, 4, 5])])
def test_withdraw_spares_the_entry_of_the_same_clock(lid, survivors):
    dut = PayloadQueue(Config(payload_depth=8))

    async def testbench(ctx):
        for n in (0, 1, 2, 3, 4, 5):  # the last one is of the link withdrawn
            ctx.set(dut.i.payload, entry(n, lid=3 if n == 0 else lid if n == 5 else n % 2, tx_id=n))
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i_withdraw.payload, lid)
            ctx.set(dut.i_withdraw.valid, n == 5)
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.i_withdraw.valid, 0)
        ctx.set(dut.o.ready, 1)
        got, left = [], 0
        for _ in range(10):
            left += ctx.get(dut.o_left)
            if ctx.get(dut.o.valid):
                got.append((ctx.get(dut.o.payload.tx_id), ctx.get(dut.o_dead)))
            await ctx.tick()
        assert got == [(n, 0) for n in [0] + survivors] and left == 6

    simulate(dut, testbench)


@pytest.mark.parametrize("slot", [4, 2])
def test_entry_killed_in_the_clock_it_comes(slot):
    dut = PayloadQueue(Config(payload_depth=8))

    async def testbench(ctx):
        ctx.set(dut.i.payload, entry(4, 1))
        ctx.set(dut.i.valid, 1)
        set_free(ctx, dut, slot)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        set_free(ctx, dut, valid=0)
        assert ctx.get(dut.o.valid) == (slot != 4)
        await ctx.tick()
        assert ctx.get(dut.o_left) == (slot == 4)

    simulate(dut, testbench)


@pytest.mark.parametrize(
    "depth, eager, killers, seed",
    [
        (2, 0.5, 0.2, 1),
        (8, 0.7, 0.2, 2),
        (8, 0.2, 0.4, 3),
        (16, 0.1, 0.1, 4),
        (4, 1.0, 0.0, 5),
        (8, 0.3, 1.0, 6),
    ],
)
def test_random_against_a_list(depth, eager, killers, seed):
    config = Config(payload_depth=depth, slots=8)
    dut = PayloadQueue(config)
    rng = random.Random(seed)
    seen = dict.fromkeys(("skipped", "dead_taken", "killed_in_the_taking", "sent"), 0)

    async def testbench(ctx):
        queue = []  # [entry, dead]
        held = False
        left_before = False
        for clock in range(2500):
            where = f"seed {seed} clock {clock}"
            new = None
            if rng.random() < 0.6:
                new = entry(rng.randrange(8), rng.randrange(4), tx_id=rng.getrandbits(32))
                ctx.set(dut.i.payload, new)
            ctx.set(dut.i.valid, new is not None)
            slot, lid, whole = rng.randrange(8), rng.randrange(4), rng.random() < 0.3
            free = rng.random() < killers
            set_free(ctx, dut, slot, lid, whole, free)
            withdrawn = rng.randrange(4) if rng.random() < killers / 4 else None
            ctx.set(dut.i_withdraw.payload, withdrawn or 0)
            ctx.set(dut.i_withdraw.valid, withdrawn is not None)
            ready = rng.random() < eager
            ctx.set(dut.o.ready, ready)

            assert ctx.get(dut.o_left) == left_before, where
            assert ctx.get(dut.i.ready) == (len(queue) < depth), where
            offered = bool(queue) and (held or not queue[0][1])
            assert ctx.get(dut.o.valid) == offered, where
            left_before = False
            if offered:
                got = ctx.get(dut.o.payload)
                assert {name: got[name] for name in queue[0][0]} == queue[0][0], where
                assert ctx.get(dut.o_dead) == queue[0][1], where
            accepted = new is not None and len(queue) < depth
            hit = lambda e: (
                (free and (e["lid"] == lid if whole else e["slot"] == slot))
                or (e is not new and e["lid"] == withdrawn)
            )
            gone = None
            if offered and ready:
                gone = queue.pop(0)
                seen["dead_taken"] += gone[1]
                seen["killed_in_the_taking"] += (not gone[1]) and bool(hit(gone[0]))
                seen["sent"] += not gone[1]
            elif queue and not offered:
                gone = queue.pop(0)
                seen["skipped"] += 1
            left_before = gone is not None
            held = offered and not ready
            if accepted:
                queue.append([new, False])
            for e in queue:
                e[1] = e[1] or bool(hit(e[0]))
            await ctx.tick()

    simulate(dut, testbench)
    if killers and eager < 1:
        assert all(seen.values()), f"seed {seed} did not reach {seen}"
