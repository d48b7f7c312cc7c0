"""The life of a link between two engines that are played here, and what is called an error."""

import pytest
from amaranth.sim import Simulator

from ttpoe.layouts import Notice
from ttpoe.traffic.cycle import CycleError, LinkCycle

SETTLE, PATIENCE = 40, 600


class Engines:
    """Both engines, sources and checkers, as far as a `LinkCycle` sees them."""

    def __init__(self):
        self.cycle = LinkCycle(1)
        self.clock, self.commands, self.closings, self.enabled = 0, [], 0, 0

    async def tick(self, ctx, **pulses):
        """A clock with these pulses; `notice_a=Notice.LINK_UP` tells of a link."""
        for name, value in pulses.items():
            if name.startswith("notice"):
                ctx.set(getattr(self.cycle, f"i_{name}").payload, value)
                ctx.set(getattr(self.cycle, f"i_{name}").valid, 1)
            else:
                ctx.set(getattr(self.cycle, f"i_{name}"), 1)
        for what in ("open_a", "open_b", "close_a", "close_b"):
            if ctx.get(getattr(self.cycle, f"o_{what}")):
                self.commands.append((what, self.clock))
        self.closings += ctx.get(self.cycle.closed)
        self.enabled += ctx.get(self.cycle.o_enable)
        await ctx.tick()
        self.clock += 1
        for name in pulses:
            if name.startswith("notice"):
                ctx.set(getattr(self.cycle, f"i_{name}").valid, 0)
            else:
                ctx.set(getattr(self.cycle, f"i_{name}"), 0)

    async def open(self, ctx):
        await self.tick(ctx, sent_a=1, sent_b=1)
        await self.tick(ctx, taken_a=1, notice_b=Notice.LINK_UP)
        await self.tick(ctx, taken_b=1, notice_a=Notice.LINK_UP)

    async def until_close(self, ctx, limit=400):
        before = len(self.commands)
        for _ in range(limit):
            await self.tick(ctx)
            if any(what.startswith("close") for what, _clock in self.commands[before:]):
                return
        raise AssertionError("no close")


def play(story, finish=0):
    engines = Engines()

    async def bench(ctx):
        ctx.set(engines.cycle.cfg_seed, 99)
        ctx.set(engines.cycle.cfg_run_mask, 63)
        ctx.set(engines.cycle.cfg_settle, SETTLE)
        ctx.set(engines.cycle.cfg_patience, PATIENCE)
        for _ in range(4):
            await engines.tick(ctx)
        await story(ctx, engines)
        await engines.tick(ctx)
        engines.error = ctx.get(engines.cycle.o_error)

    simulator = Simulator(engines.cycle)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return engines


async def whole_life(ctx, engines):
    await engines.open(ctx)
    await engines.tick(ctx, received_a=1, received_b=1)
    await engines.until_close(ctx)
    await engines.tick(ctx, notice_a=Notice.LINK_DOWN)
    await engines.tick(ctx, notice_b=Notice.LINK_DOWN)


def test_lives_follow_each_other():
    async def story(ctx, engines):
        for _ in range(12):
            await whole_life(ctx, engines)
            for _ in range(SETTLE + 3):
                await engines.tick(ctx)
        ctx.set(engines.cycle.i_finish, 1)
        await whole_life(ctx, engines)
        for _ in range(SETTLE + 3):
            await engines.tick(ctx)
        assert ctx.get(engines.cycle.o_done) and not ctx.get(engines.cycle.o_enable)

    engines = play(story)
    assert engines.error == CycleError.NONE and engines.closings == 13
    seen = {what for what, _clock in engines.commands}
    assert seen == {"open_a", "open_b", "close_a", "close_b"}
    clocks = sorted({clock for _what, clock in engines.commands})
    assert all(later - earlier >= SETTLE for earlier, later in zip(clocks, clocks[1:]))


def test_no_close_before_both_are_up_and_all_is_taken():
    async def story(ctx, engines):
        await engines.tick(ctx, sent_a=1, sent_b=1)
        await engines.tick(ctx, taken_a=1, notice_a=Notice.LINK_UP)
        for _ in range(300):
            await engines.tick(ctx)
        await engines.tick(ctx, taken_b=1)
        for _ in range(20):
            await engines.tick(ctx)
        assert not any(what.startswith("close") for what, _clock in engines.commands)
        await engines.tick(ctx, notice_b=Notice.LINK_UP)
        await engines.tick(ctx, received_a=1, received_b=1)
        await engines.until_close(ctx, 10)

    assert play(story).error == CycleError.NONE


@pytest.mark.parametrize(
    "pulses",
    [
        {"notice_a": Notice.LINK_DOWN},
        {"notice_b": Notice.REFUSED},
        {"notice_a": Notice.RETRIES_USED_UP},
        {"notice_b": Notice.PEER_RESTARTED},
        {"notice_a": Notice.LINK_UP},
    ],
)
def test_unasked_notices(pulses):
    async def story(ctx, engines):
        await engines.open(ctx)
        await engines.tick(ctx, **pulses)

    assert play(story).error == CycleError.NOTICE


def test_a_late_open_is_no_error_while_the_link_is_up():
    async def story(ctx, engines):
        await engines.open(ctx)
        await engines.tick(ctx, notice_a=Notice.IDS_REUSED)
        await engines.tick(ctx)

    assert play(story).error == CycleError.NONE


def test_ids_reused_of_a_link_that_is_down_is_an_error():
    async def story(ctx, engines):
        await whole_life(ctx, engines)
        await engines.tick(ctx, notice_a=Notice.IDS_REUSED)

    assert play(story).error == CycleError.NOTICE


def test_link_that_comes_up_by_itself():
    async def story(ctx, engines):
        await whole_life(ctx, engines)
        await engines.tick(ctx)
        await engines.tick(ctx, notice_a=Notice.LINK_UP)

    assert play(story).error == CycleError.NOTICE


@pytest.mark.parametrize("side", ["a", "b"])
def test_refused(side):
    async def story(ctx, engines):
        await engines.open(ctx)
        await engines.tick(ctx, **{f"refused_{side}": 1})

    assert play(story).error == CycleError.REFUSED


def test_stuck():
    async def story(ctx, engines):
        for _ in range(PATIENCE - 100):
            await engines.tick(ctx)
        await engines.tick(ctx, received_a=1)
        for _ in range(PATIENCE - 5):
            await engines.tick(ctx)
        assert ctx.get(engines.cycle.o_error) == CycleError.NONE
        for _ in range(10):
            await engines.tick(ctx)

    assert play(story).error == CycleError.STUCK


@pytest.mark.parametrize("arrives", ["received_a", "received_b"])
def test_lost_at_the_close(arrives):
    async def story(ctx, engines):
        await engines.open(ctx)
        # Closed with data under way; only one of the two packets ever arrives.
        while not any(what.startswith("close") for what, _clock in engines.commands):
            await engines.tick(ctx)
            if engines.clock > 300:
                await engines.tick(ctx, received_a=1, received_b=1)
                await engines.tick(ctx, sent_a=1, sent_b=1)
                engines.clock = 0
        await engines.tick(ctx, notice_a=Notice.LINK_DOWN, notice_b=Notice.LINK_DOWN)
        await engines.tick(ctx, **{arrives: 1})
        for _ in range(PATIENCE + 20):
            await engines.tick(ctx)

    engines = play(story)
    assert engines.error == CycleError.LOST and engines.closings == 1
