"""Q0: what the event of each source says, and which set and place it concerns."""

import random

import pytest
from amaranth import Const, Shape

from tests.pipeline.arbitrate_bench import CONFIG, ORDER, run
from ttpoe.link.fsm import Event
from ttpoe.link.table import link_row
from ttpoe.pipeline.records import KINDS
from ttpoe.protocol import Opcode
from ttpoe.reorder.directory import directory_index
from ttpoe.replay.replayer import Walk

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
CASES = [
    # (source, what it offers, what the event says; all else is zero)
    (
        "rx",
        dict(RECEIVED, opcode=Opcode.PAYLOAD, slot=9),
        dict(RECEIVED, event=Event.RX_PAYLOAD, rx_slot=9),
    ),
    (
        "rx",
        dict(RECEIVED, opcode=Opcode.NACK_NOLINK, slot=0, room=0, ieee=1),
        dict(RECEIVED, event=Event.RX_NACK_NOLINK, room=0, ieee=1),
    ),
    *(
        (
            f"host{vc}",
            dict(node=0x111111 + vc, slot=13),
            dict(event=Event.HOST_PAYLOAD, node=0x111111 + vc, vc=vc, ieee=1, slot=13, may_send=1),
        )
        for vc in range(3)
    ),
    *(
        (f"visit{vc}", vc + 4, dict(event=Event.VISIT, by_lid=1, lid=vc + 4, may_send=1))
        for vc in range(3)
    ),
    (
        "command",
        dict(command=1, node=0x222222, vc=2),
        dict(event=Event.HOST_CLOSE, node=0x222222, vc=2, ieee=1),
    ),
    (
        "command",
        dict(command=0, node=0x333333, vc=1),
        dict(event=Event.HOST_OPEN, node=0x333333, vc=1, ieee=1),
    ),
    ("timer", 3, dict(event=Event.TIMER, by_lid=1, lid=3)),
    ("sent", 6, dict(event=Event.SENT, by_lid=1, lid=6)),
    ("victim", 7, dict(event=Event.VICTIM, by_lid=1, lid=7)),
    (
        "retire",
        dict(lid=2, slot=13, count=16),
        dict(event=Event.RETIRE, by_lid=1, lid=2, slot=13, rx_id=16),
    ),
    # `pipeline.records` says which ID lies where.
    (
        "look",
        dict(purge=0, last=0, lid=5, id=0xFEDCBA98),
        dict(event=Event.LOOK, by_lid=1, lid=5, tx_id=0xFEDCBA98),
    ),
    (
        "look",
        dict(purge=0, last=1, lid=5, id=0xFEDCBA99),
        dict(event=Event.LOOK, by_lid=1, lid=5, tx_id=0xFEDCBA99, room=1),
    ),
    (
        "look",
        dict(purge=1, last=0, lid=3, id=14),
        dict(event=Event.PURGE, by_lid=1, lid=3, tx_id=14),
    ),
    (
        "look",
        dict(purge=1, last=1, lid=4, id=15),
        dict(event=Event.PURGE, by_lid=1, lid=4, tx_id=15, room=1),
    ),
    ("ask", dict(lid=6, id=0x80000001), dict(event=Event.ASK, by_lid=1, lid=6, tx_id=0x80000001)),
    (
        "replay",
        dict(walk=Walk.SEEK, lid=7, slot=9, first=33, last=60),
        dict(event=Event.SEEK, by_lid=1, lid=7, slot=9, rx_id=33, tx_id=60),
    ),
    (
        "replay",
        dict(walk=Walk.REPLAY, lid=1, slot=13, first=16, last=60),
        dict(event=Event.REPLAY, by_lid=1, lid=1, slot=13, rx_id=16, tx_id=60, may_send=1),
    ),
    (
        "replay",
        dict(walk=Walk.WALKED, lid=2, slot=9, first=33, last=60),
        dict(event=Event.WALKED, by_lid=1, lid=2, slot=9, rx_id=33, tx_id=60),
    ),
]


def test_every_source_is_among_the_cases():
    assert {source for source, _payload, _fields in CASES} == set(ORDER)


@pytest.mark.parametrize("ieee", [1, 0])
def test_what_each_source_says(ieee):
    """The registers that hold an event between two others' events do not show through."""

    async def job(bench):
        bench.ctx.set(bench.dut.cfg_ieee, ieee)
        for source, payload, fields in CASES:
            event = (await bench.show(source, payload)).event
            wanted = dict(
                fields, ieee=ieee if source[:4] in ("host", "comm") else fields.get("ieee")
            )
            for name in event.shape().members:
                assert event[name] == (wanted.get(name) or 0), (source, name)

    run(job)


@pytest.mark.parametrize(
    "source, payload, kind, fields",
    [
        ("look", dict(purge=0, last=1, lid=5, id=7), "look", dict(id=7, ahead=1)),
        ("look", dict(purge=0, last=0, lid=5, id=7), "look", dict(id=7, ahead=0)),
        ("look", dict(purge=1, last=1, lid=5, id=7), "purge", dict(place=7, last=1)),
        ("ask", dict(lid=6, id=0x80000001), "ask", dict(id=0x80000001)),
        ("retire", dict(lid=2, slot=13, count=16), "retire", dict(slot=13, count=16)),
        ("retire", dict(lid=2, slot=3, count=2), "retire", dict(slot=3, count=2)),
    ],
)
def test_what_an_event_says_by_the_names_of_its_kind(source, payload, kind, fields):
    """Where these lie in the record `pipeline.records` says, to both sides."""

    async def job(bench):
        event = (await bench.show(source, payload)).event
        assert event.event == Event[kind.upper()]
        for name, value in fields.items():
            assert event[KINDS[kind][name]] == value

    run(job)


def concerns(ctx, config, event):
    """(row, uses a place of the directory, which one) of `event`."""
    row = event.lid >> 1
    if not event.by_lid:
        row = ctx.get(link_row(config, Const(event.node, 24), Const(event.vc, 2)))
    if event.event not in (Event.RX_PAYLOAD, Event.LOOK, Event.PURGE, Event.ASK):
        return row, 0, None
    place = directory_index(config, Const(row, config.row_bits), Const(event.tx_id, 32))
    return row, 1, ctx.get(place)


def random_payload(rng, shape):
    """Something that a source may offer: fields of `shape`, or a link's number."""
    if not hasattr(shape, "members"):
        return rng.getrandbits(shape.width)
    limited = {
        "vc": range(3),
        "walk": list(Walk),
        "opcode": (Opcode.PAYLOAD, Opcode.PAYLOAD, Opcode.ACK, Opcode.OPEN),
        "command": (0, 1),
    }
    return {
        name: rng.choice(limited.get(name, range(1 << Shape.cast(field).width)))
        for name, field in shape.members.items()
    }


@pytest.mark.parametrize(
    "config", [CONFIG, CONFIG.replace(sets=32, vc_tables=3)], ids=["4 sets", "3 tables of 32"]
)
def test_set_and_place_of_every_source(config):
    """Of all events of a link the same, whether they know its number or its address."""

    async def job(bench):
        rng, rows = random.Random(config.sets), set()
        for source in ORDER * 5:
            shape = bench.port(source).payload.shape()
            entry = await bench.show(source, random_payload(rng, shape))
            row, uses, place = concerns(bench.ctx, config, entry.event)
            assert (entry.row, entry.uses_place) == (row, uses), source
            assert not uses or entry.place == place, source
            rows.add(row)
        assert len(rows) >= min(config.rows, 30)

    run(job, config)
