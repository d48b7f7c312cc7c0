"""`VcReader`: payloads in the order of their verdicts, whatever the memory and the host do."""

import random

import pytest

from tests.streams import receive_packet, simulate
from ttpoe.config import Config
from ttpoe.rx.reader import BUFFER_BEATS, VcReader

CONFIG = Config(width_bits=64, rx_slots=16, rx_reserved=1, reorder_slots=4)


def content(slot, beat):
    return slot << 32 | beat << 8 | 0x5A


class Memory:
    """Grants what is asked for, now and then, and gives the beat two clocks later."""

    def __init__(self, dut, rng, pace):
        self.dut, self.rng, self.pace = dut, rng, pace
        self.read = []  # (slot, beat, last, kept)
        self.coming = []  # payloads that arrive: (clock, slot, beats, kept)
        self.on_the_way = [None, None]
        self.arrived = None
        self.surplus = self.clock = 0

    async def run(self, ctx):
        while True:
            due = self.coming and self.coming[0][0] <= self.clock
            arrives = self.coming.pop(0) if due else None
            self.show(ctx, arrives)
            self.on_the_way.append(self.grant(ctx, arrives))
            if self.on_the_way[-1]:
                self.read.append(self.on_the_way[-1])
            self.arrived = arrives
            await ctx.tick()
            self.clock += 1

    def show(self, ctx, arrives):
        """What arrives, the number of beats of what arrived before, and the beat that was read."""
        dut = self.dut
        ctx.set(dut.i_arrives.valid, arrives is not None)
        if arrives:
            _clock, slot, _beats, kept = arrives
            ctx.set(dut.i_arrives.payload, {"slot": slot, "kept": kept})
        last = self.arrived[2] - 1 if self.arrived else self.rng.randrange(CONFIG.slot_beats)
        ctx.set(dut.i_count, {"last_beat": last, "short": last <= 1})
        beat = self.on_the_way.pop(0)
        ctx.set(dut.i_beat.valid, beat is not None)
        if beat:
            slot, number, last, _kept = beat
            info = {"node": slot, "id": 100 + slot, "last_lane": 3}
            ctx.set(dut.i_beat.payload, {"data": content(slot, number), "last": last, "info": info})

    def grant(self, ctx, arrives):
        """The beat that is read in this clock: (slot, beat, last, kept), or None."""
        dut = self.dut
        now = self.rng.random() < self.pace
        at_once = arrives is not None and now and ctx.get(dut.free)
        grants = now and ctx.get(dut.request)
        ctx.set(dut.at_once, at_once)
        ctx.set(dut.grant, grants)
        if at_once:
            assert not grants
            _clock, slot, beats, kept = arrives
            return slot, 0, beats == 1, kept
        surplus = grants and ctx.get(dut.surplus)
        self.surplus += surplus
        if not grants or surplus:
            return None
        return tuple(ctx.get(value) for value in (dut.slot, dut.beat, dut.last, dut.kept))


@pytest.mark.parametrize("pace", [1.0, 0.4])
@pytest.mark.parametrize("host", [1.0, 0.3])
def test_payloads_of_random_lengths(pace, host):
    rng = random.Random(f"{pace} {host}")
    dut = VcReader(CONFIG)
    memory = Memory(dut, rng, pace)
    lengths = [rng.choice((1, 1, 2, 3, 8, CONFIG.slot_beats)) for _ in range(CONFIG.rx_slots)]
    memory.coming = [
        (30 * (slot // 5) + slot % 5, slot, beats, slot % 5 == 0)
        for slot, beats in enumerate(lengths)
    ]
    packets = []

    async def testbench(ctx):
        for _slot in range(CONFIG.rx_slots):
            packets.append(await receive_packet(ctx, dut.o_host, lambda: rng.random() < host))

    simulate(dut, testbench, background=[memory.run])
    assert memory.read == [
        (slot, beat, beat == beats - 1, slot % 5 == 0)
        for slot, beats in enumerate(lengths)
        for beat in range(beats)
    ]
    for slot, (beats, packet) in enumerate(zip(lengths, packets)):
        assert [beat.data for beat in packet] == [content(slot, beat) for beat in range(beats)]
        assert [beat.keep for beat in packet] == [0xFF] * (beats - 1) + [0x0F]
        assert {(beat.node, beat.id) for beat in packet} == {(slot, 100 + slot)}


@pytest.mark.parametrize("beats", [1, 2, 3, 9])
def test_a_payload_is_at_the_host_three_clocks_after_its_verdict(beats):
    """Without a gap, however long it is; a second beat that is not there costs nothing."""
    dut = VcReader(CONFIG)
    memory = Memory(dut, random.Random(0), 1.0)
    memory.coming = [(4, 7, beats, False), (24, 8, beats, False)]

    async def testbench(ctx):
        ctx.set(dut.o_host.ready, 1)
        valid = []
        for _clock in range(40):
            valid.append(ctx.get(dut.o_host.valid))
            await ctx.tick()
        found = [clock for clock, one in enumerate(valid) if one]
        assert found == [*range(7, 7 + beats), *range(27, 27 + beats)]
        assert memory.surplus == (2 if beats == 1 else 0)

    simulate(dut, testbench, background=[memory.run])


def test_a_host_that_stalls_stops_the_reading():
    dut = VcReader(CONFIG)
    memory = Memory(dut, random.Random(0), 1.0)
    memory.coming = [(0, 1, CONFIG.slot_beats, False)]

    async def testbench(ctx):
        await ctx.tick().repeat(40)
        assert len(memory.read) == BUFFER_BEATS and not ctx.get(dut.request)

    simulate(dut, testbench, background=[memory.run])
