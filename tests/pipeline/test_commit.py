"""`Commit`: what each outcome hands to the wire, the memories and the host."""

import random

import pytest

from tests.pipeline.registered_bench import CONFIG, Pair, drawn, run
from tests.simulated import made
from tests.streams import simulate
from ttpoe.layouts import HostResult
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.pipeline.q3_commit import Commit
from ttpoe.pipeline.records import SILENT, RxBase, TxBase, committed_layout
from ttpoe.protocol import Opcode

MASK = (1 << 32) - 1
ROUNDS = 80


def events(seed, chosen, look):
    """`look(ctx, dut, done)` for many events at random, of which `chosen(rng)` says some fields:
    {"outcome": {...}, "event": {...}}."""
    dut, rng = made(Commit, CONFIG), random.Random(seed)

    async def testbench(ctx):
        for _ in range(ROUNDS):
            done = drawn(rng, committed_layout(CONFIG))
            for part, fields in chosen(rng).items():
                if isinstance(fields, dict):
                    done[part] |= fields
                else:
                    done[part] = fields
            ctx.set(dut.i_done.payload, done)
            ctx.set(dut.i_done.valid, 1)
            look(ctx.get, dut, done)

    simulate(dut, testbench)


TX_IDS = {
    TxBase.ZERO: lambda tag, event: 0,
    TxBase.OPEN_ID: lambda tag, event: tag["una"] - 1,
    TxBase.FIRST: lambda tag, event: tag["una"],
    TxBase.END: lambda tag, event: tag["una"] + tag["alloc"],
    TxBase.LAST: lambda tag, event: tag["una"] + tag["alloc"] - 1,
    TxBase.CURRENT: lambda tag, event: tag["una"] + tag["current"] - 1,
    TxBase.TX_ID: lambda tag, event: event["tx_id"],
    TxBase.BEFORE_TX: lambda tag, event: event["tx_id"] - 1,
    TxBase.SEEN: lambda tag, event: tag["seen"],
    TxBase.MISSING: lambda tag, event: tag["received"] + 1,
}
"""Sections 1.2, 5.1 and 5.2; POSITION is a test of its own."""

RX_IDS = {
    RxBase.ZERO: lambda done: 0,
    RxBase.TX_ID: lambda done: done["event"]["tx_id"],
    RxBase.RECEIVED: lambda done: done["tag"]["received"],
    RxBase.MISSING: lambda done: done["tag"]["received"] + 1,
    RxBase.GAP: lambda done: done["outcome"]["old_seen"] + 1,
    RxBase.RUN: lambda done: done["before_run"] + 1,
}


@pytest.mark.parametrize("base", TX_IDS)
def test_the_tx_id_of_a_frame(base):
    def look(get, dut, done):
        wanted = TX_IDS[base](done["tag"], done["event"]) & MASK
        assert get(dut.o_control.p.tx_id) == get(dut.o_payload.p.tx_id) == wanted

    events(1, lambda rng: {"outcome": {"tx_base": base, "frame": 1}}, look)


def test_the_tx_id_of_a_packet_that_is_sent_again():
    """REPLAY says as many bits of it as tell the window's packets apart."""
    bits = CONFIG.count_bits

    def look(get, dut, done):
        ahead = (done["event"]["rx_id"] - done["tag"]["una"]) % (1 << bits)
        assert get(dut.o_payload.p.tx_id) == (done["tag"]["una"] + ahead) & MASK

    events(2, lambda rng: {"outcome": {"tx_base": TxBase.POSITION}}, look)


@pytest.mark.parametrize("base", RX_IDS)
def test_the_rx_id_of_a_frame(base):
    def look(get, dut, done):
        assert get(dut.o_control.p.rx_id) == RX_IDS[base](done) & MASK

    events(3, lambda rng: {"outcome": {"rx_base": base, "frame": 1}}, look)


def test_frames_go_where_they_belong_and_what_q0_promised_is_given_back():
    def look(get, dut, done):
        frame, opcode = done["outcome"]["frame"], done["outcome"]["opcode"]
        control = frame and opcode is not Opcode.PAYLOAD
        payload = frame and opcode is Opcode.PAYLOAD
        assert get(dut.o_control.valid) == control and get(dut.o_payload.valid) == payload
        event = done["event"]
        assert get(dut.o_control_unused) == (event["event"] not in SILENT and not control)
        assert get(dut.o_payload_unused) == (event["may_send"] and not payload)
        if payload:
            assert get(dut.o_payload.p.slot) == done["sent_slot"]

    chosen = lambda rng: {"outcome": {"opcode": rng.choice((Opcode.PAYLOAD, Opcode.ACK))}}
    events(4, chosen, look)


@pytest.mark.parametrize("copies", [0, 1])
def test_an_answer_for_a_link_that_is_not_there_is_in_the_form_of_what_came(copies):
    def look(get, dut, done):
        source, frame = done["event" if copies else "tag"], dut.o_control.p
        assert get(frame.ieee) == source["ieee"] and get(frame.epoch) == source["epoch"]
        if copies:
            assert not get(frame.announces)

    events(5, lambda rng: {"outcome": {"copies": copies}}, look)


