"""What runs inside the simulator: a few frames of which every count is known."""

import cocotb
from cocotb.triggers import ClockCycles

from tests.mac.xgmii_tx_cocotb import Bench, back_to_back


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def frames(dut):
    """Two that are padded, and three that are not; each begins as soon as it may."""
    bench = Bench(dut)
    await bench.start()
    await back_to_back(bench, bench.frames([59, 1, 61, 62, 65]))
    await ClockCycles(dut.clk, 8)
