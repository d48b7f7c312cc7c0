"""Selective replay, event by event: the walk along what was NACKed (R7 to R9, R12).

Q2 and Q3 without the pipeline between them, see `selective_bench`.
"""

import pytest

from tests.pipeline.selective_bench import BASES, CONFIG, LID, SILENT, decide, has, low
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
        tag = dict(una=una, alloc=8, sent=8, current=8)
        ack = dict(rx_id=una + 2)
        moved = dict(action="RETIRE", una=una + 3, alloc=5)
        has(bench(Event.RX_ACK, ack, tag), waits=2, pop=1, lag=(LID, 2), **moved)
        out = bench(Event.RX_ACK, ack, tag, walking=1)
        has(out, sent=5, current=5, waits=3, pop=0, lag=None, **moved)

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_nothing_is_freed_one_by_one_while_somebody_walks(una):
    def check(bench):
        tag = dict(una=una, alloc=8, sent=8, current=8)
        behind = dict(tag, alloc=5, sent=4, current=4, lag=3)
        freed = dict(action="RETIRE_ONE", waits=2, pop=1, lag=(LID, 2), payload=None)
        for kind in (Event.RETIRE, Event.VISIT):
            has(bench(kind, {}, behind), kind, **freed)
        has(bench(Event.RETIRE, {}, tag), action="NOTHING", pop=0, lag=None)
        waits = dict(waits=3, pop=0, lag=None)
        has(bench(Event.RETIRE, {}, behind, walking=1), action="NOTHING", **waits)
        out = bench(Event.VISIT, {}, behind, walking=1)
        has(out, action="SEND", payload=(una + 4,), current=5, sent=5, **waits)
        out = bench(Event.VISIT, {}, dict(behind, current=0), walking=1)
        has(out, action="NOTHING", pop=0, payload=None)

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_the_end_of_a_walk(una):
    """WALKED reports the lag; the end of the link frees all, walked along or not."""

    def check(bench):
        behind = dict(una=una, alloc=5, sent=4, current=4, lag=3)
        out = bench(Event.WALKED, {}, behind, walking=1)
        has(out, action="NOTHING", waits=3, pop=0, lag=(LID, 3), **SILENT)
        out = bench(Event.RX_NACK_NOLINK, dict(epoch=0), behind, walking=1)
        has(out, action="LINK_LOST", state=LinkState.CLOSED, waits=0, lag=None)

    decide(check)
