"""What a MAC adds to the registers: its counters, PHY_CONTROL, PHY_STATUS, MDIO."""

from functools import cache

import pytest

from tests.csr.csr_bench import Axil, Refused
from tests.long import long_case
from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.csr.access import Registers
from ttpoe.csr.block import Csr
from ttpoe.csr.mac import mac_drops, mac_pulses
from ttpoe.csr.registers import COUNTERS, counters, register_map
from ttpoe.csr.shapes import Access
from ttpoe.mac.kinds import KINDS

TINY = preset("tiny")
MACS = [mac if mac in ("rgmii", "cmac") else long_case(mac) for mac in KINDS]


@cache
def simulated(mac):
    return Simulated(Csr(TINY, mac), 8e-9)


def run(test, mac="rgmii"):
    dut = simulated(mac).design

    async def testbench(ctx):
        bench = Axil(ctx, dut)
        bench.regs = Registers(TINY, bench.read, bench.write, mac)
        await test(bench)

    simulated(mac).run(testbench)


async def pulse(bench, *names):
    for name in names:
        bench.ctx.set(getattr(bench.dut, name), 1)
    await bench.tick()
    for name in names:
        bench.ctx.set(getattr(bench.dut, name), 0)


def test_a_nic_without_mac_keeps_its_map():
    plain, found = register_map(TINY), {mac: register_map(TINY, mac) for mac in KINDS}
    names = [register.name for register in plain.registers]
    assert not [name for name in names if "MAC_" in name or "PHY" in name or "MDIO" in name]
    assert plain["VERSION"].reset == 0x10001
    for mac, registers in found.items():
        addresses = {register.name: register.address for register in registers.registers}
        assert [*addresses.values()] == sorted(set(addresses.values()))
        for register in plain.registers:
            assert addresses[register.name] == register.address
        assert registers["VERSION"].reset == 0x10002
        assert registers["COUNTER_COUNT"].reset == len(counters(mac))
        assert registers["COUNTER_MAP"].reset != plain["COUNTER_MAP"].reset
        assert registers["DATAPATH"].fields[-1].name == "mac"
    assert len({registers["DATAPATH"].reset for registers in (plain, *found.values())}) == 5


@pytest.mark.parametrize("mac", MACS)
def test_every_register_after_reset(mac):
    async def test(bench):
        for register in register_map(TINY, mac).registers:
            value = await bench.read(register.address)
            written_only = sum(f.mask for f in register.fields if f.access is Access.WO)
            assert value == register.reset & ~written_only, register.name

    run(test, mac)


@pytest.mark.parametrize("mac", MACS)
def test_each_pulse_of_the_mac_has_a_counter_of_its_own(mac):
    async def test(bench):
        names = list(mac_pulses(mac))
        assert set(mac_drops(mac)) < set(names)
        for number, name in enumerate(names, 1):
            for _ in range(number):
                await pulse(bench, name)
        await bench.tick(200)
        found = {name: await bench.regs.counter(name).read() for name in counters(mac)}
        assert found == dict.fromkeys(COUNTERS, 0) | {n: k for k, n in enumerate(names, 1)}

    run(test, mac)


@pytest.mark.parametrize("mac", MACS)
def test_frames_that_the_mac_lost_are_a_cause(mac):
    """Each way in which a frame is lost, and nothing else: PAUSE is no fault."""

    async def test(bench):
        for name in mac_pulses(mac):
            await pulse(bench, name)
            causes = await bench.regs.INT_STATUS.fields()
            assert causes["frame_dropped"] == (name in mac_drops(mac)), name
            await bench.regs.INT_STATUS.write(0xFFFFFFFF)

    run(test, mac)


@pytest.mark.parametrize("mac", MACS)
def test_levels_of_the_phy(mac):
    async def test(bench):
        kind = KINDS[mac]
        for level in kind.status:
            port = getattr(bench.dut, f"i_phy_{level.name}")
            for value in range(1 << level.width):
                bench.ctx.set(port, value)
                await bench.tick()
                assert await bench.regs.PHY_STATUS.read() == value << level.lsb
            bench.ctx.set(port, 0)
        for level in kind.control:
            port = getattr(bench.dut, f"cfg_phy_{level.name}")
            assert bench.ctx.get(port) == level.reset
            await bench.regs.PHY_CONTROL.set(**{level.name: 1 - level.reset})
            assert bench.ctx.get(port) == 1 - level.reset

    run(test, mac)


async def command(bench, **fields):
    """Start one; what the master of MDIO is asked."""
    await bench.regs.MDIO_COMMAND.write(**fields)
    ask, get = bench.dut.o_mdio, bench.ctx.get
    assert get(ask.valid)
    asked = {name: get(ask.p[name]) for name in ("write", "phy", "register", "data")}
    bench.ctx.set(ask.ready, 1)
    await bench.tick()
    bench.ctx.set(ask.ready, 0)
    assert not get(ask.valid)
    return asked


async def answer(bench, data, answered):
    bench.ctx.set(bench.dut.i_mdio.payload, {"data": data, "answered": answered})
    await pulse_event(bench)


async def pulse_event(bench):
    bench.ctx.set(bench.dut.i_mdio.valid, 1)
    await bench.tick()
    bench.ctx.set(bench.dut.i_mdio.valid, 0)


@pytest.mark.parametrize("mac", ["rgmii", "gmii"])
def test_mdio(mac):
    async def test(bench):
        regs = bench.regs
        await regs.MDIO_ADDRESS.write(phy=19, register=26)
        await regs.MDIO_DATA.write(data=0xA55A)
        asked = await command(bench, write=1)
        assert asked == {"write": 1, "phy": 19, "register": 26, "data": 0xA55A}
        assert (await regs.MDIO_RESULT.fields())["busy"]
        await answer(bench, 0, 0)
        assert await regs.MDIO_RESULT.fields() == {"data": 0, "answered": 0, "busy": 0}
        assert (await command(bench, write=0))["write"] == 0
        await answer(bench, 0x1234, 1)
        assert await regs.MDIO_RESULT.fields() == {"data": 0x1234, "answered": 1, "busy": 0}

    run(test, mac)


def test_mdio_while_busy():
    """All that would change what is under way is refused, and changes nothing."""

    async def test(bench):
        regs = bench.regs
        await regs.MDIO_ADDRESS.write(phy=1, register=2)
        await command(bench, write=0)
        for access in (
            lambda: regs.MDIO_ADDRESS.write(phy=3, register=4),
            lambda: regs.MDIO_DATA.write(data=5),
            lambda: regs.MDIO_COMMAND.write(write=1),
        ):
            with pytest.raises(Refused):
                await access()
        assert not bench.ctx.get(bench.dut.o_mdio.valid)
        await answer(bench, 7, 1)
        assert await regs.MDIO_ADDRESS.fields() == {"phy": 1, "register": 2}
        assert await regs.MDIO_DATA.read() == 0
        await bench.write(regs.MDIO_COMMAND.register.address, 1, 0b1110)  # not its byte
        assert not (await regs.MDIO_RESULT.fields())["busy"]
        await pulse_event(bench)  # an answer that nobody waits for
        assert await regs.MDIO_RESULT.fields() == {"data": 7, "answered": 1, "busy": 0}

    run(test)
