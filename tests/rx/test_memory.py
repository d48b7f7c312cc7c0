"""`RxMemory`: beats, and what is known of a slot, come back from where they were put."""

import random

import pytest

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.rx.memory import RxMemory


@pytest.mark.parametrize("width_bits, slots", [(64, 16), (512, 32)])
def test_random_writes_and_reads(width_bits, slots):
    config = Config(width_bits=width_bits, rx_slots=slots, rx_reserved=1, reorder_slots=4)
    dut, rng = RxMemory(config), random.Random(width_bits)
    lanes = width_bits // 8
    beats = {
        (slot, beat): rng.getrandbits(width_bits)
        for slot in range(slots)
        for beat in range(config.slot_beats)
    }
    infos = {
        slot: dict(node=rng.getrandbits(24), id=rng.getrandbits(32), last_lane=rng.randrange(lanes))
        for slot in range(slots)
    }
    counts = {
        slot: dict(last_beat=slot % config.slot_beats, short=slot % config.slot_beats <= 1)
        for slot in range(slots)
    }

    async def fill(ctx):
        ctx.set(dut.i_write.valid, 1)
        for (slot, beat), word in rng.sample(list(beats.items()), len(beats)):
            ctx.set(dut.i_write.payload, {"slot": slot, "beat": beat, "data": word})
            ctx.set(
                dut.i_describe.payload, {"slot": slot, "info": infos[slot], "count": counts[slot]}
            )
            ctx.set(dut.i_describe.valid, beat == 0)
            await ctx.tick()
        ctx.set(dut.i_write.valid, 0)
        ctx.set(dut.i_describe.valid, 0)
        await ctx.tick()  # a beat is written a clock after it came

    async def testbench(ctx):
        await fill(ctx)
        ctx.set(dut.count.en, 1)
        shown = None
        for number in range(400):
            slot, beat = rng.choice(list(beats))
            other = rng.randrange(slots)
            enabled = number == 0 or rng.random() < 0.7
            ctx.set(dut.beat.addr, {"slot": slot, "beat": beat})
            ctx.set(dut.beat.en, enabled)
            ctx.set(dut.count.addr, other)
            await ctx.tick()
            shown = (slot, beat) if enabled else shown  # it holds while nothing is read
            assert ctx.get(dut.beat.data.data) == beats[shown]
            info, count = ctx.get(dut.beat.data.info), ctx.get(dut.count.data)
            assert {name: info[name] for name in infos[0]} == infos[shown[0]]
            assert {name: count[name] for name in counts[0]} == counts[other]

    simulate(dut, testbench)
