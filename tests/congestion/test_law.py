"""The law in hardware against the model, event by event (decisions K4, K7, K8, K10, K13)."""

import random

import pytest

from tests.simulated import made
from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.congestion.law import Law
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.protocol import Opcode
from ttpverif.model.congestion import Receiver, Sender

CONFIG = preset("default")
APART = 6  # clocks between two events of one link
LINKS = 3


class Link:
    """What the pipeline would know of a link, and the model of its law."""

    def __init__(self, lid):
        self.lid, self.sender, self.next_id, self.una = lid, None, 0, 0
        self.ready_at = 0


def one_event(rng, link):
    """(what Q3 says, {method of the model: arguments})"""
    window = (link.next_id - link.una) & 0xFFFFFFFF
    tag = dict(state=LinkState.OPEN, controlled=1, alloc=rng.choice((0, 1, 3, 40)), retries=0)
    tag["current"] = rng.randrange(tag["alloc"] + 1)
    kinds = "payload ack visit idle time_out send begin".split()
    kinds += ["again", "echo", "nack", "hold"] if window else []
    kind = rng.choices(kinds, [6 if k in ("send", "ack") else 1 for k in kinds])[0]
    event = dict(event=Event.RX_ACK, congestion=rng.choice((0, 0x10, 0x10, rng.randrange(256))))
    outcome = dict(action=Action.NOTHING)
    code = event["congestion"]
    calls = []
    if kind in ("ack", "echo", "nack"):
        which = (link.una + rng.randrange(max(1, window))) & 0xFFFFFFFF
        if kind == "ack":
            outcome["action"], event["rx_id"] = Action.RETIRE, which
            link.una = (which + 1) & 0xFFFFFFFF if window else link.una
        elif kind == "echo":
            outcome["action"], event["tx_id"] = Action.NOTED, which
        else:
            event["event"] = Event.RX_NACK
            outcome["action"], event["tx_id"] = Action.NACK_RANGE, (which - 1) & 0xFFFFFFFF
        calls += [("heard", code), ("arrived", which)]
        if kind == "ack":
            calls.append(("passed", (which + 1) & 0xFFFFFFFF))
    elif kind == "payload":
        event = dict(event=Event.RX_PAYLOAD, congestion=rng.getrandbits(1))
        tag["gap"] = rng.getrandbits(1)
        outcome["action"] = Action.DELIVER
        calls.append(("counts", event["congestion"] or tag["gap"]))
    elif kind in ("send", "again"):
        event = dict(event=Event.VISIT)
        first = kind == "send"
        if first and window >= CONFIG.slots - 1:
            first = False
        if first:
            sent, link.next_id = link.next_id, (link.next_id + 1) & 0xFFFFFFFF
        else:
            sent = (link.una + rng.randrange(window)) & 0xFFFFFFFF
        outcome |= dict(action=Action.SEND, frame=1, opcode=Opcode.PAYLOAD, sends=1)
        outcome["first_sent"] = int(first)
        calls.append(("sent", sent, first))
    elif kind in ("visit", "idle", "time_out"):
        event = dict(event=Event.TIMER)
        calls.append(("visited",))
        tag["retries"] = rng.choice((1, 2, 7))
        if kind == "time_out":
            outcome["action"] = Action.REPLAY
            tag["alloc"] = max(1, tag["alloc"])
            outcome["slow"] = rng.getrandbits(1)
            calls.append(("timed_out", tag["retries"] - 1, outcome["slow"]))
        elif kind == "idle":
            tag["alloc"] = tag["current"] = 0
            if tag["retries"] >= 2:
                calls.append(("rested",))
        elif tag["alloc"] == 0 and tag["retries"] >= 2:
            calls.append(("rested",))
    elif kind == "hold":
        outcome["action"] = Action.HOLD
        calls.append(("held",))
    else:
        how = rng.choice((Event.RX_OPEN, Event.HOST_OPEN, Event.RX_OPEN_ACK))
        answers = how == Event.RX_OPEN
        if how == Event.RX_OPEN_ACK:
            event, outcome = dict(event, event=how), dict(action=Action.OPENED)
        else:
            event, outcome = dict(event=how), outcome | dict(stepped=1)
        tag |= dict(current=0)
        link.next_id = link.una = rng.choice((0, 0xFFFFFFF0, rng.getrandbits(32)))
        calls.append(("begin", answers))
        if how == Event.RX_OPEN_ACK:
            calls.append(("opens", code))
    done = dict(event=event, outcome=outcome, tag=tag, lid=link.lid, owns=1, vc=2)
    return done, calls


def carry_out(link, receiver, calls, now, tag):
    """The same event in the model."""
    sender = link.sender
    long = cut = False
    for name, *arguments in calls:
        if name == "begin":
            receiver.ended(link.lid)
            if arguments[0]:
                receiver.opened(link.lid)
            link.sender = sender = Sender(CONFIG.slots, now)
        elif name == "counts":
            receiver.payload(link.lid, bool(arguments[0]))
        elif name == "sent":
            sender.sent(*arguments, now)
        elif name == "opens":
            sender.heard(arguments[0], now, opens=True)
        elif name in ("heard", "arrived"):
            if name == "arrived" and sender.timed == arguments[0]:
                trip = ((now - sender.stamp) % 2**14 + 3) // 4
                cut = trip - min(trip, sender.base) >= 160
            long = bool(getattr(sender, name)(*arguments, now))
        elif name == "visited":
            receiver.visited(link.lid, True)
            sender.visited(now)
        else:
            getattr(sender, name)(*arguments)
    sender.settle(tag["current"], tag["current"] < tag["alloc"])
    return long, cut


