"""Selective replay, event by event: packets behind a gap, the end of an incarnation (R1 to R3, R10).

Q2 and Q3 without the pipeline between them, see `selective_bench`.
"""

import pytest

from tests.pipeline.selective_bench import BASES, LID, SILENT, WINDOW, decide, has, packet
from ttpoe.link.fsm import Event, LinkState

# ---- receiver (R2, R3) ---------------------------------------------------------------------------


@pytest.mark.parametrize("r", BASES)
def test_first_gap_is_nacked_and_the_packet_kept(r):
    """NACK(r+1..t-1): all that is missing in front of t; s := t. The window ends the keeping."""

    def check(bench):
        for ahead in range(2, WINDOW + 3):
            t = r + ahead
            out = bench(Event.RX_PAYLOAD, packet(t), dict(received=r, seen=r))
            if ahead < WINDOW:
                has(
                    out,
                    ahead,
                    action="KEEP_NACK",
                    control=("NACK", t - 1, r + 1),
                    gap=1,
                    seen=t,
                    kept=1,
                    received=r,
                    taken=1,
                    verdict=None,
                    look_job=None,
                )
            else:
                has(
                    out,
                    ahead,
                    action="NACK_ALL",
                    control=("NACK", t, r + 1),
                    gap=1,
                    seen=t,
                    kept=0,
                    received=r,
                    taken=None,
                    verdict=(9, 0, 0),
                    look_job=None,
                )

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_packets_behind_an_open_gap(r):
    """s = r + 5: a new gap is NACKed once as (s+1..t-1); s+1 and what lies in front say nothing."""

    def check(bench):
        s = r + 5
        tag = dict(received=r, seen=s, gap=1, kept=1)
        for ahead in range(2, WINDOW):
            t = r + ahead
            out = bench(Event.RX_PAYLOAD, packet(t), tag)
            has(out, ahead, gap=1, kept=2, taken=1, verdict=None, received=r)
            if ahead > 6:
                has(out, ahead, action="KEEP_NACK", control=("NACK", t - 1, s + 1), seen=t)
            else:
                has(out, ahead, action="KEEP", seen=max(5, ahead) + r, **SILENT)

    decide(check)


@pytest.mark.parametrize("why", ["no room", "no reorder slot", "place taken", "purging", "window"])
@pytest.mark.parametrize("r", BASES)
def test_what_cannot_be_kept_is_part_of_a_gap(r, why):
    """NACK(r+1..t) if no gap is open; else nothing, and s stays (R3)."""

    def check(bench):
        t = r + (WINDOW + 1 if why == "window" else 4)
        given = dict(kept=(2, 1) if why == "place taken" else None, free=why != "no reorder slot")
        room = why != "no room"
        purging = int(why == "purging")
        verdict = (9, 0, 0) if room else None
        out = bench(
            Event.RX_PAYLOAD, packet(t, room), dict(received=r, seen=r, purging=purging), **given
        )
        has(
            out,
            action="NACK_ALL",
            control=("NACK", t, r + 1),
            gap=1,
            seen=t,
            kept=0,
            taken=None,
            verdict=verdict,
            purging=purging,
        )
        for s in (r + 2, r + 9):
            out = bench(
                Event.RX_PAYLOAD,
                packet(t, room),
                dict(received=r, seen=s, gap=1, kept=3, purging=purging),
                **given,
            )
            has(out, s, action="LOSE", gap=1, seen=s, kept=3, taken=None, verdict=verdict, **SILENT)

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_duplicates_of_old_and_of_kept_packets(r):
    def check(bench):
        tag = dict(received=r, seen=r + 6, gap=1, kept=2)
        for behind in (0, 1, 5, 1 << 30):
            out = bench(Event.RX_PAYLOAD, packet(r - behind), tag)
            has(
                out,
                action="ACK_AGAIN",
                control=("ACK", 0, r - behind),
                verdict=(9, 0, 0),
                kept=2,
                seen=r + 6,
            )
        for ahead in (1, 3, 6, WINDOW - 1):
            out = bench(Event.RX_PAYLOAD, packet(r + ahead), tag, kept=(LID, 3))
            has(
                out,
                ahead,
                action="LOSE",
                verdict=(9, 0, 0),
                kept=2,
                taken=None,
                received=r,
                **SILENT,
            )
        # The place of an ID beyond the window is that of another: no hit.
        out = bench(Event.RX_PAYLOAD, packet(r + WINDOW + 3), tag, kept=(LID, 3))
        has(out, action="LOSE", verdict=(9, 0, 0))
        has(bench(Event.RX_PAYLOAD, packet(r + 1), tag, kept=(LID + 1, 3)), action="DELIVER_LOOK")

    decide(check)


