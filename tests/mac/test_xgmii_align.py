"""`XgmiiAlign`: a frame behind its SFD, in whatever lane, and what ends it."""

import random

import pytest

from tests.mac.xgmii_words import octets
from tests.simulated import made
from tests.streams import simulate
from ttpoe.mac.ethernet import SFD
from ttpoe.mac.xgmii import LANES, Control
from ttpoe.mac.xgmii_align import XgmiiAlign


def aligned(lanes):
    """What `XgmiiAlign` makes of these lanes: [(bytes, kind of end)], and the frames lost."""
    dut, frames, lost = made(XgmiiAlign), [], 0
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
