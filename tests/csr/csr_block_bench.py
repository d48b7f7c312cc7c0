"""The register block as its tests see it: ports driven as after reset, pulses and notices for a clock."""

from functools import cache

import pytest

from tests.csr.csr_bench import Axil, Refused
from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.csr.access import Registers
from ttpoe.csr.block import Csr
from ttpoe.csr.registers import INTERRUPTS

TINY = preset("tiny")
NODE, SEED = 0xA1B2C3, 0x89ABCDEF
ALL = 0xFFFFFFFF
ALL_CAUSES = (1 << len(INTERRUPTS)) - 1


@cache
def simulated(config):
    return Simulated(Csr(config), 8e-9)


def run(test, config=TINY, setup=None):
    """Run `test(bench)` on a block whose ports are driven as after reset."""
    dut = simulated(config).design

    async def testbench(ctx):
        bench = Axil(ctx, dut)
        bench.regs = Registers(config, bench.read, bench.write)
        ctx.set(dut.i_node, NODE)
        ctx.set(dut.i_open_id_seed, SEED)
        if setup is not None:
            setup(ctx, dut)
        await test(bench)

    simulated(config).run(testbench)


async def refuses(bench, access):
    with pytest.raises(Refused):
        await access


async def pulse(bench, *names):
    for name in names:
        bench.ctx.set(getattr(bench.dut, name), 1)
    await bench.tick()
    for name in names:
        bench.ctx.set(getattr(bench.dut, name), 0)


async def notify(bench, kind, node=0x123456, vc=1):
    notice = bench.dut.i_notice
    bench.ctx.set(notice.payload, {"notice": kind, "node": node, "vc": vc})
    bench.ctx.set(notice.valid, 1)
    await bench.tick()
    bench.ctx.set(notice.valid, 0)
