"""Selective replay in the model: look-ups and the timer's question (R5, R6)."""

import pytest

from tests.verif.selective_bench import ID, OTHER, PEER, Desk, R, ack, frame, nack, sent
from ttpverif.model.selective import Impossible

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
    assert desk.data(3) == ack(3) and desk.link.looking
    assert desk.look() == ack(3) and desk.data(4) == ack(4)


def test_a_look_up_that_asks_ahead():
    """The LOOK behind one that is not answered yet ends nothing, as long as anything is kept."""
    desk = Desk.opened()
    desk.data(2, 4, 1)
    assert desk.look(R + 2) == [2]
    assert desk.look(R + 3, True) is None and desk.link.looking
    assert desk.look(R + 4, True) is None and desk.link.looking  # not the next
    assert desk.look(R + 3) == ack(2) and not desk.link.looking
    assert desk.data(3) is None and desk.link.looking
    assert desk.look(R + 4, True) == [4] and desk.look(R + 5, True) == ack(4)


def test_a_look_up_is_over_without_an_answer():
    """With nothing kept, if what was delivered last came in order: it has had its ACK."""
    desk = Desk.opened()
    desk.data(2, 1)
    assert desk.look(R + 2) == [2]
    assert desk.data(3) == ack(3) and desk.link.looking
    assert desk.look(R + 3, True) is None and not desk.link.looking


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
    assert desk.ask(R + 1) is None
    desk.data(1, 2)
    assert not desk.link.looking or desk.look() == ack(2)
    assert desk.ask(R + 3) is None  # r passed 2: the run begins anew
    assert desk.ask(R + 4) == nack(3, 3)
    desk.data(5, 11)
    assert [desk.ask(R + n) for n in (5, 6, 7, 8)] == [None, None, None, nack(6, 7)]
    desk.data(3)
    for _ in range(4):
        desk.look()
    assert [desk.ask(R + n) for n in (9, 10, 11)] == [None, None, nack(9, 10)]
    desk.data(13)
    desk.timer()
    for n in (6, 7, 9, 10, 12):
        desk.data(n)
        while desk.link.looking:
            desk.look()
    assert not desk.link.gap and desk.ask() is None and desk.model.asking is None


def test_ask_must_be_about_the_right_id():
    for wrong in (R + 2, R):
        desk = Desk.opened()
        desk.data(3)
        desk.timer()
        with pytest.raises(Impossible):
            desk.ask(wrong)
    for wrong in (R + 1, R + 3):
        desk = Desk.opened()
        desk.data(4)
        desk.timer()
        desk.ask(R + 1)
        with pytest.raises(Impossible):
            desk.ask(wrong)


def test_a_timer_visit_may_begin_the_ask_once_more():
    desk = Desk.opened()
    desk.data(4)
    desk.timer()
    desk.ask()
    assert desk.timer() is None
    assert [desk.ask(R + n) for n in (1, 2, 3, 4)] == [None, None, None, nack(1, 3)]
