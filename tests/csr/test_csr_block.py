"""Every register and access mode of the block, through its AXI4-Lite port."""

import random
from functools import cache

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import ResetInserter, Shape

from tests.csr.csr_bench import LIMIT_CLOCKS, OKAY, SLVERR, Axil, Refused, simulate
from tests.simulated import Simulated
from ttpoe.config import PRESETS, preset
from ttpoe.congestion.state import state_layout
from ttpoe.csr.access import Registers
from ttpoe.csr.block import FRAME_DROPS, PAYLOAD_DROPS, Csr
from ttpoe.csr.registers import COUNTERS, INTERRUPTS, LINK_FLAGS, NOTICE_DEPTH, PULSES, register_map
from ttpoe.csr.shapes import Access
from ttpoe.layouts import Command, Notice
from ttpoe.link.fsm import LinkState

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


@pytest.mark.parametrize("clock", range(6))
@pytest.mark.parametrize(
    "name, write",
    [
        ("INIT_ID", True),
        ("INIT_ID", False),
        ("COUNT_RX_GOOD", False),
        ("COUNTER_CLEAR", True),
        ("COMMAND", True),
        ("LINK_INDEX", True),
    ],
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


# ---- link table ---------------------------------------------------------------------------------


def random_tag(rng, config):
    """A link's tag as the table might hold it."""
    widths = dict(node=24, una=32, received=32, epoch=16, peer_epoch=16, retries=10)
    widths |= dict(sent=config.count_bits, **dict.fromkeys(LINK_FLAGS, 1))
    tag = {field: rng.getrandbits(width) for field, width in widths.items()}
    tag |= {"state": rng.choice(list(LinkState)), "vc": rng.randrange(3)}
    tag["alloc"] = rng.randrange(config.slots + 1)
    tag["lag"] = rng.randrange(config.slots - tag["alloc"] + 1)
    return tag


async def read_out(bench, lid, tag, law=None):
    """Asks for the link and gives its tag; until it is there, no other link may be asked for."""
    regs, ctx, dut = bench.regs, bench.ctx, bench.dut
    await regs.LINK_INDEX.write(lid)
    assert await regs.LINK_STATUS.fields() == {"busy": 1, "valid": 0}
    assert await regs.LINK_INDEX.read() == lid
    await refuses(bench, regs.LINK_INDEX.write(0))
    assert ctx.get(dut.o_inspect.valid) and ctx.get(dut.o_inspect.payload) == lid
    ctx.set(dut.o_inspect.ready, 1)
    await bench.tick()
    ctx.set(dut.o_inspect.ready, 0)
    assert not ctx.get(dut.o_inspect.valid)
    assert await regs.LINK_STATUS.fields() == {"busy": 1, "valid": 0}
    await refuses(bench, regs.LINK_INDEX.write(0))
    ctx.set(dut.i_inspected.payload, tag)
    ctx.set(dut.i_inspected.valid, 1)
    await bench.tick()
    ctx.set(dut.i_inspected.valid, 0)
    ctx.set(dut.i_inspected.payload, {})
    assert await regs.LINK_STATUS.fields() == {"busy": 1, "valid": 0}
    ctx.set(dut.i_inspected_law.payload, law or {})
    ctx.set(dut.i_inspected_law.valid, 1)
    await bench.tick()
    ctx.set(dut.i_inspected_law.valid, 0)
    ctx.set(dut.i_inspected_law.payload, {})
    assert await regs.LINK_STATUS.fields() == {"busy": 0, "valid": 1}


@pytest.mark.parametrize("name", PRESETS)
def test_read_out_of_a_link(name):
    config = preset(name)
    rng = random.Random(3)

    async def test(bench):
        regs = bench.regs
        for lid in (0, 1, config.links // 2, config.links - 1):
            tag = random_tag(rng, config)
            law = {
                name: rng.getrandbits(Shape.cast(shape).width)
                for name, shape in state_layout(config).members.items()
            }
            await read_out(bench, lid, tag, law)
            assert await regs.LINK_WINDOW.fields() == {
                name: law[name] for name in ("window", "growing", "counted")
            }
            assert await regs.LINK_PACE.read() == law["gap"]
            assert await regs.LINK_ROUND.read() == law["base"]
            assert await regs.LINK_STATE.fields() == {
                "state": tag["state"].value,
                "vc": tag["vc"],
                **{flag: tag[flag] for flag in LINK_FLAGS},
            }
            for field in ("node", "una", "received", "alloc", "sent", "retries"):
                assert await getattr(regs, f"LINK_{field.upper()}").read() == tag[field], field
            assert await regs.LINK_CHAIN.read() == tag["alloc"] + tag["lag"]
            epochs = {"own": tag["epoch"], "peer": tag["peer_epoch"]}
            assert await regs.LINK_EPOCHS.fields() == epochs

    run(test, config)


def test_link_index_is_checked_and_obeys_its_strobes():
    config = TINY.replace(sets=256, vc_tables=3)  # 1536 links, numbers of 11 bits

    async def test(bench):
        regs, ctx, dut = bench.regs, bench.ctx, bench.dut
        address = regs.LINK_INDEX.register.address
        ctx.set(dut.o_inspect.ready, 1)

        async def answer():
            for port in (dut.i_inspected, dut.i_inspected_law):
                ctx.set(port.valid, 1)
                await bench.tick()
                ctx.set(port.valid, 0)

        for bad in (1536, 2047, 2048, 0x10000, ALL):
            await refuses(bench, regs.LINK_INDEX.write(bad))
        await answer()  # nobody asked
        assert await regs.LINK_STATUS.read() == 0 and await regs.LINK_INDEX.read() == 0
        await bench.write(address, 0xFFFFFF05, 0b0001)
        await answer()
        assert await regs.LINK_INDEX.read() == 0x005
        await bench.write(address, 0x04AA, 0b0010)
        await answer()
        assert await regs.LINK_INDEX.read() == 0x405
        await refuses(bench, bench.write(address, 0x06AA, 0b0010))
        await bench.write(address, 0x06AA, 0)
        assert await regs.LINK_INDEX.read() == 0x405 and await regs.LINK_STATUS.read() == 0b10

    run(test, config)


# ---- interrupts and notices ---------------------------------------------------------------------


def sources():
    return (
        [(name, (kind,), ()) for name, kind in zip(INTERRUPTS, Notice)]
        + [("frame_dropped", (), (name,)) for name in FRAME_DROPS]
        + [("payload_dropped", (), (name,)) for name in PAYLOAD_DROPS]
        + [("memory_fault", (), ("stat_memory_uncorrectable",))]
    )


def test_which_pulses_are_drops():
    """Each RX pulse is a drop, but these: what is good, and what is not TTP at all."""
    no_drop = {"stat_rx_good", "stat_rx_no_room", "stat_rx_delivered", "stat_rx_other_ethertype"}
    assert set(FRAME_DROPS) == {name for name in PULSES if name.startswith("stat_rx_")} - no_drop
    assert set(PAYLOAD_DROPS) == {"stat_tx_oversize", "stat_tx_empty", "stat_tx_refused"}


def test_each_cause_sets_its_bit_and_its_interrupt_only():
    async def test(bench):
        regs, interrupt = bench.regs, bench.dut.o_interrupt
        for name, notices, pulses in sources():
            bit = 1 << list(INTERRUPTS).index(name)
            for kind in notices:
                await notify(bench, kind)
            await pulse(bench, *pulses)
            await bench.tick(2)
            assert await regs.INT_STATUS.read() == bit, name
            await regs.INT_MASK.write(~bit & ALL_CAUSES)
            await bench.tick()
            assert not bench.ctx.get(interrupt)
            await regs.INT_MASK.write(bit)
            assert bench.ctx.get(interrupt)
            await regs.INT_STATUS.write(~bit & ALL)  # the other bits: no effect
            assert await regs.INT_STATUS.read() == bit and bench.ctx.get(interrupt)
            others = 0b1111 & ~(1 << list(INTERRUPTS).index(name) // 8)
            await bench.write(regs.INT_STATUS.register.address, ALL, others)
            assert await regs.INT_STATUS.read() == bit
            await regs.INT_STATUS.write(bit)
            assert await regs.INT_STATUS.read() == 0
            assert not bench.ctx.get(interrupt)
        silent = [
            name
            for name in PULSES
            if name not in (*FRAME_DROPS, *PAYLOAD_DROPS, "stat_memory_uncorrectable")
        ]
        await pulse(bench, *silent)
        assert await regs.INT_STATUS.read() == 0

    run(test)


@pytest.mark.parametrize(
    "name, notices, pulses",
    [
        ("link_up", (Notice.LINK_UP,), ()),
        ("retries_used_up", (Notice.RETRIES_USED_UP,), ()),
        ("frame_dropped", (), ("stat_rx_runt",)),
        ("payload_dropped", (), ("stat_tx_empty",)),
    ],
)
def test_a_cause_in_the_clock_of_its_clear_is_not_lost(name, notices, pulses):
    bit = 1 << list(INTERRUPTS).index(name)

    async def cause(bench):
        for kind in notices:
            await notify(bench, kind)
        if pulses:
            await pulse(bench, *pulses)

    async def test(bench):
        kept = []
        for clock in range(5):
            await cause(bench)
            assert await bench.regs.INT_STATUS.read() == bit
            bench.set(
                awaddr=bench.regs.INT_STATUS.register.address,
                awvalid=1,
                wvalid=1,
                wdata=bit,
                wstrb=0xF,
                bready=1,
            )
            for now in range(6):
                if now == clock:
                    await cause(bench)
                else:
                    await bench.tick()
                if now == 1:
                    bench.set(awvalid=0, wvalid=0)
            kept.append(await bench.regs.INT_STATUS.read())
            await bench.regs.INT_STATUS.write(bit)
        # The write acts in clock 2 after its valid: what came before is cleared, what comes in
        # that clock stays.
        assert kept == [0, 0, bit, bit, bit]

    run(test)


def test_all_causes_at_once():
    async def test(bench):
        ctx, dut = bench.ctx, bench.dut
        for kind in Notice:
            ctx.set(dut.i_notice.payload, {"notice": kind, "node": 1, "vc": 0})
            ctx.set(dut.i_notice.valid, 1)
            await pulse(bench, *FRAME_DROPS, *PAYLOAD_DROPS)
        ctx.set(dut.i_notice.valid, 0)
        assert await bench.regs.INT_STATUS.read() == 0x1FF
        await bench.regs.INT_STATUS.write(0x155)
        assert await bench.regs.INT_STATUS.read() == 0xAA

    run(test)


def test_the_interrupt_comes_two_clocks_after_its_event():
    async def test(bench):
        await bench.regs.INT_MASK.write(ALL_CAUSES)
        await notify(bench, Notice.REFUSED)
        assert not bench.ctx.get(bench.dut.o_interrupt)
        await bench.tick()
        assert bench.ctx.get(bench.dut.o_interrupt)

    run(test)


def test_notices_queue_in_order_and_the_surplus_is_counted():
    rng = random.Random(8)
    sent = [
        (rng.choice(list(Notice)), rng.getrandbits(24), rng.randrange(3))
        for _ in range(NOTICE_DEPTH + 3)
    ]

    async def test(bench):
        regs = bench.regs
        await regs.NOTICE_POP.write()  # of an empty queue: nothing
        assert await regs.NOTICE_HEAD.read() == 0
        for position, notice in enumerate(sent):
            await notify(bench, *notice)
            await bench.tick(2)
            full = position >= NOTICE_DEPTH
            assert (await regs.INT_STATUS.fields())["notice_lost"] == full
            assert await regs.counter("stat_notice_lost").read() == max(
                0, position + 1 - NOTICE_DEPTH
            )
        for kind, node, vc in sent[:NOTICE_DEPTH]:
            expected = {"node": node, "vc": vc, "notice": kind.value, "valid": 1}
            assert await regs.NOTICE_HEAD.fields() == expected
            assert await regs.NOTICE_HEAD.fields() == expected  # a read takes nothing out
            await bench.write(regs.NOTICE_POP.register.address, 0, 0)
            assert await regs.NOTICE_HEAD.fields() == expected  # nor does no strobe
            await bench.write(regs.NOTICE_POP.register.address, 0, 0b1000)
        assert await regs.NOTICE_HEAD.read() == 0
        await notify(bench, Notice.LINK_DOWN, 0x00BEEF, 2)
        await bench.tick(2)
        assert (await regs.NOTICE_HEAD.fields())["node"] == 0x00BEEF

    run(test)


# ---- counters through the port ------------------------------------------------------------------


def test_each_pulse_moves_its_counter_only():
    async def test(bench):
        regs = bench.regs
        for times, name in enumerate(PULSES, 1):
            for _ in range(times):
                await pulse(bench, name)
        for times, name in enumerate(PULSES, 1):
            assert await regs.counter(name).read() == times, name
        for times, name in enumerate(PULSES, 1):
            await bench.write(regs.counter(name).register.address, 0xDEAD, times % 16)
            if times % 16:
                assert await regs.counter(name).read() == 0, name
            else:
                assert await regs.counter(name).read() == times

    run(test)


def test_clear_all_is_answered_when_all_are_cleared():
    async def test(bench):
        regs = bench.regs
        await pulse(bench, *PULSES)
        await bench.write(regs.COUNTER_CLEAR.register.address, 1, 0)
        assert await regs.counter("stat_rx_good").read() == 1
        answer, clocks = await bench.write_raw(regs.COUNTER_CLEAR.register.address, 0, 0b0100)
        assert answer == OKAY and len(COUNTERS) < clocks <= 2 * len(COUNTERS) + 9 < LIMIT_CLOCKS
        await pulse(bench, "stat_rx_runt")
        for name in COUNTERS:
            assert await regs.counter(name).read() == (name == "stat_rx_runt"), name

    run(test)


def test_counters_answer_in_time_and_others_do_not_wait_for_them():
    async def test(bench):
        for name in COUNTERS:
            (answer, _data), clocks = await bench.read_raw(
                bench.regs.counter(name).register.address
            )
            assert answer == OKAY and clocks <= len(COUNTERS) + 9
            (answer, _data), clocks = await bench.read_raw(0)
            assert clocks == 3

    run(test)


# ---- accessors ----------------------------------------------------------------------------------


def test_accessors_without_awaiting():
    words = {}
    regs = Registers(TINY, lambda address: words.get(address, 0), words.__setitem__)
    regs.CONTROL.write(enable=1, fixed_open_id=1)
    assert words == {0x040: 0b101} and regs.CONTROL.read() == 0b101
    assert regs.CONTROL.fields() == {
        "enable": 1,
        "os_enable": 0,
        "fixed_open_id": 1,
        "selective": 0,
        "congestion": 0,
    }
    regs.CONTROL.set(os_enable=1, enable=0)
    assert words == {0x040: 0b110}
    with pytest.raises(AttributeError, match="CONTROL has no field 'colour'"):
        regs.CONTROL.set(colour=1)
    with pytest.raises(ValueError, match="MAX_RETRY.retries must fit in 10 bits; got 1024"):
        regs.MAX_RETRY.write(retries=1024)
    with pytest.raises(AttributeError, match="no counter 'stat_nothing'"):
        regs.counter("stat_nothing")


def test_accessors_awaited():
    async def test(bench):
        await bench.regs.CONTROL.set(os_enable=0, fixed_open_id=1)
        assert await bench.regs.CONTROL.fields() == {
            "enable": 1,
            "os_enable": 0,
            "fixed_open_id": 1,
            "selective": 1,
            "congestion": 1,
        }

    run(test)
