"""Lockstep on controlled links: it follows the law of an engine, and refuses what is nearly right."""

import dataclasses
import random
from functools import cache

import pytest

from ttpverif.check.law import FIELDS
from ttpverif.check.lockstep import Lockstep
from ttpverif.check.record import Mismatch
from ttpverif.check.traced import Traced, TracedLaw, changed, follow, records
from ttpverif.frames.fields import field_of, opcode_of, with_field
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.network import Channel
from ttpverif.model.endpoint import Endpoint, Parameters
from ttpverif.model.link import WeylIds
from ttpverif.model.peer import Peer

PARAMETERS = Parameters(1, slots=64, reorder_slots=16)
U = 47  # units of time in a step


class Talk:
    """Node 1, an engine, and three peers, on VC 2 of a bad network. The codes of the peers are
    drawn; one of them restarts, and its links end at times."""

    def __init__(self, seed, make):
        self.rng = random.Random(seed)
        self.us = make(PARAMETERS, WeylIds(5))
        self.peers = {node: self._peer(node) for node in (2, 3, 4)}
        self.peers[1] = Peer(self.us, check=False)
        self.wires = {
            n: Channel(10 * seed + n, loss=0.05, duplicate=0.02, reorder=0.1, delay_cycles=6)
            for n in self.peers
        }

    def _peer(self, node, start=1):
        model = Endpoint(Parameters(node, slots=64, reorder_slots=16), WeylIds(start * node))
        model.code = lambda: self.rng.choice((0x10, 0x10, 0x10, 0x12, 0x21, 0x38))
        return Peer(model)

    def step(self, now, feeding):
        rng, peers = self.rng, self.peers
        if isinstance(self.us, TracedLaw):
            self.us.now = U * now & 0xFFFF
        if feeding:
            node = rng.choice((2, 3, 4))
            for source, to in ((1, node), (node, 1)):
                peers[source].payload(to, 2, rng.randbytes(9), rng.random() < 0.8)
        if feeding and now % 900 == 899:
            peers[rng.choice((2, 3))].close(1, 2)
        if feeding and now % 1100 == 1099:
            peers[4] = self._peer(4, now)
            peers[4].open(1, 2)
        for node, peer in peers.items():
            for data, _ in self.wires[node].pop(now):
                peer.receive(data, room=rng.random() < 0.98, send_now=rng.random() < 0.6)
            peer.visit_once()
            if now % 60 == node:
                peer.timer_round()
                if isinstance(peer.endpoint, TracedLaw):
                    peer.endpoint.round_ended()
            for data in peer.take_sent():
                self.wires[Frame.parse(data)[0].dst].push(data, now)


def trace(make, seed=1, steps=1900):
    talk = Talk(seed, make)
    for now in range(steps):
        talk.step(now, now < steps - 600)
    while talk.peers[1].background_once():
        pass
    return talk.us.log


@cache
def recorded():
    """What an engine on a bad network did; the log that the tests change."""
    return trace(TracedLaw)


def laws(condition=lambda fields: True):
    return [n for n, (kind, *item) in enumerate(recorded()) if kind == "law" and condition(item[0])]


def with_law(number, **fields):
    """The log up to a record of the law, which is changed."""
    return [*recorded()[:number], ("law", recorded()[number][1] | fields)]


def until_law(log, number):
    """A changed log up to the next record of the law."""
    return log[: next(n for n in range(number, len(log)) if log[n][0] == "law") + 1]


