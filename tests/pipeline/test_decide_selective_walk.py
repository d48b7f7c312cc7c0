"""Selective replay, event by event: the walk along what was NACKed (R7 to R9, R12).

Q2 and Q3 without the pipeline between them, see `selective_bench`.
"""

import pytest

from tests.pipeline.selective_bench import BASES, CONFIG, LID, RUN, SILENT, decide, has, low
from ttpoe.link.fsm import Event, LinkState

# ---- sender: the walk ----------------------------------------------------------------------------


@pytest.mark.parametrize("una", BASES)
@pytest.mark.parametrize("lag", [0, 3])
def test_seek(una, lag):
    """The walk is told where the list stands, whatever the range; it measures that by itself."""

    def check(bench):
        tag = dict(una=una, alloc=8, sent=7, current=5, lag=lag, head=13)
        for first, last in ((-9, -5), (-1, 0), (0, 7), (4, 4), (5, 7), (3, 1)):
            seek = dict(rx_id=low(una + first), tx_id=low(una + last))
            out = bench(Event.SEEK, seek, tag)
            has(
                out,
                (first, last),
                action="START_WALK",
                una=una,
                alloc=8,
                sent=7,
                current=5,
                waits=lag,
                pop=0,
                lag=None,
                walk=(1, 13, low(una), lag, 5),
                **SILENT,
            )
            for changes in (dict(selective=0), dict(current=0), dict(state=LinkState.CLOSED)):
                out = bench(Event.SEEK, seek, dict(tag, **changes))
                assert out["action"] == "NOTHING" and out["walk"][0] == 0, changes

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_replay_of_one_id(una):
    """Sent again if unacknowledged, passed by the sending position, and the link is not held."""

    def check(bench):
        for lag in (0, 3):
            tag = dict(una=una, alloc=8, sent=7, current=5, lag=lag)
            for ahead in range(-CONFIG.slots, CONFIG.slots):
                event = dict(rx_id=low(una + ahead), slot=2, may_send=1)
                out = bench(Event.REPLAY, event, tag, walking=1)
                has(
                    out,
                    ahead,
                    una=una,
                    alloc=8,
                    sent=7,
                    current=5,
                    waits=lag,
                    pop=0,
                    control=None,
                    timer=0,
                )
                if 0 <= ahead < 5:
                    has(out, ahead, action="RESEND", payload=(una + ahead,))
                else:
                    has(out, ahead, action="NOTHING", payload=None)
                for given in (dict(walking=0), dict(held=1)):
                    out = bench(
                        Event.REPLAY,
                        event,
                        dict(tag, held=given.get("held", 0)),
                        walking=given.get("walking", 1),
                    )
                    has(out, (ahead, given), action="NOTHING", **SILENT)

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_an_ack_frees_nothing_while_somebody_walks(una):
    """The window moves with the ACK, the slots stay until WALKED; else the lag is reported."""

    def check(bench):
        tag = dict(una=una, alloc=8, sent=8, current=8, head=6)
        ack = dict(rx_id=una + 2)
        moved = dict(action="RETIRE", una=una + 3, alloc=5)
        has(bench(Event.RX_ACK, ack, tag), waits=2, pop=1, lag=(LID, 2, 6), **moved)
        for who in (dict(walking=1), dict(retiring=1), dict(walking=1, passed=1, retiring=1)):
            out = bench(Event.RX_ACK, ack, tag, **who)
            has(out, who, sent=5, current=5, waits=3, pop=0, lag=None, **moved)
        # Behind the walk one slot may be freed.
        out = bench(Event.RX_ACK, ack, tag, walking=1, passed=1)
        has(out, waits=2, pop=1, lag=(LID, 2, 6), **moved)
        out = bench(Event.RX_ACK, dict(rx_id=una + 1), tag)  # one waits: for a VISIT
        has(out, waits=1, pop=1, lag=None)

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_nothing_is_freed_one_by_one_while_somebody_walks(una):
    def check(bench):
        behind = dict(una=una, alloc=5, sent=4, current=4, lag=3, head=6)
        freed = dict(action="RETIRE_ONE", waits=2, pop=1, lag=(LID, 2, 6), payload=None)
        has(bench(Event.VISIT, {}, behind), **freed)
        has(bench(Event.VISIT, {}, behind, walking=1, passed=1), **freed)
        waits = dict(waits=3, pop=0, lag=None)
        for who in (dict(walking=1), dict(retiring=1), dict(walking=1, passed=1, retiring=1)):
            out = bench(Event.VISIT, {}, behind, **who)
            has(out, who, action="SEND", payload=(una + 4,), current=5, sent=5, **waits)
            out = bench(Event.VISIT, {}, dict(behind, current=0), **who)
            has(out, who, action="NOTHING", pop=0, payload=None)

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_a_run_of_slots_is_freed(una):
    """As many as the RETIRE says, from the head to the slot that it names."""

    def check(bench):
        behind = dict(una=una, alloc=5, sent=4, current=4, lag=7, head=6)
        for count in range(2, 8):
            # What is left of two or more the retirer goes on with; one is left to a VISIT.
            left = 7 - count
            run = dict(action="RETIRE_RUN", una=una, alloc=5, sent=4, current=4, waits=left, pop=1)
            run |= dict(free=(count, 9), lag=(LID, left, 6) if left > 1 else None)
            event = dict(slot=9, rx_id=count)
            for who in ({}, dict(walking=1, passed=RUN)):
                out = bench(Event.RETIRE, event, behind, retiring=1, **who)
                has(out, (count, who), **run, **SILENT)

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_a_run_of_slots_that_may_not_be_freed(una):
    """Nobody walks along it any more, as the list was freed meanwhile; the replayer is there."""

    def check(bench):
        behind = dict(una=una, alloc=5, sent=4, current=4, lag=7, head=6)
        nothing = dict(action="NOTHING", waits=7, pop=0, free=None)
        event = dict(slot=9, rx_id=3)
        has(bench(Event.RETIRE, event, behind), lag=(LID, 7, 6), **nothing, **SILENT)
        for passed in (0, 1, RUN - 1):  # the replayer's WALKED looks again
            out = bench(Event.RETIRE, event, behind, retiring=1, walking=1, passed=passed)
            has(out, passed, lag=None, **nothing, **SILENT)

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_the_end_of_a_walk(una):
    """WALKED reports the lag; the end of the link frees all, walked along or not."""

    def check(bench):
        behind = dict(una=una, alloc=5, sent=4, current=4, lag=3, head=6)
        out = bench(Event.WALKED, {}, behind, walking=1)
        has(out, action="NOTHING", waits=3, pop=0, lag=(LID, 3, 6), **SILENT)
        out = bench(Event.RX_NACK_NOLINK, dict(epoch=0), behind, walking=1)
        has(out, action="LINK_LOST", state=LinkState.CLOSED, waits=0, lag=None)

    decide(check)
