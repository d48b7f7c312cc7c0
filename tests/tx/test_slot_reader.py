"""`SlotReader` with a real `ReplayMemory`: the words of each PAYLOAD, and none of a dead one."""

import random

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from tests.streams import receive_packet, send_event, send_packet, simulate
from tests.tx.tx_bench import words_of
from ttpoe.config import Config
from ttpoe.replay.memory import ReplayMemory
from ttpoe.tx.slot_reader import SlotReader

WIDTHS = [64, 512]


class Pair(Elaboratable):
    """Reader and memory."""

    def __init__(self, config):
        self.config = config
        self.reader, self.memory = SlotReader(config), ReplayMemory(config)

    def elaborate(self, platform):
        m = Module()
        m.submodules.reader, m.submodules.memory = self.reader, self.memory
        wiring.connect(m, self.reader.word, self.memory.word)
        wiring.connect(m, self.reader.length, self.memory.length)
        return m

    async def fill(self, ctx, payloads):
        for slot, payload in enumerate(payloads):
            words = list(words_of(payload, self.config.width_bytes))
            for beat, word in enumerate(words):
                await send_event(
                    ctx,
                    self.memory.i_write,
                    {
                        "slot": slot,
                        "beat": beat,
                        "data": word,
                        "last": beat == len(words) - 1,
                        "length_bytes": len(payload),
                    },
                )


def frame(slot):
    return {
        "slot": slot,
        "lid": slot % 4,
        "node": 1000 + slot,
        "vc": slot % 3,
        "ieee": 0,
        "epoch": slot,
        "tx_id": slot,
    }


@pytest.mark.parametrize("width_bits", WIDTHS)
@pytest.mark.parametrize("pace", [1.0, 0.5])
def test_every_word_once_in_order(width_bits, pace):
    config, rng = Config(width_bits=width_bits, slots=16), random.Random(width_bits)
    width, dut = config.width_bytes, Pair(config)
    lengths = [
        1,
        width,
        width + 1,
        2 * width - 1,
        2 * width,
        1023,
        1024,
        *(rng.randint(1, 1024) for _ in range(9)),
    ]
    payloads = [rng.randbytes(length) for length in lengths]
    found = []

    async def sender(ctx):
        await dut.fill(ctx, payloads)
        await send_packet(
            ctx, dut.reader.i, map(frame, range(16)), pause=lambda: rng.random() > pace
        )

    async def receiver(ctx):
        for payload in payloads:
            left = [-(-len(payload) // width)]

            def last(_beat, left=left):
                left[0] -= 1
                return left[0] == 0

            found.append(await receive_packet(ctx, dut.reader.o, lambda: rng.random() < pace, last))

    simulate(dut, sender, receiver)
    for slot, (payload, words) in enumerate(zip(payloads, found)):
        read = b"".join(word.data.to_bytes(width, "little") for word in words)
        assert read[: len(payload)] == payload
        assert [word.first for word in words] == [1] + [0] * (len(words) - 1)
        assert {word.length_bytes for word in words} == {len(payload)}
        assert {(word.frame.slot, word.frame.node) for word in words} == {(slot, 1000 + slot)}


def test_an_entry_that_is_dead_when_it_is_taken_is_not_read():
    dut = Pair(Config(slots=4))

    async def testbench(ctx):
        await dut.fill(ctx, [bytes(8)] * 4)
        ctx.set(dut.reader.i_dead, 1)
        await send_packet(ctx, dut.reader.i, [frame(1)])
        ctx.set(dut.reader.i_dead, 0)
        for _ in range(5):
            assert not ctx.get(dut.reader.o.valid) and not ctx.get(dut.reader.o_reading.valid)
            await ctx.tick()

    simulate(dut, testbench)


@pytest.mark.parametrize(
    "how, kills",
    [
        ("own slot", True),
        ("another slot", False),
        ("own link", True),
        ("another link", False),
        ("withdrawn", True),
        ("another link withdrawn", False),
    ],
)
def test_a_death_behind_the_taking_is_told_with_the_first_word(how, kills):
    """The word waits; whoever has not started drops it, and nothing more of it is read."""
    dut = Pair(Config(slots=4))
    own = "another" not in how

    async def testbench(ctx):
        await dut.fill(ctx, [bytes(range(200))] * 4)
        await send_packet(ctx, dut.reader.i, [frame(2)])
        assert ctx.get(dut.reader.o.valid) and not ctx.get(dut.reader.o_dead)
        if "withdrawn" in how:
            await send_event(ctx, dut.reader.i_withdraw, 2 if own else 1)
        else:
            chain = 2 if own else 1
            await send_event(
                ctx,
                dut.reader.i_free,
                {
                    "head": chain,
                    "tail": chain,
                    "count": 1,
                    "lid": chain,
                    "whole_link": "link" in how,
                },
            )
        assert ctx.get(dut.reader.o.valid) and ctx.get(dut.reader.o_dead) == kills
        if kills:
            ctx.set(dut.reader.o.ready, 1)
            ctx.set(dut.reader.i_drop, 1)
            await ctx.tick()
            ctx.set(dut.reader.i_drop, 0)
            for _ in range(4):
                assert not ctx.get(dut.reader.o.valid)
                await ctx.tick()

    simulate(dut, testbench)
