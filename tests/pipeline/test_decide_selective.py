"""Selective replay, event by event: the frame with its IDs, the tag, and who is told (R1 to R12).

Q2 and Q3 without the pipeline between them: `Decide` hands its outcome to `Commit` in one clock.
"""

from functools import cache

import pytest
from amaranth import Elaboratable, Module

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.fsm import Event, LinkState
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.q3_commit import Commit

CONFIG = preset("tiny")  # 4 reorder slots: a window of 16
WINDOW = CONFIG.reorder_window
MASK = (1 << 32) - 1
LID = 5
PEER = 4  # the peer's epoch
BASES = (1000, 0xFFFFFFFD, 0x7FFFFFFD)
TAG = (
    "state",
    "una",
    "alloc",
    "sent",
    "current",
    "received",
    "gap",
    "seen",
    "held",
    "timer",
    "retries",
    "kept",
    "looking",
    "purging",
    "selective",
    "oldest_at",
)


class Both(Elaboratable):
    def __init__(self):
        self.decide, self.commit = Decide(CONFIG), Commit(CONFIG)

    def elaborate(self, platform):
        m = Module()
        m.submodules.decide, m.submodules.commit = decide, commit = self.decide, self.commit
        done = commit.i_done.payload
        m.d.comb += [
            commit.i_done.valid.eq(1),
            done.event.eq(decide.i_event),
            done.outcome.eq(decide.o_outcome),
            done.tag.eq(decide.o_tag),
            done.lid.eq(decide.i_lid),
            done.kept_slot.eq(decide.i_kept.slot),
            done.vc.eq(decide.i_tag.vc),
        ]
        return m


class Bench:
    def __init__(self, ctx, both):
        self.ctx, self.both = ctx, both

    def __call__(self, kind, event, tag, *, kept=None, free=1, asking=0, walking=0, selective=1):
        """`kept`: what the directory holds, None or (lid, slot). What follows, as a dict."""
        ctx, decide, commit = self.ctx, self.both.decide, self.both.commit
        event = {name: value & MASK for name, value in event.items()}
        tag = dict(dict(state=LinkState.OPEN, node=2, vc=1, selective=1, peer_epoch=PEER), **tag)
        tag = {name: value if name == "state" else value & MASK for name, value in tag.items()}
        ctx.set(decide.i_tag, tag)
        ctx.set(
            decide.i_event,
            dict(dict(event=kind, node=2, vc=1, by_lid=kind.value > 15, epoch=PEER), **event),
        )
        ctx.set(decide.i_lid, LID)
        ctx.set(
            decide.i_kept,
            dict(valid=kept is not None, lid=(kept or (0, 0))[0], slot=(kept or (0, 0))[1]),
        )
        ctx.set(decide.i_reorder_free, free)
        ctx.set(decide.i_asking, asking)
        ctx.set(decide.i_walking, walking)
        ctx.set(decide.cfg_selective, selective)
        out = {"action": ctx.get(decide.o_outcome.action).name}
        out |= {name: ctx.get(decide.o_tag[name]) for name in TAG}
        out["waits"] = ctx.get(decide.o_tag.lag)  # slots to be freed; `lag`: who is told
        out["pop"] = ctx.get(decide.o_outcome.pop)
        for name, port, fields in (
            ("control", commit.o_control, ("opcode", "tx_id", "rx_id")),
            ("payload", commit.o_payload, ("tx_id",)),
            ("verdict", commit.o_verdict, ("slot", "deliver", "kept")),
            ("look_job", commit.o_look_job, ("purge", "lid")),
            ("looked", commit.o_looked, ("on", "id")),
            ("ask_start", commit.o_ask_start, ("lid", "id")),
            ("asked", commit.o_asked, ("on", "hit")),
            ("range", commit.o_range, ("lid", "first", "last")),
            ("walk", commit.o_walk, ("found", "head", "una", "lag", "current")),
            ("lag", commit.o_lag, ("lid", "count")),
        ):
            values = tuple(ctx.get(port.p[field]) for field in fields)
            if name == "control":
                values = (values[0].name, *values[1:])
            out[name] = values if ctx.get(port.valid) else None
        out["taken"] = ctx.get(commit.o_kept.payload) if ctx.get(commit.o_kept.valid) else None
        return out


@cache
def simulated():
    return Simulated(Both())


def decide(check):
    both = simulated().design

    async def testbench(ctx):
        ctx.set(both.decide.cfg_max_retry, 3)
        ctx.set(both.decide.i_first_id, 77)
        ctx.set(both.decide.i_epoch, 9)
        check(Bench(ctx, both))

    simulated().run(testbench)


def has(out, where="", **expected):
    """These are as said; IDs modulo 2^32."""
    for name, want in expected.items():
        if isinstance(want, tuple):
            want = tuple(v & MASK if isinstance(v, int) else v for v in want)
        elif isinstance(want, int):
            want &= MASK
        assert out[name] == want, (where, name, out[name], want, out["action"])


