"""Lockstep on selective links: it follows what is right, and refuses what is nearly right."""

import dataclasses
import random
from functools import cache

import pytest

from ttpverif.check.lockstep import Lockstep
from ttpverif.check.record import Mismatch, Record, SentFrame
from ttpverif.check.traced import Traced, changed, follow, records
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.network import Channel
from ttpverif.model.endpoint import Endpoint, Parameters
from ttpverif.model.peer import Peer
from ttpverif.model.states import State

PARAMETERS = Parameters(1, slots=64, reorder_slots=8)


def trace(seed, steps=1500):
    """Node 1 and three peers with much traffic over a bad network; one peer restarts at times."""
    rng = random.Random(seed)
    us = Traced(PARAMETERS)
    peers = {
        node: Peer(Endpoint(Parameters(node, slots=256, reorder_slots=8))) for node in (2, 3, 4)
    }
    peers[1] = Peer(us, check=False)
    wires = {
        n: Channel(10 * seed + n, loss=0.06, duplicate=0.05, reorder=0.1, delay_cycles=6)
        for n in peers
    }
    restarts, tail = 0, 400
    for now in range(steps + tail):
        if now < steps:
            node = rng.choice((2, 3, 4))
            ends = rng.choice(((1, node), (node, 1)))
            peers[ends[0]].payload(
                ends[1], 0, rng.randbytes(rng.randrange(1, 80)), rng.random() < 0.5
            )
            link = us.links.find(4, 0)
            if link is not None and len(link.kept) > 2 and now > 300 * (restarts + 1):
                restarts += 1
                peers[4] = Peer(
                    Endpoint(
                        Parameters(4, slots=256), iter([(5000 * restarts, 100 + restarts)]).__next__
                    )
                )
                peers[4].open(1, 0)
        for node, peer in peers.items():
            for data, _ in wires[node].pop(now):
                peer.receive(
                    data,
                    room=rng.random() < 0.97,
                    send_now=rng.random() < 0.5,
                    keep=None if rng.random() < 0.9 else False,
                )
            peer.visit_once()
            if now % 30 == node:
                peer.timer_round()
            for data in peer.take_sent():
                wires[Frame.parse(data)[0].dst].push(data, now)
    while peers[1].visit_once():
        pass
    return us.log


@cache
def recorded():
    """What an engine on a bad network did; the log that the tests change."""
    return trace(3)


def test_lockstep_follows_selective_links():
    lockstep = follow(recorded(), PARAMETERS)
    seen = {event for event, _ in lockstep.steps}
    assert seen >= {"LOOK", "ASK", "REPLAY"} and any(kind == "purge" for kind, *_ in recorded())
    assert len(records(recorded(), lambda r: r.kept)) > 50
    asked = records(recorded(), lambda r: r.event == "ASK" and r.frame)
    replayed = records(recorded(), lambda r: r.event == "REPLAY" and r.frame)
    at_once = records(recorded(), lambda r: r.event == "RX_NACK" and r.frame)
    single = records(
        recorded(),
        lambda r: (
            r.event == "TIMER"
            and r.frame
            and r.frame.opcode == Opcode.NACK
            and r.frame.tx_id == r.frame.rx_id
        ),
    )
    assert len(asked) > 10 and len(replayed) > 10 and len(at_once) > 10 and single


def test_lockstep_takes_housekeeping():
    extra = [
        ("record", Record(event, 2, 0, State.OPEN, State.OPEN))
        for event in ("SEEK", "WALKED", "PURGE", "RETIRE", "REPLAY")
    ]
    opened = records(recorded(), lambda r: r.node == 2 and r.old_state == State.OPEN)
    log = list(recorded())
    for number in opened[::40][::-1]:
        log[number:number] = extra
    follow(log, PARAMETERS)
    for n in range(4):
        bad = dataclasses.replace(extra[n][1], delivered=True)
        with pytest.raises(Mismatch, match="delivered"):
            follow([*recorded()[: opened[9]], ("record", bad)], PARAMETERS)


def frame_of(**changes):
    """Changes the frame of a record."""
    return lambda r: dict(
        frame=dataclasses.replace(
            r.frame,
            **{name: (getattr(r.frame, name) + step) % 2**32 for name, step in changes.items()},
        )
    )


def ack(r, packet_id):
    return SentFrame(Opcode.ACK, r.node, r.vc, False, 0, 0, packet_id)


NACKS = lambda event: lambda r: r.event == event and r.frame and r.frame.opcode == Opcode.NACK


