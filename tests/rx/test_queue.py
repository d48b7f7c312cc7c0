"""`EventQueue`: order, latency and depth, as LUT RAM, as block RAM and with check bits."""

import random

import pytest

from tests.streams import receive_packet, send_packet, simulate
from ttpoe.config import Config
from ttpoe.protocol import Opcode
from ttpoe.rx.queue import EventQueue, make_fifo

SHAPES = [(8, "none"), (32, "none"), (64, "none"), (8, "secded")]


def event(number):
    return {
        "opcode": Opcode(number % len(Opcode)),
        "node": number,
        "vc": number % 3,
        "ieee": 1,
        "epoch": number,
        "selective": number & 1,
        "tx_id": number,
        "rx_id": ~number & 0xFFFF,
        "room": 0,
        "slot": number % 16,
    }


def queue(depth, protect):
    return EventQueue(Config(event_depth=depth, protect=protect))


@pytest.mark.parametrize("depth, protect", SHAPES)
def test_everything_comes_out_in_order(depth, protect):
    dut, rng = queue(depth, protect), random.Random(depth)
    wanted, found = [event(number) for number in range(150)], []

    async def sender(ctx):
        await send_packet(ctx, dut.i, wanted, pause=lambda: rng.random() < 0.4)

    async def receiver(ctx):
        found.extend(
            await receive_packet(
                ctx, dut.o, ready=lambda: rng.random() < 0.5, last=lambda beat: beat.tx_id == 149
            )
        )

    simulate(dut, sender, receiver)
    assert [{name: beat[name] for name in wanted[0]} for beat in found] == wanted


@pytest.mark.parametrize("depth, protect", SHAPES)
def test_latency_is_one_clock_and_depth_is_exact(depth, protect):
    dut = queue(depth, protect)

    async def testbench(ctx):
        taken = 0
        ctx.set(dut.i.valid, 1)
        for clock in range(depth + 4):
            ctx.set(dut.i.payload, event(taken))
            assert ctx.get(dut.o.valid) == (clock > 0)
            assert clock == 0 or ctx.get(dut.o.payload.tx_id) == 0
            taken += ctx.get(dut.i.ready)
            await ctx.tick()
        assert taken == depth

    simulate(dut, testbench)


@pytest.mark.parametrize("depth, clocks", [(32, 1), (33, 2)])
def test_a_fifo_of_more_than_32_entries_is_a_clock_slower(depth, clocks):
    dut = make_fifo(5, depth)

    async def testbench(ctx):
        ctx.set(dut.w_data, 21)
        ctx.set(dut.w_en, 1)
        await ctx.tick()
        ctx.set(dut.w_en, 0)
        assert ctx.get(dut.level) == 1
        for clock in range(1, clocks + 1):
            assert ctx.get(dut.r_rdy) == (clock == clocks)
            if clock < clocks:
                await ctx.tick()
        assert ctx.get(dut.r_data) == 21

    simulate(dut, testbench)