SILENT = dict(control=None, payload=None, look_job=None, ask_start=None, range=None)


def packet(t, room=1):
    return dict(tx_id=t, room=room, rx_slot=9)


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
        for kept in (0, 2):
            out = bench(Event.RX_PAYLOAD, fills, dict(tag, kept=kept, looking=1))
            has(out, kept, look_job=None, **moved)
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
        moved |= dict(looked=(1, r + 2), control=None, look_job=None)
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
                looked=(0, r + 1),
            )

    decide(check)


@pytest.mark.parametrize("r", BASES)
def test_look_that_does_nothing(r):
    """With the wrong ID, and says which is the right one; with no look-up on, or no open link."""

    def check(bench):
        tag = dict(received=r, seen=r + 3, gap=1, kept=2, looking=1)
        nothing = dict(SILENT, action="NOTHING", verdict=None, received=r)
        for wrong in (r, r - 4, r + 2, r + 1 + WINDOW, r + (1 << 31)):
            out = bench(Event.LOOK, dict(tx_id=wrong), tag, kept=(LID, 11))
            has(out, wrong, looked=(1, r + 1), kept=2, looking=1, **nothing)
        look = dict(tx_id=r + 1, room=0)
        out = bench(Event.LOOK, look, dict(tag, looking=0), kept=(LID, 11))
        has(out, looked=(0, r + 1), kept=2, **nothing)
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
                dict(tx_id=at, rx_id=first),
                dict(tag, **changes),
                kept=(LID, 4) if hit else None,
            )

        has(ask(r + 1, r + 1), action="NOTHING", asked=(1, 0), **SILENT)
        has(ask(r + 6, r + 1), action="NOTHING", asked=(1, 0), **SILENT)
        has(
            ask(r + 7, r + 1, True), action="NACK_RUN", control=("NACK", r + 6, r + 1), asked=(1, 1)
        )
        has(
            ask(r + 2, r + 1, True), action="NACK_RUN", control=("NACK", r + 1, r + 1), asked=(1, 1)
        )
        has(ask(r + 8, r + 8, True), action="NOTHING", asked=(1, 1), **SILENT)
        has(ask(s, r + 9), action="NACK_RUN", control=("NACK", s, r + 9), asked=(0, 0))
        has(ask(s, s), action="NACK_RUN", control=("NACK", s, s), asked=(0, 0))
        has(ask(s, r + 9, True), action="NACK_RUN", control=("NACK", s - 1, r + 9), asked=(0, 1))
        has(ask(s, s, True), action="NOTHING", asked=(0, 1), **SILENT)
        # The window ends the walk, wherever s is.
        end = r + WINDOW - 1
        has(ask(end - 1, r + 9, seen=r + 40), action="NOTHING", asked=(1, 0), **SILENT)
        has(
            ask(end, r + 9, seen=r + 40),
            action="NACK_RUN",
            control=("NACK", end, r + 9),
            asked=(0, 0),
        )
        # A question of the last incarnation: NACK would acknowledge what a go-back-N link misses.
        has(ask(s, r + 9, selective=0, kept=0), action="NOTHING", **SILENT)
        # r has passed the ID, the gap is closed, or the link is another's: the walk is over.
        has(ask(r, r, seen=r + 4), asked=(0, 0), **SILENT)
        for hit in (False, True):  # r + 13, which is kept, has the place of r - 3
            has(ask(r - 3, r - 5, hit), action="NOTHING", asked=(0, 0), **SILENT)
        has(ask(r + 2, r + 1, gap=0), action="NOTHING", asked=(0, 0), **SILENT)
        has(ask(r + 2, r + 1, gap=0, state=LinkState.CLOSED, kept=0), asked=(0, 0), **SILENT)
        for out in (ask(r + 7, r + 1, True), ask(s, r + 9)):
            has(out, received=r, seen=s, gap=1, kept=2, verdict=None, taken=None)

    decide(check)


# ---- sender: NACK (R7, R8, R9) -------------------------------------------------------------------


def low(number):
    return number & (1 << CONFIG.count_bits + 1) - 1


