"""The model: OPEN on links that are there, restarts and closing."""

import pytest

from tests.verif.model_bench import ID, PEER, US, E, P, R, endpoint, link, notices, rx, sent
from tests.verif.model_states import in_state
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.endpoint import REFUSED
from ttpverif.model.states import State


def test_receive_position_from_the_open_ack():
    for heard, tx_id, position in ((False, 0, 1), (False, 41, 40), (True, 0, R), (True, 41, 40)):
        m = in_state("OPEN_SENT")
        if heard:
            rx(m, "OPEN", R, 0, P)
        assert rx(m, "OPEN_ACK", tx_id, ID).drop == "unexpected"
        rx(m, "OPEN_ACK", tx_id, ID - 1)
        assert link(m).received == position


@pytest.mark.parametrize(
    "had, epoch, tx_id, kind",
    [
        (P, P, R, "repeat"),
        (P, P + 1, R, "restart"),
        (P, P - 1, R, "stale"),
        (P, 0, R, "restart"),
        (0, P, R, "restart"),
        (P, P + 0x7FFF, R, "restart"),
        (P, P + 0x8000, R, "stale"),
    ],
)
def test_open_on_an_open_link(had, epoch, tx_id, kind):
    m = in_state("OPEN", peer_epoch=had, data=2)
    outcome = rx(m, "OPEN", tx_id, 30, epoch)
    assert outcome.new_state == State.OPEN
    if kind == "stale":
        assert (sent(outcome), outcome.drop) == (None, "stale")
    elif kind == "repeat":
        assert sent(outcome) == ("OPEN_ACK", ID, tx_id, E) and link(m).stored == 2
        assert notices(outcome) == [] and link(m).received == R
    else:
        first = 31 if epoch == 0 else ID + 1000
        assert sent(outcome) == ("OPEN_ACK", first, tx_id, E + 1)
        assert notices(outcome) == ["PEER_RESTARTED"]
        assert (link(m).stored, link(m).received, link(m).peer_epoch) == (0, tx_id, epoch)


@pytest.mark.parametrize("state", ["OPEN", "CLOSE_SENT", "CLOSE_RECD"])
@pytest.mark.parametrize("used_by", ["PAYLOAD", "gap"])
def test_repeated_open_whose_ids_were_used(state, used_by):
    """L19: nothing changes, the peer's OPEN is refused, both hosts hear of it."""
    for selective in (False, True):
        m = in_state("OPEN", data=2, selective=selective)
        rx(m, "PAYLOAD", R + 1 if used_by == "PAYLOAD" else R + 2)
        if state == "CLOSE_SENT":
            m.host_close(PEER, 0)
        elif state == "CLOSE_RECD":
            rx(m, "CLOSE", R + 5, ID - 1)
        before = repr(link(m))
        outcome = rx(m, "OPEN", R, 0)
        assert sent(outcome) == ("OPEN_NACK", 0, R, P) and outcome.frame.dst == PEER
        assert (outcome.drop, notices(outcome)) == ("open_reused", ["IDS_REUSED"])
        assert m.counters["open_reused"] == 1 and repr(link(m)) == before
        assert outcome.new_state.name == state


def test_open_nack_of_used_ids_is_believed_by_a_peer_that_opens():
    """L19: the other side of it: OPEN_SENT ends, with the notice; long OPEN it is ignored (L7)."""
    assert rx(in_state("OPEN"), "OPEN_NACK", 0, ID - 1, E).drop == "unexpected"
    assert notices(rx(in_state("OPEN_SENT"), "OPEN_NACK", 0, ID - 1, E)) == ["REFUSED"]


def test_no_link_with_ourselves():
    """L20: neither by the host nor by a frame, and neither in silence."""
    m = endpoint()
    for ask in (lambda: m.host_open(US, 0), lambda: m.host_payload(US, 0, b"x")):
        outcome = ask()
        assert (outcome.result, notices(outcome), sent(outcome)) == (REFUSED, ["REFUSED"], None)
        assert not list(m.links) and outcome.victim is None
    assert sent(m.host_close(US, 0)) is None
    full = endpoint(slots=1)
    full.host_payload(PEER, 0, b"the only slot")
    assert full.host_payload(US, 0, b"x").result == REFUSED, "not BLOCKED: it would wait for ever"
    for opcode in Opcode:
        data = Frame(US, US, opcode, payload=b"x" * (opcode == Opcode.PAYLOAD)).pack()
        assert m.receive_bytes(data) is None
    assert m.counters == {"own_source": len(Opcode)}


