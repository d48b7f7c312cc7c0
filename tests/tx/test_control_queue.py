"""`ControlQueue` against a list: order, room for every place, one clock through an empty queue."""

import random

import pytest

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.tx.control_queue import ControlQueue


def frame(number):
    return {"tx_id": number, "node": number * 7, "lid": number % 4, "report": number % 2}


@pytest.mark.parametrize("depth", [8, 32])
@pytest.mark.parametrize("push, pop", [(0.5, 0.5), (1.0, 1.0), (0.9, 0.3), (0.2, 0.9)])
def test_random_frames_come_out_in_order(depth, push, pop):
    rng, dut = random.Random(f"{depth} {push} {pop}"), ControlQueue(Config(control_depth=depth))
    seen = {"full": 0, "empty": 0}

    async def testbench(ctx):
        waiting, number, came = [], 0, False
        for clock in range(1500):
            fill = clock // 100 % 3  # now and then only one side moves
            offers = rng.random() < push and fill != 2
            takes = rng.random() < pop and fill != 1
            ctx.set(dut.i.valid, offers)
            ctx.set(dut.i.payload, frame(number))
            ctx.set(dut.o.ready, takes)
            assert ctx.get(dut.i.ready) == (len(waiting) < depth), clock
            assert ctx.get(dut.o.valid) == bool(waiting), clock
            if waiting:
                shown = ctx.get(dut.o.payload)
                assert {name: shown[name] for name in frame(0)} == frame(waiting[0])
            seen["full"] += len(waiting) == depth
            seen["empty"] += came and len(waiting) == 1  # offered the clock after it came
            came = bool(offers and not waiting)
            if takes and waiting:
                waiting.pop(0)
            if offers and ctx.get(dut.i.ready):
                waiting.append(number)
                number = (number + 1) % 1000
            await ctx.tick()

    simulate(dut, testbench)
    assert seen["full"] or (push, pop) == (0.2, 0.9)
    assert seen["empty"] or (push, pop) == (1.0, 1.0)


def test_checksum_and_far_stay_with_their_frame():
    rng, dut = random.Random(4), ControlQueue(Config(control_depth=8, encapsulation="ipv4"))
    checksum = lambda number: number * 0x9E37 & 0xFFFF

    async def testbench(ctx):
        came, left = 0, 0
        while left < 200:
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, frame(came % 1000))
            ctx.set(dut.i_checksum, checksum(came))
            ctx.set(dut.i_far, checksum(came) >> 15)
            takes = rng.random() < 0.6
            ctx.set(dut.o.ready, takes)
            if ctx.get(dut.o.valid):
                assert ctx.get(dut.o.payload.tx_id) == left
                assert ctx.get(dut.o_checksum) == checksum(left), left
                assert ctx.get(dut.o_far) == checksum(left) >> 15, left
                left += takes
            came += ctx.get(dut.i.ready)
            await ctx.tick()

    simulate(dut, testbench)


def test_one_frame_in_and_one_out_in_every_clock():
    dut = ControlQueue(Config(control_depth=8))

    async def testbench(ctx):
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.o.ready, 1)
        out = []
        for number in range(40):
            ctx.set(dut.i.payload, frame(number))
            assert ctx.get(dut.i.ready)
            if ctx.get(dut.o.valid):
                out.append(ctx.get(dut.o.payload.tx_id))
            await ctx.tick()
        assert out == list(range(39))

    simulate(dut, testbench)
