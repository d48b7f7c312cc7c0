"""Causes stay until they are cleared; notices wait in order and the lost ones are counted."""

from tests.streams import send_event, simulate
from ttpoe.csr.notices import Notices
from ttpoe.csr.registers import INTERRUPTS, NOTICE_DEPTH
from ttpoe.layouts import Notice


def bit(name):
    return 1 << list(INTERRUPTS).index(name)


def test_every_notice_sets_the_cause_of_its_number():
    dut = Notices()

    async def testbench(ctx):
        wanted = 0
        for kind in Notice:
            await send_event(ctx, dut.i_notice, {"notice": kind, "node": 5, "vc": 1})
            wanted |= bit(kind.name.lower())
            assert ctx.get(dut.o_causes) == wanted
        for port, name in (
            (dut.i_frame_dropped, "frame_dropped"),
            (dut.i_payload_dropped, "payload_dropped"),
            (dut.i_memory_fault, "memory_fault"),
        ):
            ctx.set(port, 1)
            await ctx.tick()
            ctx.set(port, 0)
            wanted |= bit(name)
            assert ctx.get(dut.o_causes) == wanted

    simulate(dut, testbench)


def test_a_cause_that_comes_with_its_clear_stays():
    dut = Notices()

    async def testbench(ctx):
        ctx.set(dut.i_frame_dropped, 1)
        await ctx.tick()
        ctx.set(dut.i_clear, bit("frame_dropped"))
        await ctx.tick()
        assert ctx.get(dut.o_causes) == bit("frame_dropped")
        ctx.set(dut.i_frame_dropped, 0)
        await ctx.tick()
        assert ctx.get(dut.o_causes) == 0

    simulate(dut, testbench)


def test_the_interrupt_comes_two_clocks_after_the_event_if_its_mask_is_set():
    dut = Notices()

    async def testbench(ctx):
        ctx.set(dut.i_mask, bit("link_up"))
        await send_event(ctx, dut.i_notice, {"notice": Notice.LINK_DOWN, "node": 0, "vc": 0})
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.o_interrupt)
        await send_event(ctx, dut.i_notice, {"notice": Notice.LINK_UP, "node": 0, "vc": 0})
        assert not ctx.get(dut.o_interrupt)
        await ctx.tick()
        assert ctx.get(dut.o_interrupt)
        ctx.set(dut.i_mask, 0)
        await ctx.tick()
        assert not ctx.get(dut.o_interrupt)

    simulate(dut, testbench)


def test_notices_wait_in_order_and_one_too_many_is_lost():
    dut = Notices()

    async def testbench(ctx):
        lost = 0
        for node in range(NOTICE_DEPTH + 2):
            ctx.set(dut.i_notice.payload, {"notice": Notice.REFUSED, "node": node, "vc": node % 3})
            ctx.set(dut.i_notice.valid, 1)
            lost += ctx.get(dut.o_lost)
            await ctx.tick()
        ctx.set(dut.i_notice.valid, 0)
        assert lost == 2 and ctx.get(dut.o_causes) & bit("notice_lost")
        ctx.set(dut.i_pop, 1)
        for node in range(NOTICE_DEPTH):
            assert ctx.get(dut.o_waiting)
            head = ctx.get(dut.o_head)
            assert (head.node, head.vc, head.notice) == (node, node % 3, Notice.REFUSED)
            await ctx.tick()
        assert not ctx.get(dut.o_waiting)
        await ctx.tick()  # a pop without a notice does nothing
        ctx.set(dut.i_pop, 0)
        await send_event(ctx, dut.i_notice, {"notice": Notice.LINK_UP, "node": 77, "vc": 0})
        assert ctx.get(dut.o_head.node) == 77

    simulate(dut, testbench)
