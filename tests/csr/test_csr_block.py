"""Every register and access mode of the block, through its AXI4-Lite port."""

import random

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import ResetInserter

from tests.csr.csr_bench import OKAY, SLVERR, Axil, simulate
from tests.csr.csr_block_bench import ALL, ALL_CAUSES, NODE, SEED, TINY, notify, pulse, refuses, run
from tests.long import crossed
from ttpoe.config import PRESETS, preset
from ttpoe.csr.access import Registers
from ttpoe.csr.block import Csr
from ttpoe.csr.registers import COUNTERS, PULSES, register_map
from ttpoe.csr.shapes import Access
from ttpoe.layouts import Command, Notice


def expected_reset(register):
    value = register.reset
    for field in register.fields:
        if field.port:
            value |= {"i_node": NODE, "i_open_id_seed": SEED}[field.port] << field.lsb
        if field.access is Access.WO:
            value &= ~field.mask
    return value


# ---- after reset --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_every_register_after_reset_and_every_output(name):
    config = preset(name)

    async def test(bench):
        get, dut = bench.ctx.get, bench.dut
        for _clock in range(3):  # from the first clock on, with nothing written
            assert get(dut.cfg_node) == NODE and get(dut.cfg_open_id_seed) == SEED
            assert get(dut.cfg_enable) == get(dut.cfg_os_enable) == 1
            assert get(dut.cfg_ieee) == get(dut.cfg_fixed_open_id) == 0
            assert get(dut.cfg_selective) == get(dut.cfg_congestion) == 1
            assert get(dut.cfg_init_id) == 1 and get(dut.cfg_max_retry) == 1000
            assert get(dut.cfg_timer_tick) == max(8, 8192 // config.links)
            assert get(dut.cfg_idle_limit) == 0
            assert get(dut.cfg_link_slots) == config.slots * 3 // 4
            assert not get(dut.o_command.valid) and not get(dut.o_inspect.valid)
            assert not get(dut.o_interrupt)
            await bench.tick()
        for register in register_map(config).registers:
            assert await bench.read(register.address) == expected_reset(register), register.name
        assert await bench.regs.MAGIC.read() == int.from_bytes(b"TTP1")

    run(test, config)


# ---- rw: every field, every strobe --------------------------------------------------------------

SPECIAL = {"ETHERTYPE", "LINK_INDEX"}


def storage_registers():
    return [
        register
        for register in register_map(TINY).registers
        if register.name not in SPECIAL
        and any(field.access is Access.RW for field in register.fields)
    ]


@pytest.mark.parametrize("register", storage_registers(), ids=lambda register: register.name)
def test_rw_register_with_every_strobe(register):
    rng = random.Random(register.address)
    mask = sum(field.mask for field in register.fields)

    async def test(bench):
        value = expected_reset(register)
        others = [other for other in storage_registers() if other != register]
        for strobe in [0, *range(16), 0xF, 0xF]:
            data = rng.getrandbits(32)
            await bench.write(register.address, data, strobe)
            lanes = sum(0xFF << 8 * lane for lane in range(4) if strobe >> lane & 1)
            value = (value & ~lanes | data & lanes) & mask
            assert await bench.read(register.address) == value, (hex(strobe), hex(data))
            for field in register.fields:
                if field.drives:
                    assert (
                        bench.ctx.get(getattr(bench.dut, field.drives))
                        == (value & field.mask) >> field.lsb
                    )
        for data in (0, ALL):
            await bench.write(register.address, data)
            assert await bench.read(register.address) == data & mask
        for other in others:
            assert await bench.read(other.address) == expected_reset(other), other.name

    run(test)


def test_a_byte_of_node_and_seed_that_was_not_written_follows_its_port():
    async def test(bench):
        await bench.write(bench.regs.NODE.register.address, 0x112233, 0b0010)
        assert await bench.regs.NODE.read() == 0xA122C3
        bench.ctx.set(bench.dut.i_node, 0x555555)
        bench.ctx.set(bench.dut.i_open_id_seed, 0x01020304)
        assert await bench.regs.NODE.read() == 0x552255
        assert bench.ctx.get(bench.dut.cfg_node) == 0x552255
        assert bench.ctx.get(bench.dut.cfg_open_id_seed) == 0x01020304

    run(test)


@pytest.mark.parametrize(
    "data, strobe, ieee",
    [
        (0x9AC6, 0xF, 1),
        (0x0AC6, 0xF, 0),
        (0xFFFF9AC6, 0x3, 1),
        (0x9A00, 0x2, 1),
        (0x00C6, 0x1, 0),
        (0x9AC6, 0x0, 0),
        (0x9AC6, 0xC, 0),
        (0x12349AC6, 0xF, 1),
        (0x9AC7, 0xF, None),
        (0x1AC6, 0xF, None),
        (0x8AC6, 0xF, None),
        (0x0806, 0xF, None),
        (0x9B00, 0x2, None),
        (0x9A00, 0x3, None),
        (0x0000, 0x1, None),
        (0x9AC6 << 16, 0xF, None),
    ],
)
def test_ethertype_takes_two_values(data, strobe, ieee):
    async def test(bench):
        address = bench.regs.ETHERTYPE.register.address
        for before in (0, 1):
            await bench.write(address, (0x0AC6, 0x9AC6)[before])
            assert bench.ctx.get(bench.dut.cfg_ieee) == before
            if ieee is None:
                await refuses(bench, bench.write(address, data, strobe))
                after = before
            else:
                await bench.write(address, data, strobe)
                after = ieee if strobe & 2 else before
            assert bench.ctx.get(bench.dut.cfg_ieee) == after
            assert await bench.read(address) == (0x0AC6, 0x9AC6)[after]

    run(test)


# ---- SLVERR -------------------------------------------------------------------------------------


def test_unmapped_and_misaligned_addresses_are_refused_and_change_nothing():
    mapped = {register.address for register in register_map(TINY).registers}
    last = max(mapped)
    rng = random.Random(5)
    addresses = {address ^ 1 << bit for address in mapped for bit in range(16)}
    addresses |= {0xFFFC, last + 4, 0x3FC, *(4 * rng.getrandbits(14) for _ in range(20))}
    wrong = sorted(addresses - mapped)
    rng.shuffle(wrong)

    async def test(bench):
        await pulse(bench, *PULSES)
        await notify(bench, Notice.LINK_UP)
        before = {address: await bench.read(address) for address in mapped}
        assert before[last] == 1
        for address in wrong[:250]:
            (answer, data), clocks = await bench.read_raw(address)
            assert (answer, data, clocks) == (SLVERR, 0, 3), hex(address)
            answer, clocks = await bench.write_raw(address, ALL)
            assert (answer, clocks) == (SLVERR, 3), hex(address)
        assert {address: await bench.read(address) for address in mapped} == before
        assert not bench.ctx.get(bench.dut.o_command.valid)
        assert not bench.ctx.get(bench.dut.o_inspect.valid)

    run(test)


def test_a_write_to_a_read_only_register_is_refused():
    async def test(bench):
        for register in register_map(TINY).registers:
            if not register.writable:
                before = await bench.read(register.address)
                for strobe in (0xF, 0):
                    await refuses(bench, bench.write(register.address, ~before & ALL, strobe))
                assert await bench.read(register.address) == before
        assert sum(not register.writable for register in register_map(TINY).registers) == 25

    run(test)


def test_wo_registers_read_as_zero():
    async def test(bench):
        for name in ("COMMAND", "NOTICE_POP", "COUNTER_CLEAR"):
            assert await getattr(bench.regs, name).read() == 0

    run(test)


# ---- AXI4-Lite ------------------------------------------------------------


@pytest.mark.parametrize("address_late, data_late", [(0, 0), (0, 5), (5, 0), (1, 0), (0, 1)])
@pytest.mark.parametrize("ready_late", [0, 1, 7])
def test_channels_in_any_order(address_late, data_late, ready_late):
    async def test(bench):
        address = bench.regs.INIT_ID.register.address
        for data in (0x12345678, 0x9ABCDEF0):
            answer, clocks = await bench.write_raw(
                address, data, address_late=address_late, data_late=data_late, ready_late=ready_late
            )
            assert (answer, clocks) == (OKAY, 3 + max(address_late, data_late))
            (answer, read), clocks = await bench.read_raw(address, ready_late=ready_late)
            assert (answer, read, clocks) == (OKAY, data, 3)

    run(test)


def test_reads_and_writes_take_turns():
    """Both wait all the time: neither starves."""

    async def test(bench):
        bench.set(
            awaddr=bench.regs.INIT_ID.register.address,
            awvalid=1,
            wvalid=1,
            wdata=7,
            wstrb=0xF,
            araddr=bench.regs.INIT_ID.register.address,
            arvalid=1,
            bready=1,
            rready=1,
        )
        answers = ""
        for _ in range(40):
            answers += "w" * bench.get("bvalid") + "r" * bench.get("rvalid")
            await bench.tick()
        assert answers in ("wr" * 5, "rw" * 5)

    run(test)


def test_no_ready_without_both_halves_of_a_write():
    async def test(bench):
        bench.set(awvalid=1)
        for _ in range(10):
            assert not bench.get("awready")
            await bench.tick()
        bench.set(awvalid=0, wvalid=1)  # (a master may not do this; the slave is still idle)
        for _ in range(10):
            assert not bench.get("wready")
            await bench.tick()

    run(test)


class Resettable(Elaboratable):
    """The block with a reset of its own, its ports under their names."""

    def __init__(self, config):
        self.reset, self.csr = Signal(), Csr(config)

    def __getattr__(self, name):
        return getattr(self.csr, name)

    def elaborate(self, platform):
        m = Module()
        m.submodules.csr = ResetInserter(self.reset)(self.csr)
        return m


@pytest.mark.parametrize(
    "clock, name, write",
    crossed(
        range(6),
        [
            ("INIT_ID", True),
            ("INIT_ID", False),
            ("COUNT_RX_GOOD", False),
            ("COUNTER_CLEAR", True),
            ("COMMAND", True),
            ("LINK_INDEX", True),
        ],
    ),
)
def test_reset_in_the_middle_of_a_request(clock, name, write):
    dut = Resettable(TINY)
    address = register_map(TINY)[name].address

    async def testbench(ctx):
        bench = Axil(ctx, dut)
        regs = Registers(TINY, bench.read, bench.write)
        await regs.INT_MASK.write(ALL_CAUSES)
        await pulse(bench, "stat_rx_good", "stat_rx_runt")
        if write:
            bench.set(awvalid=1, wvalid=1, awaddr=address, wdata=1, wstrb=0xF)
        else:
            bench.set(arvalid=1, araddr=address)
        await bench.tick(clock)
        bench.set(awvalid=0, wvalid=0, arvalid=0)
        ctx.set(dut.reset, 1)
        await bench.tick()
        ctx.set(dut.reset, 0)
        for _ in range(2 * len(COUNTERS) + 10):  # nothing of it is left
            assert not any(
                bench.get(port) for port in ("awready", "wready", "arready", "bvalid", "rvalid")
            )
            assert not ctx.get(dut.o_command.valid) and not ctx.get(dut.o_inspect.valid)
            await bench.tick()
        for register in register_map(TINY).registers:
            if register.address < 0x40C and not any(field.port for field in register.fields):
                assert await bench.read(register.address) == expected_reset(register)

    simulate(dut, testbench)


# ---- commands -----------------------------------------------------------------------------------


def test_commands_wait_for_the_engine_and_are_refused_meanwhile():
    async def test(bench):
        regs, get, command = bench.regs, bench.ctx.get, bench.dut.o_command
        for vc, close in ((0, 0), (1, 1), (2, 0), (3, 1)):
            await regs.COMMAND_NODE.write(0x00D00D + vc)
            await regs.COMMAND.write(vc=vc, close=close)
            assert (await regs.STATUS.fields())["command_busy"] == 1
            for access in (regs.COMMAND.write(vc=2), regs.COMMAND_NODE.write(1)):
                await refuses(bench, access)
            assert get(command.valid)
            assert get(command.payload.command) == Command(close)
            assert (get(command.payload.vc), get(command.payload.node)) == (vc, 0x00D00D + vc)
            bench.ctx.set(command.ready, 1)
            await bench.tick()
            bench.ctx.set(command.ready, 0)
            assert not get(command.valid)
            assert (await regs.STATUS.fields())["command_busy"] == 0
        await bench.write(regs.COMMAND.register.address, 0x11, 0b1110)
        assert not get(command.valid)

    run(test)


def test_status_and_free_slots_show_the_engine():
    async def test(bench):
        bench.ctx.set(bench.dut.i_ready, 1)
        bench.ctx.set(bench.dut.i_free_slots, TINY.slots)
        assert await bench.regs.STATUS.fields() == {"ready": 1, "command_busy": 0}
        assert await bench.regs.FREE_SLOTS.read() == TINY.slots

    run(test)
