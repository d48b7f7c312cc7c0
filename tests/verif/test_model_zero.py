"""The model and peers that send epoch 0: closing, and what is never agreed (Z1 to Z3, Z8, Z9)."""

import pytest

from tests.verif.model_bench import ID, PEER, E, P, R, endpoint, link, notices, rx, sent
from tests.verif.zero_bench import DATA_STATES, rx0, time_outs, zero
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.endpoint import REFUSED
from ttpverif.model.states import State
from ttpverif.model.zero import TELL_LIMIT

# ---- Z1: its CLOSE declares nothing -------------------------------------------------------------

LEFT_OVERS = [(0, 0), (R, 0), (R + 9, ID), (0x6A, 0xFFFFFFFF), (R - 3, ID + 1)]


@pytest.mark.parametrize("ids", LEFT_OVERS)
@pytest.mark.parametrize("state", ["OPEN", "CLOSE_SENT"])
def test_close_of_a_quiet_link_is_acknowledged_whatever_it_says(state, ids):
    for got in (0, 3):
        outcome = rx0(zero(state, got=got), "CLOSE", *ids)
        assert sent(outcome) == ("CLOSE_ACK", 0, ids[0], E)
        assert (outcome.new_state, notices(outcome)) == (State.CLOSED, ["LINK_DOWN"])


@pytest.mark.parametrize("ids", LEFT_OVERS)
@pytest.mark.parametrize("state", DATA_STATES)
@pytest.mark.parametrize("waits", [False, True])
def test_close_while_ours_is_outstanding_ends_and_acknowledges_nothing(state, ids, waits):
    m = zero(data=0 if waits else 2)
    if waits:
        m.host_payload(PEER, 0, b"a", send_now=False)
    if state == "CLOSE_SENT":
        assert sent(m.host_close(PEER, 0)) is None
    elif state == "CLOSE_RECD":
        rx0(m, "CLOSE")
    stored = link(m).stored
    outcome = rx0(m, "CLOSE", *ids)
    assert sent(outcome) == ("CLOSE_NACK", link(m).end - 1, R, E) and notices(outcome) == []
    assert outcome.new_state.name == ("CLOSE_RECD" if state == "OPEN" else state)
    assert (link(m).stored, link(m).peer_end) == (stored, None)
    assert sent(rx0(m, "PAYLOAD", R + 1)) == ("ACK", 0, R + 1, E), "nothing is beyond its end"


# ---- Z2: our CLOSE waits ------------------------------------------------------------------------


def test_our_close_waits_until_all_is_acknowledged():
    m = zero(data=2, got=1)
    m.host_payload(PEER, 0, b"unsent", send_now=False)
    outcome = m.host_close(PEER, 0)
    assert (sent(outcome), outcome.new_state) == (None, State.CLOSE_SENT)
    assert m.visit(PEER, 0).frame.tx_id == ID + 2
    assert time_outs(m, 1) == [None], "the time-out replays; no CLOSE"
    assert [m.visit(PEER, 0).frame.tx_id for _ in range(3)] == [ID, ID + 1, ID + 2]
    rx0(m, "ACK", 0, ID + 1)
    assert m.pending() == []
    assert sent(rx0(m, "ACK", 0, ID + 2)) is None and m.pending() == [(PEER, 0)]
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 3, R + 1, E)
    assert m.visit(PEER, 0).frame is None and time_outs(m, 1) == [("CLOSE", ID + 3, R + 1, E)]
    assert notices(rx0(m, "CLOSE_ACK")) == ["LINK_DOWN"]


def test_our_close_goes_out_at_once_if_nothing_is_outstanding():
    m = zero(got=2)
    assert sent(m.host_close(PEER, 0)) == ("CLOSE", ID, R + 2, E)


@pytest.mark.parametrize("state", ["CLOSE_SENT", "CLOSE_RECD"])
@pytest.mark.parametrize("waits", [False, True])
def test_a_close_ack_before_our_close_is_one_of_long_ago(state, waits):
    m = zero(data=0 if waits else 1)
    if waits:
        m.host_payload(PEER, 0, b"a", send_now=False)
    m.host_close(PEER, 0) if state == "CLOSE_SENT" else rx0(m, "CLOSE")
    outcome = rx0(m, "CLOSE_ACK", 0, ID)
    assert (outcome.drop, outcome.new_state.name, notices(outcome)) == ("unexpected", state, [])
    assert link(m).stored == 1


