"""Peers that send epoch 0, event by event (protocol 10.1): closing, what is never agreed (Z1 to Z3, Z8, Z9).

Most tests end with a link whose peer has an epoch: there none of the rules holds.
"""

import pytest

from tests.link.link_bench import OWN_EPOCH, changes, decide
from tests.pipeline.zero_bench import (
    BUSY,
    CLOSE_RECD,
    CLOSE_SENT,
    CLOSED,
    DATA,
    FLYING,
    IDLE,
    MASK,
    OPEN,
    OPEN_SENT,
    PEER,
    UNA,
    R,
    every_state,
)
from ttpoe.layouts import Notice
from ttpoe.link.fsm import Event
from ttpoe.protocol import Opcode

# ---- Z1: its CLOSE declares nothing ------------------------------------------------------------

IDS = [(0, 0), (R + 1, UNA + 1), (R + 9, UNA), (R - 3, UNA + 7), (0xDEADBEEF, 0x80000000)]


@every_state
def test_a_close_ends_and_acknowledges_nothing(state):
    def check(link):
        for tx_id, rx_id in IDS:
            before = dict(link.set(state, **BUSY).tag)
            out = link(Event.RX_CLOSE, tx_id=tx_id, rx_id=rx_id)
            assert out["frame"] == (Opcode.CLOSE_NACK, UNA + 2, R)
            assert out["freed"] == out["pop"] == 0 and out["notice"] is None
            assert link.tag["state"] == (CLOSE_RECD if state == OPEN else state)
            assert changes(before, link.tag).keys() <= {"state"}, (tx_id, rx_id)
        link.set(state, **BUSY, peer_epoch=PEER)
        link(Event.RX_CLOSE, epoch=PEER, tx_id=R + 9, rx_id=UNA)
        assert link.tag["end_known"] == (state != CLOSE_SENT) and link.tag["una"] == UNA + 1

    decide(check)


@every_state
def test_a_close_is_agreed_when_nothing_of_ours_is_left_whatever_its_ids(state):
    def check(link):
        for tx_id, rx_id in IDS:
            out = link.set(state, **IDLE)(Event.RX_CLOSE, tx_id=tx_id, rx_id=rx_id)
            assert out["frame"] == (Opcode.CLOSE_ACK, 0, tx_id)
            assert out["notice"] == Notice.LINK_DOWN and link.tag["state"] == CLOSED
            assert out["stats"] == {"link_closed"}
        # One that only waits counts, too; and an acknowledgement in the CLOSE is none.
        for data in (dict(alloc=1), dict(alloc=1, sent=1, current=1)):
            link.set(state, **IDLE, **data)(Event.RX_CLOSE, tx_id=R + 1, rx_id=UNA)
            assert link.tag["state"] != CLOSED

    decide(check)


# ---- Z2: our CLOSE waits for the last ACK ------------------------------------------------------


def test_our_close_goes_out_only_when_everything_is_acknowledged():
    def check(link):
        for tag, begin in ((FLYING, Event.HOST_CLOSE), (dict(FLYING, close_due=1), Event.VISIT)):
            out = link.set(**tag)(begin)
            assert out["frame"] is None and link.tag["state"] == CLOSE_SENT
            assert not link.tag["close_due"]
            for timer in (0, 1):
                link.tag["timer"] = timer
                assert link(Event.TIMER)["frame"] is None
            link.tag["current"] = 2  # both are on their way again
            link(Event.RX_ACK, rx_id=UNA)
            assert not link.tag["close_due"]
            link(Event.RX_ACK, rx_id=UNA + 1)
            assert link.tag["close_due"] and link.tag["state"] == CLOSE_SENT
            assert link(Event.VISIT)["frame"] == (Opcode.CLOSE, UNA + 2, R)
            assert link(Event.VISIT)["frame"] is None
        # With nothing of ours left, and to a peer with an epoch, at once.
        assert link.set(**IDLE)(Event.HOST_CLOSE)["frame"] == (Opcode.CLOSE, UNA, R)
        out = link.set(**FLYING, peer_epoch=PEER)(Event.HOST_CLOSE)
        assert out["frame"] == (Opcode.CLOSE, UNA + 2, R)

    decide(check)


