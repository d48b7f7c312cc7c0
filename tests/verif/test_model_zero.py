"""Peers that send epoch 0, rule by rule: decisions Z1 to Z9 on the reference model.

What such a peer is sent, and what the host hears, for every alternative of every rule.
"""

import pytest

from tests.verif.model_bench import ID, PEER, E, P, R, endpoint, link, notices, rx, sent
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.endpoint import REFUSED, TAKEN
from ttpverif.model.states import State
from ttpverif.model.zero import CROWDED_WAKES, TELL_LIMIT, WAKE_LIMIT

DATA_STATES = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")


def rx0(m, opcode, tx_id=0, rx_id=0, **how):
    """A frame of the module, with epoch 0."""
    return rx(m, opcode, tx_id, rx_id, 0, **how)


def zero(state="OPEN", data=0, got=0, guessed=False, doubted=False, asked=False, **changes):
    """A model whose link to PEER, which sends epoch 0, is in `state`.

    `data`: payloads of ours in flight, from ID on (one at least in CLOSE_RECD). `got`: payloads
    of the peer that were accepted behind R. `guessed`: we opened, and r is INIT_ID (1).
    `doubted`: an OPEN came that does not fit; `asked`: and a PAYLOAD that was answered NACK_NOLINK.
    """
    m = endpoint(**changes)
    if guessed:
        m.host_open(PEER, 0)
        assert notices(rx0(m, "OPEN_ACK", 0, ID - 1)) == ["LINK_UP"]
    else:
        rx0(m, "OPEN", R, ID - 1)
        if state != "OPEN_RECD":
            m.open_ack_sent(PEER, 0)
    for n in range(max(data, state == "CLOSE_RECD")):
        assert m.host_payload(PEER, 0, b"%d" % n).result == TAKEN
    for n in range(got):
        assert sent(rx0(m, "PAYLOAD", R + 1 + n)) == ("ACK", 0, R + 1 + n, E)
    if doubted:
        assert sent(rx0(m, "OPEN", 7, 7)) == ("OPEN_ACK", ID, 7, E)
    if asked:
        assert rx0(m, "PAYLOAD", R + 40).drop == "out_of_step"
    if state == "CLOSE_SENT":
        m.host_close(PEER, 0)
    elif state == "CLOSE_RECD":
        assert sent(rx0(m, "CLOSE")) == ("CLOSE_NACK", link(m).end - 1, link(m).received, E)
    assert m.state(PEER, 0) == State[state]
    assert (link(m).guessed, link(m).doubted, link(m).fed) == (guessed, doubted, got > 0)
    return m


def time_outs(m, count):
    """What the timer sends in so many time-outs."""
    if not link(m).timer_bit:
        assert sent(m.timer(PEER, 0)) is None
    return [sent(m.timer(PEER, 0)) for _ in range(count)]


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


# ---- Z4: OPEN on a zero link --------------------------------------------------------------------


@pytest.mark.parametrize("state", DATA_STATES)
@pytest.mark.parametrize("got, tx_id", [(0, R), (2, R + 2), (2, R + 1)])
@pytest.mark.parametrize("acked", [0, 1, 2])
def test_an_open_that_agrees(state, got, tx_id, acked):
    """OPEN_ACK, its RxID acknowledges, r stays: what comes again is a duplicate."""
    m = zero(state, data=3, got=got)
    outcome = rx0(m, "OPEN", tx_id, ID - 1 + acked)
    assert sent(outcome) == ("OPEN_ACK", ID + acked, tx_id, E) and notices(outcome) == []
    assert (link(m).stored, link(m).received) == (3 - acked, R + got)
    assert outcome.new_state.name == state and not link(m).doubted
    if tx_id < R + got:
        assert rx0(m, "PAYLOAD", R + got).drop == "duplicate"


@pytest.mark.parametrize("state", DATA_STATES)
def test_an_open_of_a_first_incarnation_again_is_told(state):
    """TxID = RxID = r - 1: a lost ACK, or a peer that restarted. Nothing changes but the notice."""
    m = endpoint()
    rx0(m, "OPEN", 1, 1)
    m.open_ack_sent(PEER, 0)
    rx0(m, "PAYLOAD", 2)
    m.host_payload(PEER, 0, b"a")
    if state == "CLOSE_SENT":
        m.host_close(PEER, 0)
    elif state == "CLOSE_RECD":
        rx0(m, "CLOSE")
    before = repr(link(m))
    outcome = rx0(m, "OPEN", 1, 1)
    assert (sent(outcome), notices(outcome)) == (("OPEN_ACK", 2, 1, E), ["PEER_RESTARTED"])
    assert repr(link(m)) == before and outcome.new_state.name == state


def test_one_behind_agrees_only_where_that_one_was_fed():
    for tx_id, fed, agrees in ((R - 1, False, False), (R, True, True), (R - 1, True, False)):
        m = zero(got=fed)
        assert sent(rx0(m, "OPEN", tx_id, ID - 1)) == ("OPEN_ACK", ID, tx_id, E)
        assert link(m).doubted != agrees


