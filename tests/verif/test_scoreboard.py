"""The two checkers: they accept what is right and refuse everything else."""

import dataclasses
import random

import pytest

from ttpverif.check.lockstep import Lockstep
from ttpverif.check.record import Mismatch, Record, SentFrame
from ttpverif.check.scoreboard import DeliveryChecker, DeliveryError
from ttpverif.check.traced import Traced, changed, follow, records
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.network import Channel
from ttpverif.model.endpoint import Endpoint, Parameters
from ttpverif.model.peer import Peer
from ttpverif.model.states import State


def checker(*packets):
    check = DeliveryChecker()
    for packet in packets:
        check.put(1, 2, 0, packet)
    return check


def test_delivery_in_order():
    check = checker(b"a", b"a", b"b")
    for packet in (b"a", b"a", b"b"):
        check.got(1, 2, 0, packet)
    check.finish()
    assert check.delivered == 3


@pytest.mark.parametrize(
    "got, text",
    [
        ((b"a", b"a"), "delivered before"),
        ((b"b",), "out of order"),
        ((b"A",), "never sent"),
        ((b"a", b"c"), "out of order"),
        ((b"a", b"b", b"c", b"c"), "delivered before"),
        ((b"a\0",), "never sent"),
    ],
)
def test_delivery_refused(got, text):
    check = checker(b"a", b"b", b"c")
    with pytest.raises(DeliveryError, match=text):
        for packet in got:
            check.got(1, 2, 0, packet)


def test_delivery_is_per_flow():
    check = checker(b"a")
    for flow in ((2, 1, 0), (1, 2, 1), (1, 3, 0)):
        with pytest.raises(DeliveryError):
            check.got(*flow, b"a")
    with pytest.raises(DeliveryError, match="never delivered: 1 from 000001 to 000002 vc0"):
        check.finish()


def test_delivery_after_a_lost_link():
    check = checker(b"a", b"x", b"x")
    check.got(1, 2, 0, b"a")
    check.link_lost(1, 2, 0)
    check.put(1, 2, 0, b"x")
    check.got(1, 2, 0, b"x")
    assert check.missing() == {}  # it may have been the last, or any of the three
    check.put(1, 2, 0, b"y")
    assert check.missing() == {(1, 2, 0): 1}
    check.got(1, 2, 0, b"y")
    check.finish()
    with pytest.raises(DeliveryError, match="delivered before"):
        check.got(1, 2, 0, b"a")


PARAMETERS = Parameters(
    1, sets=2, vc_tables=1, slots=16, idle_limit=3, max_retry=9, reorder_slots=4
)


def trace(seed, steps=900):
    """A run of node 1 between many peers; its log."""
    rng = random.Random(seed)
    us = Traced(PARAMETERS)
    peers = {
        node: Peer(Endpoint(Parameters(node, selective=node != 4))) for node in (2, 3, 4, 5, 6)
    }
    peers[1] = Peer(us, check=False)
    wires = {
        n: Channel(10 * seed + n, loss=0.1, duplicate=0.1, reorder=0.1, delay_cycles=2)
        for n in peers
    }
    for now in range(steps):
        if now % 3 == 0:
            node = rng.choice(sorted(set(peers) - {1}))
            ends = (1, node) if rng.random() < 0.6 else (node, 1)
            what = rng.random()
            peer, vc = peers[ends[0]], rng.randrange(3)
            if what < 0.8:
                peer.payload(ends[1], vc, rng.randbytes(rng.randrange(1, 80)), rng.random() < 0.5)
            else:
                (peer.open if what < 0.9 else peer.close)(ends[1], vc)
        for node, peer in peers.items():
            for data, _ in wires[node].pop(now):
                peer.receive(data, room=rng.random() < 0.9)
            peer.visit_once()
            if now % 20 == node:
                peer.timer_round()
            for data in peer.take_sent():
                wires[Frame.parse(data)[0].dst].push(data, now)
    return us.log


LOG = trace(18)


def test_lockstep_follows():
    lockstep = follow(LOG, PARAMETERS)
    seen = {event for event, _ in lockstep.steps}
    assert seen >= {
        "RX_OPEN",
        "RX_OPEN_ACK",
        "RX_PAYLOAD",
        "RX_ACK",
        "RX_NACK",
        "RX_NACK_FULL",
        "RX_CLOSE",
        "RX_CLOSE_ACK",
        "RX_NACK_NOLINK",
        "HOST_PAYLOAD",
        "HOST_OPEN",
        "HOST_CLOSE",
        "VISIT",
        "TIMER",
        "SENT",
        "VICTIM",
    }
    assert sum(lockstep.steps.values()) > 500


@pytest.mark.parametrize(
    "field, value",
    [
        ("opcode", Opcode.NACK),
        ("node", 99),
        ("vc", 3),
        ("ieee", True),
        ("epoch", 0x1111),
        ("tx_id", 0x22222222),
        ("rx_id", 0x33333333),
        ("ext", 0x20),
    ],
)
def test_lockstep_sees_a_wrong_frame(field, value):
    for opcode in (Opcode.ACK, Opcode.PAYLOAD, Opcode.CLOSE, Opcode.NACK_NOLINK):
        number = records(LOG, lambda r: r.frame and r.frame.opcode == opcode)[-1]
        wrong = dataclasses.replace(LOG[number][1].frame, **{field: value})
        with pytest.raises(Mismatch, match="frame: hardware"):
            follow(changed(LOG, number, frame=wrong), PARAMETERS)