def test_a_close_that_waits_for_an_acknowledging_open_goes_out():
    def check(link):
        link.set(**FLYING)(Event.HOST_CLOSE)
        link(Event.RX_OPEN, tx_id=R, rx_id=UNA + 1)
        assert link.tag["close_due"] and link.tag["alloc"] == 0
        link.tag["lag"] = 0
        assert link(Event.VISIT)["frame"] == (Opcode.CLOSE, UNA + 2, R)

    decide(check)


@pytest.mark.parametrize("state", [CLOSE_SENT, CLOSE_RECD])
def test_a_close_ack_answers_no_close_that_was_not_sent(state):
    def check(link):
        for data in (FLYING, BUSY, dict(IDLE, alloc=1)):
            before = dict(link.set(state, **data).tag)
            out = link(Event.RX_CLOSE_ACK, rx_id=UNA + 2)
            assert out["stats"] == {"drop_unexpected"} and not changes(before, link.tag)
            out = link.set(state, **data, peer_epoch=PEER)(Event.RX_CLOSE_ACK, epoch=PEER)
            assert link.tag["state"] == CLOSED and out["freed"] == data["alloc"]
        # One that ends the link is answered: the peer may wait for ours, its own CLOSE lost.
        out = link.set(state, **IDLE)(Event.RX_CLOSE_ACK, rx_id=UNA)
        assert link.tag["state"] == CLOSED and out["notice"] == Notice.LINK_DOWN
        assert out["frame"] == (Opcode.CLOSE_ACK, 0, R) and out["stats"] == {"link_closed"}
        out = link.set(state, **IDLE, peer_epoch=PEER)(Event.RX_CLOSE_ACK, epoch=PEER)
        assert link.tag["state"] == CLOSED and out["frame"] is None

    decide(check)


# ---- Z3: it does not send CLOSE again ----------------------------------------------------------


def test_the_last_ack_in_close_recd_sends_a_close_ack():
    def check(link):
        out = link.set(CLOSE_RECD, **FLYING, lag=1)(Event.RX_ACK, rx_id=UNA)
        assert out["frame"] is None and link.tag["state"] == CLOSE_RECD
        assert link.tag["lag"] == 1  # one came, one went
        out = link(Event.RX_ACK, rx_id=UNA + 1)
        assert out["frame"] == (Opcode.CLOSE_ACK, 0, R) and out["epoch"] == OWN_EPOCH
        assert link.tag["state"] == CLOSE_RECD and link.tag["alloc"] == 0
        assert (out["pop"], out["notice"], link.tag["retries"]) == (1, None, 0)
        assert out["stats"] == {"ack_retired", "slot_retired"}
        # A CLOSE that comes again ends it: the peer has not heard us.
        out = link(Event.RX_CLOSE, tx_id=9)
        assert out["frame"] == (Opcode.CLOSE_ACK, 0, 9) and link.tag["state"] == CLOSED
        # Not while a payload waits that was never sent, nor in the other states.
        for state, tag in ((CLOSE_RECD, BUSY), (OPEN, FLYING), (CLOSE_SENT, FLYING)):
            out = link.set(state, **tag)(Event.RX_ACK, rx_id=UNA + 1)
            assert out["frame"] is None and link.tag["state"] == state
        out = link.set(CLOSE_RECD, **FLYING, peer_epoch=PEER)(
            Event.RX_ACK, epoch=PEER, rx_id=UNA + 1
        )
        assert out["frame"] is None and link.tag["state"] == CLOSE_RECD

    decide(check)


