"""The model and peers that send epoch 0: OPEN on a link that is known (Z4)."""

import pytest

from tests.verif.model_bench import ID, PEER, E, R, endpoint, link, notices, sent
from tests.verif.zero_bench import DATA_STATES, rx0, zero
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.states import State

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
