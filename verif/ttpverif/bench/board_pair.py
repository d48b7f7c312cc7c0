"""A board and a peer on one wire, in cocotb.

At the RGMII pins of both are the models of cocotbext-eth, which know nothing of this project; between
the models frames are lost and spoilt. At the board's UART are the models of cocotbext-uart, and behind
them the program that also speaks to a real board.
"""

import logging
import random

import cocotb
from cocotb.clock import Clock
from cocotb.task import resume
from cocotb.triggers import ClockCycles, Timer
from cocotb.utils import get_sim_time
from cocotbext.uart import UartSink, UartSource

from .lossy_wire import LossyWire, Station
from .wire_ends import ENDS

__all__ = ["BoardPair", "UartPort"]


class UartPort:
    """A UART of cocotbext-uart with the methods of `serial.Serial`, for a thread (`bridge`)."""

    def __init__(self, rx, tx, baudrate, timeout_us=2000):
        self.baudrate = baudrate
        self._source, self._sink = UartSource(rx, baudrate), UartSink(tx, baudrate)
        for end in (self._source, self._sink):
            end.log.setLevel(logging.WARNING)
        self._timeout_us = timeout_us
        self.read, self.write = resume(self._read), resume(self._write)
        self.now = resume(self._now)  # seconds of the simulation

    async def _write(self, octets):
        self._source.write_nowait(octets)

    async def _read(self, number):
        got = b""
        while len(got) < number:
            await self._sink.wait(self._timeout_us, "us")
            if self._sink.empty():
                break
            got += bytes(self._sink.read_nowait(1))
        return got

    async def _now(self):
        return get_sim_time("sec")

    @property
    def in_waiting(self):
        """How many bytes have come."""
        return self._sink.count()

    def reset_input_buffer(self):
        """Forget what came."""
        self._sink.clear()


class BoardPair(LossyWire):
    """Both ends `a` and `b`, and a wire between them. `loss`, `spoil`: shares of the frames.

    Parameters
    ----------
    clock_ps : int
        Period of both engines.
    """

    PHY_PS = 8000

    def __init__(self, dut, clock_ps, loss=0.0, spoil=0.0):
        super().__init__(random.Random(cocotb.RANDOM_SEED), loss, spoil)
        self.dut, self.clock_ps = dut, clock_ps
        self.a, self.b = Station(dut, "a"), Station(dut, "b")

    def clock(self, name, period_ps):
        self.start_soon(Clock(getattr(self.dut, name), period_ps // 2 * 2, "ps").start())

    async def start(self, node=2, boot_clocks=0):
        """Power up; after `boot_clocks` of the board the wire begins to work."""
        dut = self.dut
        for name in ("a_rgmii_rxd", "a_rgmii_rx_ctl", "b_rgmii_rxd", "b_rgmii_rx_ctl"):
            getattr(dut, name).value = 0
        dut.a_i_uart_rx.value = dut.b_i_uart_rx.value = 1
        dut.b_i_node.value, dut.b_i_open_id_seed.value = node, 0x51EED
        if hasattr(dut, "a_i_node"):  # a core; a netlist has its own
            dut.a_i_node.value, dut.a_i_open_id_seed.value = 0, 0xB0A2D
        resets = {"a_rst_n": 0, "a_rst": 1, "b_rst": 1}  # a board without a button has none
        resets = {getattr(dut, name): on for name, on in resets.items() if hasattr(dut, name)}
        for reset, on in resets.items():
            reset.value = on
        self._began = round(get_sim_time("ps"))
        for side in "ab":
            self.clock(f"{side}_clk", self.clock_ps)
            self.clock(f"{side}_rgmii_rxc", self.PHY_PS)
        self.clock("oscillator", 6452)  # OSCG at 155 MHz
        await ClockCycles(dut.a_clk, 10)
        for reset, on in resets.items():
            reset.value = 1 - on
        await ClockCycles(dut.a_clk, 100 + boot_clocks)
        # TXC is RXC; the PHY delays it by a quarter of its period.
        await Timer(self._to_edge() + self.PHY_PS // 4, "ps")
        for side in "ab":
            self.clock(f"{side}_phy_txc", self.PHY_PS)
        for side in (self.a, self.b):
            side.end = ENDS["rgmii"](side.pin)
            for model in (side.end.source, side.end.sink):
                model.log.setLevel(logging.WARNING)
        self.join(self.a, self.b)

    def _to_edge(self):
        """Picoseconds to the next rising edge of RXC."""
        return (self._began - round(get_sim_time("ps"))) % self.PHY_PS
