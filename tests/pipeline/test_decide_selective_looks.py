"""Selective replay, event by event: look-ups and the timer's question (R5, R6).

Q2 and Q3 without the pipeline between them, see `selective_bench`.
"""

import pytest

from tests.pipeline.selective_bench import BASES, LID, SILENT, WINDOW, decide, has, packet
from ttpoe.link.fsm import Event, LinkState

# ---- look-ups (R5) -------------------------------------------------------------------------------


@pytest.mark.parametrize("r", BASES)
def test_the_packet_that_fills_the_gap_with_nothing_kept(r):
    """Acknowledged by itself, and the gap stays open until r reaches s."""

    def check(bench):
        fills = packet(r + 1)
        moved = dict(action="DELIVER", received=r + 1, verdict=(9, 1, 0), taken=None)
        moved |= dict(control=("ACK", 0, r + 1), look_job=None, looking=0)
        has(bench(Event.RX_PAYLOAD, fills, dict(received=r, seen=r)), gap=0, seen=r + 1, **moved)
        open_gap = dict(received=r, seen=r + 4, gap=1)
        has(bench(Event.RX_PAYLOAD, fills, open_gap), gap=1, seen=r + 4, **moved)
        closes = dict(open_gap, seen=r + 1)
        has(bench(Event.RX_PAYLOAD, fills, closes), gap=0, seen=r + 1, **moved)

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_the_packet_that_fills_the_gap_before_kept_ones(r):
    """It is delivered, and a look-up begins, once."""

    def check(bench):
        fills = packet(r + 1)
        moved = dict(action="DELIVER_LOOK", received=r + 1, verdict=(9, 1, 0), taken=None)
        moved |= dict(control=None, looking=1)
        tag = dict(received=r, seen=r + 4, gap=1)
        out = bench(Event.RX_PAYLOAD, fills, dict(tag, kept=2))
        has(out, gap=1, look_job=(0, LID), kept=2, seen=r + 4, **moved)
        out = bench(Event.RX_PAYLOAD, fills, dict(tag, kept=2, looking=1))
        has(out, look_job=None, **moved)
        # Nothing is kept: the ACK need not wait for the end of the look-up.
        out = bench(Event.RX_PAYLOAD, fills, dict(tag, kept=0, looking=1))
        moved |= dict(action="DELIVER", control=("ACK", 0, r + 1))
        has(out, look_job=None, **moved)
        has(
            bench(Event.RX_PAYLOAD, packet(r + 1, 0), dict(tag, kept=2)),
            action="SAY_FULL",
            control=("NACK_FULL", 0, 0),
            received=r,
            verdict=None,
            look_job=None,
            looking=0,
        )

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_look_finds_the_next_packet(r):
    def check(bench):
        tag = dict(received=r, seen=r + 3, gap=1, kept=2, looking=1)
        look = dict(tx_id=r + 1, room=0)
        moved = dict(action="DELIVER_KEPT", verdict=(11, 1, 1), received=r + 1, looking=1)
        moved |= dict(looked=(1, r + 2, 1), control=None, look_job=None)
        has(bench(Event.LOOK, look, tag, kept=(LID, 11)), kept=1, gap=1, seen=r + 3, **moved)
        out = bench(Event.LOOK, look, dict(tag, seen=r + 1, kept=1), kept=(LID, 11))
        has(out, kept=0, gap=0, seen=r + 1, **moved)

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_look_ends_where_the_next_packet_is_not_kept(r):
    """Nothing is in the place, or a packet of another link: what was delivered is acknowledged."""

    def check(bench):
        tag = dict(received=r, seen=r + 3, gap=1, kept=2, looking=1)
        for other in (None, (LID + 1, 11)):
            has(
                bench(Event.LOOK, dict(tx_id=r + 1, room=0), tag, kept=other),
                other,
                action="LOOKED",
                control=("ACK", 0, r),
                verdict=None,
                kept=2,
                received=r,
                looking=0,
                looked=(0, r + 1, 0),
            )

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_look_that_is_ahead(r):
    """The one before has no answer yet: what is not kept ends nothing, unless nothing is kept."""

    def check(bench):
        tag = dict(received=r, seen=r + 3, gap=1, kept=2, looking=1)
        ahead = dict(tx_id=r + 1, room=1)
        found = bench(Event.LOOK, ahead, tag, kept=(LID, 11))
        has(found, action="DELIVER_KEPT", received=r + 1, looked=(1, r + 2, 1), control=None)
        out = bench(Event.LOOK, ahead, tag)
        has(out, action="NOTHING", looking=1, looked=(1, r + 1, 0), received=r, **SILENT)
        over = dict(looking=0, looked=(0, r + 1, 0), received=r)
        out = bench(Event.LOOK, ahead, dict(tag, kept=0))
        has(out, action="LOOKED", control=("ACK", 0, r), **over)

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_a_look_up_is_over_without_an_answer(r):
    """The wrong ID, and nothing kept: what came last came in order, and was acknowledged."""

    def check(bench):
        tag = dict(received=r, seen=r + 3, gap=1, kept=0, looking=1)
        for wrong in (r, r - 4, r + 2, r + (1 << 31)):
            for ahead in (0, 1):
                for kept in (None, (LID, 11)):
                    out = bench(Event.LOOK, dict(tx_id=wrong, room=ahead), tag, kept=kept)
                    over = dict(looking=0, looked=(0, r + 1, 0), received=r, verdict=None)
                    has(out, (wrong, ahead), action="LOOK_OVER", **over, **SILENT)

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_look_that_does_nothing(r):
    """With the wrong ID, and says which is the right one; with no look-up on, or no open link."""

    def check(bench):
        tag = dict(received=r, seen=r + 3, gap=1, kept=2, looking=1)
        nothing = dict(SILENT, action="NOTHING", verdict=None, received=r)
        for wrong in (r, r - 4, r + 2, r + 1 + WINDOW, r + (1 << 31)):
            out = bench(Event.LOOK, dict(tx_id=wrong), tag, kept=(LID, 11))
            has(out, wrong, looked=(1, r + 1, 0), kept=2, looking=1, **nothing)
        look = dict(tx_id=r + 1, room=0)
        out = bench(Event.LOOK, look, dict(tag, looking=0), kept=(LID, 11))
        has(out, looked=(0, r + 1, 0), kept=2, **nothing)
        for state in (LinkState.CLOSED, LinkState.OPEN_SENT, LinkState.OPEN_RECD):
            out = bench(Event.LOOK, look, dict(state=state, received=r), kept=(LID, 11))
            has(out, state, **nothing)
            assert out["looked"][0] == 0

    decide(check)


