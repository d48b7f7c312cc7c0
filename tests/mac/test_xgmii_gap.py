"""`XgmiiGap`: 12 bytes between frames on average, and what FCS and /T/ need."""

import pytest

from tests.simulated import made
from tests.streams import simulate
from ttpoe.mac.ethernet import FCS_BYTES, GAP_BYTES
from ttpoe.mac.xgmii import LANES
from ttpoe.mac.xgmii_gap import XgmiiGap


@pytest.mark.parametrize("sizes", [range(1, 9), [1] * 8, [4] * 8, [7] * 8, [8] * 8])
def test_gaps_are_twelve_bytes_on_average(sizes):
    """A frame's last word has so many bytes; FCS and /T/ follow; the next begins where it may."""
    dut, gaps = made(XgmiiGap), []
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


@pytest.mark.parametrize("size", range(1, LANES + 1))
def test_a_word_more_for_fcs_and_t(size):
    """With 4 bytes or more in the last word FCS and /T/ reach into the next one."""
    dut = made(XgmiiGap)

    async def testbench(ctx):
        ctx.set(dut.i_ends, 1)
        ctx.set(dut.i_keep, (1 << size) - 1)
        await ctx.tick()
        ctx.set(dut.i_ends, 0)
        assert ctx.get(dut.o_tail) == (size + FCS_BYTES + 1 > LANES)
        assert not ctx.get(dut.o_free)
        await ctx.tick()
        assert not ctx.get(dut.o_tail)

    simulate(dut, testbench)


def test_what_gaps_were_short_of_is_made_up_for_by_a_late_frame():
    """Frames of 3 bytes in the last word, so 7 with the FCS: a deficit that a pause takes away."""
    dut = made(XgmiiGap)

    async def ended(ctx, late):
        ctx.set(dut.i_ends, 1)
        ctx.set(dut.i_keep, 0b111)
        await ctx.tick()
        ctx.set(dut.i_ends, 0)
        while not ctx.get(dut.o_free):
            await ctx.tick()
        ctx.set(dut.i_late, 1)
        for _ in range(late):
            await ctx.tick()
        ctx.set(dut.i_late, 0)
        offset = ctx.get(dut.o_offset)
        await ctx.tick()  # its first word, with /S/
        return offset

    async def testbench(ctx):
        begun = [await ended(ctx, late=0) for _ in range(4)]
        assert begun == [0, 1, 0, 1]
        assert await ended(ctx, late=1) == 0
        assert [await ended(ctx, late=0) for _ in range(4)] == begun

    simulate(dut, testbench)


def test_an_aborted_frame_has_no_fcs():
    """/E/ /T/ in one word: /T/ lies in lane 1, and nothing follows it."""
    dut, gaps = made(XgmiiGap), []

    async def testbench(ctx):
        ctx.set(dut.i_aborts, 1)
        ctx.set(dut.i_keep, 0xFF)
        for _ in range(8):
            ends = 4 * ctx.get(dut.o_offset) + 1
            ctx.set(dut.i_ends, 1)
            await ctx.tick()
            ctx.set(dut.i_ends, 0)
            assert not ctx.get(dut.o_tail)
            clock = 1
            while not ctx.get(dut.o_free):
                await ctx.tick()
                clock += 1
            gaps.append(LANES * clock + 4 * ctx.get(dut.o_offset) - ends)

    simulate(dut, testbench)
    assert all(9 <= gap <= 15 for gap in gaps) and sum(gaps) == GAP_BYTES * len(gaps), gaps
