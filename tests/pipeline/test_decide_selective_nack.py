"""Selective replay, event by event: NACK and time-out at the sender (R7 to R9).

Q2 and Q3 without the pipeline between them, see `selective_bench`.
"""

import pytest

from tests.pipeline.selective_bench import BASES, LID, SILENT, decide, has, low
from ttpoe.link.fsm import Event


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
