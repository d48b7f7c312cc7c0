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
    """Grants what is asked for, now and then, and gives the beat one clock later."""

    def __init__(self, dut, rng, pace):
        self.dut, self.rng, self.pace = dut, rng, pace
        self.read = []  # (slot, beat, last, kept)
        self.coming = []  # payloads that arrive: (clock, slot, beats, kept)
        self.clock = 0

    async def run(self, ctx):
        dut, granted = self.dut, None
        while True:
            due = self.coming and self.coming[0][0] <= self.clock
            arrives = self.coming.pop(0) if due else None
            ctx.set(dut.arrived, arrives is not None)
            if arrives:
                _clock, slot, beats, kept = arrives
                ctx.set(dut.arrived_slot, slot)
                ctx.set(dut.arrived_kept, kept)
                ctx.set(dut.arrived_count, {"last_beat": beats - 1, "single": beats == 1})
            ctx.set(dut.i_beat.valid, granted is not None)
            if granted:
                slot, beat, last, _kept = granted
                ctx.set(
                    dut.i_beat.payload,
                    {
                        "data": content(slot, beat),
                        "last": last,
                        "info": {"node": slot, "id": 100 + slot, "last_lane": 3},
                    },
                )
            grants = ctx.get(dut.request) and self.rng.random() < self.pace
            ctx.set(dut.grant, grants)
            granted = None
            if grants:
                granted = tuple(
                    ctx.get(value) for value in (dut.slot, dut.beat, dut.last, dut.kept)
                )
                self.read.append(granted)
            await ctx.tick()
            self.clock += 1


@pytest.mark.parametrize("pace", [1.0, 0.4])
@pytest.mark.parametrize("host", [1.0, 0.3])
def test_payloads_of_random_lengths(pace, host):
    rng = random.Random(f"{pace} {host}")
    dut = VcReader(CONFIG)
    memory = Memory(dut, rng, pace)
    lengths = [rng.choice((1, 1, 2, 3, 8, CONFIG.slot_beats)) for _ in range(CONFIG.rx_slots)]
    memory.coming = [(3 * slot, slot, beats, slot % 5 == 0) for slot, beats in enumerate(lengths)]
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


def test_a_payload_is_at_the_host_two_clocks_after_its_verdict():
    dut = VcReader(CONFIG)
    memory = Memory(dut, random.Random(0), 1.0)
    memory.coming = [(4, 7, 2, False)]

    async def testbench(ctx):
        ctx.set(dut.o_host.ready, 1)
        valid = []
        for _clock in range(12):
            valid.append(ctx.get(dut.o_host.valid))
            await ctx.tick()
        assert [clock for clock, one in enumerate(valid) if one] == [6, 7]

    simulate(dut, testbench, background=[memory.run])


def test_a_host_that_stalls_stops_the_reading():
    dut = VcReader(CONFIG)
    memory = Memory(dut, random.Random(0), 1.0)
    memory.coming = [(0, 1, CONFIG.slot_beats, False)]

    async def testbench(ctx):
        await ctx.tick().repeat(40)
        assert len(memory.read) == BUFFER_BEATS and not ctx.get(dut.request)

    simulate(dut, testbench, background=[memory.run])
