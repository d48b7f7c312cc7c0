"""The engine's side of `MacTop` in cocotb: frames to beats and back."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer

from tests.mac.mac_bench import description
from tests.mac.mac_top import CONFIG
from ttpoe.mac.counters import STATS

WIDTH = CONFIG.width_bytes
LONG = bool(description()["params"].get("long"))


def beats_of(frame, error=0):
    """A frame as integers."""
    found = []
    for start in range(0, len(frame), WIDTH):
        part = frame[start : start + WIDTH]
        last = start + WIDTH >= len(frame)
        found.append(
            int.from_bytes(part, "little")
            | ((1 << len(part)) - 1) << 8 * WIDTH
            | last << 9 * WIDTH
            | (last and error) << 9 * WIDTH + 1
        )
    return found


def random_frames(lengths, seed):
    """No two alike, and none that is MAC control."""
    rng = random.Random(seed)
    return [
        (number.to_bytes(2, "big") + rng.randbytes(length))[:length]
        for number, length in enumerate(lengths)
    ]


class EngineSide:
    """Drives and samples at the falling edge; what is there then is taken at the rising one."""

    def __init__(self, dut):
        self.dut = dut
        self.received = []  # (bytes, error)
        self.arriving = bytearray()  # of the next one
        self.held = lambda: False  # the reader holds a beat back in this clock
        self.tasks = []

    async def start(self, sync_ps, tx_ps=None, rx_ps=None, mii=0):
        """Clocks, but for those that a model makes, and reset."""
        dut = self.dut
        for name in ("i_beat", "i_valid", "gmii_rxd", "mii_rxd", "gmii_rx_dv", "gmii_rx_er"):
            if hasattr(dut, name):
                getattr(dut, name).value = 0
        dut.o_ready.value, dut.cfg_mii.value, dut.rst.value = 1, mii, 1
        clocks = {"clk": sync_ps, "gmii_tx_clk": tx_ps, "gmii_rx_clk": rx_ps}
        for pin, period in clocks.items():
            if period:
                clock = Clock(getattr(dut, pin), period // 2 * 2, "ps")
                self.run(clock.start(start_high=False))
        await ClockCycles(dut.clk, 8)
        dut.rst.value = 0
        await Timer(4000 if mii else 400, "ns")
        self.run(self._receive())

    def run(self, coroutine):
        task = (
            coroutine if isinstance(coroutine, cocotb.task.Task) else cocotb.start_soon(coroutine)
        )
        self.tasks.append(task)
        return task

    def stop(self):
        for task in self.tasks:
            if not task.done():
                task.cancel()

    async def send(self, frames, errors=()):
        """All beats one after the other, without a pause of ours."""
        dut = self.dut
        edge = FallingEdge(dut.clk)
        await edge
        for number, frame in enumerate(frames):
            for beat in beats_of(frame, number in errors):
                dut.i_beat.value, dut.i_valid.value = beat, 1
                if not dut.i_ready.value:
                    await RisingEdge(dut.i_ready)
                    await edge
                await edge
        dut.i_valid.value = 0

    async def _receive(self):
        dut, frame = self.dut, self.arriving
        edge = FallingEdge(dut.clk)
        while True:
            if not dut.o_valid.value:
                await RisingEdge(dut.o_valid)
            await edge
            ready = not self.held()
            dut.o_ready.value = ready
            if not (dut.o_valid.value and ready):
                continue
            beat = int(dut.o_beat.value)
            keep, last, error = beat >> 64 & 0xFF, beat >> 72 & 1, beat >> 73
            assert keep & (keep + 1) == 0 and keep and (last or keep == 0xFF), hex(beat)
            assert last or not error
            frame += (beat & (1 << 64) - 1).to_bytes(8, "little")[: keep.bit_length()]
            if last:
                self.received.append((bytes(frame), error))
                frame.clear()

    def counts(self):
        """Those that are not 0, without `stat_`."""
        found = {
            name[5:]: int(getattr(self.dut, name.replace("stat", "count")).value) for name in STATS
        }
        return {name: count for name, count in found.items() if count}


async def idle_for(source, sink, ns=4000):
    """Until the source has sent everything, and some time for what is under way."""
    await source.wait()
    await Timer(ns, "ns")


def gaps_of(frames, byte_ps):
    """Idle byte times before each frame but the first."""
    return [
        round((after.sim_time_start - before.sim_time_end) / byte_ps)
        for before, after in zip(frames, frames[1:])
    ]
