"""Blocks of the XGMII MAC by themselves: gaps, the start and end of a frame, link faults, crossing."""

import random

import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.mac.beat_crossing import BeatCrossing
from ttpoe.mac.ethernet import FCS_BYTES, GAP_BYTES, SFD
from ttpoe.mac.xgmii import LANES, Control
from ttpoe.mac.xgmii_align import XgmiiAlign
from ttpoe.mac.xgmii_fault import XgmiiFault
from ttpoe.mac.xgmii_gap import XgmiiGap


def octets(lanes):
    """(data, control) of one word; a `Control` or a byte for each lane."""
    data = bytes(lane.value if isinstance(lane, Control) else lane for lane in lanes)
    control = sum(isinstance(lane, Control) << n for n, lane in enumerate(lanes))
    return int.from_bytes(data, "little"), control


@pytest.mark.parametrize("sizes", [range(1, 9), [1] * 8, [4] * 8, [7] * 8, [8] * 8])
def test_gaps_are_twelve_bytes_on_average(sizes):
    """A frame's last word has so many bytes; FCS and /T/ follow; the next begins where it may."""
    dut, gaps = XgmiiGap(), []
    sizes = [*sizes] * 8

    async def testbench(ctx):
        clock = offset = 0
        for size in sizes:
            ctx.set(dut.i_ends, 1)
            ctx.set(dut.i_keep, (1 << size) - 1)
            ends = LANES * clock + 4 * offset + size + FCS_BYTES  # where /T/ lies
            await ctx.tick()
            ctx.set(dut.i_ends, 0)
            clock += 1
            while not ctx.get(dut.o_free):
                await ctx.tick()
                clock += 1
            offset = ctx.get(dut.o_offset)
            gaps.append(LANES * clock + 4 * offset - ends)
            clock += 1
            await ctx.tick()  # its first word, with /S/

    simulate(dut, testbench)
    assert all(9 <= gap <= 15 for gap in gaps), gaps
    assert abs(sum(gaps) - GAP_BYTES * len(gaps)) <= 3, gaps


def aligned(lanes):
    """What `XgmiiAlign` makes of these lanes: [(bytes, kind of end)], and the frames lost."""
    dut, frames, lost = XgmiiAlign(), [], 0
    lanes = [*lanes, *[Control.IDLE] * (-len(lanes) % LANES + 5 * LANES)]

    async def testbench(ctx):
        nonlocal lost
        part = b""
        for start in range(0, len(lanes), LANES):
            data, control = octets(lanes[start : start + LANES])
            ctx.set(dut.xgmii_d, data)
            ctx.set(dut.xgmii_c, control)
            await ctx.tick()
            lost += ctx.get(dut.stat_rx_bad_start)
            if ctx.get(dut.o.valid):
                beat = dut.o.p
                part += ctx.get(beat.data).to_bytes(LANES, "little")[: ctx.get(beat.count)]
                if ctx.get(beat.last):
                    frames.append((part, ctx.get(beat.error_char), ctx.get(beat.bad_end)))
                    part = b""

    simulate(dut, testbench)
    return frames, lost


@pytest.mark.parametrize("lane", [0, 4])
@pytest.mark.parametrize("preamble", [0, 1, 6, 7, 13])
@pytest.mark.parametrize("size", [1, 7, 8, 9, 64, 67])
def test_a_frame_lies_behind_its_sfd(lane, preamble, size):
    frame = random.Random(size).randbytes(size)
    idle = [Control.IDLE] * (LANES + lane)
    lanes = [*idle, Control.START, *[0x55] * preamble, SFD, *frame, Control.TERMINATE]
    assert aligned(lanes) == ([(frame, 0, 0)], 0)


def test_what_ends_a_frame_is_told_and_a_start_without_sfd_is_counted():
    idle, begin = [Control.IDLE] * LANES, [Control.START, *[0x55] * 6, SFD]
    assert aligned([*idle, *begin, 1, 2, Control.ERROR, *idle]) == ([(b"\1\2", 1, 0)], 0)
    assert aligned([*idle, *begin, 1, 2, Control.IDLE, *idle]) == ([(b"\1\2", 0, 1)], 0)
    assert aligned([*idle, Control.START, *[0x55] * 7, Control.TERMINATE, *idle]) == ([], 1)


@pytest.mark.parametrize("kind, name", [(1, "local_fault"), (2, "remote_fault")])
def test_a_fault_begins_with_four_ordered_sets_and_ends_with_silence(kind, name):
    dut, seen = XgmiiFault(), []
    ordered = [Control.SEQUENCE, 0, 0, kind, *[Control.IDLE] * 4]

    async def testbench(ctx):
        for clock in range(90):
            data, control = octets(ordered if clock < 4 else [Control.IDLE] * LANES)
            ctx.set(dut.xgmii_d, data)
            ctx.set(dut.xgmii_c, control)
            seen.append((ctx.get(getattr(dut, name)), ctx.get(getattr(dut, f"stat_rx_{name}"))))
            await ctx.tick()

    simulate(dut, testbench)
    levels = [level for level, _ in seen]
    assert levels[:5] == [0] * 5 and levels[5] == 1, "the fourth in clock 3, the fault in 5"
    assert sum(event for _, event in seen) == 1
    assert levels.index(0, 5) - 5 == 64 and not any(levels[69:]), "128 columns without any"


@pytest.mark.parametrize("periods", [(8e-9, 6.4e-9), (6.4e-9, 8e-9), (3.1e-9, 20e-9)])
def test_beats_cross_once_and_in_order(periods):
    config, rng = Config(width_bits=64), random.Random(3)
    m, dut = Module(), BeatCrossing(config, 8, "fast", "slow")
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
