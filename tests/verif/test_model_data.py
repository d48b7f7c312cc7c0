"""The model: payloads of the host, ACK, NACK, gaps, stale epochs."""

import pytest

from tests.verif.model_bench import ID, PEER, E, P, R, link, notices, rx, sent
from tests.verif.model_states import in_state
from ttpverif.model.endpoint import REFUSED, TAKEN
from ttpverif.model.states import State


@pytest.mark.parametrize(
    "state, result",
    [
        ("OPEN_SENT", TAKEN),
        ("OPEN_RECD", TAKEN),
        ("OPEN", TAKEN),
        ("CLOSE_SENT", REFUSED),
        ("CLOSE_RECD", REFUSED),
        ("CLOSED", TAKEN),
    ],
)
def test_host_payload(state, result):
    m = in_state(state)
    outcome = m.host_payload(PEER, 0, b"abc")
    assert outcome.result == result
    assert sent(outcome) == {"OPEN": ("PAYLOAD", ID, 0, E), "CLOSED": ("OPEN", ID - 1, 0, E)}.get(
        state
    )


def test_payload_waits_for_its_turn():
    m = in_state("OPEN")
    assert sent(m.host_payload(PEER, 0, b"a", send_now=False)) is None
    outcome = m.host_payload(PEER, 0, b"b")  # its event sends what waits longest
    assert sent(outcome) == ("PAYLOAD", ID, 0, E) and outcome.frame.payload == b"a"
    assert m.pending() == [(PEER, 0)]
    assert m.host_payload(PEER, 0, b"c").frame.payload == b"b"
    assert m.visit(PEER, 0).frame.payload == b"c"
    assert sent(m.visit(PEER, 0)) is None and m.pending() == []


def test_host_close():
    m = in_state("OPEN_SENT")
    m.host_payload(PEER, 0, b"a")
    outcome = m.host_close(PEER, 0)
    assert notices(outcome) == ["REFUSED"] and m.free_slots == 1024
    m = in_state("OPEN_RECD")
    m.host_payload(PEER, 0, b"a")
    assert sent(m.host_close(PEER, 0)) is None
    assert m.host_payload(PEER, 0, b"b").result == REFUSED
    outcome = m.open_ack_sent(PEER, 0)
    assert (outcome.new_state, notices(outcome)) == (State.OPEN, ["LINK_UP"])
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 1, R, E)
    assert sent(m.visit(PEER, 0)) == ("PAYLOAD", ID, 0, E)


def test_ack_window():
    m = in_state("OPEN", data=3)
    m.host_payload(PEER, 0, b"unsent", send_now=False)
    for wrong in (ID - 1, ID + 3, ID + 4, ID ^ 0x80000000):
        assert rx(m, "ACK", 0, wrong).drop == "bad_ack"
    assert m.free_slots == 1020
    assert rx(m, "ACK", 0, ID + 1).drop is None and m.free_slots == 1022
    assert rx(m, "ACK", 0, ID + 1).drop == "bad_ack"


@pytest.mark.parametrize(
    "named, drop, oldest, replayed",
    [
        (ID, None, ID, ID),
        (ID + 2, None, ID + 2, ID + 2),
        (ID - 1, None, ID, ID),
        (ID + 3, "bad_ack", ID, None),
        (ID + 0x7000, "bad_ack", ID, None),
    ],
)
def test_nack(named, drop, oldest, replayed):
    m = in_state("OPEN", data=3)
    outcome = rx(m, "NACK", 0, named)
    assert outcome.drop == drop and link(m).oldest == oldest
    frame = m.visit(PEER, 0).frame
    assert (frame and frame.tx_id) == replayed
    assert not frame or frame.payload == b"%d" % (replayed - ID)


def test_ack_takes_packets_out_of_a_replay():
    m = in_state("OPEN", data=3)
    rx(m, "NACK", 0, ID)
    rx(m, "ACK", 0, ID + 1)
    assert m.visit(PEER, 0).frame.tx_id == ID + 2
    assert m.visit(PEER, 0).frame is None


