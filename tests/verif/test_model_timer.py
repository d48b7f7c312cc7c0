"""The model: time-outs, retries, idle links."""

import pytest

from tests.verif.model_bench import ID, PEER, E, P, R, link, notices, rx, sent
from tests.verif.model_states import in_state
from ttpverif.frames.frame import Opcode
from ttpverif.model.states import State


@pytest.mark.parametrize(
    "state, frame, after, count",
    [
        ("OPEN_SENT", ("OPEN", ID - 1, 0, E), "OPEN_SENT", 1),
        ("OPEN_RECD", ("OPEN_ACK", ID, R, E), "OPEN_RECD", 1),
        ("OPEN", None, "OPEN", 1),
        ("CLOSE_SENT", ("CLOSE", ID, R, E), "CLOSE_SENT", 1),
        ("CLOSE_RECD", None, "CLOSE_RECD", 1),
    ],
)
def test_time_out_and_retries_used_up(state, frame, after, count):
    m = in_state(state, data=state == "OPEN", max_retry=2)
    assert sent(m.timer(PEER, 0)) is None
    for _ in range(2):
        outcome = m.timer(PEER, 0)
        assert (sent(outcome), outcome.new_state.name) == (frame, after)
        if state in ("OPEN", "CLOSE_RECD"):
            assert sent(m.visit(PEER, 0)) == ("PAYLOAD", ID, 0, E)
    outcome = m.timer(PEER, 0)
    assert sent(outcome) is None and outcome.new_state == State.CLOSED
    assert notices(outcome) == ["RETRIES_USED_UP"] and m.free_slots == 1024


def test_max_retry_0_is_never():
    m = in_state("OPEN_SENT")
    for _ in range(500):
        m.timer(PEER, 0)
    assert m.state(PEER, 0) == State.OPEN_SENT


def test_idle_close_and_what_prevents_it():
    m = in_state("OPEN", idle_limit=2)
    for _ in range(3):
        assert sent(m.timer(PEER, 0)) is None
    m.host_payload(PEER, 0, b"a")
    rx(m, "ACK", 0, ID)
    for _ in range(3):
        assert sent(m.timer(PEER, 0)) is None
    outcome = m.timer(PEER, 0)
    assert sent(outcome) == ("CLOSE", ID + 1, R, E) and link(m).count == 0
    never = in_state("OPEN")
    assert all(sent(never.timer(PEER, 0)) is None for _ in range(100))


def test_first_send_clears_the_timer_bit_and_an_idle_count():
    m = in_state("OPEN", idle_limit=9)
    for _ in range(3):
        m.timer(PEER, 0)
    assert link(m).count == 2
    m.host_payload(PEER, 0, b"a")
    assert link(m).count == 0
    m.timer(PEER, 0)
    assert link(m).count == 0 and not m.pending()
    m.timer(PEER, 0)
    assert link(m).count == 1 and m.pending()
    m.visit(PEER, 0)  # a replay clears neither
    m.host_payload(PEER, 0, b"b")
    assert link(m).count == 1 and not link(m).timer_bit


def test_an_acknowledgement_clears_bit_and_count():
    for opcode, tx_id, rx_id in (("ACK", 0, ID), ("NACK", 0, ID + 1)):
        m = in_state("OPEN", data=2)
        m.timer(PEER, 0), m.timer(PEER, 0)
        rx(m, "NACK", 0, ID)
        assert (link(m).count, link(m).timer_bit) == (1, True)
        rx(m, opcode, tx_id, rx_id)
        assert (link(m).count, link(m).timer_bit) == (0, False)


@pytest.mark.parametrize("data, after", [(0, (0, False)), (2, (1, True))])
def test_a_payload_is_progress_only_where_nothing_waits_for_an_ack(data, after):
    """L1: the peer may send, and still not have what was lost."""
    m = in_state("OPEN", data=data, idle_limit=9)
    m.timer(PEER, 0), m.timer(PEER, 0)
    assert (link(m).count, link(m).timer_bit) == (1, True)
    rx(m, "PAYLOAD", R + 1, 0)
    assert (link(m).count, link(m).timer_bit) == after


def test_idle_close_goes_before_an_open_gap():
    m = in_state("OPEN", idle_limit=1)
    rx(m, "PAYLOAD", R + 2)
    nack = ("NACK", 0, R + 1, E)
    assert [sent(m.timer(PEER, 0)) for _ in range(4)] == [nack, nack, ("CLOSE", ID, R, E), nack]


def test_restart_keeps_the_hosts_close():
    m = in_state("OPEN_RECD")
    m.host_close(PEER, 0)
    rx(m, "OPEN", 9, 0, P + 1)
    m.open_ack_sent(PEER, 0)
    assert m.visit(PEER, 0).frame.opcode == Opcode.CLOSE


def test_timer_ends_a_hold_with_a_replay():
    m = in_state("OPEN", data=2)
    rx(m, "NACK_FULL")
    assert m.pending() == [] and sent(m.timer(PEER, 0)) is None
    assert [m.visit(PEER, 0).frame.tx_id for _ in range(2)] == [ID, ID + 1]
    assert link(m).count == 0


def test_end_named_by_close_nack():
    near = 0xFFFFFFF0
    m = in_state("OPEN_SENT")
    rx(m, "OPEN_ACK", near + 1, ID - 1)
    m.host_close(PEER, 0)
    rx(m, "CLOSE_NACK", 0, ID - 1)
    assert link(m).peer_end is None  # 0 names no end, though it is younger
    rx(m, "CLOSE_NACK", 5, ID - 1)
    assert link(m).peer_end == 5
    m = in_state("CLOSE_RECD")
    assert link(m).peer_end == R
    rx(m, "CLOSE_NACK", R + 4, ID - 1)
    assert link(m).peer_end == R + 4


def test_new_data_does_not_keep_a_dead_link_alive():
    m = in_state("OPEN", data=1, max_retry=2)
    for _ in range(4):
        m.host_payload(PEER, 0, b"more")
        m.timer(PEER, 0)
        m.timer(PEER, 0)
    assert m.state(PEER, 0) == State.CLOSED
