"""The code, and that every memory has it: each wrong bit is put right and counted, two are seen."""

import random
from itertools import combinations

import pytest
from amaranth.hdl import Fragment, Shape
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib import fifo
from amaranth.sim import Simulator

from tests.coded import coded
from ttpoe.config import preset
from ttpoe.csr import counters
from ttpoe.memory import protected as memories
from ttpoe.memory.secded import (
    CHUNK_BITS,
    Decoder,
    Encoder,
    check_bits,
    chunks,
    coded_bits,
    columns,
)
from ttpoe.nic import frame_buffer
from ttpoe.rx.reader import read_beat_layout
from ttpoe.verilog import emit

TINY = preset("tiny").replace(protect="secded")


def simulate(dut, testbench, clocked=True):
    sim = Simulator(dut)
    if clocked:
        sim.add_clock(1e-8)
    sim.add_testbench(testbench)
    sim.run()


# ---- the code ----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", range(1, CHUNK_BITS + 1))
def test_no_two_wrong_bits_look_like_one(width):
    """For all words at once: the syndrome of an error does not depend on the word."""
    bits = check_bits(width)
    whole = [*columns(width), *(1 << row for row in range(bits))]
    assert len(whole) == len(set(whole)) == width + bits
    assert all(0 < column < 1 << bits and column.bit_count() % 2 for column in whole)
    assert not {one ^ other for one, other in combinations(whole, 2)} & {0, *whole}
    # As few check bits, and as short equations, as such a code can have.
    assert width > 2 ** (bits - 2) - (bits - 1) or bits == 3
    lengths = [sum(column >> row & 1 for column in whole) for row in range(bits)]
    assert max(lengths) - min(lengths) <= 2


def test_known_sizes():
    assert [check_bits(width) for width in (1, 6, 11, 26, 57, 64)] == [3, 5, 5, 6, 7, 8]
    assert coded_bits(64) == 72 and coded_bits(512) == 8 * 72
    assert chunks(265) == [(0, 53), (53, 106), (106, 159), (159, 212), (212, 265)]


@pytest.mark.parametrize("width", [1, 6, 11, 33, 64])
def test_the_hardware_has_these_columns(width):
    """Every single bit, and sums of many: the encoder is linear."""
    dut = Encoder(width)
    rng = random.Random(width)

    async def testbench(ctx):
        for word in [1 << bit for bit in range(width)] + [rng.getrandbits(width) for _ in "x" * 50]:
            ctx.set(dut.i_data, word)
            await ctx.delay(1e-9)
            expected = 0
            for bit, column in enumerate(columns(width)):
                expected ^= column * (word >> bit & 1)
            assert ctx.get(dut.o_check) == expected

    simulate(dut, testbench, clocked=False)


@pytest.mark.parametrize("width", [1, 6, 33, 64])
def test_every_single_and_every_pair_of_wrong_bits(width):
    dut = Decoder(width)
    rng = random.Random(width)
    places = range(width + check_bits(width))
    errors = [(), *((place,) for place in places), *combinations(places, 2)]

    async def testbench(ctx):
        for wrong in errors:
            word = rng.getrandbits(width)
            read = coded(word, width) ^ sum(1 << place for place in wrong)
            ctx.set(dut.i_data, read & (1 << width) - 1)
            ctx.set(dut.i_check, read >> width)
            await ctx.delay(1e-9)
            assert ctx.get(dut.o_corrected) == (len(wrong) == 1), wrong
            assert ctx.get(dut.o_uncorrectable) == (len(wrong) == 2), wrong
            assert len(wrong) == 2 or ctx.get(dut.o_data) == word, wrong

    simulate(dut, testbench, clocked=False)


# ---- every memory has it -----------------------------------------------------------------------


def _memories(fragment, path=()):
    if isinstance(fragment, MemoryInstance):
        yield path, fragment._data
    for inner, name, _location in fragment.subfragments:
        yield from _memories(inner, (*path, name))


@pytest.mark.parametrize("name", ["tiny", "full"])
def test_no_memory_is_left_out(name):
    plain, coded = (
        dict(
            _memories(
                Fragment.get(
                    emit.wrapped("managed_nic", preset(name).replace(protect=protect)), None
                )
            )
        )
        for protect in ("none", "secded")
    )
    # The interlock's words are registers where memories have check bits.
    del plain[next(path for path in plain if path[-2:] == ("interlock", "words"))]
    assert len(plain) == len(coded) >= 31
    beat = read_beat_layout(preset(name).replace(protect="secded")).size - 1 + coded_bits(1)
    assert {
        # A beat for the host keeps the check bits of the words that it is made of.
        path: beat if path[-2:] == ("buffer", "storage") else coded_bits(_width(memory))
        for path, memory in plain.items()
    } == {
        tuple(part for part in path if part != "coded"): _width(memory)
        for path, memory in coded.items()
    }
    # The words of PAYLOADs are coded and decoded where they are used, not where they lie.
    uncoded = [path for path in coded if "coded" not in path]
    assert all(path[-3:] == ("tx", "reader", "words") for path in uncoded), uncoded
    assert not any("coded" in path for path in plain)


