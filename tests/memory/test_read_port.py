"""`ReadPort`: a reader and the owner of a memory, connected, and what cannot be connected."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from tests.streams import simulate
from ttpoe.memory.read_port import ReadPort, slot_beat_address


class Owner(wiring.Component):
    """A memory of 16 words: three times its address in each; counts the words that are used."""

    def __init__(self):
        super().__init__({"port": In(ReadPort(4, 8)), "o_used": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(shape=8, depth=16, init=range(0, 48, 3))
        read = words.read_port()
        m.d.comb += [
            read.addr.eq(self.port.addr),
            read.en.eq(self.port.en),
            self.port.data.eq(read.data),
            self.o_used.eq(self.port.used),
        ]
        return m


class Both(wiring.Component):
    """A reader whose wires are ports, and the owner: joined by `connect`, as the engine does."""

    def __init__(self):
        super().__init__(
            {"addr": In(4), "en": In(1), "use": In(1), "data": Out(8), "o_used": Out(1)}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.owner = owner = Owner()
        reader = ReadPort(4, 8).create()
        wiring.connect(m, reader, owner.port)
        m.d.comb += [
            reader.addr.eq(self.addr),
            reader.en.eq(self.en),
            reader.used.eq(self.use),
            self.data.eq(reader.data),
            self.o_used.eq(owner.o_used),
        ]
        return m


def test_a_word_comes_one_clock_later_and_stays_until_the_next():
    dut = Both()

    async def testbench(ctx):
        ctx.set(dut.en, 1)
        for address in (5, 9, 2):
            ctx.set(dut.addr, address)
            await ctx.tick()
            assert ctx.get(dut.data) == 3 * address
        ctx.set(dut.en, 0)
        ctx.set(dut.addr, 7)
        await ctx.tick().repeat(3)
        assert ctx.get(dut.data) == 6

    simulate(dut, testbench)


def test_the_owner_sees_which_words_are_used():
    dut = Both()

    async def testbench(ctx):
        for use in (1, 0, 1):
            ctx.set(dut.use, use)
            assert ctx.get(dut.o_used) == use

    simulate(dut, testbench)


def test_ports_are_alike_if_their_shapes_are():
    assert ReadPort(4, 8) == ReadPort(4, 8)
    assert ReadPort(4, 8) != ReadPort(5, 8) and ReadPort(4, 8) != ReadPort(4, 9)
    assert ReadPort(4, 8) != wiring.Signature(ReadPort(4, 8).members)


def test_a_reader_of_wider_words_is_not_connected():
    with pytest.raises(wiring.ConnectionError, match="width"):
        wiring.connect(Module(), ReadPort(4, 9).create(), Owner().port)


def test_the_beats_of_a_slot_follow_each_other():
    layout = slot_beat_address(slot_bits=3, beat_bits=4)
    assert layout.size == 7
    first = layout.const({"slot": 5, "beat": 0}).as_value().value
    assert first == 5 << 4
    assert layout.const({"slot": 5, "beat": 15}).as_value().value == first + 15