def test_slots_join_and_leave_the_list():
    def look(get, dut, done):
        outcome, free = done["outcome"], dut.o_free.p
        assert get(dut.o_append.valid) == (outcome["append"] and outcome["chain"] != 0)
        assert get(dut.o_append.p.tail) == done["old_tail"]
        assert get(dut.o_append.p.slot) == done["event"]["slot"]
        ends = {
            "pop": (done["old_head"], done["old_head"], 1),
            "run": (done["old_head"], done["event"]["slot"], done["event"]["rx_id"] & 31),
            "free_own": (done["event"]["slot"], done["event"]["slot"], 1),
            "free_all": (done["old_head"], done["old_tail"], outcome["chain"]),
        }
        which = next((name for name in ("run", *ends) if outcome[name]), None)
        frees = which is not None and not (which == "free_all" and outcome["chain"] == 0)
        assert get(dut.o_free.valid) == frees
        if frees:
            assert (get(free.head), get(free.tail), get(free.count)) == ends[which]
            assert get(free.whole_link) == (which == "free_all")
        assert get(dut.o_retry) == outcome["free_all"]

    def chosen(rng):
        flags = dict.fromkeys(("pop", "run", "free_own", "free_all"), 0)
        flags |= {rng.choice([*flags, "append"]): 1}
        flags["pop"] |= flags["run"]
        return {"outcome": {"append": 0, "chain": rng.choice((0, 1, 5))} | flags}

    events(6, chosen, look)


@pytest.mark.parametrize("event", [Event.RX_PAYLOAD, Event.RX_ACK, Event.LOOK])
def test_each_receive_slot_has_one_verdict(event):
    """At once, or, if it is kept, when it is no longer."""

    def look(get, dut, done):
        outcome, verdict = done["outcome"], dut.o_verdict
        now = event is Event.RX_PAYLOAD and done["event"]["room"] and not outcome["keeps"]
        assert get(verdict.valid) == (outcome["unkeeps"] or now)
        slot = done["kept_slot"] if outcome["unkeeps"] else done["event"]["rx_slot"]
        assert get(verdict.p.slot) == slot and get(verdict.p.kept) == outcome["unkeeps"]
        delivers = outcome["action"].name.startswith("DELIVER")
        assert get(verdict.p.deliver) == delivers
        assert get(dut.o_kept.valid) == outcome["keeps"]

    deliver = [action for action in Action if action.name.startswith("DELIVER")]
    chosen = lambda rng: {
        "event": {"event": event},
        "outcome": {"action": rng.choice([*deliver, Action.DROP_GAP, Action.NOTHING])},
    }
    events(7, chosen, look)


def test_the_host_is_told():
    def look(get, dut, done):
        outcome, is_host = done["outcome"], done["event"]["event"] is Event.HOST_PAYLOAD
        assert get(dut.o_result.valid) == is_host
        assert get(dut.o_result.p.result) == outcome["result"]
        assert get(dut.o_notice.valid) == outcome["noticed"]
        assert get(dut.o_notice.p.notice) == outcome["notice"]
        assert get(dut.o_notice.p.node) == done["node"]

    chosen = lambda rng: {
        "event": {"event": rng.choice((Event.HOST_PAYLOAD, Event.VISIT))},
        "outcome": {"result": rng.choice(list(HostResult))},
    }
    events(8, chosen, look)


def test_without_an_event_nothing_is_said():
    dut, rng = made(Commit, CONFIG), random.Random(9)
    said = [
        getattr(dut, name) if name.startswith("stat_") or name.endswith(("unused", "retry", "retired"))
        else getattr(dut, name).valid
        for name in dut.signature.members
        if name != "i_done"
    ]  # fmt: skip
    assert len(said) > 30

    async def testbench(ctx):
        for _ in range(50):
            ctx.set(dut.i_done.payload, drawn(rng, committed_layout(CONFIG)))
            assert not any(ctx.get(signal) for signal in said)

    simulate(dut, testbench)


def test_commit_with_registers_is_one_clock_later():
    rng = random.Random(2)
    pair = Pair(Commit, 1, {})
    done = pair.plain.i_done
    pair.action = done.payload.outcome.action

    def draw():
        yield done.payload, drawn(rng, committed_layout(CONFIG))
        yield done.valid, rng.random() < 0.7

    assert len(set(run(pair, 1, draw))) > 0.9 * len(Action)


def test_the_retirer_is_told():
    """From two slots on; the event that freed a run says so, and what is left goes with it."""

    def look(get, dut, done):
        tag, outcome = done["tag"], done["outcome"]
        here = tag["lag"] > 1 and not outcome["walking"] and tag["state"] is not LinkState.CLOSED
        assert get(dut.o_lag.valid) == here
        told = get(dut.o_lag.p.lid), get(dut.o_lag.p.count), get(dut.o_lag.p.head)
        assert told == (done["lid"], tag["lag"], tag["head"])
        assert get(dut.o_retired) == (done["event"]["event"] is Event.RETIRE)
        assert get(dut.stat_slot_retired) == outcome["pop"]

    chosen = lambda rng: {
        "event": {"event": rng.choice((Event.RETIRE, Event.RX_ACK))},
        "tag": {"lag": rng.randrange(4), "state": rng.choice(list(LinkState))},
        "outcome": {"walking": rng.randrange(2)},
    }
    events(10, chosen, look)


def test_the_askers_are_told():
    """LOOK: where to go on, and whether its packet was there; ASK: whether the round goes on."""

    def look(get, dut, done):
        tag, outcome, kind = done["tag"], done["outcome"], done["event"]["event"]
        assert get(dut.o_looked.valid) == (kind is Event.LOOK)
        answer = get(dut.o_looked.p.on), get(dut.o_looked.p.hit), get(dut.o_looked.p.id)
        assert answer == (tag["looking"], outcome["unkeeps"], (tag["received"] + 1) & MASK)
        assert get(dut.o_asked.valid) == (kind is Event.ASK)
        on = outcome["asks_on"] and tag["state"] is not LinkState.CLOSED
        assert get(dut.o_asked.p.on) == on

    chosen = lambda rng: {"event": {"event": rng.choice((Event.LOOK, Event.ASK, Event.RX_ACK))}}
    events(11, chosen, look)
