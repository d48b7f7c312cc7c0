"""Peers that send epoch 0, event by event (section 10.1): OPEN on a link that is known (Z4)."""

import pytest

from tests.link.link_bench import INIT_ID, OWN_EPOCH, changes, decide
from tests.pipeline.zero_bench import BUSY, MASK, OPEN, OPEN_RECD, OPEN_SENT, UNA, R, every_state
from ttpoe.layouts import Notice
from ttpoe.link.fsm import Event
from ttpoe.protocol import Opcode

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
