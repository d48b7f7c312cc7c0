"""The bench's way from an engine's ports to `Lockstep`: engines with the law, and without."""

import dataclasses

import pytest

from tests.verif.test_lockstep_congestion import PARAMETERS, SILENCE
from ttpverif.bench.follow import LockstepFeed, parameters_of
from ttpverif.bench.pair import layout_of
from ttpverif.check.record import Mismatch
from ttpverif.check.trace import EVENTS, NOTICES, RESULTS
from ttpverif.check.traced import Traced
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.link import WeylIds


def trace_of(record, told=True):
    """The fields of `trace_*`. `told`: those that an engine with the law has."""
    sent = record.frame
    fields = {
        "event": EVENTS.index(record.event),
        "node": record.node,
        "vc": record.vc,
        "old_state": record.old_state,
        "new_state": record.new_state,
        "tx_id": record.tx_id,
        "rx_id": record.rx_id,
        "epoch": record.epoch,
        "room": int(record.room),
        "result": RESULTS.index(record.result or "TAKEN"),
        "delivered": int(record.delivered),
        "kept": int(record.kept),
        "background": 0,
        "action": 0,
        "noticed": int(record.notice is not None),
        "notice": NOTICES.index(record.notice or "LINK_UP"),
        "frame": int(sent is not None),
        **{f"frame_{name}": getattr(sent, name, 0) for name in ("opcode", "node", "vc", "epoch")},
        **{f"frame_{name}": getattr(sent, name, 0) for name in ("ieee", "tx_id", "rx_id")},
        "frame_selective": getattr(sent, "ext", 0) >> 5 & 1,
    }
    if told:
        fields |= {
            "congestion": record.congestion or 0,
            "frame_controlled": getattr(sent, "ext", 0) >> 6 & 1,
            "frame_more": getattr(sent, "more", 0),
            **{name: int(getattr(record, name)) for name in ("free", "slow", "coin", "crowded")},
        }
    return fields


class FakeNode:
    """What a `LockstepFeed` wants of a node."""

    name, trace_on, resets = "a", False, 0

    def __init__(self, tells_law, law_owed=0, timed_bits=32):
        self.tells_law, self.law_owed, self.listeners = tells_law, law_owed, []
        self.timed_bits = timed_bits

    def counts(self):
        return {}

    def tell(self, kind, record):
        for listener in self.listeners:
            listener(kind, record)


class Bytes:
    bad = False

    def __init__(self, data):
        self.data = data


def play(node, log, told=True):
    for kind, *item in log:
        if kind == "rx":
            node.tell("frame_in", Bytes(item[0]))
        elif kind == "host":
            packet = Bytes(item[0][2])
            packet.node, packet.vc = item[0][:2]
            node.tell("sent", packet)
        elif kind == "record":
            node.tell("trace", trace_of(item[0], told))
        elif kind == "law" and node.tells_law:
            node.tell("law", item[0])


def test_the_law_is_followed():
    node = FakeNode(True)
    feed = LockstepFeed(node, PARAMETERS)
    play(node, SILENCE)
    assert feed.lockstep.law.owed == 0 and feed.lockstep.steps["TIMER", 3] == 6
    law = next(n for n, (kind, *_) in enumerate(SILENCE) if kind == "law" and n > 20)
    wrong = [*SILENCE[:law], ("law", SILENCE[law][1] | {"window": 63})]
    node = FakeNode(True)
    LockstepFeed(node, PARAMETERS)
    with pytest.raises(Mismatch, match="window is 63"):
        play(node, wrong)