def test_hold():
    m = in_state("OPEN")
    assert rx(m, "NACK_FULL").drop == "bad_ack"
    m.host_payload(PEER, 0, b"a")
    m.host_payload(PEER, 0, b"b")
    assert rx(m, "NACK_FULL").drop is None
    assert sent(m.host_payload(PEER, 0, b"c")) is None
    rx(m, "NACK", 0, ID + 1)
    assert link(m).oldest == ID + 1 and m.pending() == [] and m.visit(PEER, 0).frame is None
    m.timer(PEER, 0)
    assert m.visit(PEER, 0).frame.tx_id == ID + 1


def test_gap():
    m = in_state("OPEN")
    nack = ("NACK", 0, R + 1, E)
    answers = [
        (R + 3, nack),
        (R + 4, None),
        (R + 6, None),
        (R + 6, nack),
        (R + 7, None),
        (R + 2, nack),
        (R + 3, None),
    ]
    for packet_id, answer in answers:
        outcome = rx(m, "PAYLOAD", packet_id)
        assert (sent(outcome), outcome.drop, outcome.deliveries) == (answer, "gap", [])
    assert sent(m.timer(PEER, 0)) == nack and sent(m.timer(PEER, 0)) == nack
    full = rx(m, "PAYLOAD", R + 1, room=False)
    assert (sent(full), full.drop) == (("NACK_FULL", 0, 0, E), "no_room")
    assert sent(m.timer(PEER, 0)) == nack
    outcome = rx(m, "PAYLOAD", R + 1, payload=b"it")
    assert outcome.deliveries == [(PEER, 0, R + 1, b"it")]
    assert sent(m.timer(PEER, 0)) is None
    again = rx(m, "PAYLOAD", R + 1, room=False)
    assert (sent(again), again.drop) == (("ACK", 0, R + 1, E), "duplicate")


@pytest.mark.parametrize("opcode", ["PAYLOAD", "ACK", "NACK", "NACK_FULL", "CLOSE", "CLOSE_NACK"])
@pytest.mark.parametrize("state", ["OPEN_RECD", "OPEN", "CLOSE_SENT", "CLOSE_RECD"])
def test_stale_epoch(opcode, state):
    means_nothing = (
        state == "OPEN_RECD" and opcode != "CLOSE" or state == "OPEN" and opcode == "CLOSE_NACK"
    )
    drop = "unexpected" if means_nothing else "stale"
    for epoch in (P - 1, P + 1, E, 0):
        outcome = rx(in_state(state, data=1), opcode, R + 1, ID, epoch)
        assert (outcome.drop, outcome.frame, outcome.new_state.name) == (drop, None, state)
    unchecked = in_state("OPEN", peer_epoch=0, data=1)
    assert rx(unchecked, opcode, R + 1, ID, 0x1234).drop != "stale"


def test_which_refusals_are_believed():
    for epoch, believed in ((E, True), (0, False), (P, False)):
        assert (
            rx(in_state("OPEN"), "NACK_NOLINK", epoch=epoch).new_state == State.CLOSED
        ) == believed
        close_ack = rx(in_state("CLOSE_SENT"), "CLOSE_ACK", epoch=epoch)
        assert (close_ack.new_state == State.CLOSED) == (epoch != 0)
    assert rx(in_state("OPEN", peer_epoch=0), "NACK_NOLINK", epoch=0).new_state == State.CLOSED
    for epoch, rx_id, drop in (
        (0, ID - 1, None),
        (E, ID - 1, None),
        (P, ID - 1, "unexpected"),
        (E, ID, "unexpected"),
    ):
        assert rx(in_state("OPEN_SENT"), "OPEN_NACK", 0, rx_id, epoch).drop == drop
    heard = in_state("OPEN_SENT")
    rx(heard, "OPEN", R, 0, P)
    assert rx(heard, "OPEN_NACK", 0, ID - 1, 0).drop == "unexpected"
