"""What runs inside the simulator beside cocotbext-eth's models: beats of the engine, counters."""

import json
import logging
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from tests.mac.mac_bench import description

logging.getLogger("cocotb.pair").setLevel(logging.WARNING)  # the models log every frame

PERIOD_PS = 6400
BYTE_PS = PERIOD_PS // 8


def params():
    return description()["params"]


def rng():
    return random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))


def say(**figures):
    """Figures for the test that started this."""
    path = Path(description()["folder"]) / "said.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(before | figures))


async def start(clk, rst, period_ps=PERIOD_PS):
    rst.value = 1
    cocotb.start_soon(Clock(clk, period_ps, "ps").start())
    await ClockCycles(clk, 4)
    rst.value = 0
    await ClockCycles(clk, 2)


async def reset(dut, which, clock, bench, feeding):
    """A pulse on the reset `which`, in `clock`, while the task `feeding` sends. With the engine's own,
    its side gives up what it had begun to send and to receive."""
    getattr(dut, which).value = 1
    if which == "rst":
        feeding.cancel()
        bench.i.valid.value = 0
    await ClockCycles(clock, 3)
    if which == "rst":
        bench.o.forget()
    getattr(dut, which).value = 0
    await ClockCycles(clock, 10)


class Beats:
    """A stream of beats as flat signals `<name>__valid`, `__payload` and, perhaps, `__ready`."""

    def __init__(self, dut, name, clk, width=8):
        self.valid = getattr(dut, f"{name}__valid")
        self.payload = getattr(dut, f"{name}__payload")
        self.ready = getattr(dut, f"{name}__ready", None)
        self.clk, self.width = clk, width

    def _value(self, octets, last, error):
        data = int.from_bytes(octets, "little")
        keep = (1 << len(octets)) - 1
        width = self.width
        return data | keep << 8 * width | last << 9 * width | error << 9 * width + 1

    async def send(self, octets, error=0, pauses=None):
        """`pauses(beat number)`: clocks without a beat in front of that one."""
        for number, at in enumerate(range(0, len(octets), self.width)):
            for _ in range(pauses(number) if pauses else 0):
                self.valid.value = 0
                await RisingEdge(self.clk)
            last = at + self.width >= len(octets)
            self.valid.value = 1
            self.payload.value = self._value(octets[at : at + self.width], last, error and last)
            await RisingEdge(self.clk)
            while not int(self.ready.value):
                await RisingEdge(self.clk)
        self.valid.value = 0

    async def receive(self, frames, ready=None):
        """Every frame that comes, as (octets, error), is put into `frames`; for ever."""
        self._octets = b""
        if self.ready is not None:
            self.ready.value = 1
        while True:
            await RisingEdge(self.clk)
            if int(self.valid.value) and (self.ready is None or int(self.ready.value)):
                value, width = int(self.payload.value), self.width
                keep = value >> 8 * width & (1 << width) - 1
                last, error = value >> 9 * width & 1, value >> 9 * width + 1 & 1
                count = keep.bit_length()
                assert keep == (1 << count) - 1 and keep and (last or count == width), hex(keep)
                self._octets += (value & (1 << 8 * count) - 1).to_bytes(count, "little")
                if last:
                    frames.append((self._octets, error))
                    self._octets = b""
            if ready:
                self.ready.value = ready()

    def forget(self):
        """The frame that is on its way will not end."""
        self._octets = b""


class Counters:
    """How often each `stat_*` was 1."""

    def __init__(self, dut, names, clk):
        self.counts = dict.fromkeys(names, 0)
        for name in names:
            cocotb.start_soon(self._watch(getattr(dut, name), name, clk))

    async def _watch(self, signal, name, clk):
        while True:
            if not int(signal.value):
                await RisingEdge(signal)
                await RisingEdge(clk)
            else:
                await RisingEdge(clk)
            self.counts[name] += int(signal.value)

    def expect(self, **counts):
        wanted = dict.fromkeys(self.counts, 0) | counts
        assert self.counts == wanted, (self.counts, wanted)
