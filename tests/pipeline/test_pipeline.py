"""The pipeline behaves as one event at a time, whatever is in flight (section 5.1, claim S4).

Random events go in as fast as the pipeline takes them, then one at a time in the order in which
they left, with the pipeline empty in between. Everything that leaves Q3 must be the same, field by
field. They are events of links of one set, of different sets, and of packets whose places in the
directory meet. `test_pipeline_clocks` has the clocks.
"""

import functools
import random
from types import SimpleNamespace

import pytest

from tests.long import long, long_case
from tests.pipeline.pipeline_bench import place_of, row_of, run
from tests.pipeline.script import Script
from ttpoe.link.fsm import Action
from ttpoe.memory.forwarded import APART, FORWARDED

EVENTS = 500
ONE_SET = (0x01, 0x10, 0x23, 0x54)  # four nodes for its two ways
SETS = (0x01, 0x10, 0x03, 0x30, 0x12, 0x04, 0x55)  # of four sets: two, three, one and one
RUNS = {
    # name: (how the script is made, how often nothing is offered in a clock)
    "one set": (dict(seed=1, nodes=ONE_SET), 0),
    "two sets, with pauses": (dict(seed=2, nodes=ONE_SET, vcs=(0, 2, 2)), 0.3),
    "four sets": (dict(seed=3, nodes=SETS, vcs=(0, 2)), 0),
    "four sets, many that do not open": (dict(seed=11, nodes=SETS, vcs=(0, 2), hasty=0), 0),
    "one set, peers with epoch 0": (dict(seed=5, nodes=ONE_SET, zero=0.9), 0),
    "four sets, peers with epoch 0, with pauses": (dict(seed=8, nodes=SETS, zero=0.9), 0.3),
}
CASES = [
    name if name in ("one set", "four sets, peers with epoch 0, with pauses") else long_case(name)
    for name in RUNS
]


FIELDS = ("event", "by_lid", "lid", "node", "vc", "ieee", "epoch", "selective",
          "controlled", "congestion", "tx_id", "rx_id", "room", "rx_slot", "slot", "may_send")  # fmt: skip


def said(fields):
    """An event as a record has it."""
    return tuple(
        fields["event"].name if name == "event" else int(fields.get(name, 0)) for name in FIELDS
    )


async def pauses(driver, rng, gap):
    while rng.random() < gap:
        await driver.pause(1)


@functools.cache
def chosen(name):
    """The events, chosen one at a time by what came of those before, and what came of them."""
    made, events = Script(**RUNS[name][0]), []

    async def job(driver):
        for _ in range(EVENTS):
            events.append(made.event())
            made.note(await driver.alone(events[-1]))

    return events, run(job).records


@functools.cache
def back_to_back(name):
    """The same, as fast as they are taken: `records`, and `order`, their events' numbers."""
    events, _records = chosen(name)
    rng = random.Random(name)

    async def job(driver):
        for fields in events:
            await pauses(driver, rng, RUNS[name][1])
            await driver.put(fields)

    driver = run(job)
    # Events that are alike are of one set, and stay in their order.
    waiting = {}
    for number, fields in enumerate(events):
        waiting.setdefault(said(fields), []).append(number)
    order = [
        waiting[tuple(record[f"event.{field}"] for field in FIELDS)].pop(0)
        for record in driver.records
    ]
    return SimpleNamespace(records=driver.records, order=order, left=driver.left)


@functools.cache
def one_at_a_time(name):
    """The events one by one in the order in which they left when they came fast."""
    events, records = chosen(name)
    order = back_to_back(name).order
    if order == list(range(EVENTS)):
        return records

    async def job(driver):
        for number in order:
            await driver.alone(events[number])

    return run(job).records


@pytest.mark.parametrize("name", CASES)
def test_back_to_back_equals_one_at_a_time(name):
    events, found = chosen(name)[0], back_to_back(name)
    expected = one_at_a_time(name)
    assert len(found.records) == len(expected) == len(events)
    for number, got, want in zip(found.order, found.records, expected):
        wrong = {field: (got[field], want[field]) for field in want if got[field] != want[field]}
        assert not wrong, f"{name}, event {number}: {events[number]}: (got, want) {wrong}"


@pytest.mark.parametrize("name", CASES)
def test_distances_and_order(name):
    """Of one set 6 or at least 9 clocks, of one place at least 9, and none overtakes another."""
    events, found = chosen(name)[0], back_to_back(name)
    last_of_row, last_of_place, distances, overtakes = {}, {}, [], 0
    youngest = -1
    for number, clock in zip(found.order, found.left):
        row, place = row_of(events[number]), place_of(events[number])
        before, then = last_of_row.get(row, (-1, -APART))
        assert number > before and (clock - then == FORWARDED or clock - then >= APART), number
        distances.append(clock - then)
        last_of_row[row] = number, clock
        if place is not None:
            before, then = last_of_place.get(place, (-1, -APART))
            assert number > before and clock - then >= APART, number
            last_of_place[place] = number, clock
        overtakes += number < youngest
        youngest = max(youngest, number)
    assert distances.count(FORWARDED) > 100
    assert overtakes > 20 or "one set" in name


@long
def test_the_script_reaches_the_state_table():
    """A bench that only ever drops would prove nothing."""
    records = [record for name in RUNS for record in back_to_back(name).records]
    effects = {"keeps", "unkeeps", "looks", "asks", "purges", "hit", "resends", "seeks", "walking"}
    did = {name for name in effects if any(record[f"outcome.{name}"] for record in records)}
    assert did == effects
    missing = {action.name for action in Action} - {record["outcome.action"] for record in records}
    assert missing <= {
        "CLOSE_AGAIN",
        "CLOSE_DONE_TOLD",
        "CLOSE_LATER",
        "GIVE_UP_CLOSE",
        "SAY_CLOSED",
        "WAKE_ACK",
        "WAKE_NACK",
        "CLOSE_NACK_AGAIN",
        "CLOSE_UNSAID",
        "CLOSE_TIMED",
        "AGREE_TOLD",
        "CLOSE_ACK_STAY",
        "CLOSE_UNASKED",
        "TAKE_POSITION",
        "CLOSE_REFUSED",
        "REFUSE_OWN_OPEN",
        "CLOSE_NACKED",
    }, missing