@pytest.mark.parametrize("una", BASES)
@pytest.mark.parametrize("may_send", [0, 1])
def test_nack_of_a_range(una, may_send):
    """What is older is clipped to the oldest, what is younger to the youngest sent; the oldest
    goes out at once if it is one of them, or if the NACK tells of a packet sent after it (R12);
    nothing is retired, the sending position stays."""

    def check(bench):
        sent, oldest_at = 6, 4
        tag = dict(una=una, alloc=9, sent=sent, current=4, timer=1, oldest_at=oldest_at)
        for first in range(-4, 8):
            for last in range(-4, 9):
                out = bench(
                    Event.RX_NACK, dict(rx_id=una + first, tx_id=una + last, may_send=may_send), tag
                )
                where = (first, last)
                has(
                    out,
                    where,
                    una=una,
                    alloc=9,
                    sent=sent,
                    current=4,
                    waits=0,
                    timer=1,
                    pop=0,
                    control=None,
                    walk=None,
                )
                if first >= sent or last < 0:
                    has(out, where, action="DROP_BAD_ACK", payload=None, range=None)
                    continue
                has(out, where, action="NACK_RANGE")
                at_once = may_send and (first <= 0 or last >= oldest_at)
                has(
                    out,
                    where,
                    payload=(una,) if at_once else None,
                    oldest_at=sent if at_once else oldest_at,
                )
                begin = max(first, 0 if not at_once else 1)
                end = min(last, sent - 1)
                if at_once and last == 0:
                    assert out["range"] is None, where
                else:
                    has(out, where, range=(LID, low(una + begin), low(una + end)))

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_nack_that_replays_nothing_at_once(una):
    """Held (R8): nothing at all. Slots lag behind, or the position is at the oldest: the range
    waits, but the oldest is not at hand. Nothing in flight: bad."""

    def check(bench):
        nack = dict(rx_id=una, tx_id=una + 2, may_send=1)
        tag = dict(una=una, alloc=5, sent=5, current=5)
        wanted = (LID, low(una), low(una + 2))
        has(
            bench(Event.RX_NACK, nack, dict(tag, held=1)),
            action="NACK_RANGE",
            held=1,
            current=5,
            **SILENT,
        )
        has(bench(Event.RX_NACK, nack, dict(tag, lag=1)), payload=None, range=wanted, pop=0)
        has(bench(Event.RX_NACK, nack, dict(tag, current=0)), payload=None, range=wanted, current=0)
        has(
            bench(Event.RX_NACK, nack, dict(tag, sent=0, current=0)),
            action="DROP_BAD_ACK",
            **SILENT,
        )

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_what_had_been_sent_when_the_oldest_went_out(una):
    """R12: `oldest_at` follows each sending of the oldest and each change of who it is."""

    def check(bench):
        tag = dict(una=una, alloc=9, sent=6, current=3, oldest_at=2)
        has(bench(Event.VISIT, {}, tag), payload=(una + 3,), oldest_at=2)
        has(bench(Event.VISIT, {}, dict(tag, current=0)), payload=(una,), oldest_at=6)
        has(
            bench(Event.VISIT, {}, dict(tag, current=0, sent=0)),
            payload=(una,),
            sent=1,
            oldest_at=1,
        )
        has(bench(Event.RX_ACK, dict(rx_id=una + 1), tag), una=una + 2, sent=4, oldest_at=4)
        has(bench(Event.RX_ACK, dict(rx_id=una - 1), tag), una=una, oldest_at=2)
        nack = dict(rx_id=una + 3, tx_id=una + 4, may_send=1)
        for changes in ({}, dict(held=1), dict(lag=1), dict(current=0)):
            at_once = not changes
            has(
                bench(Event.RX_NACK, nack, dict(tag, **changes)),
                changes,
                payload=(una,) if at_once else None,
                oldest_at=6 if at_once else 2,
            )

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_nack_on_a_go_back_n_link(una):
    """R9: the oldest goes out with the event if nothing is retired; the position is behind it."""

    def check(bench):
        tag = dict(selective=0, una=una, alloc=6, sent=5, current=5)

        def nack(at, may_send=1, **changes):
            return bench(
                Event.RX_NACK, dict(rx_id=una + at, may_send=may_send), dict(tag, **changes)
            )

        for at in (0, -1, -7):
            has(
                nack(at),
                at,
                action="RETIRE_REPLAY",
                payload=(una,),
                current=1,
                una=una,
                sent=5,
                alloc=6,
                pop=0,
                range=None,
            )
            has(nack(at, 0), at, payload=None, current=0, una=una)
            has(nack(at, held=1), at, payload=None, current=0)
            has(nack(at, current=0), at, payload=None, current=0)
            has(nack(at, lag=2), at, payload=None, current=0, pop=1, waits=1)
        has(
            nack(2),
            action="RETIRE_REPLAY",
            payload=None,
            current=0,
            una=una + 2,
            alloc=4,
            sent=3,
            pop=1,
            waits=1,
        )

    decide(check)


@pytest.mark.parametrize("una", BASES)
def test_time_out_replays_from_the_oldest(una):
    """R11."""

    def check(bench):
        tag = dict(una=una, alloc=6, sent=5, current=5, timer=1)
        for selective in (0, 1):
            has(
                bench(Event.TIMER, {}, dict(tag, selective=selective)),
                action="REPLAY",
                current=0,
                una=una,
                control=None,
                payload=None,
                retries=1,
            )

    decide(check)


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
