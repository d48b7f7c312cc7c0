"""Q2's third clock: what each control bit changes in a tag, and that it changes nothing else.

Which bits an action has, `link.effects` says and `test_rules` tests.
"""

from functools import cache

import pytest

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.fsm import LinkState
from ttpoe.link.table import tag_layout
from ttpoe.pipeline.q2_guards import facts_layout
from ttpoe.pipeline.q2_new_tag import NewTag
from ttpoe.pipeline.q2_rules import control_layout
from ttpoe.pipeline.records import guards_layout

CONFIG = preset("tiny")
FIRST_ID, EPOCH, INIT_ID = 0x12345679, 0x4242, 1
TAG = dict.fromkeys(tag_layout(CONFIG).members, 0) | dict(
    state=LinkState.OPEN,
    node=7,
    vc=1,
    una=100,
    alloc=4,
    sent=3,
    current=2,
    head=1,
    next=3,
    tail=5,
    held=1,
    received=200,
    gap=1,
    seen=203,
    kept=2,
    epoch=9,
    peer_epoch=8,
    guessed=1,
    doubted=1,
    asked=1,
    close_due=1,
    end=50,
    timer=1,
    retries=2,
    selective=1,
    controlled=1,
    queued=1,
    touch=1,
)
EVENT = dict(
    node=12,
    vc=2,
    ieee=1,
    epoch=6,
    selective=1,
    controlled=1,
    tx_id=300,
    rx_id=101,
    slot=9,
    may_send=1,
)
OURS = dict(
    epoch=EPOCH,
    node=12,
    vc=2,
    ieee=1,
    una=FIRST_ID,
    **dict.fromkeys("sent current gap held guessed doubted asked timer retries kept".split(), 0),
    purging=1,
)
PROGRESS = dict(timer=0, retries=0)


def case(control, changes, before=(), facts="", guards=""):
    """Control bits, facts and guards by name (`name=number` for a count), the fields of the tag
    that are not as in `TAG`, and the fields that change."""

    def bits(names):
        return {
            name: int(value or 1)
            for name, _equals, value in (one.partition("=") for one in names.split())
        }

    return control, bits(control), bits(facts), bits(guards), TAG | dict(before), changes


CASES = [
    case("", {}),
    case("learns", dict(received=300, seen=300, gap=0, guessed=0, doubted=0, asked=0, peer_epoch=6,
                        heard=1, ieee=1)),
    case("opened", dict(received=299, seen=299, gap=0, guessed=0, peer_epoch=6)),
    case("opened", dict(received=INIT_ID, seen=INIT_ID, gap=0, peer_epoch=6), facts="tx_zero"),
    case("accepts", dict(received=300, fed=1, guessed=0, doubted=0)),
    case("accepts", dict(received=300, fed=1, guessed=0, doubted=0, gap=0, seen=300),
         facts="at_seen"),
    case("accepts", dict(received=300, fed=1, guessed=0, doubted=0, end_ahead=0),
         dict(end_ahead=1), "at_end"),
    case("opens_gap", dict(gap=1, seen=300), dict(gap=0)),
    case("keeps", dict(kept=3)),
    case("keeps", dict(kept=3, gap=1, seen=300), dict(gap=0), "past_seen"),
    case("unkeeps", dict(kept=1)),
    case("unkeeps", {}, dict(purging=1)),
    case("looks", dict(looking=1)),
    case("looked", dict(looking=0), dict(looking=1)),
    case("", dict(purging=0), dict(purging=1), "purged"),
    case("doubts", dict(doubted=1, asked=0), dict(doubted=0)),
    case("questions", dict(asked=1), dict(asked=0)),
    # our data
    case("sends", dict(current=3)),
    case("sends", dict(current=3, sent=4, timer=0), facts="at_sent"),
    case("sends", dict(current=1, oldest_at=3), dict(current=0)),
    case("rewinds", dict(current=0)),
    case("holds", dict(held=1), dict(held=0)),
    case("releases", dict(held=0, current=0)),
    case("releases", {}, dict(held=0)),
    case("append", dict(alloc=5, tail=9)),
    case("append", dict(alloc=5, tail=9, next=9), facts="at_alloc"),
    case("append", dict(alloc=1, tail=9, head=9), dict(alloc=0), guards="EMPTY"),
    case("append", dict(alloc=1, tail=9), dict(alloc=0), "lags", "EMPTY"),
    case("append sends", dict(alloc=5, tail=9, current=3)),
    case("append sends", dict(alloc=5, tail=9, current=4, next=9), dict(current=3), "at_tail"),
    case("append sends", dict(alloc=5, tail=9, current=5, next=9), dict(current=4), "at_alloc"),
    case("append sends", dict(alloc=5, tail=9, current=1, oldest_at=3), dict(current=0)),
    case("append", dict(alloc=5, tail=9), dict(current=3), "at_tail"),
    case("refuse", {}),
    case("free_all", dict(alloc=0, lag=0), dict(lag=3)),
    case("ack", dict(una=102, alloc=2, sent=1, current=0, oldest_at=1, lag=1, **PROGRESS),
         facts="ack_next=2"),
    case("ack", dict(una=102, alloc=2, sent=1, current=0, oldest_at=1, lag=2, **PROGRESS),
         facts="ack_next=2 walking"),
    case("nack", dict(una=101, alloc=3, sent=2, current=1, oldest_at=2, **PROGRESS),
         facts="ack_low=1 in_window"),
    case("nack", {}, facts="ack_low=1"),
    case("one", dict(lag=2), dict(lag=3), "lags"),
    case("one", {}, dict(lag=3), "lags walking"),
    case("run", dict(lag=2), dict(lag=7), "lags walking"),  # RETIRE says that it is 5
    # closing
    case("close_later", dict(close_due=1), dict(close_due=0)),
    case("closes", dict(close_due=0)),
    case("as_nacked", dict(close_nacked=1)),
    case("end_last", dict(close_nacked=1, end=300, end_known=1, end_ahead=1, close_due=0)),
    case("end_last", dict(close_nacked=1), guards="DUPLICATE"),
    case("end_next", dict(end=299, end_known=1, end_ahead=1)),
    case("end_next", dict(end=299, end_known=1), guards="NEXT"),
    case("end_next", {}, dict(state=LinkState.CLOSE_SENT)),
    case("end_position", dict(received=200 ^ 1 << 31)),
    case("end_position", dict(received=300), facts="behind"),
    # timer
    case("marks", dict(timer=1), dict(timer=0)),
    case("counts", dict(retries=3)),
    case("counts", {}, dict(retries=1023)),
    case("peer_progress", PROGRESS),
    case("peer_progress", {}, guards="UNACKED"),
    case("peer_progress", dict(retries=0), guards="UNACKED ZERO"),
    case("moves", PROGRESS),
    # incarnations
    case("fresh", dict(OURS, peer_epoch=0)),
    case("answer", OURS),
    case("answer", dict(OURS, una=102, selective=0, controlled=0), facts="epoch_zero"),
    case("answer", dict(OURS, close_due=0), dict(state=LinkState.CLOSE_SENT)),
    case("ends", dict(kept=0, looking=0, purging=1), dict(looking=1)),
    case("ends", dict(lag=0), dict(kept=0, lag=3)),
    *(case(name, {}) for name in ("copies", "evicts", "wakes", "asks", "seeks", "starts_walk",
                                  "resends", "close")),
    case("open", dict(doubted=0, asked=0)),
]  # fmt: skip


