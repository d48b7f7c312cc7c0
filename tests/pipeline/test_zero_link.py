"""Peers that send epoch 0 (protocol 10 and 10.1, decisions Z1 to Z9), rule by rule.

Most tests end with a link whose peer has an epoch: there none of the rules holds.
"""

import pytest

from tests.link.link_bench import INIT_ID, OWN_EPOCH, changes, decide
from ttpoe.layouts import Notice
from ttpoe.link.fsm import Event, LinkState
from ttpoe.protocol import Opcode

OPEN, CLOSE_SENT, CLOSE_RECD = LinkState.OPEN, LinkState.CLOSE_SENT, LinkState.CLOSE_RECD
CLOSED, OPEN_SENT, OPEN_RECD = LinkState.CLOSED, LinkState.OPEN_SENT, LinkState.OPEN_RECD
DATA = (OPEN, CLOSE_SENT, CLOSE_RECD)
MASK = (1 << 32) - 1
UNA, R = 100, 500
IDLE = dict(una=UNA, received=R)
BUSY = dict(IDLE, alloc=3, sent=2, current=2)  # 100 and 101 are in flight, 102 waits
FLYING = dict(IDLE, alloc=2, sent=2, current=2)
PEER = 0x31
every_state = pytest.mark.parametrize("state", DATA)


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


# ---- Z4: OPEN on a link that is known ----------------------------------------------------------

ANSWER = Opcode.OPEN_ACK
FITS = {UNA - 1: 0, UNA: 1, UNA + 1: 2}  # RxID: how many it acknowledges
MISFITS = (UNA - 2, UNA + 2, 0, (UNA + (1 << 31)) & MASK)


@every_state
def test_an_open_that_agrees_acknowledges_and_changes_nothing_else(state):
    def check(link):
        for tx_id, fed in ((R, 0), (R, 1), (R - 1, 1)):
            for rx_id, acked in FITS.items():
                before = dict(
                    link.set(state, **BUSY, fed=fed, doubted=1, asked=1, guessed=1 - fed).tag
                )
                out = link(Event.RX_OPEN, tx_id=tx_id, rx_id=rx_id)
                assert out["frame"] == (ANSWER, UNA + acked, tx_id)
                assert out["notice"] is None and out["pop"] == (acked > 0)
                assert (link.tag["una"], link.tag["alloc"], link.tag["sent"]) == (
                    UNA + acked,
                    3 - acked,
                    2 - acked,
                )
                assert link.tag["lag"] == max(acked - 1, 0) and not link.tag["doubted"]
                assert changes(before, link.tag).keys() <= {
                    "una",
                    "alloc",
                    "sent",
                    "current",
                    "lag",
                    "oldest_at",
                    "doubted",
                    "asked",
                }
                assert not link.tag["asked"]
                assert "doubted" not in out["stats"] and "resynced" not in out["stats"]

    decide(check)


@every_state
def test_an_open_that_may_be_a_first_one_agrees_and_the_host_is_told(state):
    def check(link):
        link.set(state, una=R, received=R, alloc=1, sent=1, current=1, fed=1)
        before = dict(link.tag)
        out = link(Event.RX_OPEN, tx_id=R - 1, rx_id=R - 1)
        assert out["frame"] == (ANSWER, R, R - 1) and out["notice"] == Notice.PEER_RESTARTED
        assert not changes(before, link.tag) and out["stats"] == {"peer_restarted"}
        out = link(Event.RX_OPEN, tx_id=R, rx_id=R)  # where we are: no doubt about it
        assert out["notice"] is None and link.tag["alloc"] == 0

    decide(check)


@every_state
def test_an_open_that_does_not_agree_is_doubted_first(state):
    """Whatever the RxID: nothing is acknowledged, nothing else changes."""

    def check(link):
        for tx_id, rx_id, fed in (
            (R + 1, UNA, 1),
            (R - 2, UNA - 1, 1),
            (R - 1, UNA, 0),
            (R, UNA + 2, 1),
            (R, UNA - 2, 1),
            (0, 0, 0),
        ):
            for more in ({}, {"doubted": 1}, {"guessed": 1 - fed}):  # nobody asked for it
                before = dict(link.set(state, **BUSY, fed=fed, gap=fed, seen=R + 4, **more).tag)
                out = link(Event.RX_OPEN, tx_id=tx_id, rx_id=rx_id)
                assert out["frame"] == (ANSWER, UNA, tx_id) and out["notice"] is None
                assert changes(before, link.tag) == ({} if "doubted" in more else {"doubted": 1})
                assert out["stats"] == {"doubted"}

    decide(check)


