"""The model and peers that send epoch 0: PAYLOADs, NACKs and the timer (Z5 to Z7)."""

import pytest

from tests.verif.model_bench import ID, PEER, E, P, R, endpoint, link, rx, sent
from tests.verif.zero_bench import DATA_STATES, rx0, time_outs, zero
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.zero import CROWDED_WAKES, WAKE_LIMIT

# ---- Z5: PAYLOADs that are out of step ----------------------------------------------------------


def out_of_step(outcome, packet_id, epoch=0):
    return (sent(outcome), outcome.drop, outcome.deliveries) == (
        ("NACK_NOLINK", 0, packet_id, epoch),
        "out_of_step",
        [],
    )


@pytest.mark.parametrize("state", DATA_STATES)
@pytest.mark.parametrize("got", [0, 3])
def test_a_doubted_link_takes_nothing(state, got):
    m = zero(state, data=1, got=got, doubted=True, asked=True)
    r, before = link(m).received, repr(link(m))
    for room in (True, False):
        for packet_id in (r + 1, r, r - 1, r + 2, (r + (1 << 31)) % 2**32):
            assert out_of_step(rx0(m, "PAYLOAD", packet_id, room=room), packet_id)
            assert repr(link(m)) == before
    rx0(m, "OPEN", r, ID - 1)  # where it stands: the OPEN that was in doubt was late
    assert sent(rx0(m, "PAYLOAD", r + 1)) == ("ACK", 0, r + 1, E)


def test_nothing_is_taken_twice_by_a_restart_behind_a_doubt():
    """A module is reloaded whose start ID is r, and its PAYLOADs meet its own OPENs."""
    m, delivered = zero(data=3), []
    for opcode, tx_id, rx_id in [
        ("OPEN", R, R),
        ("PAYLOAD", R + 1, 0),
        ("OPEN", R, R),
        ("PAYLOAD", R + 1, 0),
        ("OPEN", R, R),
        ("PAYLOAD", R + 1, 0),
        ("OPEN", R, R),
        ("PAYLOAD", R + 1, 0),
    ]:
        delivered += rx0(m, opcode, tx_id, rx_id).deliveries
    assert len(delivered) == 1


@pytest.mark.parametrize("state", DATA_STATES)
def test_a_guessed_link_takes_nothing_but_the_next(state):
    m = zero(state, data=1, guessed=True, asked=True)
    r, before = link(m).received, repr(link(m))
    for packet_id in (r, r - 1, r + 2, r + 900, (r + (1 << 31)) % 2**32):
        assert out_of_step(rx0(m, "PAYLOAD", packet_id % 2**32), packet_id % 2**32)
        assert repr(link(m)) == before
    assert m.counters["out_of_step"] == 6
    full = rx0(m, "PAYLOAD", r + 1, room=False)
    assert full.drop == "no_room" and repr(link(m)) == before
    assert sent(rx0(m, "PAYLOAD", r + 1)) == ("ACK", 0, r + 1, E)
    assert not (link(m).guessed or link(m).doubted) and link(m).fed
    assert rx0(m, "PAYLOAD", r + 1).drop == "duplicate"


def test_the_first_payload_behind_an_open():
    """Not fed: what is beyond r + 1 is out of step, what is at or below r a duplicate (C8)."""
    m = zero()
    assert out_of_step(rx0(m, "PAYLOAD", R + 2), R + 2) and not link(m).gap
    assert sent(rx0(m, "PAYLOAD", R)) == ("ACK", 0, R, E)


def test_a_gap_that_cannot_be_filled():
    """D4 at first; the very ID seen last again is what a peer with a window of one sends."""
    m = zero(got=1)
    nack = ("NACK", 0, R + 2, E)
    assert sent(rx0(m, "PAYLOAD", R + 4)) == nack
    assert sent(rx0(m, "PAYLOAD", R + 5)) is None
    assert sent(rx0(m, "PAYLOAD", R + 4)) == nack
    link(m).asked = True
    before = repr(link(m))
    for _ in range(3):
        assert out_of_step(rx0(m, "PAYLOAD", R + 4), R + 4) and repr(link(m)) == before
    assert sent(rx0(m, "PAYLOAD", R + 2)) == ("ACK", 0, R + 2, E)


def test_the_answer_copies_the_frame():
    m = zero(guessed=True)
    frame = Frame(PEER, 1, Opcode.PAYLOAD, 0, 77, 0, 0, ethertype=0x9AC6, payload=b"x")
    answer = m.receive(frame).frame
    assert (answer.ethertype, answer.epoch, answer.rx_id) == (0x9AC6, 0, 77)
    assert out_of_step(rx(m, "PAYLOAD", 78, 0, 0x1234), 78, epoch=0x1234)


def test_links_with_epochs_are_not_out_of_step():
    m = endpoint()
    m.host_open(PEER, 0)
    rx(m, "OPEN_ACK", 0, ID - 1, P)  # r is guessed, but its peer has an epoch
    assert sent(rx(m, "PAYLOAD", 9, 0, P)) == ("NACK", 0, 2, E)
    assert sent(rx(m, "PAYLOAD", 9, 0, P)) == ("NACK", 0, 2, E)


