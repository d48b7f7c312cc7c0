"""Registers of an engine on the bench through cocotbext-axi."""

from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from .ports import BenchError

__all__ = ["register_bus"]


def register_bus(bench, node):
    """`(read, write)` for `ttpoe.csr.access.Registers`; an answer other than OKAY is an error."""
    dut = bench.dut
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, f"{node.name}_s_axil"), dut.clk, dut.rst)

    async def read(address):
        answer = await master.read(address, 4)
        if answer.resp != AxiResp.OKAY:
            raise BenchError(f"{node.name}: a read of {address:#x} was refused")
        return int.from_bytes(answer.data, "little")

    async def write(address, value):
        answer = await master.write(address, value.to_bytes(4, "little"))
        if answer.resp != AxiResp.OKAY:
            raise BenchError(f"{node.name}: a write of {address:#x} was refused")

    return read, write
