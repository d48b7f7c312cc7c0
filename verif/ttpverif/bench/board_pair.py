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
from cocotbext.eth import GmiiFrame, RgmiiSink, RgmiiSource
from cocotbext.eth.constants import EthPre
from cocotbext.uart import UartSink, UartSource

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


class _Side:
    """One end of the wire: models at the RGMII pins of `a` or `b`."""

    def __init__(self, dut, side):
        self.dut, self.side = dut, side
        self.source = RgmiiSource(
            self.pin("rgmii_rxd"), self.pin("rgmii_rx_ctl"), self.pin("rgmii_rxc")
        )
        self.sink = RgmiiSink(self.pin("rgmii_txd"), self.pin("rgmii_tx_ctl"), self.pin("phy_txc"))
        for end in (self.source, self.sink):
            end.log.setLevel(logging.WARNING)
        self.sent, self.lost, self.spoilt, self.broken = [], 0, 0, 0

    def pin(self, name):
        return getattr(self.dut, f"{self.side}_{name}")

    async def frame(self):
        """The next frame on the wire, without FCS, or None if the model finds a fault in it."""
        got = await self.sink.recv(compact=False)
        got.compact()
        whole = got.error is None and EthPre.SFD in got.data
        return bytes(got.get_payload()) if whole and got.check_fcs() else None

    def put(self, frame, spoil):
        sent = GmiiFrame.from_payload(frame, min_len=60)
        if spoil:
            sent.data[len(sent.data) // 2] ^= 0x10
        self.source.send_nowait(sent)


class BoardPair:
    """Both ends, and a wire between them. `loss`, `spoil`: shares of the frames.

    Parameters
    ----------
    clock_ps : int
        Period of both engines.
    """

    PHY_PS = 8000

    def __init__(self, dut, clock_ps, loss=0.0, spoil=0.0):
        self.dut, self.clock_ps, self.loss, self.spoil = dut, clock_ps, loss, spoil
        self.rng = random.Random(cocotb.RANDOM_SEED)
        self.tasks = []

    def start_soon(self, coroutine):
        self.tasks.append(cocotb.start_soon(coroutine))

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
        self.a, self.b = _Side(dut, "a"), _Side(dut, "b")
        self.start_soon(self._carry(self.a, self.b))
        self.start_soon(self._carry(self.b, self.a))

    def _to_edge(self):
        """Picoseconds to the next rising edge of RXC."""
        return (self._began - round(get_sim_time("ps"))) % self.PHY_PS

    async def _carry(self, sender, taker):
        while True:
            frame = await sender.frame()
            if frame is None:
                sender.broken += 1
                continue
            sender.sent.append(frame)
            chance = self.rng.random()
            if chance < self.loss:
                sender.lost += 1
            else:
                spoil = chance < self.loss + self.spoil
                sender.spoilt += spoil
                taker.put(frame, spoil)

    def stop(self):
        for task in self.tasks:
            task.cancel()
