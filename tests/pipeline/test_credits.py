"""`Credits`: never more promised than there are places, and none of them lies idle."""

import random
from collections import deque

import pytest

from tests.streams import simulate
from ttpoe.pipeline.credits import Credits

DEPTHS = range(2, 33)
LAG = 3
"""Clocks from a place that comes back to the `o_left` that tells of it."""


class Queue:
    """The places behind `dut`: `promised` of them at a time, at most `depth`."""

    def __init__(self, ctx, dut, depth):
        self.ctx, self.dut, self.depth, self.promised = ctx, dut, depth, 0

    async def clock(self, wants=True, back=0):
        """One clock, in which `back` places come back; whether one was promised."""
        assert back <= min(3, self.promised)
        taken = bool(wants and self.ctx.get(self.dut.o_left))
        self.ctx.set(self.dut.i_taken, taken)
        self.ctx.set(self.dut.i_back, back)
        self.promised += taken - back
        assert 0 <= self.promised <= self.depth
        await self.ctx.tick()
        return taken


@pytest.mark.parametrize("depth", DEPTHS)
def test_all_places_are_promised_and_none_twice(depth):
    """One in each clock, two of which the count does not know yet; or in each second one."""
    dut = Credits(depth)

    async def testbench(ctx):
        queue = Queue(ctx, dut, depth)
        taken = [await queue.clock() for _clock in range(2 * depth + 8)]
        each = 2 if depth == 2 else 1
        assert [n for n, one in enumerate(taken) if one] == list(range(1, depth * each + 1, each))
        for back in (1, 2, min(3, depth), 1):
            await queue.clock(wants=False, back=back)
            told = [await queue.clock() for _clock in range(12)]
            assert sum(told) == back and told.index(True) == LAG - 1, "as many as came back"

    simulate(dut, testbench)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("wants", [1.0, 0.5])
def test_random_takers(depth, wants):
    """Whoever comes; with 3 or more in hand, the last clocks' returns not counted, always."""
    dut, rng = Credits(depth), random.Random(f"{depth} {wants}")

    async def testbench(ctx):
        queue = Queue(ctx, dut, depth)
        late = deque([0] * (LAG - 1), LAG - 1)
        counts = {True: 0, False: 0}
        for clock in range(16 * (depth + 4)):
            busy = clock // (4 * (depth + 4)) % 2  # nothing comes back for a while, then much
            back = rng.randint(0, min(3, queue.promised)) if busy else 0
            plenty = depth - queue.promised - sum(late) >= 3
            assert not clock or not plenty or ctx.get(dut.o_left), clock
            counts[plenty] += await queue.clock(rng.random() < wants, back)
            late.append(back)
        assert counts[False] and (counts[True] or depth < 4), counts
        for _clock in range(4 * depth):  # in the end every place is somebody's
            await queue.clock()
        assert queue.promised == depth

    simulate(dut, testbench)


@pytest.mark.parametrize("depth", [4, 5, 8, 16, 32])
@pytest.mark.parametrize("more, each", [(0, 1), (1, 2)])
def test_pace_while_places_come_back(depth, more, each):
    """Each comes back `depth - 3` clocks later: one in every clock. A clock later it is not."""
    dut = Credits(depth)

    async def testbench(ctx):
        queue = Queue(ctx, dut, depth)
        away = deque([False] * (depth - 3 + more))
        taken = []
        for _clock in range(20 * depth):
            taken.append(await queue.clock(back=away.popleft()))
            away.append(taken[-1])
        late = taken[depth:]
        assert all(late) == (each == 1)
        assert sum(late) > len(late) // 2

    simulate(dut, testbench)