@cache
def simulated():
    return Simulated(NewTag(CONFIG))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_control_bit_changes_its_fields_and_no_other(number):
    name, control, facts, guards, before, changes = CASES[number]
    dut, tags = simulated().design, []

    async def job(ctx):
        ctx.set(dut.i_event, EVENT)
        ctx.set(dut.i_before, EVENT["tx_id"] - 1)
        ctx.set(dut.i_after, EVENT["rx_id"] + 1)
        ctx.set(dut.i_first_id, FIRST_ID)
        ctx.set(dut.i_epoch, EPOCH)
        ctx.set(dut.cfg_init_id, INIT_ID)
        ctx.set(dut.cfg_selective, 1)
        ctx.set(dut.cfg_congestion, 1)
        ctx.set(dut.i_tag, before)
        ctx.set(dut.i_control, dict(control, next_state=before["state"]))
        said = {name: control.get(name, 0) for name in ("append", "free_all")}
        ctx.set(dut.i_outcome, dut.i_outcome.shape().const(said))  # as `q2_rules` says it
        ctx.set(dut.i_facts, facts_layout(CONFIG).const(facts))
        ctx.set(dut.i_guards, guards_layout().const(guards))
        tags.append({field: ctx.get(dut.o_tag[field]) for field in before})

    simulated().run(job)
    changed = {field: new for field, new in tags[0].items() if new != before[field]}
    assert changed == {field: new for field, new in changes.items() if new != before[field]}, name


@pytest.mark.parametrize(
    "control, facts, selective, passes, follows",
    [
        ("sends", "", 1, 1, 1),  # a VISIT
        ("sends", "at_tail", 1, 1, 1),
        ("append", "", 1, 0, 0),
        ("append sends", "at_alloc", 1, 0, 0),  # nothing waits: it is the event's own
        ("append sends", "", 1, 1, 1),
        ("append sends", "at_tail", 1, 1, 0),  # the list does not say yet that it is the next
        ("resends", "may_resend named", 1, 0, 0),
        ("resends", "may_resend named", 0, 0, 1),
    ],
)
def test_what_goes_out_and_what_is_next(control, facts, selective, passes, follows):
    dut, got = simulated().design, []

    async def job(ctx):
        bits = lambda names: dict.fromkeys(names.split(), 1)
        ctx.set(dut.i_tag, dict(TAG, selective=selective))
        ctx.set(dut.i_control, dict(bits(control), next_state=LinkState.OPEN))
        said = {"append": "append" in control}
        ctx.set(dut.i_outcome, dut.i_outcome.shape().const(said))
        ctx.set(dut.i_facts, facts_layout(CONFIG).const(bits(facts)))
        got.extend(ctx.get(dut.o_outcome[name]) for name in ("passes", "follows"))

    simulated().run(job)
    assert got == [passes, follows]


@pytest.mark.parametrize("state", LinkState)
def test_the_next_state_is_the_rules(state):
    dut, got = simulated().design, []

    async def job(ctx):
        ctx.set(dut.i_tag, TAG)
        ctx.set(dut.i_control, dict(next_state=state))
        got.append(ctx.get(dut.o_tag.state))

    simulated().run(job)
    assert got == [state]


def test_every_control_bit_has_a_case():
    names = set().union(*(control for _name, control, *_others in CASES))
    # These two are for the law of congestion, which reads the action.
    assert names == set(control_layout().members) - {"next_state", "arrives", "hears"}