@pytest.mark.parametrize(
    "condition, change, text",
    [
        (NACKS("RX_PAYLOAD"), frame_of(tx_id=1), "frame: hardware"),
        (NACKS("RX_PAYLOAD"), frame_of(rx_id=-1), "frame: hardware"),
        (NACKS("RX_PAYLOAD"), lambda r: dict(frame=None), "frame: hardware"),
        (NACKS("TIMER"), frame_of(tx_id=1), "frame: hardware"),
        (NACKS("ASK"), frame_of(tx_id=1), "frame: hardware"),
        (NACKS("ASK"), frame_of(rx_id=1), "frame: hardware"),
        (NACKS("ASK"), lambda r: dict(frame=None), "frame: hardware"),
        (NACKS("ASK"), lambda r: dict(tx_id=r.tx_id + 1), "it is the turn of"),
        (
            lambda r: r.event == "RX_PAYLOAD" and r.delivered and not r.frame,
            lambda r: dict(frame=ack(r, r.tx_id)),
            "frame: hardware",
        ),
        (
            lambda r: r.event == "RX_PAYLOAD" and r.delivered and r.frame,
            lambda r: dict(frame=None),
            "frame: hardware",
        ),
        (lambda r: r.event == "RX_PAYLOAD" and r.delivered, lambda r: dict(kept=True), "kept"),
        (lambda r: r.kept, lambda r: dict(delivered=True), "delivered"),
        (lambda r: r.kept, lambda r: dict(room=False), "kept|frame: hardware"),
        (
            lambda r: r.kept and not r.frame,
            lambda r: dict(kept=False),
            "frame: |delivered: |host got",
        ),
        (
            lambda r: r.event == "LOOK" and r.delivered,
            lambda r: dict(delivered=False),
            "frame: hardware|kept: hardware|delivered: hardware|host got",
        ),
        (
            lambda r: r.event == "LOOK" and r.delivered,
            lambda r: dict(delivered=False, frame=ack(r, 0)),
            "frame: hardware",
        ),
        (lambda r: r.event == "LOOK" and r.frame, frame_of(rx_id=1), "frame: hardware"),
        (
            lambda r: r.event == "LOOK" and r.frame,
            lambda r: dict(frame=None),
            "frame: hardware|ACK .* \\(1x\\)",
        ),
        (lambda r: r.event == "LOOK" and r.frame, lambda r: dict(delivered=True), "delivered"),
        (lambda r: r.event == "REPLAY" and r.frame, frame_of(tx_id=-300), "no NACK asks for"),
        (lambda r: r.event == "REPLAY" and r.frame, frame_of(epoch=1), "frame: hardware"),
        (lambda r: r.event == "REPLAY" and r.frame, lambda r: dict(frame=None), "on the wire"),
        (lambda r: r.event == "RX_NACK" and r.frame, frame_of(tx_id=1), "frame: hardware"),
    ],
)
def test_lockstep_sees_a_wrong_selective_record(condition, change, text):
    numbers = records(recorded(), condition)
    assert len(numbers) > 2
    number = numbers[len(numbers) // 2]
    with pytest.raises(Mismatch, match=text):
        follow(changed(recorded(), number, **change(recorded()[number][1])), PARAMETERS)


def test_kept_without_permission():
    number = records(
        recorded(),
        lambda r: r.event == "RX_PAYLOAD" and not (r.kept or r.delivered or r.frame) and r.room,
    )[0]
    with pytest.raises(Mismatch, match="kept|frame: hardware"):
        follow(changed(recorded(), number, kept=True), PARAMETERS)


def test_a_lost_purge_and_one_too_many():
    purges = [n for n, (kind, *_item) in enumerate(recorded()) if kind == "purge"]
    with pytest.raises(Mismatch, match="never freed|kept: hardware|frame: hardware"):
        follow([*recorded()[: purges[-1]], *recorded()[purges[-1] + 1 :]], PARAMETERS)
    with pytest.raises(Mismatch, match="nothing of an ended link"):
        follow([*recorded(), recorded()[purges[-1]]], PARAMETERS)


class Script:
    """A lockstep, and records of one peer that is played to it."""

    def __init__(self, *nodes):
        self.lockstep = Lockstep(PARAMETERS)
        for n, node in enumerate(nodes):
            self.rx(
                node,
                "OPEN",
                500,
                ext=0x20,
                old=State.CLOSED,
                new=State.OPEN_RECD,
                reply=(Opcode.OPEN_ACK, 101 + 1000 * n, 500, 0x20),
                epoch=1 + n,
            )
            self.step("SENT", node, State.OPEN_RECD, State.OPEN, notice="LINK_UP")

    def step(self, event, node, old=State.OPEN, new=State.OPEN, reply=None, epoch=None, **fields):
        epoch = node - 1 if epoch is None else epoch
        sent = (
            None
            if reply is None
            else SentFrame(reply[0], node, 0, False, epoch, *reply[1:3], *reply[3:])
        )
        return self.lockstep.step(Record(event, node, 0, old, new, frame=sent, **fields))

    def rx(self, node, opcode, tx_id=0, rx_id=0, ext=0, **fields):
        payload = b"x" if opcode == "PAYLOAD" else b""
        sender = node - 1 if fields.pop("ours", False) else 7
        self.lockstep.push_rx(
            Frame(node, 1, Opcode[opcode], 0, tx_id, rx_id, sender, ext, payload=payload).pack()
        )
        record = Record(f"RX_{opcode}", node, 0, State.OPEN, State.OPEN, tx_id, rx_id, sender)
        extra = {
            name: fields.pop(name)
            for name in ("kept", "delivered", "notice", "frees")
            if name in fields
        }
        old, new = fields.pop("old", State.OPEN), fields.pop("new", State.OPEN)
        reply, epoch = fields.pop("reply", None), fields.pop("epoch", node - 1)
        sent = None if reply is None else SentFrame(reply[0], node, 0, False, epoch, *reply[1:])
        return self.lockstep.step(
            dataclasses.replace(record, old_state=old, new_state=new, frame=sent, **extra)
        )


def nack(first, last):
    return Opcode.NACK, last, first


def test_who_may_ask():
    script = Script(2, 3)
    for node in (2, 3):
        script.rx(node, "PAYLOAD", 503, kept=True, reply=nack(501, 502))
    with pytest.raises(Mismatch, match="no link asks"):
        script.step("TIMER", 2, reply=nack(501, 501))
    script = Script(2, 3)
    for node in (2, 3):
        script.rx(node, "PAYLOAD", 503, kept=True, reply=nack(501, 502))
    script.step("TIMER", 2)
    script.step("TIMER", 3, reply=nack(501, 501))
    script.step("ASK", 2, tx_id=501, rx_id=501)
    script.step("ASK", 2, tx_id=502, rx_id=501)
    script.step("ASK", 2, tx_id=503, rx_id=501, reply=nack(501, 502))
    script.step("ASK", 3, tx_id=501, rx_id=501)
    script.step("TIMER", 3)
    script.step("ASK", 3, tx_id=501, rx_id=501)
    with pytest.raises(Mismatch, match="two links ask"):
        script.step("TIMER", 2)


def test_a_link_that_does_not_ask_sends_nothing():
    script = Script(2)
    script.rx(2, "PAYLOAD", 503, kept=True, reply=nack(501, 502))
    with pytest.raises(Mismatch, match="frame: hardware"):
        script.step("ASK", 2, tx_id=503, rx_id=501, reply=nack(501, 502))


def test_a_look_up_must_end():
    script = Script(2, 3)
    script.rx(2, "PAYLOAD", 502, kept=True, reply=nack(501, 501))
    script.rx(2, "PAYLOAD", 501, delivered=True)
    for at, ahead in ((502, False), (503, True)):  # nothing is looked for, or the wrong ID
        script.step("LOOK", 3, tx_id=at, room=ahead)
        script.step("LOOK", 2, tx_id=at + 1, room=ahead)
    script.step("LOOK", 2, tx_id=502, room=False, delivered=True)
    with pytest.raises(Mismatch, match="look-up without an end"):
        script.lockstep.finish()


def test_what_an_ended_link_kept_must_be_freed():
    for purged in (True, False):
        script = Script(2)
        script.rx(2, "PAYLOAD", 502, kept=True, reply=nack(501, 501))
        number = script.lockstep.endpoint.links.number(script.lockstep.endpoint.links.find(2, 0))
        script.rx(2, "NACK_NOLINK", ours=True, new=State.CLOSED, notice="LINK_DOWN")
        if purged:
            script.lockstep.purge(number)
        with pytest.raises(Mismatch) as caught:
            script.lockstep.finish()
        assert ("1 kept packets of an ended link" in str(caught.value)) != purged


def test_a_visit_may_find_nothing_while_the_list_is_walked():
    for walking in (True, False):
        script = Script(2)
        for n in range(2):
            script.lockstep.push_host(2, 0, b"%d" % n)
            script.step("HOST_PAYLOAD", 2, result="TAKEN", reply=(Opcode.PAYLOAD, 101 + n, 0))
        script.step("TIMER", 2), script.step("TIMER", 2)
        script.rx(2, "NACK", 102, 102)
        if walking:
            script.step("SEEK", 2)
            script.step("VISIT", 2)
            script.step("WALKED", 2)
        with pytest.raises(Mismatch, match="frame: hardware"):
            script.step("VISIT", 2)


@pytest.mark.parametrize("freed", [1, 2, 3])
def test_a_visit_may_find_nothing_while_slots_are_freed_in_front(freed):
    """Three are acknowledged at once: until a RETIRE has freed what is left of them."""
    script = Script(2)
    for n in range(4):
        script.lockstep.push_host(2, 0, b"%d" % n)
        script.step("HOST_PAYLOAD", 2, result="TAKEN", reply=(Opcode.PAYLOAD, 101 + n, 0), frees=0)
    script.step("TIMER", 2, frees=0), script.step("TIMER", 2, frees=0)
    script.rx(2, "ACK", 0, 103, frees=freed)
    if freed < 3:
        script.step("VISIT", 2, frees=0)
        with pytest.raises(Mismatch, match="no RETIRE came"):
            script.lockstep.finish(killed=4)
        script.step("RETIRE", 2, frees=3 - freed)
        with pytest.raises(Mismatch) as caught:  # of what this script does not play
            script.lockstep.finish(killed=4)
        assert "no RETIRE came" not in str(caught.value)
    with pytest.raises(Mismatch, match="frame: hardware"):
        script.step("VISIT", 2, frees=0)
