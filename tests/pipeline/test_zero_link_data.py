"""Peers that send epoch 0, event by event (section 10.1): PAYLOADs, NACKs and the timer (Z5 to Z7)."""

import pytest

from tests.link.link_bench import changes, decide
from tests.pipeline.zero_bench import (
    BUSY,
    CLOSE_RECD,
    DATA,
    FLYING,
    IDLE,
    MASK,
    OPEN,
    PEER,
    UNA,
    R,
    every_state,
)
from ttpoe.layouts import Notice
from ttpoe.link.fsm import Event
from ttpoe.protocol import Opcode

# ---- Z5: PAYLOADs out of step ------------------------------------------------------------------


@every_state
def test_a_payload_out_of_step_is_answered_nolink_and_changes_nothing(state):
    gap = dict(fed=1, gap=1, seen=R + 4)
    far = (R + 2, R + 900, (R + (1 << 31) - 1) & MASK)
    behind = (R, R - 1, R - 400)

    def check(link):
        for tag, wrong, right in (
            (dict(guessed=1), (*far, *behind), ()),
            (dict(fed=1, doubted=1), (*far, *behind, R + 1), ()),
            (dict(), far, behind),
            (dict(gap), (R + 4,), (R + 2, R + 5, *behind)),
            (dict(fed=1), (), (*far, *behind)),
            (dict(peer_epoch=PEER), (), far),
        ):
            for tx_id in (*wrong, *right):
                before = dict(link.set(state, **BUSY, ieee=0, **tag).tag)
                out = link(
                    Event.RX_PAYLOAD, tx_id=tx_id, room=1, ieee=1, epoch=tag.get("peer_epoch", 0)
                )
                if tx_id in wrong:
                    assert out["frame"] == (Opcode.NACK_NOLINK, 0, tx_id), (tag, tx_id)
                    assert changes(before, link.tag) == {"asked": 1}
                    assert out["stats"] == {"out_of_step"}
                    assert (out["epoch"], out["ieee"]) == (0, 1) and out["notice"] is None
                else:
                    assert out["frame"] is None or out["frame"][0] != Opcode.NACK_NOLINK, (
                        tag,
                        tx_id,
                    )
            if R + 1 in wrong:
                continue
            link.set(state, **BUSY, **tag)
            out = link(Event.RX_PAYLOAD, tx_id=R + 1, room=1, epoch=tag.get("peer_epoch", 0))
            assert out["frame"] == (Opcode.ACK, 0, R + 1) and out["delivered"]
            assert link.tag["fed"] and not link.tag["guessed"] and not link.tag["doubted"]

    decide(check)


def test_a_gap_with_different_ids_is_nacked_as_ever():
    def check(link):
        out = link.set(**IDLE, fed=1)(Event.RX_PAYLOAD, tx_id=R + 3, room=1)
        assert out["frame"] == (Opcode.NACK, 0, R + 1) and link.tag["gap"]
        assert link(Event.RX_PAYLOAD, tx_id=R + 4, room=1)["frame"] is None
        assert link(Event.RX_PAYLOAD, tx_id=R + 3, room=1)["frame"] == (Opcode.NACK, 0, R + 1)
        assert link(Event.RX_PAYLOAD, tx_id=R + 3, room=1)["stats"] == {"out_of_step"}

    decide(check)


# ---- Z6: NACK ----------------------------------------------------------------------------------


@every_state
def test_a_nack_replays_from_the_last_good_id_and_no_older_one(state):
    def check(link):
        for rx_id, retired in ((UNA - 1, 0), (UNA, 0), (UNA + 1, 1)):
            out = link.set(state, **BUSY)(Event.RX_NACK, rx_id=rx_id)
            assert out["stats"] & {"nack_replayed", "drop_bad_ack"} == {"nack_replayed"}
            assert link.tag["una"] == UNA + retired and link.tag["current"] == 0
        for rx_id in (UNA - 2, 0, UNA + 2, (UNA + (1 << 31)) & MASK):
            before = dict(link.set(state, **BUSY).tag)
            out = link(Event.RX_NACK, rx_id=rx_id)
            assert out["stats"] == {"drop_bad_ack"} and out["frame"] is None
            assert not changes(before, link.tag)
        assert link.set(state, **IDLE)(Event.RX_NACK, rx_id=UNA - 1)["stats"] == {"drop_bad_ack"}
        out = link.set(state, **BUSY, peer_epoch=PEER)(Event.RX_NACK, rx_id=0, epoch=PEER)
        assert "nack_replayed" in out["stats"]

    decide(check)


@every_state
def test_a_nack_of_0_acknowledges_it(state):
    """The module's NACK names the last good ID, and an ID 0 that comes again gets one."""

    def check(link):
        for una, sent, acked in ((0, 2, 1), (MASK, 2, 2), (MASK - 1, 3, 3)):
            link.set(state, una=una, received=R, alloc=4, sent=sent, current=sent)
            out = link(Event.RX_NACK, rx_id=0)
            assert out["stats"] >= {"ack_retired"} and out["frame"] is None
            assert (link.tag["una"], link.tag["alloc"]) == (1, 4 - acked)
        link.set(state, una=0, received=R, alloc=1, sent=1, current=1)
        out = link(Event.RX_NACK, rx_id=0)
        assert out["frame"] == ((Opcode.CLOSE_ACK, 0, R) if state == CLOSE_RECD else None)
        link.set(state, una=0, alloc=2, sent=2, current=2, peer_epoch=PEER)
        assert "nack_replayed" in link(Event.RX_NACK, rx_id=0, epoch=PEER)["stats"]

    decide(check)


