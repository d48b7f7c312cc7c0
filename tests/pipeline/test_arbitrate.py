"""Q0: order of urgency, the bound on waiting, and credits (sections 1.3 and 5.1)."""

import pytest

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.link.fsm import Event
from ttpoe.pipeline.q0_arbitrate import Arbitrate
from ttpoe.protocol import Opcode
from ttpoe.replay.replayer import Walk

CONFIG = preset("tiny").replace(control_depth=8, payload_depth=4)
ORDER = [
    "i_sent",
    "i_rx",
    "i_look",
    "i_replay",
    "i_visit1",
    "i_host1",
    "i_visit0",
    "i_host0",
    "i_visit2",
    "i_host2",
    "i_retire",
    "i_ask",
    "i_victim",
    "i_command",
    "i_timer",
]
BOUND = 4 * len(ORDER)


def port(dut, name):
    """A source by name; a number behind it is that of the VC."""
    if name[-1].isdigit():
        return getattr(dut, name[:-1])[int(name[-1])]
    return getattr(dut, name)


def returns(ctx, dut, **ports):
    for name in (
        "i_done",
        "i_done_may_send",
        "i_done_control",
        "i_done_payload",
        "i_control_left",
        "i_payload_left",
    ):
        ctx.set(getattr(dut, name), ports.get(name, 0))
    ctx.set(dut.i_done_event, ports.get("event", Event.TIMER))


async def grants(ctx, dut, asking, clocks):
    """Who is admitted, clock by clock, while all of `asking` ask without end."""
    for name in ORDER:
        ctx.set(port(dut, name).valid, name in asking)
    admitted = []
    for _clock in range(clocks):
        ready = [name for name in ORDER if ctx.get(port(dut, name).ready)]
        assert len(ready) <= 1 and bool(ready) == ctx.get(dut.o_event.valid)
        admitted += ready or [None]
        # Every admitted event leaves at once and sends nothing: credits come back.
        event = ctx.get(dut.o_event.payload.event)
        may_send = ctx.get(dut.o_event.payload.may_send)
        await ctx.tick()
        returns(ctx, dut, i_done=bool(ready), i_done_may_send=may_send, event=event)
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
        admitted = await grants(ctx, dut, ORDER[first:], BOUND)
        for start in range(0, BOUND, 4):
            assert admitted[start : start + 3] == [ORDER[first]] * 3

    simulate(dut, testbench)


def test_everyone_enters_within_60_admissions():
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        admitted = await grants(ctx, dut, ORDER, BOUND * 4)
        for name in ORDER:
            at = [-1] + [n for n, who in enumerate(admitted) if who == name]
            assert len(at) > 1 and max(b - a for a, b in zip(at, at[1:])) <= BOUND == 60, name

    simulate(dut, testbench)


def test_no_vc_starves_while_the_wire_is_busy():
    """Every VC has PAYLOADs to send, room for one comes every eight clocks, and ACKs in between."""
    dut = Arbitrate(CONFIG)
    visits = [f"i_visit{vc}" for vc in range(CONFIG.VCS)]

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        admitted = []
        for clock in range(8 * BOUND):
            ctx.set(dut.i_rx.valid, clock % 8 in (4, 6))
            for name in visits:
                ctx.set(port(dut, name).valid, 1)
            who = [name for name in ("i_rx", *visits) if ctx.get(port(dut, name).ready)]
            admitted += who
            await ctx.tick()
            event = Event.RX_ACK if "i_rx" in who else Event.VISIT
            returns(
                ctx,
                dut,
                i_done=bool(who),
                event=event,
                i_done_may_send=event == Event.VISIT,
                i_done_payload=event == Event.VISIT,
                i_payload_left=clock % 8 == 0,
            )
        for name in visits:
            at = [-1] + [n for n, one in enumerate(admitted) if one == name] + [len(admitted)]
            # Aside: what goes in while a VC's turn waits for room, three between two PAYLOADs.
            assert max(b - a for a, b in zip(at, at[1:])) <= BOUND + 3 * 3, (name, at)

    simulate(dut, testbench)


async def shown(ctx, dut, source, fields):
    """The event when `source` asks alone has these fields."""
    ctx.set(port(dut, source).valid, 1)
    assert ctx.get(dut.o_event.valid)
    for name, value in fields.items():
        assert ctx.get(dut.o_event.payload[name]) == value, (source, name)
    ctx.set(port(dut, source).valid, 0)
    assert not ctx.get(dut.o_event.valid)


