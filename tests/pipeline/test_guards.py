"""Q2's first clock: the facts that the new tag needs, against plain arithmetic.

What the guards mean for the action `test_decide` and the scenarios say; here is that each fact is
right where IDs wrap, that kinds are one bit each, and that guards in two parts have both.
"""

import random
from functools import cache

import pytest

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.fsm import GUARDS, Event, LinkState
from ttpoe.pipeline.q2_guards import FAR, PARTS, Guards, facts_layout, parts_layout

CONFIG = preset("tiny")
MASK = (1 << 32) - 1
EDGES = (0, 5, 0x7FFFFFFE, 0x80000000, MASK - 2, MASK)
NEAR = (-20, -2, -1, 0, 1, 2, 3, 4, 8, 15, 16, 17, 1 << 30, (1 << 31) - 1, (1 << 31) + 1)


WALKS = ("walking", "stands", "stands_near", "retiring")  # i_*: who walks along the list


@cache
def simulated():
    return Simulated(Guards(CONFIG))


def run(check):
    """`check(ask)`; `ask(tag, event, **others)` gives the facts, the parts and the kinds."""
    dut = simulated().design

    async def job(ctx):
        def ask(tag, event, **others):
            ctx.set(dut.i_tag, tag)
            ctx.set(dut.i_event, event)
            for name in WALKS:
                ctx.set(getattr(dut, f"i_{name}"), others.get(name, 0))
            return ctx.get(dut.o_facts), ctx.get(dut.o_parts), ctx.get(dut.o_kinds)

        check(ask)

    simulated().run(job)


def serial(a, b):
    """a - b as serial numbers (section 3)."""
    return (a - b + (1 << 31)) % (1 << 32) - (1 << 31)


def drawn(rng):
    """A tag that can be, and an event with IDs near to it or anywhere."""
    alloc = rng.randrange(CONFIG.slots + 1)
    sent = rng.randint(0, alloc)
    tag = dict(
        state=rng.choice(list(LinkState)),
        una=rng.choice(EDGES),
        alloc=alloc,
        sent=sent,
        current=rng.randint(0, sent),
        oldest_at=rng.randint(0, sent),
        lag=rng.choice((0, 0, 1, CONFIG.slots - alloc)),
        received=rng.choice(EDGES),
        gap=rng.randrange(2),
        held=rng.randrange(2),
        epoch=rng.randrange(3),
        peer_epoch=rng.randrange(3),
    )
    tag["seen"] = (tag["received"] + rng.randrange(8)) & MASK
    tag["end"] = (tag["received"] + rng.choice(NEAR)) & MASK
    ids = (tag["una"], tag["received"], tag["seen"], tag["end"])
    event = dict(
        event=rng.choice(list(Event)),
        tx_id=rng.choice((0, rng.choice(ids) + rng.choice(NEAR))) & MASK,
        rx_id=(tag["una"] + rng.choice(NEAR)) & MASK,
        epoch=rng.randrange(3),
        may_send=rng.randrange(2),
        room=rng.randrange(2),
    )
    return tag, event


def expected(tag, event, stands, stands_near, retiring):
    """{fact: value}."""
    tx_id, rx_id = event["tx_id"], event["rx_id"]
    count = 2 * CONFIG.slots  # counts are taken modulo this
    ack = (rx_id - tag["una"]) & MASK
    end = (tx_id - tag["una"]) & MASK
    return dict(
        in_window=ack < tag["sent"],
        ack_low=ack % count,
        ack_next=(ack + 1) % count,
        acks_all=(ack + 1) % count == tag["alloc"] % count,
        lows_all=ack % count == tag["alloc"],
        named=serial(rx_id, tag["una"]) <= 0,
        before_una=serial(rx_id, tag["una"]) < 0,
        overtakes=end >= tag["oldest_at"],
        ends_at_una=tx_id == tag["una"],
        ends_past_sent=end >= tag["sent"],
        may_resend=not tag["held"] and not tag["lag"] and tag["current"] and event["may_send"],
        behind=serial(tx_id, tag["received"]) < 0,
        within_gap=tag["gap"] and 0 < (tx_id - tag["received"]) & MASK < CONFIG.reorder_window,
        at_end=tx_id == tag["end"],
        at_seen=tx_id == tag["seen"],
        past_seen=serial(tx_id, tag["seen"]) > 0,
        tx_zero=tx_id == 0,
        at_sent=tag["current"] == tag["sent"],
        at_alloc=tag["current"] == tag["alloc"],
        at_tail=tag["current"] == tag["alloc"] - 1,
        lags=tag["lag"] != 0,
        chain=tag["alloc"] + tag["lag"],
        walking=stands or retiring,
        walks_on=stands
        and event["event"] != Event.WALKED
        or (stands_near if event["event"] == Event.RETIRE else retiring),
        asked=event["event"] == Event.ASK,
        purged=event["event"] == Event.PURGE and event["room"],
        epoch_zero=event["epoch"] == 0,
    )