def test_lockstep_follows_the_law():
    lockstep = follow(recorded(), PARAMETERS)
    assert lockstep.law.owed == 0
    told = [recorded()[n][1] for n in laws(lambda f: f["controlled"] and f["touched"])]
    assert len(told) > 2000
    for name, least in dict(window=8, gap=4, base=2, links=3, age=3, timed=60).items():
        assert len({fields[name] for fields in told}) >= least, name
    for name in ("growing", "limited", "timing", "counted", "free"):
        assert {fields[name] for fields in told} == {0, 1}, name
    events = {recorded()[n - 1][1].event for n in laws()}
    assert events >= {"REPLAY", "LOOK", "TIMER", "VISIT", "HOST_PAYLOAD", "RX_ACK", "RX_NACK"}
    assert records(recorded(), lambda r: r.event == "RX_ACK" and r.tx_id), "echoes"
    assert records(recorded(), lambda r: r.frame and r.frame.more)
    assert records(recorded(), lambda r: r.event == "HOST_PAYLOAD" and not r.free)


def test_the_law_may_tell_some_records_late():
    """As hardware does: here by eight entries of the log."""
    late, due = [], []
    for entry in recorded():
        if entry[0] == "law":
            due.append((len(late) + 8, entry))
        else:
            late.append(entry)
        while due and due[0][0] <= len(late):
            late.append(due.pop(0)[1])
    late += [entry for _, entry in due]
    assert late != recorded() and len(late) == len(recorded())
    follow(late, PARAMETERS)


@pytest.mark.parametrize("name", sorted({*FIELDS} - {"now"}))
def test_each_field_is_compared(name):
    """Where it means something."""
    where = laws(lambda f: f["touched"] and f["controlled"] and f["timing"] and f["counted"])
    number = random.Random(name).choice(where)
    with pytest.raises(Mismatch, match=rf"{name} is {recorded()[number][1][name] ^ 1}[ ,]"):
        follow(with_law(number, **{name: recorded()[number][1][name] ^ 1}), PARAMETERS)


def test_the_time_is_that_of_the_law():
    number = laws(lambda f: f["touched"] and f["timing"] and f["stamp"] == f["now"] % (1 << 14))[3]
    with pytest.raises(Mismatch, match="stamp|next_at"):
        follow(with_law(number, now=recorded()[number][1]["now"] ^ 4), PARAMETERS)


def test_each_event_has_one_record_of_the_law():
    number = laws()[100]
    with pytest.raises(Mismatch):
        follow([*recorded()[:number], *recorded()[number + 1 :]], PARAMETERS)
    last = laws()[-7:]  # six may be under way at the end
    with pytest.raises(Mismatch, match="has not told of the last 7 events"):
        follow([entry for n, entry in enumerate(recorded()) if n not in last], PARAMETERS)
    with pytest.raises(Mismatch, match="did not tell of"):
        follow([*recorded(), recorded()[number]], PARAMETERS)


# ---- inputs of the trace -----------------------------------------------------------------------


def test_a_payload_leaves_at_once_only_if_the_link_is_free():
    sends = records(
        recorded(), lambda r: r.event == "HOST_PAYLOAD" and r.frame and r.old_state == 3
    )
    with pytest.raises(Mismatch, match="frame"):
        follow(until_law(changed(recorded(), sends[50], free=False), sends[50]), PARAMETERS)


def free_where_it_never_was():
    """A HOST_PAYLOAD that was told no, on a link that had not been free for long."""
    for number in records(recorded(), lambda r: r.event == "HOST_PAYLOAD" and not r.free):
        record = recorded()[number][1]
        past = [
            fields
            for kind, fields, *_ in (recorded()[n] for n in range(number))
            if kind == "law" and fields["where"] == (record.node, record.vc)
        ][-20:]
        if len(past) == 20 and not any(f["free"] for f in past) and record.frame is None:
            return number
    raise AssertionError("no such event")


def test_free_is_what_the_law_said():
    number = free_where_it_never_was()
    with pytest.raises(Mismatch, match="was told free 1"):
        follow(until_law(changed(recorded(), number, free=True), number), PARAMETERS)


def silence(*told):
    """Time-outs of a peer that says nothing: `told` are the inputs of each."""
    us = TracedLaw(PARAMETERS, WeylIds(5))
    open_id = us.host_open(2, 2).frame.tx_id
    us.receive(Frame(2, 1, Opcode.OPEN_ACK, 2, 1, open_id, 7, 0x60, congestion=0x10))
    us.host_payload(2, 2, b"x")
    us.timer(2, 2)
    for inputs in told:
        us.timer(2, 2, **inputs)
        us.visit(2, 2)
        us.links.find(2, 2).timer_bit = True
    return us.log