# ---- Z6: NACKs and ACKs -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named, drop, oldest, replayed",
    [
        (ID - 1, None, ID, ID),
        (ID, None, ID, ID),
        (ID + 2, None, ID + 2, ID + 2),
        (ID - 2, "bad_ack", ID, None),
        (1, "bad_ack", ID, None),
        (ID + 3, "bad_ack", ID, None),
        (ID - 1 - (1 << 30), "bad_ack", ID, None),
    ],
)
def test_nack(named, drop, oldest, replayed):
    m = zero(data=3)
    outcome = rx0(m, "NACK", 0, named % 2**32)
    assert (outcome.drop, sent(outcome), link(m).oldest) == (drop, None, oldest)
    frame = m.visit(PEER, 0).frame
    assert (frame and frame.tx_id) == replayed


def test_nack_with_nothing_in_flight_is_ignored():
    for named in (ID - 1, ID, 1):
        assert rx0(zero(), "NACK", 0, named).drop == "bad_ack"


@pytest.mark.parametrize("state", DATA_STATES)
@pytest.mark.parametrize("opcode", ["ACK", "NACK"])
def test_a_doubted_link_answers_ids_that_mean_nothing(state, opcode):
    m = zero(state, data=2, doubted=True, asked=True)
    before = repr(link(m))
    for rx_id in (1, ID - 2, ID + 2):
        outcome = rx0(m, opcode, 0, rx_id)
        assert sent(outcome) == ("NACK_NOLINK", 0, 0, 0) and outcome.drop == "out_of_step"
        assert repr(link(m)) == before
    assert m.counters["out_of_step"] == 4 and not m.counters["bad_ack"]
    assert rx0(m, opcode, 0, ID).drop is None and link(m).doubted


def test_a_doubted_link_with_nothing_in_flight_answers_too():
    for opcode in ("ACK", "NACK"):
        outcome = rx0(zero(doubted=True), opcode, 0, ID - 1)
        assert outcome.drop == "out_of_step" and sent(outcome) == ("NACK_NOLINK", 0, 0, 0)
    assert rx0(zero(doubted=True), "NACK_FULL").drop == "bad_ack"
    guessed = rx0(zero(guessed=True, data=1), "ACK", 0, 1)
    assert (guessed.drop, sent(guessed)) == ("bad_ack", None), "only a doubted one"


# ---- Z7: the timer wakes it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "how, frame",
    [
        ({"got": 2}, ("ACK", 0, R + 2, E)),
        ({}, ("NACK", 0, R + 1, E)),
        ({"guessed": True}, ("NACK", 0, 2, E)),
    ],
)
def test_eight_time_outs_wake_it(how, frame):
    m = zero(**how)
    assert WAKE_LIMIT == 8
    assert time_outs(m, 10) == [frame] * 8 + [None] * 2 and m.counters["woken"] == 8
    rx0(m, "PAYLOAD", link(m).received + 1)  # progress: it counts anew
    ack = ("ACK", 0, link(m).received, E)
    assert time_outs(m, 9) == [ack] * 8 + [None]


def test_a_crowded_engine_wakes_at_the_third_and_the_seventh_time_out():
    m = zero(got=1)
    assert CROWDED_WAKES == (2, 6)
    told = [sent(m.timer(PEER, 0, crowded=True)) for _ in range(11)]
    waked = [n for n, frame in enumerate(told) if frame == ("ACK", 0, R + 1, E)]
    assert waked == [3, 7] and told.count(None) == 9, "the first visit marks"


def test_it_is_woken_together_with_a_replay():
    m = zero(data=2, got=1)
    for _ in range(8):
        assert time_outs(m, 1) == [("ACK", 0, R + 1, E)]
        assert [m.visit(PEER, 0).frame.tx_id for _ in range(2)] == [ID, ID + 1]
    assert time_outs(m, 1) == [None] and m.visit(PEER, 0).frame.tx_id == ID


def test_a_held_link_is_woken_when_it_is_released():
    m = zero(data=1, got=1)
    m.timer(PEER, 0)
    rx0(m, "NACK_FULL")
    assert sent(m.timer(PEER, 0)) == ("ACK", 0, R + 1, E)
    assert m.visit(PEER, 0).frame.tx_id == ID


def test_nobody_is_woken_while_something_waits_to_be_sent():
    m = zero(got=1)
    m.host_payload(PEER, 0, b"waits", send_now=False)
    assert time_outs(m, 2) == [None, None] and not m.counters["woken"]


@pytest.mark.parametrize("state", ["OPEN_RECD", "CLOSE_SENT", "CLOSE_RECD"])
def test_only_an_open_link_wakes(state):
    m = zero(state, data=state != "OPEN_RECD")
    expected = [("OPEN_ACK", ID, R, E)] * 2 if state == "OPEN_RECD" else [None] * 2
    assert time_outs(m, 2) == expected and not m.counters["woken"]


def test_the_idle_close_comes_first():
    m = zero(got=1, idle_limit=3)
    ack, close = ("ACK", 0, R + 1, E), ("CLOSE", ID, R + 1, E)
    assert time_outs(m, 4) == [ack, ack, ack, close]


def test_an_open_gap_is_not_nacked_by_the_timer():
    m = zero(got=1)
    rx0(m, "PAYLOAD", R + 4)
    assert sent(m.timer(PEER, 0)) is None
    assert time_outs(m, 9) == [("ACK", 0, R + 1, E)] * 8 + [None]
    m = zero(got=1)
    rx0(m, "PAYLOAD", R + 4)
    m.host_close(PEER, 0)
    assert time_outs(m, 1) == [("CLOSE", ID, R + 1, E)], "C7 has nothing to put off"


def test_peers_with_epochs_are_not_woken():
    m = endpoint()
    rx(m, "OPEN", R, 0)
    m.open_ack_sent(PEER, 0)
    rx(m, "PAYLOAD", R + 1)
    assert time_outs(m, 9) == [None] * 9
