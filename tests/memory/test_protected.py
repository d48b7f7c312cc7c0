"""Memories and FIFOs with and without check bits: the same calls, the same answers."""

import random

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.fifo import SyncFIFO

from tests.streams import simulate
from ttpoe.memory.protected import BlockFifo, protected_fifo, protected_memory

PROTECT = ["none", "secded"]


class Store(Elaboratable):
    """A memory with a write port, a read port, and one that sees the write of the same clock."""

    def __init__(self, protect):
        self.memory = protected_memory(protect, shape=11, depth=16, init=[])
        self.write = self.memory.write_port()
        self.read = self.memory.read_port()
        self.transparent = self.memory.read_port(transparent_for=[self.write])

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.memory
        return m


@pytest.mark.parametrize("protect", PROTECT)
def test_a_memory_reads_what_was_written_last(protect):
    dut, rng = Store(protect), random.Random(1)
    words = [0] * 16

    async def testbench(ctx):
        for port in (dut.read, dut.transparent):
            ctx.set(port.en, 1)
        for _ in range(500):
            address, word, writes = rng.randrange(4), rng.getrandbits(11), rng.random() < 0.6
            asked = rng.randrange(4)
            ctx.set(dut.write.addr, address)
            ctx.set(dut.write.data, word)
            ctx.set(dut.write.en, writes)
            for port in (dut.read, dut.transparent):
                ctx.set(port.addr, asked)
            before = words[asked]
            if writes:
                words[address] = word
            await ctx.tick()
            assert ctx.get(dut.transparent.data) == words[asked]
            assert ctx.get(dut.read.data) == before or asked == address

    simulate(dut, testbench)


@pytest.mark.parametrize("protect", PROTECT)
@pytest.mark.parametrize("kind, clocks", [(SyncFIFO, 1), (BlockFifo, 2)])
def test_a_fifo_keeps_order_and_its_latency(protect, kind, clocks):
    dut, rng = protected_fifo(protect, kind, width=9, depth=8), random.Random(2)
    inside = []

    async def testbench(ctx):
        ctx.set(dut.w_data, 300)
        ctx.set(dut.w_en, 1)
        await ctx.tick()
        ctx.set(dut.w_en, 0)
        await ctx.tick().repeat(clocks - 1) if clocks > 1 else None
        assert ctx.get(dut.r_rdy) and ctx.get(dut.r_data) == 300
        inside.append(300)
        for _ in range(600):
            word, writes, takes = rng.getrandbits(9), rng.random() < 0.6, rng.random() < 0.5
            ctx.set(dut.w_data, word)
            ctx.set(dut.w_en, writes)
            ctx.set(dut.r_en, takes)
            assert ctx.get(dut.level) == len(inside) <= 8
            taken = takes and ctx.get(dut.r_rdy)
            if taken:
                assert ctx.get(dut.r_data) == inside.pop(0)
            if writes and ctx.get(dut.w_rdy):
                inside.append(word)
            await ctx.tick()

    simulate(dut, testbench)
