"""`BeatCrossing`, `RxGuard` and `EventCrossing`: beats and pulses from one clock to another."""

import random

import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from tests.simulated import made
from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.mac.beat_crossing import BeatCrossing, EventCrossing, RxGuard

CONFIG = Config(width_bits=64)


@pytest.mark.parametrize("periods", [(8e-9, 6.4e-9), (6.4e-9, 8e-9), (3.1e-9, 20e-9)])
def test_beats_cross_once_and_in_order(periods):
    rng = random.Random(3)
    m, dut = Module(), BeatCrossing(CONFIG, 8, "fast", "slow")
    m.domains.fast, m.domains.slow = ClockDomain("fast"), ClockDomain("slow")
    m.submodules.dut = dut
    sent = [(rng.getrandbits(64), 255, int(n % 5 == 4)) for n in range(60)]
    got = []

    async def send(ctx):
        for data, keep, last in sent:
            ctx.set(dut.i.p, {"data": data, "keep": keep, "last": last})
            ctx.set(dut.i.valid, 1)
            await ctx.tick("fast").until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            while rng.random() < 0.3:
                await ctx.tick("fast")

    async def take(ctx):
        while len(got) < len(sent):
            ready = rng.random() < 0.7
            ctx.set(dut.o.ready, ready)
            *_, valid, beat = await ctx.tick("slow").sample(dut.o.valid, dut.o.payload)
            if valid and ready:
                got.append((beat.data, beat.keep, beat.last))

    simulator = Simulator(m)
    for domain, period in zip(("fast", "slow"), periods):
        simulator.add_clock(period, domain=domain)
    simulator.add_testbench(send)
    simulator.add_testbench(take)
    simulator.run()
    assert got == sent


def crossing(names, periods):
    """A simulator of an `EventCrossing`, and the block."""
    m, dut = Module(), EventCrossing(names, "fast", "slow")
    m.domains.fast, m.domains.slow = ClockDomain("fast"), ClockDomain("slow")
    m.submodules.dut = dut
    simulator = Simulator(m)
    for domain, period in zip(("fast", "slow"), periods):
        simulator.add_clock(period, domain=domain)
    return simulator, dut


@pytest.mark.parametrize("periods", [(8e-9, 6.4e-9), (6.4e-9, 8e-9), (5e-9, 10e-9)])
def test_pulses_cross_once_and_together(periods):
    """Each as a pulse of one clock; those of one clock in one."""
    simulator, dut = crossing(("a", "b", "c"), periods)
    rng = random.Random(4)
    sent = [rng.randrange(1, 8) for _ in range(40)]
    got = []

    async def send(ctx):
        for pulses in sent:
            for bit, name in enumerate("abc"):
                ctx.set(getattr(dut.i, name), pulses >> bit & 1)
            await ctx.tick("fast")
            for name in "abc":
                ctx.set(getattr(dut.i, name), 0)
            await ctx.tick("fast").repeat(rng.randrange(2, 5))

    async def take(ctx):
        for _ in range(400):
            *_, a, b, c = await ctx.tick("slow").sample(dut.o.a, dut.o.b, dut.o.c)
            got.append(a | b << 1 | c << 2)

    simulator.add_testbench(send)
    simulator.add_testbench(take)
    simulator.run()
    assert [pulses for pulses in got if pulses] == sent


def guarded(room, length=4, frames=4):
    """What `RxGuard` hands on of frames back to back: `(beats taken, clocks with overflowed)`.

    A beat is (frame, number, last, error); `room(clock)`: the FIFO takes one in this clock.
    """
    dut, taken, overflows = made(RxGuard, CONFIG), [], []

    async def testbench(ctx):
        for clock in range(length * frames + 4):
            frame, number = divmod(clock, length)
            beat = {"data": frame << 8 | number, "keep": 255, "last": number == length - 1}
            ctx.set(dut.i.p, beat)
            ctx.set(dut.i.valid, frame < frames)
            ctx.set(dut.o.ready, room(clock))
            o, overflowed = dut.o, ctx.get(dut.overflowed)
            if overflowed:
                overflows.append(clock)
            if ctx.get(o.valid) and ctx.get(o.ready):
                data, cut = ctx.get(o.p.data), ctx.get(o.p.error)
                taken.append((None if cut else divmod(data, 256), ctx.get(o.p.last)))
            await ctx.tick()

    simulate(dut, testbench)
    return taken, overflows


def whole(*frames):
    return [((frame, number), int(number == 3)) for frame in frames for number in range(4)]


def test_with_room_frames_pass_as_they_are():
    assert guarded(lambda clock: True) == (whole(0, 1, 2, 3), [])


def test_a_frame_that_is_cut_ends_with_an_error():
    """Beat 2 of the second frame finds no room; the next frame is whole again."""
    taken, overflows = guarded(lambda clock: clock != 6)
    assert taken == whole(0) + [((1, 0), 0), ((1, 1), 0), (None, 1)] + whole(2, 3)
    assert overflows == [6]


def test_a_frame_that_begins_without_room_is_dropped_whole():
    taken, overflows = guarded(lambda clock: clock != 4)
    assert taken == whole(0, 2, 3) and overflows == [4]


def test_a_frame_that_begins_while_an_end_is_owed_is_dropped_too():
    taken, overflows = guarded(lambda clock: clock not in (6, 7))
    assert taken == whole(0) + [((1, 0), 0), ((1, 1), 0), (None, 1)] + whole(3)
    assert overflows == [6, 8]
