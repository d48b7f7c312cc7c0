"""Selective replay in the model: decisions R1 to R12, rule by rule, with exact frames."""

import pytest

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.serial import id_add
from ttpverif.model.endpoint import Endpoint, Parameters
from ttpverif.model.selective import Impossible
from ttpverif.model.states import State

US, PEER, OTHER = 1, 2, 9
E, P = 0x55, 0x77
ID, R = 100, 500  # our first data ID; the peer's last ID before its data
SELECTIVE = 0x20


def frame(opcode, tx_id=0, rx_id=0, epoch=P, ext=0, payload=None, src=PEER):
    if payload is None:
        payload = b"%d" % tx_id if opcode == "PAYLOAD" else b""
    return Frame(src, US, Opcode[opcode], 0, tx_id, rx_id, epoch, ext, payload=payload)


class Desk:
    """A model, and short names for what happens to its link with PEER."""

    def __init__(self, **changes):
        numbers = iter(range(1000))
        self.model = Endpoint(
            Parameters(US, **changes), lambda: (lambda n: (ID - 1 + 1000 * n, E + n))(next(numbers))
        )

    @classmethod
    def opened(cls, data=0, ext=SELECTIVE, start=R, **changes):
        """OPEN; `data` payloads of ours are sent and unacknowledged."""
        desk = cls(**changes)
        desk.model.host_open(PEER, 0)
        desk.rx("OPEN_ACK", id_add(start, 1), ID - 1, ext=ext)
        for n in range(data):
            desk.model.host_payload(PEER, 0, b"our %d" % n)
        assert desk.link.state == State.OPEN
        return desk

    @property
    def link(self):
        return self.model.links.find(PEER, 0)

    def rx(self, opcode, tx_id=0, rx_id=0, room=True, keep=None, send_now=False, **fields):
        outcome = self.model.receive(frame(opcode, tx_id, rx_id, **fields), room, keep, send_now)
        self.model.check()
        return outcome

    def data(self, *ahead, **fields):
        """PAYLOADs R+n; the answer to the last."""
        for n in ahead:
            outcome = self.rx("PAYLOAD", id_add(R, n), **fields)
        return sent(outcome)

    def timer(self, ask=None):
        return sent(self.model.timer(PEER, 0, ask))

    def look(self):
        outcome = self.model.look(PEER, 0)
        self.model.check()
        return [item[2] - R for item in outcome.deliveries] or sent(outcome)

    def ask(self, *ids):
        return sent(self.model.ask(PEER, 0, *ids))

    def replay(self, *packet_id):
        outcome = self.model.replay(PEER, 0, *packet_id)
        self.model.check()
        return outcome.frame and (outcome.frame.tx_id - ID, outcome.frame.payload)

    def replays(self):
        """All that is replayed until no range is left."""
        got = []
        while self.link.walks:
            got.append(self.replay())
        return [number and number[0] for number in got]


def sent(outcome):
    f = outcome.frame
    return None if f is None else (f.opcode.name, f.tx_id, f.rx_id)


def nack(first, last):
    return "NACK", id_add(R, last), id_add(R, first)


def ack(n):
    return "ACK", 0, id_add(R, n)


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


# ---- R5 ------------------------------------------------------------------------------------------


def test_look_up_delivers_what_was_kept_and_acknowledges_the_last():
    desk = Desk.opened()
    desk.data(2, 3, 5)
    outcome = desk.rx("PAYLOAD", R + 1, payload=b"first")
    assert outcome.frame is None and outcome.deliveries == [(PEER, 0, R + 1, b"first")]
    assert desk.model.looking() == [(PEER, 0)]
    first = desk.model.look(PEER, 0)
    assert first.frame is None and first.deliveries == [(PEER, 0, R + 2, b"%d" % (R + 2))]
    assert [desk.look(), desk.look()] == [[3], ack(3)]
    assert desk.look() is None and desk.model.looking() == [] and desk.link.gap
    assert desk.data(4) is None
    assert [desk.look(), desk.look()] == [[5], ack(5)]
    assert not desk.link.gap and desk.timer() is None and desk.data(6) == ack(6)


def test_what_arrives_during_a_look_up():
    desk = Desk.opened()
    desk.data(2, 6)
    assert desk.data(1) is None
    assert desk.data(2) is None  # kept already, though it is the next
    assert [desk.data(n) for n in (1, 3, 0)] == [ack(1), None, ack(0)]
    assert [desk.look(), desk.look()] == [[2], [3]]
    assert desk.data(4) is None and desk.link.looking
    assert desk.data(9) == nack(7, 8)
    assert desk.look() == ack(4)
    assert desk.data(5) is None and [desk.look(), desk.look()] == [[6], ack(6)]


def test_the_next_during_a_look_up_without_kept_packets():
    desk = Desk.opened()
    desk.data(2, 1)
    assert desk.look() == [2] and not desk.link.kept
    assert desk.data(3) is None  # the look-up's ACK covers it
    assert desk.look() == ack(3) and desk.data(4) == ack(4)


def test_a_look_up_is_progress():
    desk = Desk.opened()
    desk.data(2, 1)
    desk.timer()
    desk.look()
    assert not desk.link.timer_bit
    desk.timer()
    assert desk.look() == ack(2) and desk.link.timer_bit
    desk.data(4)
    assert desk.link.timer_bit  # keeping is none