@pytest.mark.parametrize("state", DATA_STATES)
@pytest.mark.parametrize("tx_id, rx_id", [(R + 5, ID), (1, 1), (R + 1, ID - 2), (R + 1, ID + 2)])
def test_an_open_that_may_be_late_changes_nothing_but_the_doubt(state, tx_id, rx_id):
    m = zero(state, data=2, got=1)
    outcome = rx0(m, "OPEN", tx_id, rx_id)
    assert sent(outcome) == ("OPEN_ACK", ID, tx_id, E) and notices(outcome) == []
    assert (link(m).stored, link(m).received, link(m).fed) == (2, R + 1, True)
    assert link(m).doubted and m.counters["doubted"] == 1 and outcome.new_state.name == state
    assert rx0(m, "PAYLOAD", R + 2).drop == "out_of_step"
    rx0(m, "OPEN", R + 1, ID - 1)  # it was late: the link goes on as it was
    assert len(rx0(m, "PAYLOAD", R + 2).deliveries) == 1 and not link(m).doubted


@pytest.mark.parametrize("state", DATA_STATES)
@pytest.mark.parametrize("why", ["doubted", "guessed"])
@pytest.mark.parametrize("gap", [False, True])
def test_an_open_that_does_not_agree_but_fits_resynchronises(state, why, gap):
    m = zero(
        state, data=2, got=0 if why == "guessed" else 3, guessed=why == "guessed", doubted=False
    )
    if gap and why == "doubted":
        assert sent(rx0(m, "PAYLOAD", R + 9)) == ("NACK", 0, R + 4, E)
    if why == "doubted":
        rx0(m, "OPEN", R + 8, 3)
    rx0(m, "PAYLOAD", R + 30)  # out of step: the answer asks
    epoch = link(m).epoch
    outcome = rx0(m, "OPEN", R + 8, ID)
    assert sent(outcome) == ("OPEN_ACK", ID + 1, R + 8, E) and notices(outcome) == []
    assert (link(m).received, link(m).stored, link(m).epoch) == (R + 8, 1, epoch)
    assert not (link(m).fed or link(m).guessed or link(m).doubted or link(m).asked or link(m).gap)
    assert m.counters["resynced"] == 1 and outcome.new_state.name == state
    assert sent(rx0(m, "PAYLOAD", R + 9)) == ("ACK", 0, R + 9, E) and link(m).fed


def test_a_resynchronisation_takes_the_ethertype():
    m = zero(guessed=True, asked=True)
    m.receive(Frame(PEER, 1, Opcode.OPEN, 0, 9, ID - 1, 0, ethertype=0x9AC6))
    assert m.host_payload(PEER, 0, b"x").frame.ethertype == 0x9AC6  # L17


@pytest.mark.parametrize("why", ["doubted", "guessed"])
def test_an_open_that_does_not_fit_either_is_a_restart(why):
    m = zero(data=2, guessed=why == "guessed", doubted=why == "doubted", asked=True)
    outcome = rx0(m, "OPEN", 1, 1)
    assert sent(outcome) == ("OPEN_ACK", 2, 1, E + 1) and outcome.new_state == State.OPEN
    assert notices(outcome) == ["PEER_RESTARTED"]
    assert (link(m).stored, link(m).received) == (0, 1)
    assert not (link(m).fed or link(m).guessed or link(m).doubted)


@pytest.mark.parametrize("state", ["CLOSE_SENT", "CLOSE_RECD"])
def test_a_restart_while_closing_ends_and_opens_anew(state):
    m = zero(state, data=2, doubted=True, asked=True)
    outcome = rx0(m, "OPEN", 1, 1)
    assert sent(outcome) == ("OPEN_ACK", 2, 1, E + 1)
    assert (outcome.new_state, notices(outcome)) == (State.OPEN_RECD, ["LINK_DOWN"])
    assert m.free_slots == m.parameters.slots


def test_open_recd():
    """An OPEN that agrees is a repeat; any other replaces the first at once."""
    m = zero("OPEN_RECD")
    m.host_payload(PEER, 0, b"a")
    assert sent(rx0(m, "OPEN", R, ID - 1)) == ("OPEN_ACK", ID, R, E)
    for tx_id, rx_id in ((R - 1, ID - 1), (R, ID), (9, 9)):
        m = zero("OPEN_RECD")
        m.host_payload(PEER, 0, b"a")
        outcome = rx0(m, "OPEN", tx_id, rx_id)
        assert sent(outcome) == ("OPEN_ACK", rx_id + 1, tx_id, E + 1) and notices(outcome) == []
        assert outcome.new_state == State.OPEN_RECD and not link(m).doubted
        m.open_ack_sent(PEER, 0)
        assert sent(m.visit(PEER, 0)) == ("PAYLOAD", rx_id + 1, 0, E + 1)


def test_the_next_open_ends_the_doubt():
    m = zero(got=1, doubted=True)
    assert sent(rx0(m, "OPEN", R + 1, ID - 1)) == ("OPEN_ACK", ID, R + 1, E)
    assert not link(m).doubted
    rx0(m, "OPEN", 7, 7)
    assert link(m).doubted and m.counters["doubted"] == 2 and not m.counters["resynced"]


def test_passing_ships_with_a_zero_peer_guess_nothing():
    m = endpoint()
    m.host_open(PEER, 0)
    rx0(m, "OPEN", R, R)
    rx0(m, "OPEN_ACK", 0, ID - 1)
    assert link(m).received == R and not link(m).guessed
    assert sent(rx0(m, "PAYLOAD", R + 1)) == ("ACK", 0, R + 1, E)


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