# ---- the timer (R6) ------------------------------------------------------------------------------


@pytest.mark.parametrize("r", BASES)
@pytest.mark.parametrize(
    "timer,busy,action",
    [(0, 0, "MARK_NACK"), (1, 0, "COUNT_NACK"), (1, 1, "REPLAY_NACK"), (0, 1, "MARK_NACK")],
)
def test_timer_visit_with_an_open_gap(r, timer, busy, action):
    def check(bench):
        tag = dict(
            received=r, seen=r + 7, gap=1, timer=timer, una=50, alloc=busy, sent=busy, current=busy
        )
        whole = ("NACK", r + 7, r + 1)
        has(bench(Event.TIMER, {}, tag), action=action, control=whole, ask_start=None, payload=None)
        has(bench(Event.TIMER, {}, tag, asking=1), control=whole, ask_start=None)
        has(
            bench(Event.TIMER, {}, dict(tag, kept=2)),
            action=action,
            control=None,
            ask_start=(LID, r + 1),
        )
        has(
            bench(Event.TIMER, {}, dict(tag, kept=2), asking=1),
            action=action,
            ask_start=None,
            control=("NACK", r + 1, r + 1),
        )
        for kept in (0, 2):
            has(
                bench(Event.TIMER, {}, dict(tag, kept=kept, looking=1)),
                kept,
                action=action,
                control=None,
                ask_start=None,
            )
        has(bench(Event.TIMER, {}, dict(tag, gap=0, kept=2)), control=None, ask_start=None)
        # Go-back-N: NACK(r+1), TxID 0, whatever else.
        has(
            bench(Event.TIMER, {}, dict(tag, selective=0)),
            action=action,
            ask_start=None,
            control=("NACK", 0, r + 1),
        )

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_ask(r):
    """Missing r+1..r+6 and r+9..s: each run is NACKed at the kept ID behind it, or at s."""

    def check(bench):
        s = r + 12
        tag = dict(received=r, seen=s, gap=1, kept=2)

        def ask(at, first, hit=False, **changes):
            return bench(
                Event.ASK,
                dict(tx_id=at),
                dict(tag, **changes),
                kept=(LID, 4) if hit else None,
                first=first,
            )

        has(ask(r + 1, r + 1), action="NOTHING", asked=(1,), **SILENT)
        has(ask(r + 6, r + 1), action="NOTHING", asked=(1,), **SILENT)
        has(ask(r + 7, r + 1, True), action="NACK_RUN", control=("NACK", r + 6, r + 1), asked=(1,))
        has(ask(r + 2, r + 1, True), action="NACK_RUN", control=("NACK", r + 1, r + 1), asked=(1,))
        has(ask(r + 8, r + 8, True), action="NOTHING", asked=(1,), **SILENT)
        has(ask(s, r + 9), action="NACK_RUN", control=("NACK", s, r + 9), asked=(0,))
        has(ask(s, s), action="NACK_RUN", control=("NACK", s, s), asked=(0,))
        has(ask(s, r + 9, True), action="NACK_RUN", control=("NACK", s - 1, r + 9), asked=(0,))
        has(ask(s, s, True), action="NOTHING", asked=(0,), **SILENT)
        # The window ends the walk, wherever s is.
        end = r + WINDOW - 1
        has(ask(end - 1, r + 9, seen=r + 40), action="NOTHING", asked=(1,), **SILENT)
        has(
            ask(end, r + 9, seen=r + 40),
            action="NACK_RUN",
            control=("NACK", end, r + 9),
            asked=(0,),
        )
        # A question of the last incarnation: NACK would acknowledge what a go-back-N link misses.
        has(ask(s, r + 9, selective=0, kept=0), action="NOTHING", **SILENT)
        # r has passed the ID, the gap is closed, or the link is another's: the walk is over.
        has(ask(r, r, seen=r + 4), asked=(0,), **SILENT)
        for hit in (False, True):  # r + 13, which is kept, has the place of r - 3
            has(ask(r - 3, r - 5, hit), action="NOTHING", asked=(0,), **SILENT)
        has(ask(r + 2, r + 1, gap=0), action="NOTHING", asked=(0,), **SILENT)
        has(ask(r + 2, r + 1, gap=0, state=LinkState.CLOSED, kept=0), asked=(0,), **SILENT)
        for out in (ask(r + 7, r + 1, True), ask(s, r + 9)):
            has(out, received=r, seen=s, gap=1, kept=2, verdict=None, taken=None)

    decide(check)
