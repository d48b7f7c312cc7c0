"""Q2 by itself: serial comparisons at every boundary, and what an acknowledgement retires.

The state table as a whole is compared with the reference model in the scenarios; here are the
numbers that random traffic would need luck to meet.
"""

import random
from functools import cache

import pytest

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.pipeline.q2_decide import Decide

CONFIG = preset("tiny")
MASK = (1 << 32) - 1
SLOTS = CONFIG.slots
PEER = 0x31  # the peer's epoch; peers without one are in test_zero_link.py


class Bench:
    """One `Decide`; `ask` sets tag and event and returns what comes out."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut

    def ask(self, event, tag, full=0):
        self.ctx.set(
            self.dut.i_tag, {"state": LinkState.OPEN, "node": 2, "peer_epoch": PEER, **tag}
        )
        self.ctx.set(self.dut.i_event, {"node": 2, "epoch": PEER, **event})
        self.ctx.set(self.dut.i_full, full)
        out = {
            name: self.ctx.get(self.dut.o_tag[name])
            for name in (
                "state",
                "una",
                "alloc",
                "sent",
                "current",
                "lag",
                "received",
                "gap",
                "seen",
                "held",
                "timer",
                "retries",
                "epoch",
                "peer_epoch",
                "close_due",
                "end",
                "end_known",
                "end_ahead",
                "head",
                "tail",
                "next",
            )
        }
        outcome = self.dut.o_outcome
        out |= {
            name: self.ctx.get(outcome[name])
            for name in (
                "action",
                "frame",
                "append",
                "pop",
                "free_all",
                "stepped",
                "first_sent",
                "passes",
                "follows",
            )
        }
        out["freed"] = self.ctx.get(outcome.chain)
        return out


@cache
def simulated():
    return Simulated(Decide(CONFIG))


def decide(check):
    dut = simulated().design

    async def testbench(ctx):
        ctx.set(dut.i_first_id, 0x12345679)
        ctx.set(dut.i_epoch, 0x4242)
        ctx.set(dut.cfg_init_id, 1)
        ctx.set(dut.cfg_max_retry, 3)
        ctx.set(dut.cfg_idle_limit, 2)
        ctx.set(dut.cfg_link_slots, 5)
        check(Bench(ctx, dut))

    simulated().run(testbench)


def serial(a, b):
    """a - b as serial numbers: a Python number from -2^31 to 2^31 - 1 (section 3)."""
    return (a - b + (1 << 31)) % (1 << 32) - (1 << 31)


EDGES = (
    0,
    1,
    2,
    SLOTS - 1,
    SLOTS,
    (1 << 31) - 1,
    (1 << 31) + 1,
    MASK - 1,
    MASK,
    *(1 << bit for bit in range(2, 32)),
    *(1 << bit | 1 for bit in range(2, 31)),
)


@pytest.mark.parametrize("received", [0, 5, 0x7FFFFFFF, 0x80000000, MASK - 1, MASK])
def test_payload_is_a_repeat_the_next_one_or_behind_a_gap(received):
    def check(bench):
        for distance in EDGES:
            tx_id = (received + distance) & MASK
            out = bench.ask(
                dict(event=Event.RX_PAYLOAD, tx_id=tx_id, room=1), dict(received=received)
            )
            past = serial(tx_id, received)
            want = (
                Action.DELIVER if past == 1 else Action.NACK_GAP if past > 1 else Action.ACK_AGAIN
            )
            assert out["action"] == want, (received, distance)
            assert out["received"] == (tx_id if past == 1 else received)
            assert out["gap"] == (past > 1) and (past <= 1 or out["seen"] == tx_id)

    decide(check)


@pytest.mark.parametrize("seen", [7, 0x7FFFFFFF, MASK, 0])
def test_second_pass_is_nacked_again(seen):
    def check(bench):
        for distance in (1, 2, 100, (1 << 30), 0, -1, -2):
            tx_id, received = (seen + distance) & MASK, (seen - 5) & MASK
            out = bench.ask(
                dict(event=Event.RX_PAYLOAD, tx_id=tx_id, room=1),
                dict(received=received, gap=1, seen=seen),
            )
            assert out["action"] == (Action.DROP_GAP if distance > 0 else Action.NACK_GAP)
            assert out["seen"] == tx_id and out["received"] == received

    decide(check)


@pytest.mark.parametrize("una", [0, 1, 0x7FFFFFF8, 0x80000000, MASK - 3, MASK])
def test_ack_retires_only_what_was_sent(una):
    def check(bench):
        for sent, current, alloc in (
            (0, 0, 0),
            (0, 0, 3),
            (3, 3, 3),
            (3, 1, 5),
            (8, 8, 8),
            (SLOTS, SLOTS, SLOTS),
            (5, 0, 5),
        ):
            for distance in (*range(SLOTS + 2), 1 << 31, MASK, MASK - 1):
                out = bench.ask(
                    dict(event=Event.RX_ACK, rx_id=(una + distance) & MASK),
                    dict(una=una, sent=sent, current=current, alloc=alloc, timer=1, retries=2),
                )
                if distance < sent:
                    retired = distance + 1
                    assert out["action"] == Action.RETIRE and out["pop"]
                    assert out["una"] == (una + retired) & MASK
                    assert out["alloc"] == alloc - retired and out["sent"] == sent - retired
                    assert out["current"] == max(current - retired, 0)
                    assert out["lag"] == retired - 1, "one slot now, the others by visits"
                    assert (out["timer"], out["retries"]) == (0, 0)
                else:
                    assert out["action"] == Action.DROP_BAD_ACK and not out["pop"]
                    assert (out["una"], out["alloc"], out["timer"]) == (una, alloc, 1)

    decide(check)


@pytest.mark.parametrize("una", [0, 9, MASK - 2])
def test_nack_retires_what_is_older_and_rewinds(una):
    def check(bench):
        for sent in (0, 1, 4, 8):
            for distance in (*range(10), MASK, MASK - 5, (1 << 31) + 1):
                out = bench.ask(
                    dict(event=Event.RX_NACK, rx_id=(una + distance) & MASK),
                    dict(una=una, sent=sent, current=sent, alloc=8, timer=1),
                )
                behind = serial(una + distance, una)
                if sent and behind < sent:
                    retired = max(behind, 0)
                    assert out["action"] == Action.RETIRE_REPLAY and out["current"] == 0
                    assert out["una"] == (una + retired) & MASK
                    assert (out["alloc"], out["sent"]) == (8 - retired, sent - retired)
                    assert out["pop"] == (retired > 0)
                    assert out["timer"] == (retired == 0), "progress only if something retired"
                else:
                    assert out["action"] == Action.DROP_BAD_ACK and out["current"] == sent

    decide(check)


@pytest.mark.parametrize("sent", [0, 1])
def test_a_payload_is_progress_only_where_nothing_waits_for_an_ack(sent):
    """L1: the peer may send, and still not have what was lost."""

    def check(bench):
        out = bench.ask(
            dict(event=Event.RX_PAYLOAD, tx_id=11, room=1),
            dict(received=10, sent=sent, current=sent, alloc=sent, timer=1, retries=2),
        )
        assert out["action"] == Action.DELIVER
        assert (out["timer"], out["retries"]) == ((1, 2) if sent else (0, 0))

    decide(check)


def test_acknowledged_slots_that_lag_behind_are_freed_one_by_visit():
    def check(bench):
        tag = dict(alloc=2, lag=3, sent=0, current=0)
        out = bench.ask(dict(event=Event.VISIT, by_lid=1), tag)
        assert out["action"] == Action.RETIRE_ONE and out["pop"] and out["lag"] == 2
        assert out["alloc"] == 2 and not out["frame"]
        out = bench.ask(dict(event=Event.VISIT, by_lid=1), dict(tag, lag=0))
        assert out["action"] == Action.SEND and out["frame"] and not out["pop"]

    decide(check)


def test_close_is_quiet_only_if_nothing_is_missing_on_either_side():
    def check(bench):
        rng = random.Random(1)
        for una, received in ((100, 500), (MASK - 1, MASK), (0, 0x7FFFFFFF)):
            for _ in range(300):
                sent = rng.randrange(4)
                alloc = sent + rng.randrange(3)
                tx_id = rng.choice((0, received, received + 1, received + 2)) & MASK
                rx_id = (una + rng.randrange(-2, 6)) & MASK
                out = bench.ask(
                    dict(event=Event.RX_CLOSE, tx_id=tx_id, rx_id=rx_id),
                    dict(una=una, received=received, alloc=alloc, sent=sent, current=sent),
                )
                covered = (rx_id - una) % (1 << 32) + 1
                acked = covered if tx_id and covered <= sent else 0
                quiet = alloc == acked and tx_id in (0, (received + 1) & MASK)
                if quiet:
                    assert out["action"] == Action.CLOSE_AGREED
                    assert out["state"] == LinkState.CLOSED
                    assert out["free_all"] and out["freed"] == alloc
                else:
                    assert out["action"] == Action.CLOSE_NOT_YET
                    assert out["state"] == LinkState.CLOSE_RECD
                    assert out["alloc"] == alloc - acked and out["end_known"] == (tx_id != 0)
                    if tx_id:
                        assert out["end"] == (tx_id - 1) & MASK
                        assert out["end_ahead"] == (serial(tx_id - 1, received) > 0)

    decide(check)


@pytest.mark.parametrize(
    "known,epoch,action",
    [
        (5, 5, Action.ANSWER_AGAIN),
        (5, 6, Action.RESTART),
        (5, 4, Action.DROP_STALE),
        (5, 0, Action.RESTART),
        (0, 5, Action.RESTART),
        (1, 0x8000, Action.RESTART),
        (1, 0x8001, Action.DROP_STALE),
        (0xFFFF, 1, Action.RESTART),
        (1, 0xFFFF, Action.DROP_STALE),
    ],
)
def test_open_on_an_open_link_compares_epochs_as_serial_numbers(known, epoch, action):
    def check(bench):
        out = bench.ask(
            dict(event=Event.RX_OPEN, tx_id=33, epoch=epoch),
            dict(peer_epoch=known, received=33, epoch=9),
        )
        assert out["action"] == action
        assert out["stepped"] == (action == Action.RESTART)
        assert out["peer_epoch"] == (epoch if action == Action.RESTART else known)

    decide(check)


@pytest.mark.parametrize("rx_id,opens", [(99, True), (100, False), (98, False), (0, False)])
def test_open_ack_opens_only_with_our_open_id(rx_id, opens):
    def check(bench):
        for tx_id, heard, received in ((301, 0, 300), (0, 0, 1), (0, 1, 555), (301, 1, 300)):
            out = bench.ask(
                dict(event=Event.RX_OPEN_ACK, tx_id=tx_id, rx_id=rx_id, epoch=8),
                dict(state=LinkState.OPEN_SENT, una=100, received=555, heard=heard, peer_epoch=0),
            )
            assert (out["state"] == LinkState.OPEN) == opens
            assert out["received"] == (received if opens else 555)
            assert out["peer_epoch"] == (8 if opens else 0)

    decide(check)


def test_answer_to_a_peer_without_epochs_starts_where_it_expects():
    """Section 4: our first data ID is that OPEN's RxID + 1; else a fresh one."""

    def check(bench):
        blank = dict(state=LinkState.CLOSED)
        out = bench.ask(dict(event=Event.RX_OPEN, tx_id=1, rx_id=41, epoch=0), blank)
        assert (out["una"], out["received"], out["epoch"]) == (42, 1, 0x4242)
        out = bench.ask(dict(event=Event.RX_OPEN, tx_id=1, rx_id=41, epoch=3), blank)
        assert (out["una"], out["peer_epoch"]) == (0x12345679, 3)

    decide(check)


