"""The registers of an engine that knows the IPv4 form; the others have none of them."""

import pytest

from tests.csr.csr_block_bench import ALL, TINY, refuses, run
from ttpoe.csr.registers import link_flags, register_map

BOTH = TINY.replace(encapsulation="ipv4")
NAMES = ("IPV4", "IPV4_MASK", "IPV4_ROUTER_UPPER", "IPV4_ROUTER_LOWER")
PORTS = {
    "IPV4_MASK": "cfg_ipv4_mask",
    "IPV4_ROUTER_UPPER": "cfg_ipv4_router_upper",
    "IPV4_ROUTER_LOWER": "cfg_ipv4_router_lower",
}


def test_they_drive_the_engines_inputs():
    async def test(bench):
        get, dut, regs = bench.ctx.get, bench.dut, bench.regs
        assert get(dut.cfg_ipv4) == 0 and get(dut.cfg_ipv4_prefix) == 10
        assert (await regs.DATAPATH.fields())["ipv4"] == 1
        await regs.IPV4.write(0xAC01)
        assert get(dut.cfg_ipv4) == 1 and get(dut.cfg_ipv4_prefix) == 0xAC
        for number, (name, port) in enumerate(PORTS.items()):
            assert get(getattr(dut, port)) == 0
            await getattr(regs, name).write(ALL - number)
            assert get(getattr(dut, port)) == (ALL - number) & 0xFFFFFF
        assert get(dut.cfg_ipv4_prefix) == 0xAC

    run(test, BOTH)


def test_a_link_shows_its_form():
    fields = {f.name: f.lsb for r in register_map(BOTH).registers for f in r.fields}
    assert fields["ipv4"] == 8 + len(link_flags(TINY)) and "ipv4" in link_flags(BOTH)

    async def test(bench):
        await bench.regs.LINK_INDEX.write(1)
        tag = bench.dut.i_inspected
        bench.ctx.set(tag.p.ipv4, 1)
        bench.ctx.set(tag.valid, 1)
        await bench.tick()
        bench.ctx.set(tag.valid, 0)
        assert (await bench.regs.LINK_STATE.fields())["ipv4"] == 1

    run(test, BOTH)


@pytest.mark.parametrize("name", NAMES)
def test_without_the_form_they_are_not_there(name):
    address = next(r.address for r in register_map(BOTH).registers if r.name == name)
    assert name not in [register.name for register in register_map(TINY).registers]

    async def test(bench):
        await refuses(bench, bench.read(address))
        await refuses(bench, bench.write(address, 1))

    run(test)
