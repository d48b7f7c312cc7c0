"""The bank decodes each address of the map to one register, or to the counters."""

from types import SimpleNamespace

from amaranth import Module, Signal

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.csr.bank import Bank
from ttpoe.csr.registers import register_map


def test_one_register_is_selected():
    m, registers = Module(), register_map(preset("tiny"), None)
    ports = dict(o_address=16, o_start=1, i_done=1)
    axil = SimpleNamespace(**{name: Signal(width, name=name) for name, width in ports.items()})
    bank = Bank(axil, registers)
    bank.select(m, SimpleNamespace(i_index=Signal(8)))

    async def testbench(ctx):
        ctx.set(axil.o_start, 1)
        for register in registers.registers:
            ctx.set(axil.o_address, register.address)
            await ctx.tick()
            chosen = [name for name, bit in bank.selected.items() if ctx.get(bit)]
            counted = register in registers.counters
            assert chosen == ([] if counted else [register.name])
            assert ctx.get(bank.counter_selected) == counted

    simulate(m, testbench)
