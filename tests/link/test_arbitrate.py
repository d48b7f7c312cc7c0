"""Q0: order of urgency, the bound on waiting, and credits (sections 1.3 and 5.1)."""

import pytest
from amaranth.sim import Simulator
from ttpoe.config import preset
from ttpoe.link.arbitrate import Arbitrate
from ttpoe.link.fsm import Event

CONFIG = preset("tiny").replace(control_depth=8, payload_depth=4)
ORDER = ["i_sent", "i_rx", "i_visit1", "i_host1", "i_visit0", "i_host0", "i_visit2",
         "i_host2", "i_victim", "i_command", "i_timer"]


def simulate(dut, testbench):
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()


def returns(ctx, dut, **ports):
    for name in ("i_done", "i_done_control", "i_done_payload", "i_control_left", "i_payload_left"):
        ctx.set(getattr(dut, name), ports.get(name, 0))
    ctx.set(dut.i_done_event, ports.get("event", Event.TIMER))


async def grants(ctx, dut, asking, clocks):
    """Who is admitted, clock by clock, while all of `asking` ask without end."""
    for name in ORDER:
        ctx.set(getattr(dut, name).valid, name in asking)
    admitted = []
    for _clock in range(clocks):
        ready = [name for name in ORDER if ctx.get(getattr(dut, name).ready)]
        assert len(ready) <= 1 and bool(ready) == ctx.get(dut.o_event.valid)
        admitted += ready or [None]
        # Every admitted event leaves at once and sends nothing: credits come back.
        event = ctx.get(dut.o_event.payload.event)
        await ctx.tick()
        returns(ctx, dut, i_done=bool(ready), event=event)
    return admitted


def test_nothing_enters_before_the_table_is_ready():
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        assert set(await grants(ctx, dut, ORDER, 10)) == {None}

    simulate(dut, testbench)


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_three_admissions_in_four_go_to_the_most_urgent(first):
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        admitted = await grants(ctx, dut, ORDER[first:], 44)
        for start in range(0, 44, 4):
            assert admitted[start:start + 3] == [ORDER[first]] * 3

    simulate(dut, testbench)


def test_everyone_enters_within_44_admissions():
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        admitted = await grants(ctx, dut, ORDER, 44 * 4)
        for name in ORDER:
            at = [-1] + [n for n, who in enumerate(admitted) if who == name]
            assert len(at) > 1 and max(b - a for a, b in zip(at, at[1:])) <= 44, name

    simulate(dut, testbench)


def test_fields_of_each_source():
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        ctx.set(dut.cfg_ieee, 1)
        ctx.set(dut.i_rx.payload, dict(
            opcode=6, node=0xABCDEF, vc=2, ieee=0, epoch=0x1234, selective=1, tx_id=0xDEADBEEF,
            rx_id=0x01020304, room=1, slot=9))
        ctx.set(dut.i_host1.payload, dict(node=0x111111, slot=13))
        ctx.set(dut.i_command.payload, dict(command=1, node=0x222222, vc=2))
        for name, lid in (("i_timer", 3), ("i_visit2", 5), ("i_sent", 6), ("i_victim", 7)):
            ctx.set(getattr(dut, name).payload, lid)
        expected = {
            "i_rx": dict(event=Event.RX_PAYLOAD, by_lid=0, node=0xABCDEF, vc=2, ieee=0,
                         epoch=0x1234, selective=1, tx_id=0xDEADBEEF, rx_id=0x01020304, room=1,
                         rx_slot=9),
            "i_host1": dict(event=Event.HOST_PAYLOAD, by_lid=0, node=0x111111, vc=1, ieee=1,
                            slot=13, room=0),
            "i_command": dict(event=Event.HOST_CLOSE, by_lid=0, node=0x222222, vc=2, ieee=1),
            "i_timer": dict(event=Event.TIMER, by_lid=1, lid=3, room=0),
            "i_visit2": dict(event=Event.VISIT, by_lid=1, lid=5),
            "i_sent": dict(event=Event.SENT, by_lid=1, lid=6),
            "i_victim": dict(event=Event.VICTIM, by_lid=1, lid=7),
        }
        for source, fields in expected.items():
            ctx.set(getattr(dut, source).valid, 1)
            assert ctx.get(dut.o_event.valid)
            for name, value in fields.items():
                assert ctx.get(dut.o_event.payload[name]) == value, (source, name)
            ctx.set(getattr(dut, source).valid, 0)
        ctx.set(dut.i_command.payload.command, 0)
        ctx.set(dut.i_command.valid, 1)
        assert ctx.get(dut.o_event.payload.event) == Event.HOST_OPEN

    simulate(dut, testbench)


async def admitted_until_refused(ctx, dut, source, limit=50):
    ctx.set(getattr(dut, source).valid, 1)
    count = 0
    while ctx.get(getattr(dut, source).ready) and count < limit:
        await ctx.tick()
        count += 1
    ctx.set(getattr(dut, source).valid, 0)
    return count


@pytest.mark.parametrize("source,count", [("i_rx", 8), ("i_timer", 8), ("i_command", 8),
                                          ("i_visit0", 4), ("i_host2", 4), ("i_sent", 50)])
def test_no_event_enters_without_room_for_its_frames(source, count):
    """control_depth 8 and payload_depth 4: one credit per event, none for SENT."""
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        assert await admitted_until_refused(ctx, dut, source) == count
        assert not ctx.get(dut.o_event.valid)

    simulate(dut, testbench)


def test_credits_come_back_from_events_that_send_nothing_and_from_the_wire():
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        assert await admitted_until_refused(ctx, dut, "i_visit1") == 4      # control 4, payload 0
        cases = [
            # a VISIT that sends a PAYLOAD gives its control credit back, not the other
            (dict(i_done=1, event=Event.VISIT, i_done_payload=1), "i_visit1", 0),
            (dict(i_payload_left=2), "i_visit1", 2),                        # control now 3
            (dict(i_done=1, event=Event.VISIT, i_done_control=1), "i_visit1", 1),   # 2
            (dict(i_done=1, event=Event.SENT), "i_visit1", 0),
            (dict(i_control_left=1), "i_rx", 3),
            (dict(i_done=1, event=Event.RX_ACK), "i_rx", 1),
            (dict(i_done=1, event=Event.RX_ACK, i_done_control=1), "i_rx", 0),
        ]
        for ports, source, count in cases:
            returns(ctx, dut, **ports)
            await ctx.tick()
            returns(ctx, dut)
            assert await admitted_until_refused(ctx, dut, source) == count, (ports, source)

    simulate(dut, testbench)