NO = {"slow": False, "coin": False}
SILENCE = silence({**NO, "slow": True}, {**NO, "slow": True}, NO, {**NO, "coin": True}, NO)


@pytest.mark.parametrize("time_out, name", [(1, "slow"), (2, "slow"), (4, "coin"), (5, "coin")])
def test_patience_is_what_the_timer_was_told(time_out, name):
    """A time-out that replays nothing, or all, by this input alone: W tells, and what goes next."""
    follow(SILENCE, PARAMETERS)
    number = records(SILENCE, lambda r: r.event == "TIMER")[time_out]
    told = getattr(SILENCE[number][1], name)
    with pytest.raises(Mismatch, match="window|frame|growing"):
        follow(changed(SILENCE, number, **{name: not told}), PARAMETERS)


def test_the_received_byte_is_that_of_the_frame():
    number = records(recorded(), lambda r: r.event == "RX_ACK" and r.congestion == 0x38)[5]
    with pytest.raises(Mismatch, match="no such frame was received"):
        follow(changed(recorded(), number, congestion=0x37), PARAMETERS)


def test_more_and_the_extension_are_compared():
    number = records(recorded(), lambda r: r.frame and r.frame.more)[7]
    sent = dataclasses.replace(recorded()[number][1].frame, more=0)
    with pytest.raises(Mismatch, match="frame"):
        follow(changed(recorded(), number, frame=sent), PARAMETERS)
    number = records(recorded(), lambda r: r.frame and r.frame.ext == 0x60)[0]
    sent = dataclasses.replace(recorded()[number][1].frame, ext=0x20)
    with pytest.raises(Mismatch, match="frame"):
        follow(changed(recorded(), number, frame=sent), PARAMETERS)


# ---- the wire ----------------------------------------------------------------------------------


def sent_with(byte, condition):
    number = next(
        n
        for n, (kind, *item) in enumerate(recorded())
        if kind == "tx" and n > 2000 and condition(item[0]) and recorded()[n][1][48] >= 0x10
    )
    return [
        *recorded()[:number],
        ("tx", with_field(recorded()[number][1], "congestion", byte)),
        *recorded()[number + 1 :],
    ]


def ack(data):
    return opcode_of(data) == Opcode.ACK and field_of(data, "vc") == 2


def test_any_code_that_can_be_is_followed():
    follow(sent_with(0x10, ack), PARAMETERS)
    follow(sent_with(0x22, ack), PARAMETERS)


@pytest.mark.parametrize("byte", [0, 0x0F])
def test_a_code_that_says_nothing_is_none(byte):
    with pytest.raises(Mismatch, match="frame on the wire"):
        follow(sent_with(byte, ack), PARAMETERS)


def test_a_code_of_more_links_than_there_are():
    with pytest.raises(Mismatch, match="code of 0xb0 was sent"):
        follow(sent_with(0xB0, ack), PARAMETERS)


# ---- engines without the law -------------------------------------------------------------------


def test_an_engine_that_does_not_tell_of_its_law():
    log = trace(Traced, seed=2, steps=1500)
    assert not any(kind == "law" for kind, *_ in log)
    assert follow(log, PARAMETERS).law is None
    with pytest.raises(Mismatch, match="has no law"):
        Lockstep(PARAMETERS).push_law({})


# ---- the gate ----------------------------------------------------------------------------------


class Ungoverned(TracedLaw):
    """It sends whatever the gate says."""

    def _may_send(self, where):
        return True


def test_a_link_that_does_not_wait_in_the_gate():
    with pytest.raises(Mismatch, match="beyond every window|was to wait until"):
        follow(trace(Ungoverned), PARAMETERS)
