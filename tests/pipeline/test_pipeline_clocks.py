"""When events enter the pipeline and leave it, and who overtakes whom (section 5.1, claim S7).

`test_pipeline` says that what an event does depends on none of this.
"""

import pytest

from tests.long import crossed
from tests.pipeline.pipeline_bench import LATENCY, place_of, row_of, run
from ttpoe.link.fsm import Event
from ttpoe.memory.forwarded import APART, FORWARDED

OTHER_ROWS = (*range(8, 16), 2, 3)  # no test here has other events of these sets


def timer(row):
    return dict(event=Event.TIMER, by_lid=1, lid=2 * row)


def packet(node, number):
    return dict(event=Event.RX_PAYLOAD, node=node, epoch=7, tx_id=number, room=1)


def others(count):
    assert count <= len(OTHER_ROWS)
    return [timer(row) for row in OTHER_ROWS[:count]]


def entered(events):
    """When each of the events entered; the first in clock 0."""

    async def job(driver):
        for fields in events:
            await driver.put(fields)

    driver = run(job)
    start = driver.left[0]
    assert len(driver.left) == len(events) and start == driver.taken[0] + LATENCY
    # Events that are alike are of one set: `test_pipeline` says that they stay in order.
    clocks = {}
    for record, clock in zip(driver.records, driver.left):
        name = tuple(record[f"event.{field}"] for field in ("event", "lid", "node", "tx_id"))
        clocks.setdefault(name, []).append(clock - start)
    return [
        clocks[
            fields["event"].name, *(fields.get(field, 0) for field in ("lid", "node", "tx_id"))
        ].pop(0)
        for fields in events
    ]


@pytest.mark.parametrize("sets", [FORWARDED, APART, 16])
def test_events_of_different_sets_enter_one_per_clock(sets):
    """They are taken in every clock, too, and each leaves 8 clocks later."""
    events = [timer(row) for row in range(sets)] * 4

    async def job(driver):
        for fields in events:
            await driver.put(fields)

    driver = run(job)
    start = driver.taken[0]
    assert driver.taken == [start + number for number in range(len(events))]
    assert driver.left == [clock + LATENCY for clock in driver.taken]
    assert [record["lid"] for record in driver.records] == [fields["lid"] for fields in events]


def test_events_of_one_link_enter_every_six_clocks():
    assert entered([timer(1)] * 10) == [FORWARDED * number for number in range(10)]


@pytest.mark.parametrize("distance", range(1, 12))
def test_an_event_waits_aside_for_one_of_its_set_and_others_overtake_it(distance):
    """6 clocks behind the first or 9. The others go on, but for the clock in which it steps aside
    and the one in which it enters."""
    behind = [timer(row) for row in (4, 5, 6, 7)]
    clocks = entered([timer(1), *others(distance - 1), timer(1), *behind])
    want = FORWARDED if distance <= FORWARDED else max(distance, APART)
    assert clocks.pop(distance) == want
    free = [clock for clock in range(99) if clock not in (distance, want)]  # it came, it entered
    assert clocks == free[: len(clocks)]


@pytest.mark.parametrize(
    "distance, kind",
    crossed(
        [1, 2, FORWARDED, 7, 8, APART, 10], [Event.RX_PAYLOAD, Event.LOOK, Event.ASK, Event.PURGE]
    ),
)
def test_events_of_one_place_enter_nine_clocks_apart(kind, distance):
    """Packets of links in sets 1 and 3 whose IDs have the same place."""
    first = packet(0x01, 0x25)
    second = dict(event=kind, by_lid=kind != Event.RX_PAYLOAD, node=0x03, lid=6, tx_id=0x47)
    assert place_of(first) == place_of(second) and row_of(first) != row_of(second)
    between = others(distance - 1)
    assert entered([first, *between, second])[-1] == max(distance, APART)
    assert entered([first, *between, dict(second, tx_id=0x46)])[-1] == distance


@pytest.mark.parametrize("kind", [Event.SEEK, Event.REPLAY, Event.WALKED, Event.RETIRE])
def test_an_event_that_concerns_no_place_waits_for_none(kind):
    """Its TxID is that of a packet, or is none."""
    again = dict(event=kind, by_lid=1, lid=6, tx_id=0x47)
    assert entered([packet(0x01, 0x25), again]) == [0, 1]


def test_packets_of_one_link_with_one_id_enter_nine_clocks_apart():
    """The set would let the second one in after six."""
    one, two = packet(0x01, 0x25), packet(0x01, 0x26)
    assert entered([one, one, two]) == [0, APART, APART + FORWARDED]


def test_nobody_overtakes_within_a_set():
    """The third of a set stays at the door until the waiting room is free, and holds up the rest."""
    clocks = entered([timer(1), timer(1), timer(1), timer(8), timer(1), timer(9)])
    assert [clocks[number] for number in (0, 1, 2, 4)] == [0, 6, 12, 18]
    assert FORWARDED < clocks[3] < 2 * FORWARDED < clocks[5] < 3 * FORWARDED


def test_two_that_wait_are_let_in_in_the_order_in_which_they_came():
    """One place aside: an event of a third set that is early stays at the door behind it."""
    clocks = entered([timer(1), timer(2), timer(1), timer(2), timer(8)])
    assert clocks == [0, 1, 6, 7, 8]


def test_what_waits_aside_is_told():
    """`o_aside`: Q0 chooses others meanwhile."""
    told = []

    async def job(driver):
        aside = driver.pipeline.o_aside
        for fields in (timer(1), timer(1)):
            await driver.put(fields)
        for _clock in range(8):
            told.append(driver.ctx.get(aside.valid) and driver.ctx.get(aside.payload))
            await driver.pause(1)

    run(job)
    assert told == [0, 1, 1, 1, 1, 1, 0, 0]


def test_a_window_that_may_move_is_announced_in_q1():
    """A BLOCKED payload is raised again then, and so meets the new window (section 5.2)."""
    kinds = [Event.RX_ACK, Event.RX_PAYLOAD, Event.RX_NACK, Event.TIMER, Event.RX_CLOSE]
    kinds += [Event.HOST_PAYLOAD, Event.RX_OPEN, Event.RX_OPEN_ACK, Event.RX_CLOSE_ACK]
    announced = []

    async def job(driver):
        async def clock():
            announced.append(driver.ctx.get(driver.pipeline.o_may_retire))

        for node, kind in enumerate(kinds, 3):
            await driver.put(dict(event=kind, node=node))
            await clock()
        for _clock in range(4):
            await driver.pause(1)
            await clock()

    run(job)
    assert announced == [0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0]