@pytest.mark.parametrize("seeds", [(0, 1, 2)])
def test_each_event_does_what_the_model_says(seeds):
    longs_seen = []
    for seed in seeds:
        follow(seed, longs_seen)
    assert any(longs_seen)


def state_of(link, receiver, now, bits):
    """What the record of the law must say."""
    model = link.sender
    return dict(
        lid=link.lid,
        now=now,
        window=model.window,
        growing=model.growing,
        limited=model.limited,
        timing=model.timed is not None,
        base=model.base,
        gap=model.gap,
        next_at=model.next_at,
        free=model.free,
        counted=link.lid in receiver.ages,
        links=receiver.links,
        **(
            {"timed": model.timed % (1 << bits), "stamp": model.stamp}
            if model.timed is not None
            else {}
        ),
    )


def gate_of(link):
    """What the gate must be told."""
    model = link.sender
    stop, paced = model.position >= model.window, model.gap > 0 or model.window == 1
    return dict(stop=stop, paced=paced, next_at=model.next_at)


def follow(seed, longs_seen):
    """One random run; appends whether samples were long and windows cut."""
    rng, dut = random.Random(seed), Law(CONFIG)
    links, receiver = [Link(lid) for lid in (4, 5, 90)], Receiver()
    bits = CONFIG.count_bits
    start = rng.choice((0, 65536 - 4000, 40000))

    async def testbench(ctx):
        ctx.set(dut.i_limit, 2)
        while not ctx.get(dut.o_ready):
            await ctx.tick()
        pending = []  # (clock in which `now` is taken, link, calls, done)
        records, gates = [], []  # what is due; the gate's, with its clock and link
        sent_id = expected = longs = cuts = cuts_due = 0
        for clock in range(4000):
            now = (start + 8 * clock) % 65536  # so that some samples are long
            ctx.set(dut.i_now, now)
            ctx.set(dut.i_done.valid, 0)
            ctx.set(dut.i_sent_id, sent_id)
            free = [link for link in links if clock >= link.ready_at]
            if rng.random() < 0.2:  # an event of another VC means nothing
                done, _ = one_event(rng, Link(rng.randrange(128)))
                ctx.set(dut.i_done.payload, done | dict(vc=rng.randrange(2)))
                ctx.set(dut.i_done.valid, 1)
            elif free and rng.random() < 0.7:
                link = rng.choice(free)
                link.ready_at = clock + rng.choice((APART, APART, 9, 40, 300))
                done, calls = one_event(rng, link)
                if link.sender is None and calls[0][0] != "begin":
                    done = dict(done, event=dict(event=Event.RX_OPEN), outcome=dict(stepped=1))
                    done["tag"] = dict(done["tag"], current=0)
                    calls = [("begin", 1)]
                link.sender = link.sender or Sender(CONFIG.slots, 0)
                ctx.set(dut.i_done.payload, done)
                ctx.set(dut.i_done.valid, 1)
                pending.append((clock + 2, link, calls, done))
                sent = [call[1] for call in calls if call[0] == "sent"]
                sent_id = sent[0] & (1 << bits) - 1 if sent else 0
            while pending and pending[0][0] == clock:
                _, link, calls, done = pending.pop(0)
                long, cut = carry_out(link, receiver, calls, now, done["tag"])
                expected, cuts_due = expected + long, cuts_due + cut
                records.append((state_of(link, receiver, now, bits), gate_of(link)))
            longs += ctx.get(dut.o_long)
            cuts += ctx.get(dut.stat_window_cut)
            if ctx.get(dut.o_law.valid) and ctx.get(dut.o_law.p.touched):
                wanted, told = records.pop(0)
                found = {name: ctx.get(dut.o_law.p[name]) for name in wanted}
                assert found == wanted, clock
                gates.append((clock + 1, wanted["lid"], told))
            if gates and gates[0][0] == clock - 1:
                told = gates.pop(0)[2]
                assert {name: ctx.get(dut.o_gate[name]) for name in told} == told, clock
            if gates and gates[0][0] == clock:
                ctx.set(dut.i_gate, gates[0][1])
            await ctx.tick()
        assert len(records) <= 6
        assert expected - longs in (0, 1) and cuts_due - cuts in (0, 1)
        longs_seen.append(longs and cuts)

    simulate(dut, testbench)


@pytest.mark.parametrize("quiet", [1, 0x7FFF, 0x8000, 0x8001])
def test_a_visit_after_a_long_quiet(quiet):
    """Times are serial numbers: half a circle apart, none is in the past (K8)."""
    dut, found = made(Law, CONFIG), []
    model = Sender(CONFIG.slots, 0)
    model.visited(quiet)

    async def testbench(ctx):
        while not ctx.get(dut.o_ready):
            await ctx.tick()
        begin = dict(event=dict(event=Event.HOST_OPEN), outcome=dict(stepped=1))
        visit = dict(event=dict(event=Event.TIMER), tag=dict(state=LinkState.OPEN, controlled=1))
        for now, done in ((0, begin), (quiet, visit)):
            ctx.set(dut.i_now, now)
            ctx.set(dut.i_done.payload, done | dict(lid=4, owns=1, vc=2))
            for clock in range(10):
                ctx.set(dut.i_done.valid, clock == 0)
                if ctx.get(dut.o_law.valid) and ctx.get(dut.o_law.p.touched):
                    found.append(ctx.get(dut.o_law.p.next_at))
                await ctx.tick()

    simulate(dut, testbench)
    assert found == [0, model.next_at]
