"""Selective replay in the model: what is agreed, kept and cleared up (R1 to R4, R10, R11)."""

import pytest

from tests.verif.selective_bench import ID, OTHER, PEER, Desk, E, P, R, ack, frame, nack, sent
from ttpverif.frames.frame import Opcode
from ttpverif.model.selective import Impossible

# ---- R1 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("ext", [0, 0x20, 0x60, 0xA0, 0x21, 0x10])
def test_answerer_negotiates(told, ext):
    desk = Desk(selective=told)
    expected = told and ext in (0x20, 0x60)  # 0x40 is congestion control (K1)
    for _ in range(2):  # the second is a repeat: nothing changes, the answer is the same
        answer = desk.rx("OPEN", R, ext=ext).frame
        assert (answer.opcode, answer.extension) == (Opcode.OPEN_ACK, 0x20 * expected)
        assert desk.link.selective == expected
        desk.model.open_ack_sent(PEER, 0)
    assert desk.rx("OPEN", R, ext=0).frame.extension == 0x20 * expected  # a repeat, again
    assert desk.link.selective == expected


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("ext", [0, 0x20, 0x30])
def test_opener_negotiates(told, ext):
    desk = Desk(selective=told)
    assert desk.model.host_open(PEER, 0).frame.extension == 0x20 * told
    desk.model.timer(PEER, 0)
    assert desk.model.timer(PEER, 0).frame.extension == 0x20 * told  # OPEN again
    desk.rx("OPEN_ACK", R + 1, ID - 1, ext=ext)
    assert desk.link.selective == (told and ext == 0x20)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("ext", [0, 0x20])
def test_crossing_opens_negotiate(told, ext):
    desk = Desk(selective=told)
    desk.model.host_open(PEER, 0)
    agreed = 0x20 if told and ext else 0
    assert desk.rx("OPEN", R, ext=ext).frame.extension == agreed
    again = [desk.model.timer(PEER, 0).frame for _ in range(2)][1]
    assert (again.opcode, again.extension) == (Opcode.OPEN, agreed)
    desk.rx("OPEN_ACK", R + 1, ID - 1, ext=ext)
    assert desk.link.selective == bool(agreed)


def test_an_open_ack_cannot_add_what_a_crossing_open_did_not_offer():
    desk = Desk()
    desk.model.host_open(PEER, 0)
    desk.rx("OPEN", R), desk.rx("OPEN_ACK", R + 1, ID - 1, ext=0x20)
    assert not desk.link.selective


def test_a_new_incarnation_negotiates_anew():
    desk = Desk.opened()
    assert desk.rx("OPEN", 9, epoch=P + 1).frame.extension == 0 and not desk.link.selective
    assert desk.rx("OPEN", 9, epoch=P + 2, ext=0x20).frame.extension == 0x20
    assert desk.link.selective
    desk.rx("OPEN", 9, epoch=P + 1, ext=0)  # stale
    assert desk.link.selective


def test_no_other_frame_carries_the_extension():
    desk = Desk.opened(data=2)
    outcomes = [
        desk.rx("PAYLOAD", R + 1),
        desk.rx("PAYLOAD", R + 3),
        desk.rx("NACK", ID, ID, send_now=True),
        desk.rx("PAYLOAD", R + 2, room=False),
        desk.rx("CLOSE", R + 9, ID),
        desk.rx("PAYLOAD", R + 99),
        desk.model.host_open(3, 0),
        desk.rx("CLOSE", R + 1, src=7),
    ]
    frames = {o.frame.opcode.name: o.frame.extension for o in outcomes}
    assert frames.pop("OPEN") == 0x20
    assert frames == dict.fromkeys(
        ("ACK", "NACK", "PAYLOAD", "NACK_FULL", "CLOSE_NACK", "NACK_NOLINK", "CLOSE_ACK"), 0
    )


# ---- R2, R3, R4 ----------------------------------------------------------------------------------


def test_in_order_each_is_acknowledged_by_itself():
    desk = Desk.opened()
    assert [desk.data(n) for n in (1, 2, 2, 1, 3)] == [ack(n) for n in (1, 2, 2, 1, 3)]
    assert not desk.link.looking


def test_every_gap_is_nacked_once_with_its_range():
    desk = Desk.opened()
    answers = [
        (3, nack(1, 2)),
        (4, None),
        (8, nack(5, 7)),
        (6, None),
        (10, nack(9, 9)),
        (9, None),
        (10, None),
        (6, None),
        (11, None),
        (12, None),
        (20, nack(13, 19)),
    ]
    for n, answer in answers:
        assert desk.data(n) == answer, n
    assert sorted(n - R for n in desk.link.kept) == [3, 4, 6, 8, 9, 10, 11, 12, 20]
    assert desk.link.received == R and desk.link.seen == R + 20


def test_kept_already_is_dropped_without_answer():
    desk = Desk.opened()
    desk.data(3)
    outcome = desk.rx("PAYLOAD", R + 3, payload=b"other")
    assert (outcome.frame, outcome.kept, outcome.drop) == (None, False, "gap")
    assert desk.link.kept == {R + 3: b"%d" % (R + 3)}


