"""What the block shows of the engine: read-outs of links, interrupts, notices, counters; accessors."""

import random

import pytest
from amaranth.hdl import Shape

from tests.csr.csr_bench import LIMIT_CLOCKS, OKAY
from tests.csr.csr_block_bench import ALL, ALL_CAUSES, TINY, notify, pulse, refuses, run
from ttpoe.config import PRESETS, preset
from ttpoe.congestion.state import state_layout
from ttpoe.csr.access import Registers
from ttpoe.csr.block import FRAME_DROPS, PAYLOAD_DROPS
from ttpoe.csr.registers import COUNTERS, INTERRUPTS, LINK_FLAGS, NOTICE_DEPTH, PULSES
from ttpoe.layouts import Notice
from ttpoe.link.fsm import LinkState

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