def test_time_outs_in_close_recd_with_nothing_of_ours_repeat_it_and_the_third_ends_the_link():
    def check(link):
        out = link.set(CLOSE_RECD, **IDLE)(Event.TIMER)
        assert out["frame"] is None and link.tag["timer"]
        for count in (0, 1):
            out = link(Event.TIMER)
            assert out["frame"] == (Opcode.CLOSE_ACK, 0, R) and out["notice"] is None
            assert link.tag["state"] == CLOSE_RECD and link.tag["retries"] == count + 1
        out = link(Event.TIMER)
        assert out["frame"] == (Opcode.CLOSE_ACK, 0, R) and out["notice"] == Notice.LINK_DOWN
        assert link.tag["state"] == CLOSED and out["stats"] == {"link_closed"}
        out = link.set(CLOSE_RECD, **IDLE, timer=1, peer_epoch=PEER)(Event.TIMER)
        assert out["frame"] == (Opcode.CLOSE_NACK, UNA - 1, R)

    decide(check)


def test_the_last_word_to_a_peer_that_waits_for_its_close_is_close_ack():
    def check(link):
        for state in DATA:  # its CLOSE may have been lost
            out = link.set(state, **BUSY, timer=1, retries=20)(Event.TIMER)
            assert out["frame"] == (Opcode.CLOSE_ACK, 0, R)
            assert out["notice"] == Notice.RETRIES_USED_UP and out["freed"] == 3
            assert out["stats"] == {"link_retries_used_up"}
            out = link.set(state, **BUSY, timer=1, retries=20, peer_epoch=PEER)(Event.TIMER)
            assert out["frame"] is None and out["notice"] == Notice.RETRIES_USED_UP

    decide(check)


# ---- Z8: CLOSE_NACK ----------------------------------------------------------------------------


@pytest.mark.parametrize("state", [CLOSE_SENT, CLOSE_RECD])
def test_a_close_nack_declares_no_end_and_may_tell_the_position(state):
    def check(link):
        for tx_id, older in (
            (R - 5, 1),
            (R, 1),
            (R + 5, 0),
            (0, 1),
            (MASK, 1),
            (R + (1 << 31) - 1, 0),
        ):
            for fed in (0, 1):
                out = link.set(state, **IDLE, fed=fed)(Event.RX_CLOSE_NACK, tx_id=tx_id)
                assert out["frame"] is None and link.tag["state"] == state
                taken = tx_id if tx_id != R else R + (1 << 31)
                assert link.tag["received"] == (taken if older and not fed else R)
                assert link.tag["fed"] == fed
                assert not (link.tag["end_known"] or link.tag["end_ahead"])
        if state == CLOSE_SENT:
            link.set(state, **IDLE, timer=1)(Event.RX_CLOSE_NACK, tx_id=R - 5)
            assert link(Event.TIMER)["frame"] == (Opcode.CLOSE, UNA, R - 5)
        link.set(state, **IDLE, peer_epoch=PEER)(Event.RX_CLOSE_NACK, tx_id=R + 5, epoch=PEER)
        assert link.tag["end_known"] and link.tag["received"] == R

    decide(check)


# ---- Z9: never selective; a change between 0 and not 0 is a restart ----------------------------


def test_a_peer_with_epoch_0_is_never_selective():
    def check(link):
        for epoch in (0, PEER):
            link.set(CLOSED)(Event.RX_OPEN, tx_id=7, epoch=epoch, selective=1)
            assert link.tag["selective"] == (epoch != 0)
            for kind in (Event.RX_OPEN, Event.RX_OPEN_ACK):
                link.set(OPEN_SENT, una=UNA, selective=1)
                link(kind, tx_id=7, rx_id=UNA - 1, epoch=epoch, selective=1)
                assert link.tag["selective"] == (epoch != 0)

    decide(check)


@every_state
def test_an_epoch_that_comes_or_goes_is_a_restart(state):
    def check(link):
        for known, epoch in ((0, PEER), (PEER, 0)):
            link.set(state, **BUSY, fed=1, peer_epoch=known)
            out = link(Event.RX_OPEN, tx_id=R, rx_id=UNA, epoch=epoch)
            assert out["freed"] == 3 and out["stats"] == {"peer_restarted"}
            assert link.tag["peer_epoch"] == epoch

    decide(check)