def test_every_fact():
    rng = random.Random(1)
    seen = set()

    def check(ask):
        for _ in range(1500):
            tag, event = drawn(rng)
            walks = {name: rng.randrange(2) for name in WALKS[1:]}
            facts, _parts, _kinds = ask(tag, event, **walks)
            want = {name: int(value) for name, value in expected(tag, event, **walks).items()}
            got = {name: int(facts[name]) for name in facts_layout(CONFIG).members}
            # What `Decide` makes of them in the next clock.
            far = {got.pop(half) for half in ("far", "far_2")} != {0}
            got |= dict.fromkeys(FAR, 1) | dict(ends_at_una=0) if far else {}
            assert got == want, (tag, event)
            seen.update((name, bool(value)) for name, value in want.items())

    run(check)
    assert seen == {(name, value) for name, _value in seen for value in (0, 1)}


@pytest.mark.parametrize("state", LinkState)
def test_kinds_are_one_bit_each(state):
    def check(ask):
        for event in Event:
            _facts, _parts, kinds = ask(dict(state=state), dict(event=event))
            high = {name for name, _field in kinds.shape() if kinds[name]}
            assert high == {event.name, f"in_{state.name}"}

    run(check)


BOTH = {
    # guard: (a tag, an event and whether somebody walks, with which it holds; changes with each of
    # which one half of it does not)
    "LAST_ACK": (dict(una=9, alloc=2, sent=2), dict(rx_id=10), [dict(rx_id=9), dict(rx_id=11)]),
    "GOOD_0": (dict(una=MASK, sent=2), dict(rx_id=0), [dict(rx_id=MASK), dict(rx_id=1)]),
    "OPEN_AGREES": (
        dict(una=9, received=4),
        dict(rx_id=8, tx_id=4),
        [dict(rx_id=7), dict(tx_id=5)],
    ),
    "OUT_OF_STEP": (
        dict(received=4, guessed=1),
        dict(tx_id=9),
        [dict(tx_id=5), dict(tag=dict(peer_epoch=3))],
    ),
    "QUIET": (
        dict(received=4),
        dict(tx_id=5),
        [dict(tag=dict(alloc=1)), dict(tx_id=6, tag=dict(peer_epoch=3))],
    ),
    "RANGE_OK": (
        dict(una=9, sent=3),
        dict(rx_id=9, tx_id=9),
        [dict(rx_id=12), dict(tx_id=8)],
    ),
    "ECHO_OK": (
        dict(una=9, sent=3),
        dict(tx_id=11),
        [dict(tx_id=12), dict(tx_id=10 + (1 << 12)), dict(tx_id=10 + (1 << 31))],
    ),
    "RESEND_OK": (
        dict(una=9, sent=3, current=2),
        dict(rx_id=10),
        [dict(rx_id=11), dict(tag=dict(held=1))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_a_guard_in_two_parts_holds_only_with_both(name):
    tag, event, breaks = BOTH[name]

    def check(ask):
        def halves(changes):
            changed = dict(tag, **changes.get("tag", {}))
            fields = dict(event, **{key: new for key, new in changes.items() if key != "tag"})
            _facts, parts, _kinds = ask(changed, fields, walking=1)
            return parts[name], parts[f"{name}_2"]

        assert halves({}) == (1, 1)
        for changes in breaks:
            assert 0 in halves(changes), changes

    run(check)


def test_who_may_free_slots():
    """One by one nobody, while somebody walks there; a run only who has walked along it."""

    def check(ask):
        for number in range(32):
            lag, *bits = (number >> n & 1 for n in range(5))
            walks = dict(zip(WALKS, bits))
            _facts, parts, _kinds = ask(dict(lag=3 * lag), dict(event=Event.VISIT), **walks)
            free = not (walks["stands"] or walks["retiring"])
            assert parts["LAG"] == (lag and free), walks
            assert parts["RETIRING"] == (walks["retiring"] and not walks["stands_near"]), walks

    run(check)


def test_what_is_to_be_sent_next_is_known():
    """Its slot is `next`, or the head of the list if nothing waits in front to be freed."""

    def check(ask):
        for lag in (0, 2):
            for alloc in range(4):
                for current in range(alloc + 1):
                    for held in (0, 1):
                        tag = dict(lag=lag, alloc=alloc, sent=alloc, current=current, held=held)
                        _facts, parts, _kinds = ask(tag, dict(event=Event.HOST_PAYLOAD))
                        known = current or not lag
                        assert parts["UNSENT"] == (current != alloc and known and not held), tag
                        own = current == alloc  # what the event brings itself
                        assert parts["CAN_SEND"] == ((own or known) and not held), tag

    run(check)


def test_there_is_a_bit_for_each_guard():
    names = set(parts_layout().members)
    assert names == set(GUARDS) | {f"{name}_2" for name in PARTS} and set(BOTH) == set(PARTS)


@pytest.mark.parametrize("received", [7, MASK - 9])
def test_where_a_round_of_questions_ends(received):
    """At the youngest ID noted, or at the window's last one if that is older. A question that is
    ahead of the round's end is for an ID that nobody noted: it is no end, wherever it lies."""
    window = CONFIG.reorder_window

    def check(ask):
        for noted in range(1, 2 * window):
            tag = dict(received=received, seen=received + noted & MASK, gap=1)
            for ahead in range(1, window):
                event = dict(event=Event.ASK, tx_id=received + ahead & MASK)
                _facts, parts, _kinds = ask(tag, event)
                ends = ahead == min(noted, window - 1)
                assert parts["AT_SEEN"] == ends, (noted, ahead)

    run(check)