@pytest.mark.parametrize("fields", [dict(room=False), dict(keep=False)])
def test_dropped_for_want_of_a_place(fields):
    desk = Desk.opened()
    assert desk.data(4, **fields) == nack(1, 4)  # no gap was open
    assert (desk.link.seen, desk.link.kept) == (R + 4, {})
    assert [desk.data(n, **fields) for n in (6, 4, 3, 9)] == [None] * 4
    assert desk.link.seen == R + 4  # it stays
    assert desk.data(4) is None and desk.data(7) == nack(5, 6)
    assert [desk.data(n, **fields) for n in (12, 2)] == [None] * 2


def test_window_and_reorder_slots():
    desk = Desk.opened(reorder_slots=3)
    assert desk.data(12) == nack(1, 12) and not desk.link.kept  # 12 is the window
    desk = Desk.opened(reorder_slots=3)
    assert desk.data(11) == nack(1, 10) and desk.link.kept
    desk.data(3, 5)
    assert not desk.rx("PAYLOAD", R + 7).kept and desk.model.kept == 3
    none = Desk.opened(reorder_slots=0)
    assert [none.data(n) for n in (2, 3, 1, 2)] == [nack(1, 2), None, ack(1), ack(2)]


def test_reorder_slots_are_shared_by_all_links():
    desk = Desk.opened(reorder_slots=3)
    desk.model.receive(frame("OPEN", R, ext=0x20, src=OTHER))
    desk.model.open_ack_sent(OTHER, 0)
    assert desk.model.receive(frame("PAYLOAD", R + 3, src=OTHER)).kept
    desk.data(3, 4)
    assert not desk.rx("PAYLOAD", R + 5).kept
    assert desk.model.kept == 3 and desk.timer() is None


def test_no_room_for_the_next():
    desk = Desk.opened()
    desk.data(3)
    assert desk.data(1, room=False) == ("NACK_FULL", 0, 0)
    assert desk.link.received == R and desk.link.kept and not desk.link.looking


def test_nack_of_a_go_back_n_link():
    desk = Desk.opened(ext=0)
    assert desk.data(3) == ("NACK", 0, R + 1) and not desk.link.kept
    assert desk.data(3) == ("NACK", 0, R + 1)  # a second pass (D4)
    assert desk.timer() == ("NACK", 0, R + 1)
    assert desk.data(1) == ack(1)


def test_ids_wrap():
    desk = Desk.opened(start=0xFFFFFFFD)

    def data(packet_id):
        return sent(desk.rx("PAYLOAD", packet_id))

    assert data(1) == ("NACK", 0, 0xFFFFFFFE)
    assert data(0xFFFFFFFE) is None and data(0xFFFFFFFF) is None and data(0) is None
    assert [desk.model.look(PEER, 0).deliveries[0][2:] for _ in range(1)] == [(1, b"1")]
    assert sent(desk.model.look(PEER, 0)) == ("ACK", 0, 1)


# ---- R10, R11 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("restart", [True, False])
def test_kept_packets_of_an_ended_link(restart):
    desk = Desk.opened(reorder_slots=4)
    desk.data(3, 4)
    desk.timer()
    number = desk.model.links.number(desk.link)
    if restart:
        desk.rx("OPEN", R, epoch=P + 1, ext=0x20)
    else:
        desk.rx("NACK_NOLINK", epoch=E)
        desk.rx("OPEN", R, epoch=P + 1, ext=0x20)
        desk.model.open_ack_sent(PEER, 0)
    assert desk.link.kept == {} and desk.model.asking is None and desk.model.kept == 2
    assert desk.data(3, epoch=P + 1) == nack(1, 3) and not desk.link.kept
    desk.model.purge(number)
    assert not desk.rx("PAYLOAD", R + 3, epoch=P + 1, keep=True).kept
    desk.model.purge(number)
    assert desk.rx("PAYLOAD", R + 3, epoch=P + 1, keep=True).kept
    with pytest.raises(Impossible):
        desk.model.purge(number)


def test_an_ended_link_does_not_hinder_others():
    desk = Desk.opened(reorder_slots=4)
    desk.data(3)
    desk.rx("NACK_NOLINK", epoch=E)
    desk.model.receive(frame("OPEN", R, ext=0x20, src=OTHER))
    desk.model.open_ack_sent(OTHER, 0)
    numbers = {node: desk.model.links.number(desk.model.links.find(node, 0)) for node in (OTHER,)}
    assert desk.model.purging.total() == 1 and not desk.model.purging[numbers[OTHER]]
    assert desk.model.receive(frame("PAYLOAD", R + 3, src=OTHER)).kept


def test_a_time_out_replays_from_the_oldest():
    desk = Desk.opened(data=3)
    desk.timer(), desk.timer()
    assert [desk.model.visit(PEER, 0).frame.tx_id - ID for _ in range(3)] == [0, 1, 2]