def test_a_remembered_close_waits_too():
    m = zero("OPEN_RECD")
    m.host_payload(PEER, 0, b"a")
    m.host_close(PEER, 0)
    m.open_ack_sent(PEER, 0)
    outcome = m.visit(PEER, 0)
    assert (sent(outcome), outcome.new_state) == (None, State.CLOSE_SENT)
    assert sent(m.visit(PEER, 0)) == ("PAYLOAD", ID, 0, E)
    rx0(m, "ACK", 0, ID)
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 1, R, E)


def test_an_open_that_acknowledges_the_last_makes_the_close_due():
    m = zero("CLOSE_SENT", data=1)
    assert sent(rx0(m, "OPEN", R, ID)) == ("OPEN_ACK", ID + 1, R, E)
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 1, R, E)


# ---- Z3: it does not send CLOSE again -----------------------------------------------------------


def test_the_last_ack_is_followed_by_a_close_ack_and_two_more_before_the_end():
    m = zero("CLOSE_RECD", data=3, got=2)
    m.host_payload(PEER, 0, b"refused")
    for n in (0, 1):
        outcome = rx0(m, "ACK", 0, ID + n)
        assert (sent(outcome), outcome.new_state) == (None, State.CLOSE_RECD)
    assert rx0(m, "ACK", 0, ID + 1).drop == "bad_ack" and m.state(PEER, 0) == State.CLOSE_RECD
    outcome = rx0(m, "ACK", 0, ID + 2)
    assert sent(outcome) == ("CLOSE_ACK", 0, R + 2, E)
    assert (outcome.new_state, notices(outcome)) == (State.CLOSE_RECD, [])
    assert m.free_slots == m.parameters.slots
    assert time_outs(m, 2) == [("CLOSE_ACK", 0, R + 2, E)] * TELL_LIMIT
    outcome = m.timer(PEER, 0)
    assert sent(outcome) == ("CLOSE_ACK", 0, R + 2, E)
    assert (outcome.new_state, notices(outcome)) == (State.CLOSED, ["LINK_DOWN"])


def test_an_ack_of_what_was_sent_does_not_end_it_while_more_waits():
    m = zero(data=1)
    m.host_payload(PEER, 0, b"waits", send_now=False)
    rx0(m, "CLOSE")
    outcome = rx0(m, "ACK", 0, ID)
    assert (sent(outcome), outcome.new_state) == (None, State.CLOSE_RECD)
    m.visit(PEER, 0)
    assert sent(rx0(m, "ACK", 0, ID + 1)) == ("CLOSE_ACK", 0, R, E)


@pytest.mark.parametrize("gap", [False, True])
def test_the_time_out_ends_it_where_an_open_acknowledged_the_last(gap):
    m = zero("CLOSE_RECD", data=1, got=1)
    if gap:
        assert sent(rx0(m, "PAYLOAD", R + 3)) == ("NACK", 0, R + 2, E)
    assert sent(rx0(m, "OPEN", R + 1, ID)) == ("OPEN_ACK", ID + 1, R + 1, E)
    assert m.state(PEER, 0) == State.CLOSE_RECD
    assert time_outs(m, 2) == [("CLOSE_ACK", 0, R + 1, E)] * 2
    outcome = m.timer(PEER, 0)
    assert sent(outcome) == ("CLOSE_ACK", 0, R + 1, E) and notices(outcome) == ["LINK_DOWN"]