@pytest.mark.parametrize(
    "condition, changes, text",
    [
        (lambda r: r.event == "RX_PAYLOAD" and r.delivered, dict(delivered=False), "delivered"),
        (lambda r: r.event == "RX_PAYLOAD" and not r.delivered, dict(delivered=True), "delivered"),
        (lambda r: r.event == "RX_PAYLOAD" and r.delivered, dict(room=False), "frame: hardware"),
        (lambda r: r.notice == "LINK_UP", dict(notice=None), "notice: hardware"),
        (lambda r: r.new_state == State.OPEN, dict(new_state=State.CLOSE_SENT), "state after"),
        (lambda r: r.old_state == State.OPEN, dict(old_state=State.CLOSED), "state before"),
        (lambda r: r.event == "RX_ACK", dict(rx_id=77), "no such frame was received"),
        (lambda r: r.result == "TAKEN", dict(result="REFUSED"), "result: hardware"),
        (lambda r: r.event == "VISIT" and r.frame, dict(frame=None), "frame: hardware"),
        (lambda r: r.event == "VISIT" and r.frame, dict(retire=True), "frame: hardware"),
        (lambda r: r.event == "TIMER", dict(event="VICTIM"), "no event made this link a victim"),
        (lambda r: r.event == "TIMER", dict(event="TEA"), "unknown event"),
    ],
)
def test_lockstep_sees_a_wrong_record(condition, changes, text):
    number = records(LOG, condition)[0]
    with pytest.raises(Mismatch, match=text):
        follow(changed(LOG, number, **changes), PARAMETERS)


@pytest.mark.parametrize(
    "kind, text",
    [
        ("tx", "frame on the wire missing|not on the wire"),
        ("host_rx", "host got|not delivered"),
        ("host", "handed over no such packet|frame on the wire"),
        ("rx", "no such frame was received"),
    ],
)
def test_lockstep_sees_a_missing_byte_or_packet(kind, text):
    number = [n for n, item in enumerate(LOG) if item[0] == kind][5]
    with pytest.raises(Mismatch, match=text):
        follow(LOG[:number] + LOG[number + 1 :], PARAMETERS)
    if kind == "host":  # one that was sent later
        number = next(
            n
            for n, item in enumerate(LOG)
            if item[0] == "host"
            and any(later[0] == "tx" and item[1][-1] in later[1] for later in LOG[n - 1 :])
        )
    item = LOG[number][1]
    spoil = lambda data: data[:-1] + bytes([data[-1] ^ 1])
    if kind == "rx":
        number = next(
            n
            for n, item in enumerate(LOG)
            if item[0] == "rx" and len(item[1]) > 70 and LOG[n + 1][1].delivered
        )
        item = LOG[number][1]
        text = "host got"
    elif kind in ("host", "host_rx"):
        text = "host got|frame on the wire"
    else:
        text = "frame on the wire"
    wrong = spoil(item) if isinstance(item, bytes) else (*item[:-1], spoil(item[-1]))
    with pytest.raises(Mismatch, match=text):
        follow([*LOG[:number], (kind, wrong, *LOG[number][2:]), *LOG[number + 1 :]], PARAMETERS)


def test_lockstep_counts_frames_dropped_at_the_door():
    numbers = [n for n, item in enumerate(LOG) if item[0] == "rx"]
    extra = Frame(6, 1, Opcode.ACK, 2, 0, 0xDEAD, 1).pack()
    log = [*LOG[: numbers[3]], ("rx", extra), *LOG[numbers[3] :], ("rx", extra)]
    with pytest.raises(Mismatch, match="2 good frames raised no event, the hardware counted 0"):
        follow(log, PARAMETERS)
    follow(log, PARAMETERS, door_drops=2)


@pytest.mark.parametrize(
    "first, second, text",
    [
        ((5, 1), (6, 0), "epoch 0"),
        ((5, 1), (6, 1), "that of the incarnation before"),
        ((5, 1), (6, 3), "does not follow"),
        ((5, 0xFFFF), (6, 0), "epoch 0"),
        ((5, 1), (5, 2), "was used before"),
        ((0x80000000, 1), (5, 2), "not below 2\\^31"),
    ],
)
def test_lockstep_checks_fresh_ids(first, second, text):
    def opened(vc, open_id, epoch):
        return Record(
            "HOST_OPEN",
            2,
            vc,
            State.CLOSED,
            State.OPEN_SENT,
            result="TAKEN",
            frame=SentFrame(Opcode.OPEN, 2, vc, False, epoch, open_id, 0, 0x20),
        )

    lockstep = Lockstep(Parameters(1))
    with pytest.raises(Mismatch, match=text):
        lockstep.step(opened(0, *first))
        lockstep.step(opened(1, *second))
    lockstep = Lockstep(Parameters(1))
    lockstep.step(opened(0, 5, 1))
    lockstep.step(opened(1, 6, 2))
    lockstep = Lockstep(Parameters(1))
    lockstep.step(opened(0, 5, 0xFFFF))
    lockstep.step(opened(1, 6, 1))
