"""The MDIO master against a PHY written from IEEE 802.3 clause 22."""

import random

import pytest

from tests.streams import send_packet, simulate
from ttpoe.mac.mdio import Mdio

HALF = 5


class Phy:
    """Takes bits at rising MDC, and drives in the bit time after: clause 22.3.4."""

    def __init__(self, address):
        self.address, self.registers = address, {}
        self.ones, self.bits, self.driving, self.out = 0, None, False, 1
        self.writes = []

    def clock(self, mdio):
        """MDC rises while the line is `mdio`; afterwards the line may be ours."""
        if self.bits is None:
            if self.ones >= 32 and mdio == 0:
                self.bits = [0]
            self.ones = self.ones + 1 if mdio else 0
            return
        self.bits.append(mdio)
        number = len(self.bits)
        if number == 14:
            word = int("".join(map(str, self.bits)), 2)
            self.op, phy, self.register = word >> 10 & 3, word >> 5 & 31, word & 31
            assert word >> 12 == 1 and self.op in (1, 2)
            self.mine = phy == self.address
        reads = number >= 14 and self.mine and self.op == 2
        if reads and 15 <= number < 32:  # from the second bit of the turnaround on
            self.driving = True
            value = self.registers.get(self.register, 0)
            self.out = 0 if number == 15 else value >> 31 - number & 1
        if number == 32:
            if self.mine and self.op == 1:
                assert self.bits[14:16] == [1, 0]
                self.registers[self.register] = int("".join(map(str, self.bits[16:])), 2)
                self.writes.append(self.register)
            self.bits, self.driving, self.ones = None, False, 0


def talk(requests, phy):
    """The answers; each line level is what drives it, with a pull-up."""
    dut = Mdio(HALF)
    answers, edges = [], []

    async def pins(ctx):
        before, clock = 0, 0
        while True:
            mdc, own, driven = (ctx.get(port) for port in (dut.o_mdc, dut.o_mdio, dut.o_mdio_oe))
            assert not (driven and phy.driving), "two drive the line"
            line = own if driven else phy.out if phy.driving else 1
            ctx.set(dut.i_mdio, line)
            if mdc and not before:
                edges.append(clock)
                phy.clock(line)
            before, clock = mdc, clock + 1
            await ctx.tick()

    async def master(ctx):
        for request in requests:
            await send_packet(ctx, dut.i, [request])
            clocks = 0
            while not ctx.get(dut.o.valid):
                await ctx.tick()
                clocks += 1
            assert clocks == 128 * HALF
            answer = ctx.get(dut.o.payload)
            answers.append((answer.data, answer.answered))

    simulate(dut, master, background=[pins])
    assert min(after - before for before, after in zip(edges, edges[1:])) == 2 * HALF
    assert len(edges) == 64 * len(requests)
    return answers


def test_reads_and_writes():
    rng = random.Random(1)
    phy = Phy(0b10110)
    requests, wanted = [], {}
    for _ in range(6):
        register, value = rng.randrange(32), rng.getrandbits(16)
        wanted[register] = value
        requests.append({"write": 1, "phy": phy.address, "register": register, "data": value})
    reads = [
        {"write": 0, "phy": phy.address, "register": register, "data": rng.getrandbits(16)}
        for register in wanted
    ]
    answers = talk(requests + reads, phy)
    assert phy.registers == wanted and len(phy.writes) == 6
    assert answers[6:] == [(value, 1) for value in wanted.values()]


def test_nobody_answers():
    phy = Phy(3)
    phy.registers[1] = 0x1234
    (data, answered), there = talk(
        [
            {"write": 0, "phy": 2, "register": 1, "data": 0},
            {"write": 0, "phy": 3, "register": 1, "data": 0},
        ],
        phy,
    )
    assert (data, answered) == (0xFFFF, 0) and there == (0x1234, 1)


def test_constructor():
    with pytest.raises(ValueError, match="half_clocks must be 5 or more; got 4"):
        Mdio(4)