@every_state
def test_a_doubted_link_answers_an_ack_that_means_nothing(state):
    def check(link):
        for kind, rx_id in (
            (Event.RX_ACK, UNA - 1),
            (Event.RX_ACK, UNA + 2),
            (Event.RX_ACK, 0),
            (Event.RX_NACK, UNA - 2),
            (Event.RX_NACK, UNA + 2),
        ):
            before = dict(link.set(state, **BUSY, doubted=1).tag)
            out = link(kind, rx_id=rx_id, tx_id=0)
            assert out["frame"] == (Opcode.NACK_NOLINK, 0, 0) and out["stats"] == {"out_of_step"}
            assert changes(before, link.tag) == {"asked": 1}
            out = link.set(state, **BUSY)(kind, rx_id=rx_id)
            assert out["frame"] is None and out["stats"] == {"drop_bad_ack"}
        out = link.set(state, **BUSY, doubted=1)(Event.RX_ACK, rx_id=UNA)
        assert out["frame"] is None and link.tag["una"] == UNA + 1 and link.tag["doubted"]
        out = link.set(state, **IDLE, doubted=1)(Event.RX_NACK_FULL)
        assert out["frame"] is None and out["stats"] == {"drop_bad_ack"}

    decide(check)


# ---- Z7: the timer wakes it --------------------------------------------------------------------


@pytest.mark.parametrize("fed,word", [(1, (Opcode.ACK, 0, R)), (0, (Opcode.NACK, 0, R + 1))])
@pytest.mark.parametrize("data", [{}, dict(alloc=2, sent=2, current=2)])
def test_the_first_eight_time_outs_wake_the_peer(fed, word, data):
    def check(link):
        link.set(**IDLE, **data, fed=fed, gap=fed, seen=R + 4)
        assert link(Event.TIMER)["frame"] is None, "a visit that only marks"
        for count in range(12):
            out = link(Event.TIMER)
            assert out["frame"] == (word if count < 8 else None), count
            assert out["stats"] == ({"woken"} if count < 8 else set()) | (
                {"timer_replayed"} if data else set()
            )
            assert link.tag["retries"] == count + 1 and link.tag["current"] == 0
        link(Event.RX_PAYLOAD, tx_id=R + 1, room=1)  # it begins anew
        if not data:  # progress clears the bit, too
            link(Event.TIMER)
        assert link(Event.TIMER)["frame"] == (Opcode.ACK, 0, R + 1)

    decide(check)


def test_a_crowded_engine_wakes_at_the_third_and_the_seventh_time_out():
    def check(link):
        link._ctx.set(link._both.decide.i_crowded, 1)
        link.set(**IDLE, fed=1, timer=1)
        told = [link(Event.TIMER)["frame"] for _ in range(10)]
        ack = (Opcode.ACK, 0, R)
        assert told == [None, None, ack, None, None, None, ack, None, None, None]
        # With a replay, too; and what an epoch has is replayed as ever.
        link.set(**FLYING, fed=1, timer=1)
        assert [link(Event.TIMER)["stats"] for _ in range(3)] == [
            {"timer_replayed"},
            {"timer_replayed"},
            {"timer_replayed", "woken"},
        ]

    decide(check)


def test_no_other_visit_wakes_the_peer_or_nacks_its_gap():
    def check(link):
        gap = dict(IDLE, fed=1, gap=1, seen=R + 4)
        for state in DATA:
            for data in ({}, dict(alloc=2, sent=2, current=2), dict(alloc=1)):
                out = link.set(state, **gap, **data)(Event.TIMER)
                assert out["frame"] is None and link.tag["timer"]
                if state != OPEN:
                    out = link.set(state, **gap, timer=1, **data)(Event.TIMER)
                    assert out["frame"] is None or out["frame"][0] in (
                        Opcode.CLOSE,
                        Opcode.CLOSE_ACK,
                    )
                    assert not out["stats"] & {"woken", "nack_gap"}
        # What waits behind a hold is neither idle nor replayed.
        out = link.set(**gap, alloc=1, timer=1, held=1)(Event.TIMER)
        assert out["frame"] is None and not link.tag["held"]
        out = link.set(**gap, timer=1, peer_epoch=PEER)(Event.TIMER)
        assert out["frame"] == (Opcode.NACK, 0, R + 1) and out["stats"] == {"nack_gap"}

    decide(check)


def test_idle_close_and_the_end_of_retries_come_before_a_wake():
    def check(link):
        ctx, dut = link._ctx, link._both.decide
        ctx.set(dut.cfg_idle_limit, 3)
        ctx.set(dut.cfg_max_retry, 3)
        link.set(**IDLE, fed=1, timer=1, retries=3)
        assert link(Event.TIMER)["frame"] == (Opcode.CLOSE, UNA, R)
        out = link.set(**FLYING, fed=1, timer=1, retries=3)(Event.TIMER)
        assert out["frame"] == (Opcode.CLOSE_ACK, 0, R)
        assert out["notice"] == Notice.RETRIES_USED_UP

    decide(check)