# ---- the end of an incarnation (R10), and what is agreed (R1) ------------------------------------


def test_kept_packets_of_an_incarnation_that_ends_are_cleared_up():
    def check(bench):
        tag = dict(received=10, seen=15, gap=1, kept=3, looking=1, peer_epoch=4, epoch=6)
        lost = dict(epoch=6)
        out = bench(Event.RX_NACK_NOLINK, lost, tag)
        has(out, action="LINK_LOST", look_job=(1, LID), purging=1, kept=0, looking=0, control=None)
        out = bench(Event.RX_OPEN, dict(tx_id=70, epoch=5, selective=1), tag)
        has(
            out,
            action="RESTART",
            look_job=(1, LID),
            purging=1,
            kept=0,
            looking=0,
            gap=0,
            seen=70,
            received=70,
            control=("OPEN_ACK", 77, 70),
            selective=1,
        )
        for purging in (0, 1):
            out = bench(Event.RX_NACK_NOLINK, lost, dict(tag, kept=0, purging=purging))
            has(out, action="LINK_LOST", look_job=None, purging=purging)
        has(bench(Event.RX_PAYLOAD, packet(11), dict(tag, kept=1)), purging=0)

    decide(check)


@pytest.mark.parametrize("state", list(LinkState))
def test_purge(state):
    """One place per event; only what is this link's, and only until the last place."""

    def check(bench):
        for new_kept in (0, 2) if state != LinkState.CLOSED else (0,):
            tag = dict(state=state, purging=1, kept=new_kept, received=6)
            for last in (0, 1):
                event = dict(tx_id=9, room=last)
                out = bench(Event.PURGE, event, tag, kept=(LID, 12))
                has(
                    out,
                    action="FREE_KEPT",
                    verdict=(12, 0, 1),
                    purging=1 - last,
                    kept=new_kept,
                    state=state,
                    taken=None,
                    looked=None,
                    **SILENT,
                )
                for other in (None, (LID - 1, 12)):
                    out = bench(Event.PURGE, event, tag, kept=other)
                    has(out, action="NOTHING", verdict=None, purging=1 - last, kept=new_kept)
        out = bench(Event.PURGE, dict(tx_id=9), dict(state=state), kept=(LID, 12))
        has(out, action="NOTHING", verdict=None, purging=0)

    decide(check)


@pytest.mark.parametrize("ours", [0, 1])
@pytest.mark.parametrize("theirs", [0, 1])
def test_selective_replay_is_agreed_by_both_sides(ours, theirs):
    def check(bench):
        blank = dict(state=LinkState.CLOSED, selective=0)
        out = bench(Event.RX_OPEN, dict(tx_id=1, epoch=3, selective=theirs), blank, selective=ours)
        has(out, action="ANSWER_OPEN", selective=ours & theirs)
        has(
            bench(Event.HOST_OPEN, {}, blank, selective=ours), action="OPEN_BY_HOST", selective=ours
        )
        for answer, kind in (
            (dict(tx_id=5, rx_id=99, epoch=3), Event.RX_OPEN_ACK),
            (dict(tx_id=5, epoch=3), Event.RX_OPEN),
        ):
            # Our OPEN carried what `selective` of the tag says, whatever the register says now.
            out = bench(
                kind,
                dict(answer, selective=theirs),
                dict(state=LinkState.OPEN_SENT, una=100, selective=ours),
                selective=1 - ours,
            )
            has(out, kind, selective=ours & theirs)
        out = bench(
            Event.RX_OPEN,
            dict(tx_id=70, epoch=5, selective=theirs),
            dict(selective=1 - theirs, peer_epoch=4),
            selective=ours,
        )
        has(out, action="RESTART", selective=ours & theirs)

    decide(check)
