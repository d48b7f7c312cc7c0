"""`ReplayMemory`: bytes and lengths come back from where they were put, one clock later."""

import random

import pytest

from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.replay.memory import ReplayMemory


@pytest.mark.parametrize("width_bits, slots", [(64, 4), (128, 8), (256, 4), (512, 16)])
def test_random_writes_and_reads(width_bits, slots):
    seed = width_bits
    rng = random.Random(seed)
    config = Config(width_bits=width_bits, slots=slots)
    dut = ReplayMemory(config)
    words, lengths = {}, {}

    async def testbench(ctx):
        expected_data = expected_length = None
        addresses = [(s, b) for s in range(slots) for b in range(config.slot_beats)]
        # Every word once, so that an address bit that is lost shows as an overwritten word.
        plan = rng.sample(addresses, len(addresses)) + [None] * 600
        for number, write in enumerate(plan):
            where = f"seed {seed} clock {number}"
            ctx.set(dut.i_write.valid, write is not None)
            writing = {}
            if write:
                last = rng.random() < 0.3
                value, length = rng.getrandbits(width_bits), rng.randint(1, 1024)
                ctx.set(
                    dut.i_write.payload,
                    {
                        "slot": write[0],
                        "beat": write[1],
                        "data": value,
                        "last": last,
                        "length_bytes": length,
                    },
                )
                writing = {write: value}
            read = rng.choice(list(words)) if words and rng.random() < 0.8 else None
            ctx.set(dut.word.addr.slot, read[0] if read else rng.randrange(slots))
            ctx.set(dut.word.addr.beat, read[1] if read else rng.randrange(config.slot_beats))
            expected_data = words[read] if read else None
            asked = rng.choice(list(lengths)) if lengths and rng.random() < 0.8 else None
            if write and asked == write[0]:
                asked = None  # undefined while it is written
            ctx.set(dut.length.en, asked is not None)
            ctx.set(dut.length.addr, asked if asked is not None else rng.randrange(slots))
            if asked is not None:
                expected_length = lengths[asked]
            await ctx.tick()
            words.update(writing)
            if write and last:
                lengths[write[0]] = length
            if expected_data is not None:
                assert ctx.get(dut.word.data) == expected_data, where
            if expected_length is not None:  # holds while not enabled
                assert ctx.get(dut.length.data) == expected_length, where

    simulate(dut, testbench)
    assert len(words) == slots * config.slot_beats
