"""`Split`: the highest bit of the address says which slave is asked."""

import itertools

import pytest

from tests.simulated import made
from tests.streams import simulate
from ttpoe.board.split import Split
from ttpoe.csr.axil import Resp

HALVES = {"m_low": 0x0000, "m_high": 0x8000}
ADDRESSES = (0x0000, 0x0004, 0x7FFC)
ORDERS = list(itertools.permutations(HALVES))


@pytest.mark.parametrize("asked, other", ORDERS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_read_goes_to_one_slave(asked, other, address):
    dut = made(Split)
    address += HALVES[asked]
    asked, other = getattr(dut, asked), getattr(dut, other)

    async def testbench(ctx):
        bus = dut.s_axil
        ctx.set(bus.aw.p.addr, address ^ 0x8000)  # of a write that is over
        ctx.set(bus.ar.p, {"addr": address, "prot": 2})
        ctx.set(bus.ar.valid, 1)
        ctx.set(other.ar.ready, 1)
        assert ctx.get(asked.ar.valid) and not ctx.get(other.ar.valid)
        assert ctx.get(asked.ar.p.addr) == address and ctx.get(asked.ar.p.prot) == 2
        assert not ctx.get(bus.ar.ready), "the other one's"
        ctx.set(asked.ar.ready, 1)
        assert ctx.get(bus.ar.ready)
        assert not any(ctx.get(end.aw.valid) or ctx.get(end.w.valid) for end in (asked, other))

    simulate(dut, testbench)


@pytest.mark.parametrize("asked, other", ORDERS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_address_and_data_of_a_write_go_to_one_slave(asked, other, address):
    """Also the data that is taken after the address, which holds."""
    dut = made(Split)
    address += HALVES[asked]
    asked, other = getattr(dut, asked), getattr(dut, other)

    async def testbench(ctx):
        bus = dut.s_axil
        ctx.set(bus.aw.p.addr, address)
        ctx.set(bus.w.p, {"data": 0x12345678, "strb": 0b0110})
        for channels in (("aw", "w"), ("w",)):
            for name in ("aw", "w"):
                ctx.set(getattr(bus, name).valid, name in channels)
                ctx.set(getattr(other, name).ready, 1)
            for name in channels:
                inside, at_master = getattr(asked, name), getattr(bus, name)
                assert ctx.get(inside.valid) and not ctx.get(getattr(other, name).valid)
                assert not ctx.get(at_master.ready), "the other one's"
                ctx.set(inside.ready, 1)
                assert ctx.get(at_master.ready)
                ctx.set(inside.ready, 0)
        assert ctx.get(asked.aw.p.addr) == address
        assert ctx.get(asked.w.p.data) == 0x12345678 and ctx.get(asked.w.p.strb) == 0b0110

    simulate(dut, testbench)


@pytest.mark.parametrize("slave", HALVES)
def test_answers_come_from_either(slave):
    dut = made(Split)

    async def testbench(ctx):
        bus, end = dut.s_axil, getattr(dut, slave)
        assert not ctx.get(bus.r.valid) and not ctx.get(bus.b.valid)
        for name, answer in (("r", {"data": 0xCAFE, "resp": Resp.SLVERR}), ("b", {"resp": 2})):
            given, got = getattr(end, name), getattr(bus, name)
            ctx.set(given.p, answer)
            ctx.set(given.valid, 1)
            assert ctx.get(got.valid) and ctx.get(got.p.resp) == Resp.SLVERR
            assert not ctx.get(given.ready)
            ctx.set(got.ready, 1)
            assert ctx.get(given.ready)
            ctx.set(given.valid, 0)
            assert not ctx.get(got.valid)
            ctx.set(got.ready, 0)
        ctx.set(end.r.valid, 1)
        assert ctx.get(bus.r.p.data) == 0xCAFE

    simulate(dut, testbench)
