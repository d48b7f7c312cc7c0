"""Selective replay in the model: NACK, replay and time-out at the sender (R7 to R9)."""

import pytest

from tests.verif.selective_bench import ID, PEER, Desk, sent
from ttpverif.frames.serial import id_add
from ttpverif.model.selective import Impossible

# ---- R7, R8, R9 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first, last, drop, replayed",
    [
        (0, 0, None, [0]),
        (2, 2, None, [2]),
        (1, 3, None, [1, 2, 3]),
        (4, 4, None, [4]),
        (-7, 1, None, [0, 1]),
        (3, 99, None, [3, 4]),
        (-9, 99, None, [0, 1, 2, 3, 4]),
        (5, 5, "bad_ack", []),
        (5, 9, "bad_ack", []),
        (-3, -1, "bad_ack", []),
        (3, 2, None, []),
        (0x7000, 0x7000, "bad_ack", []),
    ],
)
@pytest.mark.parametrize("send_now", [False, True])
def test_nacked_range(first, last, drop, replayed, send_now):
    desk = Desk.opened(data=5)
    desk.model.host_payload(PEER, 0, b"unsent", send_now=False)
    outcome = desk.rx("NACK", id_add(ID, last), id_add(ID, first), send_now=send_now)
    assert outcome.drop == drop
    assert desk.link.oldest == ID and desk.link.position == desk.link.fresh == ID + 5
    overtaken = drop is None and last >= 1  # 1 to 4 were sent after 0 (R12)
    at_once = send_now and (0 in replayed or overtaken)
    assert sent(outcome) == (("PAYLOAD", ID, 0) if at_once else None)
    assert desk.replays() == [n for n in replayed if n or not at_once]
    assert desk.model.visit(PEER, 0).frame.payload == b"unsent"


def test_nothing_in_flight_is_bad():
    assert Desk.opened().rx("NACK", ID, ID).drop == "bad_ack"


def test_a_replayed_payload_is_the_one_first_sent():
    desk = Desk.opened(data=3)
    outcome = desk.rx("NACK", ID + 2, ID, send_now=True)
    assert outcome.frame.payload == b"our 0"
    assert [desk.replay(), desk.replay()] == [(1, b"our 1"), (2, b"our 2")]


def test_new_data_keeps_flowing():
    desk = Desk.opened(data=4)
    desk.rx("NACK", ID + 2, ID + 1)
    assert desk.model.host_payload(PEER, 0, b"new").frame.tx_id == ID + 4
    assert desk.replays() == [1, 2]


def test_acknowledged_meanwhile_is_not_replayed():
    desk = Desk.opened(data=6)
    desk.rx("NACK", ID + 3, ID + 1)
    desk.rx("ACK", 0, ID + 1)
    with pytest.raises(Impossible):
        desk.replay(ID + 1)
    assert desk.replays() == [2, 3]
    desk.rx("NACK", ID + 4, ID + 3)
    desk.rx("ACK", 0, ID + 5)
    assert desk.link.walks == [] and desk.replay() is None


def test_only_what_the_sending_position_has_passed():
    desk = Desk.opened(data=5)
    desk.rx("NACK_FULL"), desk.timer()  # held and released: from the oldest
    for _ in range(2):
        desk.model.visit(PEER, 0)
    assert desk.link.position == ID + 2
    desk.rx("NACK", ID + 4, ID + 1)
    with pytest.raises(Impossible):
        desk.replay(ID + 2)
    assert desk.replay(ID + 1)[0] == 1
    assert desk.replays() == [None, None, None]
    assert desk.rx("NACK", ID, ID, send_now=True).frame.tx_id == ID
    desk.rx("NACK_FULL"), desk.timer()
    assert desk.rx("NACK", ID, ID, send_now=True).frame is None  # it is sent anyway


def test_replay_must_have_been_asked_for():
    desk = Desk.opened(data=5)
    desk.rx("NACK", ID + 2, ID + 1)
    for wrong in (ID, ID + 3):
        with pytest.raises(Impossible):
            desk.replay(wrong)
    assert desk.replay(ID + 2) == (2, b"our 2")  # 1 was left out, as if walked past
    for wrong in (ID + 1, ID + 2):
        with pytest.raises(Impossible):
            desk.replay(wrong)
    desk.rx("NACK", ID + 2, ID + 2), desk.rx("NACK", ID + 3, ID + 2)
    assert [desk.replay(ID + n)[0] for n in (2, 2, 3)] == [2, 2, 3]  # each NACK once


def test_a_held_link_replays_nothing():
    desk = Desk.opened(data=3)
    desk.rx("NACK", ID + 2, ID + 1)
    desk.rx("NACK_FULL")
    with pytest.raises(Impossible):
        desk.replay(ID + 1)
    outcome = desk.rx("NACK", ID + 1, ID, send_now=True)
    assert (outcome.frame, outcome.drop, desk.link.held) == (None, None, True)
    assert desk.link.walks == [[ID + 1, ID + 2]] and desk.replays() == [None, None]
    desk.timer()
    assert [desk.model.visit(PEER, 0).frame.tx_id - ID for _ in range(3)] == [0, 1, 2]


def test_a_lost_replay_is_seen_by_a_nack_of_something_younger():
    """R12: only what was first sent after the oldest went out last, or became the oldest, counts."""
    desk = Desk.opened(data=5)

    def nack(first, last):
        return sent(desk.rx("NACK", ID + last, ID + first, send_now=True))

    oldest = ("PAYLOAD", ID, 0)
    assert nack(0, 0) == oldest
    assert nack(3, 3) is None  # sent before that replay
    desk.model.host_payload(PEER, 0, b"5"), desk.model.host_payload(PEER, 0, b"6")
    assert nack(4, 4) is None
    assert nack(5, 5) == oldest  # 6 has arrived, and 0 has not
    assert nack(5, 6) is None  # once
    desk.rx("ACK", 0, ID)
    assert nack(6, 6) is None  # 1 is the oldest only now
    desk.model.host_payload(PEER, 0, b"7")
    assert nack(7, 7) == ("PAYLOAD", ID + 1, 0)
    assert sorted(desk.replays()) == [3, 4, 5, 5, 6, 6, 7]


@pytest.mark.parametrize(
    "named, held, at_once",
    [(ID, False, True), (ID - 1, False, True), (ID + 1, False, False), (ID, True, False)],
)
def test_go_back_n_nack_sends_the_oldest_at_once(named, held, at_once):
    desk = Desk.opened(data=3, ext=0)
    if held:
        desk.rx("NACK_FULL")
    outcome = desk.rx("NACK", 0, named, send_now=True)
    assert sent(outcome) == (("PAYLOAD", ID, 0) if at_once else None)
    if not held:
        rest = [desk.model.visit(PEER, 0).frame for _ in range(3)]
        start = 1
        assert [f and f.tx_id - ID for f in rest] == ([start, 2, None])
        assert rest[0].payload == b"our 1"
