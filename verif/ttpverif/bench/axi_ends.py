"""Streams and registers of a NIC in cocotb, through the models of cocotbext-axi."""

from typing import Any

from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink, AxiStreamSource

from ttpoe.csr.access import Registers

__all__ = ["host_streams", "registers_at", "stream_at"]


def stream_at(kind: Any, dut: Any, name: str, clock: Any) -> Any:
    """A source or a sink at the stream `name`."""
    return kind(AxiStreamBus(dut, name), clock)


def host_streams(dut: Any, side: str, clock: Any) -> tuple[list[Any], list[Any]]:
    """Sources and sinks of the three VCs of one side of `pair`."""
    tx, rx = (
        [stream_at(kind, dut, f"{side}_{name}{vc}", clock) for vc in range(3)]
        for kind, name in ((AxiStreamSource, "s_host_tx"), (AxiStreamSink, "m_host_rx"))
    )
    return tx, rx


def registers_at(
    dut: Any, prefix: str, clock: Any, config: Any, mac: str | None = None, base: int = 0
) -> tuple[AxiLiteMaster, Registers]:
    """The master at an AXI4-Lite bus, and TTP's registers from `base` on behind it."""
    bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, prefix), clock)
    found = Registers(
        config,
        lambda address: bus.read_dword(base + address),
        lambda address, value: bus.write_dword(base + address, value),
        mac,
    )
    return bus, found