def test_a_gap_ends_when_r_reaches_s():
    desk = Desk.opened()
    desk.data(3, keep=False)
    assert [desk.data(1), desk.link.gap] == [ack(1), True]
    assert [desk.data(2), desk.link.gap] == [ack(2), True]
    assert desk.timer() == nack(3, 3)
    assert [desk.data(3), desk.link.gap] == [ack(3), False]


def test_the_look_up_completes_a_close():
    desk = Desk.opened()
    desk.model.host_close(PEER, 0)
    desk.rx("CLOSE_NACK", R + 2, ID - 1)
    assert desk.data(2, 1) is None and not desk.model.pending()
    assert desk.look() == [2] and desk.model.pending() == [(PEER, 0)]  # C4
    assert sent(desk.model.visit(PEER, 0)) == ("CLOSE", ID, R + 2)
    assert desk.look() == ack(2)


def test_nothing_beyond_the_peers_end_is_kept():
    desk = Desk.opened(data=1)
    desk.rx("CLOSE", R + 4, ID - 1)
    assert desk.data(4) == ("NACK_NOLINK", 0, R + 4)
    assert desk.data(3) == nack(1, 2)


# ---- R6 ------------------------------------------------------------------------------------------


def test_timer_without_kept_packets_names_the_whole_gap():
    desk = Desk.opened()
    desk.data(4, keep=False)
    assert [desk.timer(), desk.timer(ask=True)] == [nack(1, 4)] * 2
    desk.data(1)
    assert desk.timer() == nack(2, 4) and desk.model.asking is None


def test_timer_does_nothing_during_a_look_up():
    desk = Desk.opened()
    desk.data(2, 5, 1)
    assert desk.timer() is None and desk.model.asking is None
    desk.look(), desk.look()
    assert desk.timer() is None and desk.model.asking is not None


def test_ask_nacks_every_run_of_missing_ids():
    desk = Desk.opened()
    desk.data(3, 4, 7)
    desk.data(5)
    desk.data(9, 10)
    assert desk.timer() is None
    answers = [desk.ask() for _ in range(10)]
    assert answers == [None, None, nack(1, 2), None, None, None, nack(6, 6), None, nack(8, 8), None]
    assert desk.model.asking is None and desk.ask() is None


def test_ask_nacks_at_s_if_it_is_missing():
    desk = Desk.opened()
    desk.data(5, keep=False)
    desk.data(2)
    desk.timer()
    assert [desk.ask() for _ in range(5)] == [None, nack(1, 1), None, None, nack(3, 5)]
    assert desk.model.asking is None


def test_ask_ends_with_the_window():
    """Nothing behind it can be kept, however young the youngest ID noted."""
    desk = Desk.opened(reorder_slots=2)
    assert desk.data(1000) == nack(1, 1000) and not desk.link.kept
    desk.data(3)
    desk.timer()
    assert [desk.ask() for _ in range(7)] == [None, None, nack(1, 2), None, None, None, nack(4, 7)]
    assert desk.model.asking is None


def test_one_link_asks_at_a_time():
    desk = Desk.opened()
    desk.model.receive(frame("OPEN", R, ext=0x20, src=OTHER))
    desk.model.open_ack_sent(OTHER, 0)
    desk.model.receive(frame("PAYLOAD", R + 3, src=OTHER))
    desk.data(3)
    desk.model.timer(OTHER, 0)
    assert desk.timer() == nack(1, 1)
    assert desk.ask() is None  # not this link's
    answers = [sent(desk.model.ask(OTHER, 0)) for _ in range(3)]
    assert answers == [None, None, nack(1, 2)]
    assert desk.timer() is None and desk.model.asking.link is desk.link


def test_ask_follows_what_happens_meanwhile():
    desk = Desk.opened()
    desk.data(4, 8)
    desk.timer()
    assert desk.ask(R + 1, R + 1) is None
    desk.data(1, 2)
    assert desk.look() == ack(2)
    assert desk.ask(R + 3, R + 3) is None  # r passed 2: the run begins anew
    assert desk.ask(R + 4, R + 3) == nack(3, 3)
    desk.data(5, 11)
    assert [desk.ask(R + n, R + m) for n, m in ((5, 5), (6, 6), (7, 6), (8, 6))] == [
        None,
        None,
        None,
        nack(6, 7),
    ]
    desk.data(3)
    for _ in range(4):
        desk.look()
    assert [desk.ask(R + n, R + 9) for n in (9, 10, 11)] == [None, None, nack(9, 10)]
    desk.data(13)
    desk.timer()
    for n in (6, 7, 9, 10, 12):
        desk.data(n)
        while desk.link.looking:
            desk.look()
    assert not desk.link.gap and desk.ask() is None and desk.model.asking is None


def test_ask_must_be_about_the_right_id():
    for ids in ((R + 2, R + 2), (R, R), (R + 1, R)):
        desk = Desk.opened()
        desk.data(3)
        desk.timer()
        with pytest.raises(Impossible):
            desk.ask(*ids)
    for ids in ((R + 1, R + 1), (R + 3, R + 1), (R + 2, R + 2)):
        desk = Desk.opened()
        desk.data(4)
        desk.timer()
        desk.ask(R + 1, R + 1)
        with pytest.raises(Impossible):
            desk.ask(*ids)


def test_a_timer_visit_may_begin_the_ask_once_more():
    desk = Desk.opened()
    desk.data(4)
    desk.timer()
    desk.ask()
    assert desk.timer() is None
    assert [desk.ask(R + n, R + 1) for n in (1, 2, 3, 4)] == [None, None, None, nack(1, 3)]


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