RECEIVED = dict(
    node=0xABCDEF,
    vc=2,
    ieee=0,
    epoch=0x1234,
    selective=1,
    tx_id=0xDEADBEEF,
    rx_id=0x01020304,
    room=1,
)
EVENTS = {
    "i_rx": dict(RECEIVED, event=Event.RX_PAYLOAD, by_lid=0, rx_slot=9, may_send=0),
    "i_host1": dict(
        event=Event.HOST_PAYLOAD, by_lid=0, node=0x111111, vc=1, ieee=1, slot=13, room=0, may_send=1
    ),
    "i_command": dict(event=Event.HOST_CLOSE, by_lid=0, node=0x222222, vc=2, ieee=1, may_send=0),
    "i_timer": dict(event=Event.TIMER, by_lid=1, lid=3, room=0, may_send=0),
    "i_visit2": dict(event=Event.VISIT, by_lid=1, lid=5, may_send=1),
    "i_sent": dict(event=Event.SENT, by_lid=1, lid=6, may_send=0),
    "i_victim": dict(event=Event.VICTIM, by_lid=1, lid=7, may_send=0),
    "i_retire": dict(event=Event.RETIRE, by_lid=1, lid=2, may_send=0),
}
"""Each source's event when `test_fields_of_each_source` lets it ask."""


def test_fields_of_each_source():
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        ctx.set(dut.cfg_ieee, 1)
        ctx.set(dut.i_rx.payload, dict(RECEIVED, opcode=Opcode.PAYLOAD, slot=9))
        ctx.set(dut.i_host[1].payload, dict(node=0x111111, slot=13))
        ctx.set(dut.i_command.payload, dict(command=1, node=0x222222, vc=2))
        for name in ("i_timer", "i_visit2", "i_sent", "i_victim", "i_retire"):
            ctx.set(port(dut, name).payload, EVENTS[name]["lid"])
        for source, fields in EVENTS.items():
            await shown(ctx, dut, source, fields)
        ctx.set(dut.i_command.payload.command, 0)
        await shown(ctx, dut, "i_command", dict(event=Event.HOST_OPEN))

    simulate(dut, testbench)


def test_fields_of_selective_replay():
    """`pipeline.records` says which ID lies where."""
    dut = Arbitrate(CONFIG)
    cases = [
        (
            "i_look",
            dict(purge=0, last=0, lid=5, id=0xFEDCBA98),
            dict(event=Event.LOOK, lid=5, tx_id=0xFEDCBA98, room=0, may_send=0),
        ),
        (
            "i_look",
            dict(purge=1, last=0, lid=3, id=14),
            dict(event=Event.PURGE, lid=3, tx_id=14, room=0, may_send=0),
        ),
        (
            "i_look",
            dict(purge=1, last=1, lid=4, id=15),
            dict(event=Event.PURGE, lid=4, tx_id=15, room=1, may_send=0),
        ),
        (
            "i_ask",
            dict(lid=6, id=0x80000001, first=0x7FFFFFFF),
            dict(event=Event.ASK, lid=6, tx_id=0x80000001, rx_id=0x7FFFFFFF, may_send=0),
        ),
        (
            "i_replay",
            dict(walk=Walk.SEEK, lid=7, slot=9, first=33, last=60),
            dict(event=Event.SEEK, lid=7, rx_id=33, tx_id=60, may_send=0),
        ),
        (
            "i_replay",
            dict(walk=Walk.REPLAY, lid=1, slot=13, first=16, last=60),
            dict(event=Event.REPLAY, lid=1, slot=13, rx_id=16, may_send=1),
        ),
        (
            "i_replay",
            dict(walk=Walk.WALKED, lid=2, slot=9, first=33, last=60),
            dict(event=Event.WALKED, lid=2, may_send=0),
        ),
    ]

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        for source, payload, fields in cases:
            ctx.set(port(dut, source).payload, payload)
            await shown(ctx, dut, source, dict(fields, by_lid=1))
            ctx.set(port(dut, source).payload, dict.fromkeys(payload, 0))

    simulate(dut, testbench)


@pytest.mark.parametrize("opcode", Opcode)
def test_a_received_nack_is_promised_a_payload_if_there_is_room(opcode):
    """R7, R9: only a NACK, and without room it enters all the same."""
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        ctx.set(dut.i_rx.payload.opcode, opcode)
        ctx.set(dut.i_rx.valid, 1)
        promised = []
        for _event in range(6):
            assert ctx.get(dut.o_event.valid)
            promised.append(ctx.get(dut.o_event.payload.may_send))
            await ctx.tick()
        nack = opcode == Opcode.NACK
        assert promised == ([1] * CONFIG.payload_depth + [0, 0] if nack else [0] * 6)

    simulate(dut, testbench)


