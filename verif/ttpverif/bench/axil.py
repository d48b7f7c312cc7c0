"""Registers of an engine on the bench through cocotbext-axi."""

from typing import cast

from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp
from cocotbext.axi.axil_master import AxiLiteReadResp, AxiLiteWriteResp

from .ports import BenchError

__all__ = ["register_bus"]


def register_bus(bench, node):
    """`(read, write)` for `ttpoe.csr.access.Registers`; an answer other than OKAY is an error."""
    dut = bench.dut
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, f"{node.name}_s_axil"), dut.clk, dut.rst)

    # cocotb's events carry an `object`: what they answer with is said here.
    async def read(address: int) -> int:
        answer = cast(AxiLiteReadResp, await master.read(address, 4))
        if answer.resp != AxiResp.OKAY:
            raise BenchError(f"{node.name}: a read of {address:#x} was refused")
        return int.from_bytes(answer.data, "little")

    async def write(address: int, value: int) -> None:
        answer = cast(AxiLiteWriteResp, await master.write(address, value.to_bytes(4, "little")))
        if answer.resp != AxiResp.OKAY:
            raise BenchError(f"{node.name}: a write of {address:#x} was refused")

    return read, write