@every_state
@pytest.mark.parametrize("why", ["doubted", "guessed"])
def test_an_open_that_was_asked_for_and_fits_sets_the_position_anew(state, why):
    def check(link):
        for tx_id in (R + 1, R - 2, R - 1 if why == "guessed" else R + 1000, 0, MASK):
            for rx_id, acked in FITS.items():
                link.set(
                    state, **BUSY, gap=1, seen=R + 4, fed=why == "doubted", asked=1, **{why: 1}
                )
                out = link(Event.RX_OPEN, tx_id=tx_id, rx_id=rx_id, ieee=1)
                assert out["frame"] == (ANSWER, UNA + acked, tx_id) and out["ieee"] == 1
                assert out["notice"] is None and "resynced" in out["stats"]
                has = {
                    name: link.tag[name]
                    for name in (
                        "state",
                        "received",
                        "una",
                        "alloc",
                        "fed",
                        "guessed",
                        "doubted",
                        "asked",
                        "gap",
                        "epoch",
                    )
                }
                assert has == dict(
                    state=state,
                    received=tx_id,
                    una=UNA + acked,
                    alloc=3 - acked,
                    fed=0,
                    guessed=0,
                    doubted=0,
                    asked=0,
                    gap=0,
                    epoch=OWN_EPOCH,
                )

    decide(check)


@every_state
@pytest.mark.parametrize("why", ["doubted", "guessed"])
def test_an_open_that_fits_in_nothing_is_a_restart(state, why):
    def check(link):
        for rx_id in MISFITS:
            link.set(state, **BUSY, asked=1, **{why: 1})
            out = link(Event.RX_OPEN, tx_id=77, rx_id=rx_id)
            una = (rx_id + 1) & MASK
            assert out["frame"] == (ANSWER, una, 77) and out["freed"] == 3
            assert out["notice"] == (Notice.PEER_RESTARTED if state == OPEN else Notice.LINK_DOWN)
            assert link.tag["state"] == (OPEN if state == OPEN else OPEN_RECD)
            assert (link.tag["una"], link.tag["received"], link.tag["alloc"]) == (una, 77, 0)
            assert link.tag["epoch"] == OWN_EPOCH + 1
            assert not (
                link.tag["fed"] or link.tag["guessed"] or link.tag["doubted"] or link.tag["asked"]
            )

    decide(check)


def test_in_open_recd_an_open_that_does_not_agree_replaces_the_first_at_once():
    def check(link):
        tag = dict(una=42, received=7)  # the OPEN carried TxID 7 and RxID 41
        before = dict(link.set(OPEN_RECD, **tag).tag)
        out = link(Event.RX_OPEN, tx_id=7, rx_id=41)
        assert out["frame"] == (ANSWER, 42, 7) and not changes(before, link.tag)
        for tx_id, rx_id in ((7, 40), (7, 42), (6, 41), (8, 41)):
            out = link.set(OPEN_RECD, **tag)(Event.RX_OPEN, tx_id=tx_id, rx_id=rx_id)
            assert out["frame"] == (ANSWER, rx_id + 1, tx_id) and out["notice"] is None
            assert (link.tag["received"], link.tag["una"]) == (tx_id, rx_id + 1)
            assert link.tag["state"] == OPEN_RECD and link.tag["epoch"] == OWN_EPOCH + 1

    decide(check)


def test_what_r_is_worth():
    """`fed`, `guessed` and `doubted`, along the life of a link."""

    def worth(link):
        return link.tag["fed"], link.tag["guessed"], link.tag["doubted"]

    def check(link):
        link.set(OPEN_SENT, una=UNA)(Event.RX_OPEN_ACK, rx_id=UNA - 1)
        assert worth(link) == (0, 1, 0) and link.tag["received"] == INIT_ID
        link(Event.RX_PAYLOAD, tx_id=INIT_ID + 1, room=1)
        assert worth(link) == (1, 0, 0)
        link(Event.RX_OPEN, tx_id=99, rx_id=UNA - 1)
        assert worth(link) == (1, 0, 1)
        out = link(Event.RX_PAYLOAD, tx_id=INIT_ID + 2, room=1)
        assert worth(link) == (1, 0, 1) and not out["delivered"]
        link(Event.RX_OPEN, tx_id=99, rx_id=UNA - 1)
        assert worth(link) == (0, 0, 0) and link.tag["received"] == 99
        # An OPEN_ACK that says where the peer stands, and one whose OPEN was heard, guess nothing.
        link.set(OPEN_SENT, una=UNA)(Event.RX_OPEN_ACK, rx_id=UNA - 1, tx_id=31)
        assert worth(link) == (0, 0, 0) and link.tag["received"] == 30
        link.set(OPEN_SENT, una=UNA)(Event.RX_OPEN, tx_id=60)
        link(Event.RX_OPEN_ACK, rx_id=UNA - 1)
        assert worth(link) == (0, 0, 0) and link.tag["received"] == 60
        # A new incarnation starts anew.
        for event in (
            dict(kind=Event.RX_OPEN, tx_id=5, epoch=3),
            dict(kind=Event.RX_OPEN, tx_id=5, rx_id=UNA + 50),
        ):
            link.set(**BUSY, fed=1, guessed=1, doubted=1, asked=1)(**event)
            assert worth(link) == (0, 0, 0)

    decide(check)


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