def test_the_last_word_when_the_retries_are_used_up():
    m = zero("CLOSE_RECD", data=1, got=1, max_retry=2)
    assert time_outs(m, 2) == [None, None]
    outcome = m.timer(PEER, 0)
    assert sent(outcome) == ("CLOSE_ACK", 0, R + 1, E)
    assert notices(outcome) == ["RETRIES_USED_UP"] and m.state(PEER, 0) == State.CLOSED
    for state in ("OPEN", "CLOSE_SENT"):  # its CLOSE may have been lost
        m = zero(state, data=1, max_retry=2)
        time_outs(m, 2)
        outcome = m.timer(PEER, 0)
        assert (sent(outcome), notices(outcome)) == (("CLOSE_ACK", 0, R, E), ["RETRIES_USED_UP"])


# ---- Z8: its CLOSE_NACK -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tx_id, taken", [(0, True), (R - 1, True), (R, True), (R + 1, False), (R + 900, False)]
)
def test_close_nack_takes_back_what_was_not_fed(tx_id, taken):
    m = zero("CLOSE_SENT")
    outcome = rx0(m, "CLOSE_NACK", tx_id, ID)
    assert (sent(outcome), outcome.new_state, notices(outcome)) == (None, State.CLOSE_SENT, [])
    position = R if not taken else tx_id if tx_id != R else R + (1 << 31)
    assert link(m).received == position and link(m).peer_end is None
    assert time_outs(m, 1) == [("CLOSE", ID, position, E)]


def test_close_nack_loses_nothing_that_is_under_way():
    """A peer that sent R + 1, which has not come, and names it as its end."""
    m = zero("CLOSE_SENT")
    rx0(m, "CLOSE_NACK", R + 1, ID - 1)
    assert len(rx0(m, "PAYLOAD", R + 1).deliveries) == 1


def test_close_nack_on_a_fed_link_changes_nothing():
    for state in ("CLOSE_SENT", "CLOSE_RECD"):
        m = zero(state, got=2)
        for tx_id in (0, R + 1, R + 9):
            rx0(m, "CLOSE_NACK", tx_id, ID)
            assert (link(m).received, link(m).peer_end) == (R + 2, None)
        assert sent(rx0(m, "PAYLOAD", R + 3)) == ("ACK", 0, R + 3, E), "no end is declared"


def test_close_nack_in_close_recd():
    m = zero("CLOSE_RECD")
    rx0(m, "CLOSE_NACK", 5, 0)
    assert link(m).received == 5 and sent(rx0(m, "ACK", 0, ID)) == ("CLOSE_ACK", 0, 5, E)


# ---- Z9: never selective ------------------------------------------------------------------------


def test_never_selective():
    def extended(opcode, epoch, tx_id, rx_id):
        return Frame(PEER, 1, Opcode[opcode], 0, tx_id, rx_id, epoch, extension=0x20)

    m = endpoint()
    assert m.receive(extended("OPEN", 0, R, ID - 1)).frame.extension == 0
    assert not link(m).selective
    m = endpoint()
    assert m.host_open(PEER, 0).frame.extension == 0x20
    m.receive(extended("OPEN_ACK", 0, 0, ID - 1))
    assert m.state(PEER, 0) == State.OPEN and not link(m).selective
    m = endpoint()
    m.host_open(PEER, 0)
    m.receive(extended("OPEN", P, R, 0))
    m.receive(extended("OPEN_ACK", 0, 0, ID - 1))
    assert not link(m).selective
    m = endpoint()
    m.receive(extended("OPEN", P, R, 0))
    assert link(m).selective


@pytest.mark.parametrize("had, comes", [(0, P), (P, 0)])
def test_a_change_between_zero_and_not_zero_is_a_restart(had, comes):
    m = endpoint()
    rx(m, "OPEN", R, ID - 1, had)
    m.open_ack_sent(PEER, 0)
    outcome = rx(m, "OPEN", R, ID - 1, comes)  # it would agree
    assert notices(outcome) == ["PEER_RESTARTED"] and link(m).epoch == E + 1
    assert outcome.frame.tx_id == (ID if comes == 0 else ID + 1000)


def test_closing_refuses_payloads_of_the_host():
    for state in ("CLOSE_SENT", "CLOSE_RECD"):
        outcome = zero(state, data=1).host_payload(PEER, 0, b"late")
        assert (outcome.result, notices(outcome)) == (REFUSED, ["PAYLOAD_REFUSED"])
