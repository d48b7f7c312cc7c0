"""`SlotReader` with a real `ReplayMemory`: the words of each payload, ahead of who takes them."""

import random

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from tests.streams import send_event, simulate
from tests.tx.tx_bench import words_of
from ttpoe.config import Config
from ttpoe.replay.memory import ReplayMemory
from ttpoe.tx.slot_reader import SlotReader


class Pair(Elaboratable):
    """Reader and memory."""

    def __init__(self, config):
        self.config = config
        self.reader, self.memory = SlotReader(config), ReplayMemory(config)

    def elaborate(self, platform):
        m = Module()
        m.submodules.reader, m.submodules.memory = self.reader, self.memory
        wiring.connect(m, self.reader.word, self.memory.word)
        return m

    async def fill(self, ctx, payloads):
        for slot, payload in enumerate(payloads):
            words = list(words_of(payload, self.config.width_bytes))
            for beat, word in enumerate(words):
                await send_event(
                    ctx,
                    self.memory.i_write,
                    {"slot": slot, "beat": beat, "data": word, "last": 0, "length_bytes": 0},
                )


class Queue:
    """Slots to be read; their lengths are known `late` clocks after they were taken, or at once."""

    def __init__(self, ctx, dut, payloads, late=0):
        self.ctx, self.reader, self.payloads, self.late = ctx, dut.reader, payloads, late
        self.slots, self.last = list(range(len(payloads))), None
        self.clock, self.words = 0, []  # (clock, first, data)
        self.taken = []  # clock of each slot's taking

    async def step(self, ready=True, offer=True):
        ctx, reader = self.ctx, self.reader
        offered = bool(self.slots) and offer
        ctx.set(reader.i.valid, offered)
        ctx.set(reader.i.payload, self.slots[0] if offered else 0)
        unsure = ctx.get(reader.o_unsure)
        asked = self.last if unsure else self.slots[0] if offered else None
        known = self.clock >= self.taken[-1] + self.late if unsure else not self.late
        ctx.set(reader.i_known, known)
        ctx.set(reader.i_words, len(self.payloads[asked]) if asked is not None and known else 0)
        ctx.set(reader.o.ready, ready)
        if ctx.get(reader.o.valid) and ready:
            word = ctx.get(reader.o.payload)
            self.words.append((self.clock, word.first, word.data))
        if offered and ctx.get(reader.i.ready):
            self.last = self.slots.pop(0)
            self.taken.append(self.clock)
        await ctx.tick()
        self.clock += 1

    def payload_words(self, width):
        """Per payload the words taken for it, those beyond its end left off."""
        groups = []
        for _clock, first, value in self.words:
            if first:
                groups.append([])
            groups[-1].append(value)
        for number, group in enumerate(groups):
            del group[-(-len(self.payloads[number]) // width) :]
        return groups


@pytest.mark.parametrize("width_bits", [64, 512])
@pytest.mark.parametrize("pace", [1.0, 0.5])
@pytest.mark.parametrize("late", [0, 3])
def test_every_word_in_order(width_bits, pace, late):
    config = Config(width_bits=width_bits, slots=16)
    rng = random.Random(f"{width_bits} {pace} {late}")
    width, dut = config.width_bytes, Pair(config)
    edges = [1, width, width + 1, 2 * width - 1, 2 * width, 1023, 1024]
    payloads = [rng.randbytes(n) for n in edges + [rng.randint(1, 300) for _ in range(9)]]

    async def testbench(ctx):
        await dut.fill(ctx, payloads)
        queue = Queue(ctx, dut, payloads, late)
        for _ in range(1500):
            await queue.step(rng.random() < pace, rng.random() < pace)
        wanted = [list(words_of(payload, width)) for payload in payloads]
        ends = [-(-len(payload) // width) * width for payload in payloads]
        found = queue.payload_words(width)
        for payload, group, words, end in zip(payloads, found, wanted, ends, strict=True):
            group[-1] &= (1 << 8 * (width - (end - len(payload)))) - 1  # undefined behind the end
            assert group == words, len(payload)

    simulate(dut, testbench)


@pytest.mark.parametrize("lengths", [[8, 8, 8, 8], [64, 1, 1024, 9, 30]])
def test_known_lengths_are_read_without_a_gap(lengths):
    """First word three clocks after its slot was taken; then one in every clock."""
    dut = Pair(Config(slots=8))

    async def testbench(ctx):
        payloads = [bytes([slot]) * length for slot, length in enumerate(lengths)]
        await dut.fill(ctx, payloads)
        queue = Queue(ctx, dut, payloads)
        for _ in range(200):
            await queue.step()
        total = sum(-(-length // 8) for length in lengths)
        assert queue.taken[0] == 0
        assert [clock for clock, _, _ in queue.words] == [3 + n for n in range(total)]

    simulate(dut, testbench)


@pytest.mark.parametrize("stalled", [0, 1, 2, 3, 4, 20])
def test_what_was_flushed_is_not_seen(stalled):
    """At every moment of its reading; the next slot is read as if nothing had been."""
    dut = Pair(Config(slots=4))

    async def testbench(ctx):
        payloads = [bytes(range(200)), bytes([7]) * 50, bytes([8]) * 20]
        await dut.fill(ctx, payloads)
        queue = Queue(ctx, dut, payloads)
        await queue.step(ready=False)
        for _ in range(stalled):
            await queue.step(ready=False, offer=False)
        ctx.set(dut.reader.i_flush, 1)
        await queue.step(ready=False, offer=False)
        ctx.set(dut.reader.i_flush, 0)
        queue.words.clear()
        for _ in range(40):
            await queue.step()
        assert [value for _, _, value in queue.words] == [
            *words_of(payloads[1], 8),
            *words_of(payloads[2], 8),
        ]
        assert queue.words[0][0] >= queue.taken[1] + 3

    simulate(dut, testbench)