def test_retries_and_idle_rounds_are_counted_and_end():
    def check(bench):
        busy = dict(sent=1, current=1, alloc=1, timer=1)
        timer = dict(event=Event.TIMER, by_lid=1)
        for retries in range(3):
            out = bench.ask(timer, dict(busy, retries=retries))
            assert (out["action"], out["retries"]) == (Action.REPLAY, retries + 1)
            assert out["current"] == 0
        out = bench.ask(timer, dict(busy, retries=3))
        assert out["action"] == Action.GIVE_UP and out["state"] == LinkState.CLOSED
        assert out["free_all"] and out["freed"] == 1
        assert bench.ask(timer, dict(timer=1, retries=1))["action"] == Action.COUNT
        assert bench.ask(timer, dict(timer=1, retries=2))["action"] == Action.CLOSE
        assert bench.ask(timer, dict(timer=0, retries=2))["action"] == Action.MARK

    decide(check)


def test_the_event_of_a_payload_sends_what_waits_longest():
    """Where it is known: at `next`, or at the head if nothing waits in front to be freed."""

    def check(bench):
        host = dict(event=Event.HOST_PAYLOAD, slot=9)
        tag = dict(una=MASK, alloc=4, sent=2, head=1, tail=3, next=6, timer=1)
        out = bench.ask(host, dict(tag, current=1))
        assert out["action"] == Action.APPEND_SEND and not out["first_sent"]
        assert (out["alloc"], out["sent"], out["current"], out["tail"]) == (5, 2, 2, 9)
        assert (out["passes"], out["follows"]) == (1, 1)
        out = bench.ask(host, dict(tag, current=2))
        assert out["first_sent"] and (out["sent"], out["current"], out["timer"]) == (3, 3, 0)
        # The one that waits is the last of the list: its successor is the event's own.
        out = bench.ask(host, dict(tag, sent=3, current=3))
        assert (out["passes"], out["follows"], out["next"], out["current"]) == (1, 0, 9, 4)
        # The one that waits is the first of the list.
        out = bench.ask(host, dict(tag, current=0))
        assert out["action"] == Action.APPEND_SEND and (out["passes"], out["follows"]) == (1, 1)
        assert (out["current"], out["head"]) == (1, 1)
        out = bench.ask(host, dict(tag, current=0, lag=1))
        assert out["action"] == Action.APPEND and (out["current"], out["tail"]) == (0, 9)
        out = bench.ask(host, dict(tag, current=2, lag=1))
        assert out["action"] == Action.APPEND_SEND and out["lag"] == 1 and out["passes"]
        # Nothing waits, but acknowledged slots do: it is the event's own.
        out = bench.ask(host, dict(tag, alloc=0, sent=0, current=0, lag=2))
        assert out["action"] == Action.APPEND_SEND and not out["passes"]
        assert (out["head"], out["next"], out["current"]) == (1, 9, 1)

    decide(check)


def test_slot_limit_and_the_ends_of_the_list():
    def check(bench):
        host = dict(event=Event.HOST_PAYLOAD, slot=9)
        assert bench.ask(host, dict(alloc=5))["action"] == Action.BLOCK
        out = bench.ask(host, dict(alloc=4, sent=4, current=4, head=1, tail=3))
        assert out["action"] == Action.APPEND_SEND and out["first_sent"]
        assert (out["head"], out["tail"], out["alloc"], out["current"]) == (1, 9, 5, 5)
        out = bench.ask(host, dict(alloc=4, sent=3, current=3, head=1, tail=3, next=3, held=1))
        assert out["action"] == Action.APPEND and (out["next"], out["tail"]) == (3, 9)
        out = bench.ask(host, dict(head=7, tail=7))
        assert (out["head"], out["tail"], out["alloc"], out["lag"]) == (9, 9, 1, 0)
        out = bench.ask(host, dict(head=7, tail=7, lag=2))
        assert (out["head"], out["tail"], out["alloc"], out["lag"]) == (7, 9, 1, 2)
        assert bench.ask(host, dict(state=LinkState.CLOSED), full=1)["action"] == Action.BLOCK_FULL

    decide(check)
