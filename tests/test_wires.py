"""`pass_through`: ports of a block become those of the component around it, arrays too. `with_init`."""

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tests.streams import simulate
from ttpoe.wires import pass_through, with_init

PORTS = {
    "i": In(stream.Signature(8)).array(2),
    "o": Out(stream.Signature(8)).array(2),
    "level": In(4),
    "seen": Out(4),
}


class Inner(wiring.Component):
    """Hands each stream on, crosswise, and a level."""

    def __init__(self):
        super().__init__(PORTS)

    def elaborate(self, platform):
        m = Module()
        for number in range(2):
            wiring.connect(m, wiring.flipped(self.i[number]), wiring.flipped(self.o[1 - number]))
        m.d.comb += self.seen.eq(self.level)
        return m


class Outer(wiring.Component):
    def __init__(self):
        super().__init__(PORTS)

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = Inner()
        pass_through(m, self, inner, PORTS)
        return m


def test_every_wire_arrives():
    dut = Outer()

    async def testbench(ctx):
        ctx.set(dut.level, 11)
        assert ctx.get(dut.seen) == 11
        for number in range(2):
            ctx.set(dut.i[number].payload, 100 + number)
            ctx.set(dut.i[number].valid, 1)
            ctx.set(dut.o[1 - number].ready, 1)
            assert ctx.get(dut.o[1 - number].valid) and ctx.get(dut.i[number].ready)
            assert ctx.get(dut.o[1 - number].payload) == 100 + number
            ctx.set(dut.i[number].valid, 0)
            assert not ctx.get(dut.o[1 - number].valid)

    simulate(dut, testbench)


def test_a_first_value():
    assert with_init(Out, 8, init=0x5A) == Out(8, init=0x5A)
    assert with_init(In, 1, init=1) == In(1, init=1)