async def admitted_until_refused(ctx, dut, source, limit=50):
    ctx.set(port(dut, source).valid, 1)
    count = 0
    while ctx.get(port(dut, source).ready) and count < limit:
        await ctx.tick()
        count += 1
    ctx.set(port(dut, source).valid, 0)
    return count


@pytest.mark.parametrize(
    "source,count,payload",
    [
        ("i_rx", 8, {}),
        ("i_timer", 8, {}),
        ("i_command", 8, {}),
        ("i_visit0", 4, {}),
        ("i_host2", 4, {}),
        ("i_sent", 50, {}),
        ("i_look", 8, {}),
        ("i_look", 50, {"purge": 1}),
        ("i_ask", 8, {}),
        ("i_retire", 50, {}),
        ("i_replay", 50, {"walk": Walk.SEEK}),
        ("i_replay", 4, {"walk": Walk.REPLAY}),
        ("i_replay", 50, {"walk": Walk.WALKED}),
    ],
)
def test_no_event_enters_without_room_for_its_frames(source, count, payload):
    """control_depth 8 and payload_depth 4: one credit per event, none for the silent ones."""
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        for name, value in payload.items():
            ctx.set(port(dut, source).payload[name], value)
        assert await admitted_until_refused(ctx, dut, source) == count
        assert not ctx.get(dut.o_event.valid)

    simulate(dut, testbench)


def test_silent_events_enter_while_the_control_queue_is_full():
    dut = Arbitrate(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        assert await admitted_until_refused(ctx, dut, "i_timer") == 8
        ctx.set(dut.i_replay.payload.walk, Walk.REPLAY)
        assert await admitted_until_refused(ctx, dut, "i_replay") == 4
        for source, count in (
            ("i_look", 0),
            ("i_ask", 0),
            ("i_rx", 0),
            ("i_visit1", 0),
            ("i_retire", 50),
            ("i_sent", 50),
        ):
            assert await admitted_until_refused(ctx, dut, source) == count, source

    simulate(dut, testbench)


def test_credits_come_back_from_events_that_send_nothing_and_from_the_wire():
    dut = Arbitrate(CONFIG)
    visit = dict(i_done=1, event=Event.VISIT, i_done_may_send=1)
    replay = dict(i_done=1, event=Event.REPLAY, i_done_may_send=1)

    async def testbench(ctx):
        ctx.set(dut.i_enable, 1)
        ctx.set(dut.i_replay.payload.walk, Walk.REPLAY)
        assert await admitted_until_refused(ctx, dut, "i_visit1") == 4  # control 4, payload 0
        cases = [
            # a VISIT that sends a PAYLOAD gives its control credit back, not the other
            (dict(visit, i_done_payload=1), "i_visit1", 0),  # control 5
            (dict(i_payload_left=2), "i_visit1", 2),  # 3
            (dict(visit, i_done_control=1), "i_visit1", 1),  # 2
            (dict(i_done=1, event=Event.SENT), "i_visit1", 0),
            (dict(i_control_left=1), "i_rx", 3),  # 0
            (dict(i_done=1, event=Event.RX_ACK), "i_rx", 1),
            (dict(i_done=1, event=Event.RX_ACK, i_done_control=1), "i_rx", 0),
            # a REPLAY and a NACK with a promise give it back unless they send
            (replay, "i_replay", 1),
            (dict(replay, i_done_payload=1), "i_replay", 0),
            (
                dict(i_done=1, event=Event.RX_NACK, i_done_may_send=1, i_done_control=1),
                "i_replay",
                1,
            ),
            (dict(i_done=1, event=Event.RX_NACK, i_done_control=1), "i_replay", 0),
            (dict(i_done=1, event=Event.SEEK), "i_rx", 0),
            (dict(i_done=1, event=Event.PURGE), "i_rx", 0),
            (dict(i_done=1, event=Event.LOOK), "i_rx", 1),
            (dict(i_done=1, event=Event.ASK, i_done_control=1), "i_rx", 0),
        ]
        for ports, source, count in cases:
            returns(ctx, dut, **ports)
            await ctx.tick()
            returns(ctx, dut)
            assert await admitted_until_refused(ctx, dut, source) == count, (ports, source)

    simulate(dut, testbench)