@pytest.mark.parametrize("state", ["CLOSE_SENT", "CLOSE_RECD", "OPEN_RECD", "OPEN"])
@pytest.mark.parametrize("epoch", [P, 0])
def test_refused_payload_is_told(state, epoch):
    """L21: on a link that closes, or whose close is remembered."""
    m = in_state("OPEN_RECD" if state == "OPEN" else state, peer_epoch=epoch)
    m.host_close(PEER, 0)
    if state == "OPEN":
        m.open_ack_sent(PEER, 0)
    outcome = m.host_payload(PEER, 0, b"late")
    assert (outcome.result, outcome.notices) == (REFUSED, [("PAYLOAD_REFUSED", PEER, 0)])
    assert outcome.new_state.name == state and sent(outcome) is None
    if state.startswith("CLOSE"):
        assert notices(m.host_open(PEER, 0)) == ["REFUSED"]


@pytest.mark.parametrize("state", ["CLOSE_SENT", "CLOSE_RECD"])
def test_restart_while_closing(state):
    outcome = rx(in_state(state), "OPEN", 9, 0, P + 1)
    assert sent(outcome) == ("OPEN_ACK", ID + 1000, 9, E + 1)
    assert (outcome.new_state, notices(outcome)) == (State.OPEN_RECD, ["LINK_DOWN"])


def test_restart_in_open_recd_replaces():
    m = in_state("OPEN_RECD")
    for data in (b"a", b"b"):
        m.host_payload(PEER, 0, data)
    outcome = rx(m, "OPEN", 9, 0, P + 1)
    assert (outcome.new_state, notices(outcome)) == (State.OPEN_RECD, [])
    assert sent(outcome) == ("OPEN_ACK", ID + 1000, 9, E + 1)
    m.open_ack_sent(PEER, 0)
    waited = [m.visit(PEER, 0).frame for _ in range(2)]
    assert [(f.tx_id, f.payload) for f in waited] == [(ID + 1000, b"a"), (ID + 1001, b"b")]


def test_close_again():
    """C4: due on the event that completes both conditions, sent by the next visit."""
    m = in_state("CLOSE_SENT", data=1)
    assert sent(rx(m, "CLOSE_NACK", R + 1, ID - 1)) is None
    assert sent(rx(m, "PAYLOAD", R + 1)) == ("ACK", 0, R + 1, E)
    assert m.visit(PEER, 0).frame is None
    assert sent(rx(m, "ACK", 0, ID)) is None
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 1, R + 1, E)
    m = in_state("CLOSE_SENT", data=1)
    rx(m, "CLOSE_NACK", R + 1, ID - 1)
    assert sent(rx(m, "ACK", 0, ID)) is None
    m.timer(PEER, 0), m.timer(PEER, 0)
    assert sent(rx(m, "PAYLOAD", R + 2)) == ("NACK_NOLINK", 0, R + 2, P)
    assert sent(rx(m, "PAYLOAD", R + 1)) == ("ACK", 0, R + 1, E)
    assert m.pending() == [(PEER, 0)]
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 1, R + 1, E)
    assert m.visit(PEER, 0).frame is None
    m = in_state("CLOSE_SENT")
    assert sent(rx(m, "CLOSE_NACK", 0, 0)) is None
    m.timer(PEER, 0)
    assert sent(m.timer(PEER, 0)) == ("CLOSE", ID, R, E)


def test_no_close_before_the_peers_end():
    m = in_state("CLOSE_SENT", max_retry=5)
    rx(m, "CLOSE_NACK", R + 1, 0)
    assert [sent(m.timer(PEER, 0)) for _ in range(4)] == [None] * 4 and link(m).count == 3


def test_close_recd_says_its_end_again():
    m = in_state("OPEN")
    rx(m, "CLOSE", R + 3, ID - 1)
    m.timer(PEER, 0)
    assert sent(m.timer(PEER, 0)) == ("CLOSE_NACK", ID - 1, R, E)
    rx(m, "PAYLOAD", R + 2)
    assert sent(m.timer(PEER, 0)) == ("NACK", 0, R + 1, E)  # C7
    for packet_id, answer in ((R + 1, "ACK"), (R + 2, "ACK"), (R + 3, "NACK_NOLINK"), (R, "ACK")):
        assert rx(m, "PAYLOAD", packet_id).frame.opcode.name == answer


def test_close_without_an_end_declares_nothing():
    """C2: TxID 0; also of a peer that has epochs, behind its ID ffffffff (C9)."""
    assert rx(in_state("OPEN"), "CLOSE", 0, 0).new_state == State.CLOSED
    m = in_state("OPEN", data=1)
    assert sent(rx(m, "CLOSE", 0, ID)) == ("CLOSE_NACK", ID, R, E)  # ID is not acknowledged
    assert link(m).stored == 1 and sent(rx(m, "PAYLOAD", R + 1)) == ("ACK", 0, R + 1, E)


def test_close_acknowledges():
    m = in_state("OPEN", data=2)
    assert rx(m, "CLOSE", R + 1, ID + 1).new_state == State.CLOSED
    m = in_state("OPEN", data=2)
    assert sent(rx(m, "CLOSE", R + 1, ID)) == ("CLOSE_NACK", ID + 1, R, E)
    assert link(m).stored == 1