def test_an_engine_may_know_a_part_of_the_timed_id():
    part = [
        (kind, item[0] | {"timed": item[0]["timed"] & 0xF}) if kind == "law" else (kind, *item)
        for kind, *item in SILENCE
    ]
    node = FakeNode(True, timed_bits=4)
    LockstepFeed(node, PARAMETERS)
    play(node, part)
    node = FakeNode(True, timed_bits=4)
    LockstepFeed(node, PARAMETERS)
    number = next(
        n for n, (kind, *item) in enumerate(part) if kind == "law" and item[0]["stamp"] == 0
    )
    part[number] = ("law", part[number][1] | {"timed": part[number][1]["timed"] ^ 8})
    with pytest.raises(Mismatch, match="timed is"):
        play(node, part)


def test_a_feed_that_begins_late_leaves_out_what_the_law_still_owes():
    node = FakeNode(True, law_owed=2)
    feed = LockstepFeed(node, PARAMETERS)
    for fields in ({"touched": 1}, {"touched": 0}):
        node.tell("law", fields)
    play(node, SILENCE)
    assert feed.lockstep.law.owed == 0


def test_a_reset_takes_what_the_law_had_still_to_tell():
    node = FakeNode(True)
    feed = LockstepFeed(node, PARAMETERS)
    last = max(n for n, (kind, *_) in enumerate(SILENCE) if kind == "law")
    play(node, SILENCE[:last])
    assert feed.lockstep.law.owed == 1
    node.resets += 2
    node.tell("frame_out", Bytes(b"no TTP"))
    assert feed.lockstep.law.owed == 0
    feed.restart(PARAMETERS)
    play(node, SILENCE)


def test_visits_of_free_tags_have_a_record_of_the_law_too():
    node = FakeNode(True)
    feed = LockstepFeed(node, PARAMETERS)
    record = SILENCE[next(n for n, (kind, *_) in enumerate(SILENCE) if kind == "record")][1]
    free_tag = trace_of(record) | {"event": EVENTS.index("TIMER"), "frame": 0, "noticed": 0}
    node.tell("trace", free_tag | {"old_state": 0, "new_state": 0})
    assert feed.lockstep.law.owed == 1
    node.tell("law", {"touched": 0, "now": 7, "counted": 0})
    play(node, SILENCE)


def test_an_engine_without_the_law():
    """Its trace has none of the fields, and it agrees to nothing."""
    parameters = dataclasses.replace(PARAMETERS, congestion=False)
    us = Traced(parameters, WeylIds(5))
    us.receive(Frame(2, 1, Opcode.OPEN, 2, 500, 0, 7, 0x60))
    us.open_ack_sent(2, 2)
    us.host_payload(2, 2, b"x")
    node = FakeNode(False)
    feed = LockstepFeed(node, parameters)
    play(node, us.log, told=False)
    assert feed.lockstep.law is None and feed.lockstep.endpoint.links.find(2, 2).selective


def test_the_ports_of_the_law_are_a_stream():
    ports = {"trace_valid": ("output", 1), "trace_event": ("output", 5), "law_valid": ("output", 1)}
    ports |= {"law_window": ("output", 11), "law_now": ("output", 16), "clk": ("input", 1)}
    streams = {stream.name: stream for stream in layout_of(ports).streams}
    assert streams["law"].fields == [("window", 11), ("now", 16)]
    assert (
        streams["law"].signal("now") == "law_now" and streams["law"].signal("valid") == "law_valid"
    )
    assert {*streams} == {"law", "trace"}
    del ports["law_valid"]
    assert "law" not in {stream.name for stream in layout_of(ports).streams}


@pytest.mark.parametrize(
    "built, driven, agrees",
    [("law", {}, True), ("law", {"congestion": 0}, False), ("none", {}, False)],
)
def test_what_the_model_is_told(built, driven, agrees):
    class Bench:
        config = dict(sets=4, vc_tables=3, slots=16, reorder_slots=4, congestion=built)

    class Node:
        address = 1
        configuration = dict(init_id=1, max_retry=0, idle_limit=0, link_slots=0) | driven

    assert parameters_of(Bench, Node).congestion == agrees
    del Bench.config["congestion"]  # an engine of before
    assert not parameters_of(Bench, Node).congestion