def _width(memory):
    return Shape.cast(memory.shape).width


# ---- the memories beside the engine; `ttpoe faults` has those inside ----------------------------


@pytest.fixture
def made(monkeypatch):
    """The protected memories that a block makes, in order."""
    found = []

    def recorded(make):
        def record(*arguments, **names):
            found.append(make(*arguments, **names))
            return found[-1]

        return record

    monkeypatch.setattr(frame_buffer, "protected_memory", recorded(memories.protected_memory))
    return found


@pytest.mark.parametrize("flips", [1, 2])
def test_a_counter(flips):
    """Its total is read right, and written back right: the upset is gone after one round."""
    dut = counters.Counters(4, "secded")
    found = {"corrected": 0, "uncorrectable": 0}

    async def read(ctx):
        ctx.set(dut.i_request, 1)
        while not ctx.get(dut.o_done):
            await ctx.tick()
        value = ctx.get(dut.o_value)
        ctx.set(dut.i_request, 0)
        await ctx.tick()
        return value

    async def testbench(ctx):
        ctx.set(dut.i_index, 2)
        ctx.set(dut.i_pulses, 0b0100)
        await ctx.tick().repeat(9)
        ctx.set(dut.i_pulses, 0)
        await ctx.tick().repeat(20)
        assert await read(ctx) == 9
        word = dut.totals._coded.data[2]
        ctx.set(word, ctx.get(word) ^ (1 << flips) - 1)
        for _ in range(30):
            await ctx.tick()
            for name in found:
                found[name] += ctx.get(dut.o_errors[name])
        if flips == 1:
            assert await read(ctx) == 9

    simulate(dut, testbench)
    assert found == {"corrected": int(flips == 1), "uncorrectable": int(flips == 2)}


@pytest.mark.parametrize("bit", range(0, coded_bits(64 + 3 + 1), 7))
def test_a_frame_of_the_operating_system(made, bit):
    dut = frame_buffer.FrameBuffer(TINY, lossy=True)
    beats = [0x1111222233334444, 0x5555666677778888]
    counted = []

    async def testbench(ctx):
        for number, beat in enumerate(beats):
            ctx.set(dut.i.payload, {"data": beat, "keep": 0xFF, "last": number, "error": 0})
            ctx.set(dut.i.valid, 1)
            if number:
                word = made[0]._coded.data[0]
                ctx.set(word, ctx.get(word) ^ 1 << bit)
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.o.ready, 1)
        seen = []
        for _ in range(8):
            if ctx.get(dut.o.valid):
                seen.append((ctx.get(dut.o.payload.data), ctx.get(dut.o.payload.last)))
            await ctx.tick()
            counted.append(ctx.get(dut.o_errors.corrected))
        assert seen == [(beats[0], 0), (beats[1], 1)]

    simulate(dut, testbench)
    assert sum(counted) == 1


@pytest.mark.parametrize("kind", [fifo.SyncFIFO, memories.BlockFifo])
def test_a_fifo_counts_what_is_taken(kind):
    """An upset is counted once, a clock after its entry is taken, and not while it waits or before."""
    dut = memories.protected_fifo("secded", kind, width=12, depth=4)
    storage = []
    plain = kind.elaborate

    def elaborate(self, platform):
        m = plain(self, platform)
        storage.append(m.submodules.storage)
        return m

    async def testbench(ctx):
        for value in (0x123, 0xABC, 0xF0F):
            ctx.set(dut.w_data, value)
            ctx.set(dut.w_en, 1)
            await ctx.tick()
        ctx.set(dut.w_en, 0)
        word = storage[0].data[1]
        ctx.set(word, ctx.get(word) ^ 0x10)
        taken, counted = [], []
        for clock in range(12):
            ctx.set(dut.r_en, clock % 3 == 2)
            if clock % 3 == 2:
                taken.append(ctx.get(dut.r_data))
            counted.append(ctx.get(dut.errors.corrected))
            await ctx.tick()
        assert taken[:3] == [0x123, 0xABC, 0xF0F]
        assert counted == [clock == 6 for clock in range(12)]

    kind.elaborate = elaborate
    try:
        simulate(dut, testbench)
    finally:
        kind.elaborate = plain
