"""`AxiLite` by itself: one request after the other, answers, turns, the flat ports' names."""

import pytest

from tests.csr.csr_bench import OKAY, SLVERR, Axil
from tests.streams import simulate
from ttpoe.csr.axil import AxiLite, AxiLiteSignature


def register_file(dut, clocks, requests):
    """Answers each request `clocks` after `o_start`: data = ~address, an error if bit 15 is set."""

    async def answer(ctx):
        while True:
            while not ctx.get(dut.o_start):
                await ctx.tick()
            address = ctx.get(dut.o_address)
            requests.append(
                (ctx.get(dut.o_write), address, ctx.get(dut.o_data), ctx.get(dut.o_strobe))
            )
            await ctx.tick().repeat(clocks)
            ctx.set(dut.i_done, 1)
            ctx.set(dut.i_data, ~address & 0xFFFFFFFF)
            ctx.set(dut.i_error, address >> 15)
            await ctx.tick()
            ctx.set(dut.i_done, 0)

    return answer


@pytest.mark.parametrize("clocks", [1, 2, 7])
@pytest.mark.parametrize("late", [0, 3])
def test_reads_and_writes(clocks, late):
    dut, requests = AxiLite(), []

    async def testbench(ctx):
        master = Axil(ctx, dut)
        for address, answer in ((0x0104, OKAY), (0x8104, SLVERR)):
            got, took = await master.write_raw(
                address, 0x12345678, 0b0110, address_late=late, ready_late=late
            )
            assert got == answer and took == 2 + clocks + late
            (got, data), took = await master.read_raw(address, ready_late=late)
            assert got == answer and data == ~address & 0xFFFFFFFF and took == 2 + clocks
        assert [request[:2] for request in requests] == [
            (1, 0x0104),
            (0, 0x0104),
            (1, 0x8104),
            (0, 0x8104),
        ]
        assert all(request[2:] == (0x12345678, 0b0110) for request in requests)

    simulate(dut, testbench, background=[register_file(dut, clocks, requests)])


def test_a_read_and_a_write_that_wait_take_turns():
    dut, requests = AxiLite(), []

    async def testbench(ctx):
        bus = dut.s_axil
        for channel in (bus.aw, bus.w, bus.ar):
            ctx.set(channel.valid, 1)
        for channel in (bus.b, bus.r):
            ctx.set(channel.ready, 1)
        while len(requests) < 8:
            await ctx.tick()
        kinds = [request[0] for request in requests]
        assert sorted(kinds[:2]) == [0, 1] and kinds == kinds[:2] * 4

    simulate(dut, testbench, background=[register_file(dut, 1, requests)])


def test_the_flat_ports_are_those_of_the_standard():
    names = {name: width for name, _channel, _part, _flow, width in AxiLiteSignature.flat("s")}
    assert names == {
        "s_awaddr": 16,
        "s_awprot": 3,
        "s_awvalid": 1,
        "s_awready": 1,
        "s_wdata": 32,
        "s_wstrb": 4,
        "s_wvalid": 1,
        "s_wready": 1,
        "s_bresp": 2,
        "s_bvalid": 1,
        "s_bready": 1,
        "s_araddr": 16,
        "s_arprot": 3,
        "s_arvalid": 1,
        "s_arready": 1,
        "s_rdata": 32,
        "s_rresp": 2,
        "s_rvalid": 1,
        "s_rready": 1,
    }
