"""The pipeline behaves as one event at a time, whatever is in flight (section 5.1, claim S4).

The same events go through twice: one at a time, with the pipeline empty in between, and back to
back. Everything that leaves Q3 must be the same, field by field. Events of one link and of links
that share a set follow each other directly, so every forwarding distance is used.
"""

import functools
import random

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.lib import wiring

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.link.identity import Identity
from ttpoe.pipeline.pipeline import Pipeline
from ttpoe.pipeline.records import pipeline_event_layout
from ttpoe.replay.lists import SlotLists

CONFIG = preset("tiny").replace(name="pipeline", slots=1024, rx_slots=64, reorder_slots=16)
RX_EVENTS = [event for event in Event if event.value <= Event.RX_NACK_NOLINK.value]
EVENTS = 800
BACKGROUND = (
    Event.LOOK,
    Event.ASK,
    Event.PURGE,
    Event.SEEK,
    Event.REPLAY,
    Event.WALKED,
    Event.RETIRE,
)
NODES = (0x01, 0x04, 0x10, 0x40)  # all of one set: two ways for four nodes
OWN = 0x02
ZERO_SEEDS = (5, 8, 9)  # runs in which most peers send epoch 0


class Bench(Elaboratable):
    """Pipeline with the blocks that its pointers and IDs come from."""

    def __init__(self):
        self.pipeline = Pipeline(CONFIG)
        self.lists = SlotLists(CONFIG)

    def elaborate(self, platform):
        m = Module()
        m.submodules.pipeline = pipeline = self.pipeline
        m.submodules.lists = lists = self.lists
        m.submodules.identity = identity = Identity()
        wiring.connect(m, pipeline.successor, lists.successor)
        done = pipeline.o_done.payload
        outcome = done.outcome
        free = lists.i_free.payload
        in_q = [Signal(name=f"ask_over_q{stage}") for stage in (1, 2)]
        entering = pipeline.i_event
        m.d.sync += [
            in_q[0].eq(entering.valid & (entering.p.event == Event.ASK) & entering.p.room),
            in_q[1].eq(in_q[0]),
        ]
        m.d.comb += [
            identity.cfg_open_id_seed.eq(0xFFFE7FFF),  # IDs and epochs that wrap soon
            identity.i_step.eq(pipeline.o_stepped),
            pipeline.i_first_id.eq(identity.o_first_id),
            pipeline.i_epoch.eq(identity.o_epoch),
            pipeline.cfg_node.eq(OWN),
            pipeline.cfg_init_id.eq(1),
            pipeline.cfg_max_retry.eq(3),
            pipeline.cfg_idle_limit.eq(2),
            pipeline.cfg_link_slots.eq(6),
            pipeline.cfg_selective.eq(1),
            # These come from blocks that take their time; here in step with the events, so that
            # what is decided does not depend on the clocks in between.
            pipeline.i_kept_freed.eq(pipeline.o_done.valid & outcome.keeps),
            pipeline.i_ask_over.eq(in_q[1]),
            lists.i_append.valid.eq(pipeline.o_done.valid & outcome.append & (outcome.chain != 0)),
            lists.i_append.payload.tail.eq(done.old_tail),
            lists.i_append.payload.slot.eq(done.event.slot),
            lists.i_free.valid.eq(
                pipeline.o_done.valid
                & (outcome.pop | outcome.free_own | (outcome.free_all & (outcome.chain != 0)))
            ),
            free.head.eq(done.old_head),
            free.tail.eq(done.old_head),
            free.count.eq(1),
        ]
        with m.If(outcome.free_all):
            m.d.comb += [free.tail.eq(done.old_tail), free.count.eq(outcome.chain)]
        with m.If(outcome.free_own):
            m.d.comb += [free.head.eq(done.event.slot), free.tail.eq(done.event.slot)]
        return m


def record(ctx, done):
    """One event that left Q3, as plain numbers; what may be decided from older tags left out."""
    fields = {}

    def walk(view, prefix):
        for name, _field in view.shape():
            value = view[name]
            if hasattr(value, "shape") and hasattr(value.shape(), "members"):
                walk(value, f"{prefix}{name}.")
            elif not name.startswith("victim"):
                number = ctx.get(value)
                fields[prefix + name] = getattr(number, "name", number)

    walk(done, "")
    # What a link that has ended leaves in its tag depends on the way taken, and means nothing. Nor do
    # the peer's position and the list's pointers until the new link has them.
    before, after = fields["outcome.old_state"], fields["tag.state"]
    unset = set()
    if before in ("CLOSED", "OPEN_SENT"):
        unset |= {"outcome.old_seen", "old_head", "old_tail"}
        if after in ("CLOSED", "OPEN_SENT"):
            unset |= {"tag.received", "tag.seen", "tag.oldest_at"}
    if fields["tag.sent"] == 0:
        unset.add("tag.oldest_at")
    fields |= dict.fromkeys(unset, 0)
    if before == after == "CLOSED":
        fields = {
            name: value
            for name, value in fields.items()
            if not name.startswith("tag.")
            or name in ("tag.state", "tag.queued", "tag.purging", "tag.touch")
        }
    return fields


class Script:
    """Random events that make sense: they look at the tags as the last event left them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.hasty = 0 if seed == 3 else 0.15
        self.zero = 0.9 if seed in ZERO_SEEDS else 0
        self.tags = {}  # lid -> last record
        self.old_kept = []  # (lid, ID) that an ended link may have kept

    def note(self, record):
        """An event has left Q3."""
        before = self.tags.get(record["lid"])
        if before and before["tag.state"] != record["outcome.old_state"]:
            return  # of a link that found no place: the number is another's
        if record["outcome.purges"]:
            self.old_kept += [(record["lid"], before["tag.received"] + n) for n in range(2, 9)]
        self.tags[record["lid"]] = record

    def event(self, slot):
        rng = self.random
        node, vc = rng.choice(NODES), rng.choice((0, 0, 2))
        known = [r for r in self.tags.values() if r["tag.state"] != "CLOSED"]
        tag = rng.choice(known) if known and rng.random() < 0.85 else None
        if tag:
            node, vc = tag["node"], tag["vc"]
        fields = dict(node=node, vc=vc, ieee=rng.randrange(2), slot=slot, room=rng.random() < 0.8)
        kind = rng.choices(
            [
                Event.HOST_PAYLOAD,
                Event.VISIT,
                Event.TIMER,
                Event.HOST_OPEN,
                Event.HOST_CLOSE,
                Event.VICTIM,
                Event.SENT,
                *RX_EVENTS,
                *BACKGROUND,
            ],
            [
                9,
                8,
                8,
                2,
                1,
                0.3,
                2,
                3,
                3,
                0.2,
                1,
                0.4,
                0.5,
                16,
                7,
                5,
                0.7,
                0.4,
                6,
                6,
                3,
                4,
                7,
                0.5,
                2,
            ],
        )[0]
        state = tag["tag.state"] if tag else None
        if rng.random() < self.hasty:  # links that open, and then carry data
            kind = {"OPEN_SENT": Event.RX_OPEN_ACK, "OPEN_RECD": Event.SENT}.get(state, kind)
        if kind in BACKGROUND and state in (None, "OPEN_SENT", "OPEN_RECD"):
            kind = Event.PURGE if rng.random() < 0.5 else Event.HOST_PAYLOAD
        if kind in (Event.HOST_PAYLOAD, Event.HOST_OPEN) and rng.random() < 0.03:
            fields["node"] = OWN
        fields["event"] = kind
        fields["may_send"] = kind in (Event.HOST_PAYLOAD, Event.VISIT, Event.REPLAY) or (
            kind == Event.RX_NACK and rng.random() < 0.7
        )
        fields["selective"] = rng.random() < 0.75
        fields["rx_slot"] = rng.randrange(CONFIG.rx_slots)
        if kind in BACKGROUND:
            fields |= self.background(kind, tag)
        elif kind in (Event.VISIT, Event.TIMER, Event.SENT, Event.VICTIM):
            fields["by_lid"] = 1
            fields["lid"] = rng.choice(sorted(self.tags)) if self.tags else 0
            if tag and rng.random() < 0.8:
                fields["lid"] = tag["lid"]
        elif kind in RX_EVENTS:
            fields |= self.ids(kind, tag)
        return fields

    def background(self, kind, tag):
        """By link number; IDs as `pipeline.records` says."""
        rng = self.random
        if kind == Event.PURGE and self.old_kept:
            lid, packet_id = self.old_kept.pop(rng.randrange(len(self.old_kept)))
            return dict(
                by_lid=1, lid=lid, tx_id=packet_id % CONFIG.reorder_window, room=rng.random() < 0.1
            )
        if tag is None:
            return dict(
                by_lid=1,
                lid=rng.randrange(CONFIG.links),
                rx_id=rng.randrange(4),
                tx_id=rng.randrange(64),
            )
        received, una = tag["tag.received"], tag["tag.una"]
        tx_id, rx_id = received + 1, 0
        room = kind == Event.ASK and rng.random() < 0.3
        if kind == Event.LOOK:
            tx_id += rng.random() < 0.1
        elif kind == Event.ASK:
            tx_id += rng.randrange(6)
            rx_id = tx_id - rng.choice((0, 0, 1, 2))
        elif kind == Event.SEEK:
            rx_id = una + rng.choice((-1, 0, 0, 1, 2))
            tx_id = rx_id + rng.choice((0, 1, 3))
        elif kind == Event.REPLAY:
            rx_id = una + rng.randrange(-1, 1 + tag["tag.alloc"])
        return dict(
            by_lid=1, lid=tag["lid"], tx_id=tx_id & 0xFFFFFFFF, rx_id=rx_id & 0xFFFFFFFF, room=room
        )

    def ids(self, kind, tag):
        rng = self.random
        zero = rng.random() < self.zero
        if tag is None:
            tx_id = rng.getrandbits(32)
            return dict(
                tx_id=tx_id,
                rx_id=tx_id if zero else rng.getrandbits(32),
                epoch=0 if zero else rng.randrange(3),
            )
        near = rng.choice((-1, 0, 0, 1, 1, 1, 2, 3, 4, 5))
        tx_id = tag["tag.received"] + near
        rx_id = tag["tag.una"] + rng.choice((-1, 0, 0, 0, 1, 2, tag["tag.alloc"] - 1))
        epoch = tag["tag.peer_epoch"]
        if kind == Event.RX_OPEN_ACK:
            rx_id, epoch = tag["tag.una"] - 1, rng.randrange(1 << 16)
        if kind == Event.RX_OPEN and rng.random() < 0.7:
            epoch = (epoch + rng.choice((0, 1, 1, 0xFFFF))) & 0xFFFF
        if kind == Event.RX_OPEN_NACK:
            rx_id, epoch = tag["tag.una"] - 1, tag["tag.epoch"]
        if kind == Event.RX_NACK_NOLINK:
            epoch = tag["tag.epoch"]
        if zero and kind in (Event.RX_OPEN, Event.RX_OPEN_ACK):
            epoch = 0
            if kind == Event.RX_OPEN_ACK:
                tx_id = rng.choice((0, tx_id))
            else:
                rx_id = rng.choice((tx_id, tag["tag.una"] - 1, rx_id, rx_id - 3))
        if rng.random() < 0.05 * (not zero):
            epoch = rng.getrandbits(16)
        if kind == Event.RX_CLOSE and rng.random() < 0.3:
            tx_id = 0
        elif kind == Event.RX_CLOSE and rng.random() < 0.6:  # agreed, if all is sent
            tx_id, rx_id = tag["tag.received"] + 1, tag["tag.una"] + tag["tag.alloc"] - 1
        if kind == Event.RX_NACK:
            tx_id = rx_id + rng.choice((-1, 0, 0, 1, 3))
        return dict(tx_id=tx_id & 0xFFFFFFFF, rx_id=rx_id & 0xFFFFFFFF, epoch=epoch)


async def put(ctx, bench, fields):
    port = bench.pipeline.i_event
    event = dict(fields)
    event["event"] = event["event"].value
    port_fields = pipeline_event_layout(CONFIG).const(event)
    ctx.set(port.payload, port_fields)
    ctx.set(port.valid, 1)
    takes_slot = fields["event"] == Event.HOST_PAYLOAD
    if takes_slot:
        assert ctx.get(bench.lists.o_slot.valid)
        assert ctx.get(bench.lists.o_slot.payload) == fields["slot"]
    ctx.set(bench.lists.o_slot.ready, takes_slot)


@functools.cache
def _simulated():
    return Simulated(Bench(), 1e-8)


def run(testbench):
    simulated = _simulated()
    bench, results = simulated.design, []

    async def watch(ctx):
        while True:
            await ctx.tick()
            if ctx.get(bench.pipeline.o_done.valid):
                results.append(record(ctx, bench.pipeline.o_done.payload))

    async def drive(ctx):
        while not (ctx.get(bench.pipeline.o_ready) and ctx.get(bench.lists.o_slot.valid)):
            await ctx.tick()
        await testbench(ctx, bench, results)
        ctx.set(bench.pipeline.i_event.valid, 0)
        ctx.set(bench.lists.o_slot.ready, 0)
        await ctx.tick().repeat(8)

    simulated.run(drive, watch)
    return results


@functools.cache
def one_at_a_time(seed, count):
    """Events chosen as they go, each alone in the pipeline; returns the events and the results."""
    script, events = Script(seed), []

    async def testbench(ctx, bench, results):
        for _ in range(count):
            fields = script.event(ctx.get(bench.lists.o_slot.payload))
            events.append(fields)
            await put(ctx, bench, fields)
            await ctx.tick()
            ctx.set(bench.pipeline.i_event.valid, 0)
            ctx.set(bench.lists.o_slot.ready, 0)
            await ctx.tick().repeat(6)
            last = results[-1]
            script.note(last)

    return events, run(testbench)


@pytest.mark.parametrize("seed,gap", [(1, 0), (2, 0.3), (3, 0), (5, 0), (8, 0.3), (9, 0)])
def test_back_to_back_equals_one_at_a_time(seed, gap):
    events, expected = one_at_a_time(seed, EVENTS)
    rng = random.Random(seed)

    async def testbench(ctx, bench, _results):
        for fields in events:
            while rng.random() < gap:
                ctx.set(bench.pipeline.i_event.valid, 0)
                ctx.set(bench.lists.o_slot.ready, 0)
                await ctx.tick()
            await put(ctx, bench, fields)
            await ctx.tick()

    found = run(testbench)
    assert len(found) == len(expected) == len(events), f"seed={seed}"
    for number, (got, want) in enumerate(zip(found, expected)):
        wrong = {name: (got[name], want[name]) for name in want if got[name] != want[name]}
        assert not wrong, f"seed={seed}, event {number}: {events[number]}: (got, want) {wrong}"


def test_the_script_reaches_the_state_table():
    """A bench that only ever drops would prove nothing."""
    seen, did = set(), set()
    effects = {"keeps", "unkeeps", "looks", "asks", "purges", "hit", "resends", "seeks", "walking"}
    for seed in (1, 2, 3, *ZERO_SEEDS):
        seen |= {r["outcome.action"] for r in one_at_a_time(seed, EVENTS)[1]}
        did |= {
            name for r in one_at_a_time(seed, EVENTS)[1] for name in effects if r[f"outcome.{name}"]
        }
    missing = {action.name for action in Action} - seen
    assert missing <= {
        "CLOSE_AGAIN",
        "CLOSE_NACK_AGAIN",
        "CLOSE_UNSAID",
        "CLOSE_TIMED",
        "AGREE_TOLD",
        "CLOSE_ACK_STAY",
        "CLOSE_UNASKED",
        "TAKE_POSITION",
    }, missing
    assert did == effects


def test_an_event_takes_four_clocks_and_one_enters_per_clock():
    """Q0 is the clock of `i_event`; Q3 is three clocks later, for every one of a long run."""
    clocks_in, clocks_out = [], []

    async def testbench(ctx, bench, results):
        for clock in range(64):
            await put(ctx, bench, dict(event=Event.TIMER, by_lid=1, lid=clock % CONFIG.links))
            clocks_in.append(clock)
            await ctx.tick()
            if ctx.get(bench.pipeline.o_done.valid):
                clocks_out.append(clock + 1)

    run(testbench)
    assert clocks_out[:60] == [clock + 3 for clock in clocks_in[:60]]


def test_a_window_that_may_move_is_announced_in_q1():
    """A BLOCKED payload is raised again then, and so meets the new window (section 5.2)."""
    kinds = [Event.RX_ACK, Event.RX_PAYLOAD, Event.RX_NACK, Event.TIMER, Event.RX_CLOSE]
    announced = []

    async def testbench(ctx, bench, _results):
        for kind in kinds:
            await put(ctx, bench, dict(event=kind, node=5, vc=0))
            await ctx.tick()
            announced.append(ctx.get(bench.pipeline.o_may_retire))
        ctx.set(bench.pipeline.i_event.valid, 0)
        await ctx.tick()
        announced.append(ctx.get(bench.pipeline.o_may_retire))

    run(testbench)
    assert announced == [1, 0, 1, 0, 1, 0]


def test_blocked_payload_keeps_its_slot_and_the_limit_holds():
    """`cfg_link_slots` is 6: the seventh payload of one link is BLOCKED (section 5.2)."""

    async def testbench(ctx, bench, _results):
        for _ in range(8):
            slot = ctx.get(bench.lists.o_slot.payload)
            await put(ctx, bench, dict(event=Event.HOST_PAYLOAD, node=5, vc=0, slot=slot))
            await ctx.tick()

    results = run(testbench)
    assert [r["outcome.result"] for r in results] == ["TAKEN"] * 6 + ["BLOCKED"] * 2
    assert results[-1]["tag.alloc"] == 6


def test_read_out_shows_a_tag_in_a_clock_without_an_event():
    async def testbench(ctx, bench, _results):
        pipeline = bench.pipeline
        slot = ctx.get(bench.lists.o_slot.payload)
        await put(ctx, bench, dict(event=Event.HOST_PAYLOAD, node=5, vc=0, slot=slot))
        await ctx.tick()
        ctx.set(bench.lists.o_slot.ready, 0)
        for _clock in range(4):
            ctx.set(pipeline.i_event.valid, 0)
            await ctx.tick()
        lid = ctx.get(pipeline.q3_lid)
        ctx.set(pipeline.i_inspect.payload, lid)
        ctx.set(pipeline.i_inspect.valid, 1)
        await put(ctx, bench, dict(event=Event.TIMER, by_lid=1, lid=lid))
        assert not ctx.get(pipeline.i_inspect.ready), "events go first"
        await ctx.tick()
        ctx.set(pipeline.i_event.valid, 0)
        assert ctx.get(pipeline.i_inspect.ready)
        await ctx.tick()
        ctx.set(pipeline.i_inspect.valid, 0)
        assert ctx.get(pipeline.o_inspected.valid)
        tag = pipeline.o_inspected.payload
        assert ctx.get(tag.state) == LinkState.OPEN_SENT
        assert (ctx.get(tag.node), ctx.get(tag.alloc), ctx.get(tag.timer)) == (5, 1, 0)
        await ctx.tick()
        assert not ctx.get(pipeline.o_inspected.valid)

    run(testbench)


async def opened(ctx, bench, results):
    """A selective link to node 5 whose peer's last in-order ID is 100; its number."""

    async def alone(**fields):
        await put(ctx, bench, fields)
        await ctx.tick()
        ctx.set(bench.pipeline.i_event.valid, 0)
        await ctx.tick().repeat(6)

    await alone(event=Event.RX_OPEN, node=5, epoch=7, tx_id=100, selective=1)
    lid = results[-1]["lid"]
    await alone(event=Event.SENT, by_lid=1, lid=lid)
    assert results[-1]["tag.state"] == "OPEN" and results[-1]["tag.selective"]
    results.clear()
    return lid


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 6])
def test_what_is_kept_is_found_and_what_is_delivered_is_not(distance):
    """An event every `distance` clocks: the directory and the tag are as old as each other."""
    window = CONFIG.reorder_window

    async def testbench(ctx, bench, results):
        lid = await opened(ctx, bench, results)
        nothing = dict(event=Event.TIMER, by_lid=1, lid=(lid + 2) % CONFIG.links)

        def payload(number, slot):
            return dict(event=Event.RX_PAYLOAD, node=5, epoch=7, tx_id=number, room=1, rx_slot=slot)

        def look(number):
            return dict(event=Event.LOOK, by_lid=1, lid=lid, tx_id=number)

        for fields in (
            payload(102, 20),
            payload(102, 21),
            payload(103, 22),
            payload(101, 23),
            look(102),
            look(103),
            look(103),
            look(104),
            payload(104, 26),
            # the places of 102 and 103 are free again
            payload(102 + window, 24),
            payload(103 + window, 25),
        ):
            await put(ctx, bench, fields)
            await ctx.tick()
            for _clock in range(distance - 1):
                await put(ctx, bench, nothing)
                await ctx.tick()

    results = [r for r in run(testbench) if r["event.event"] != "TIMER"]
    assert [(r["outcome.action"], r["tag.received"], r["tag.kept"]) for r in results] == [
        ("KEEP_NACK", 100, 1),
        ("LOSE", 100, 1),
        ("KEEP", 100, 2),
        ("DELIVER_LOOK", 101, 2),
        ("DELIVER_KEPT", 102, 1),
        ("DELIVER_KEPT", 103, 0),
        ("NOTHING", 103, 0),
        ("LOOKED", 103, 0),
        ("DELIVER", 104, 0),
        ("KEEP_NACK", 104, 1),
        ("KEEP", 104, 2),
    ]
    assert [r["kept_slot"] for r in results if r["outcome.unkeeps"]] == [20, 22]


@pytest.mark.parametrize("gap", [0, 1, 2, 3, 6])
def test_a_link_that_opens_right_behind_its_end_starts_afresh(gap):
    """Whatever of the old tag is still on its way; the old one's kept packets wait for PURGE."""

    async def testbench(ctx, bench, results):
        await opened(ctx, bench, results)
        await put(ctx, bench, dict(event=Event.RX_PAYLOAD, node=5, epoch=7, tx_id=103, room=1))
        await ctx.tick()
        # The link's own epoch is the first of `identity`: 0xFFFE.
        await put(ctx, bench, dict(event=Event.RX_NACK_NOLINK, node=5, epoch=0xFFFE))
        await ctx.tick()
        for _clock in range(gap):
            ctx.set(bench.pipeline.i_event.valid, 0)
            await ctx.tick()
        await put(ctx, bench, dict(event=Event.HOST_OPEN, node=5))
        await ctx.tick()

    kept, lost, new = run(testbench)
    assert (kept["outcome.action"], lost["outcome.action"]) == ("KEEP_NACK", "LINK_LOST")
    assert lost["outcome.purges"] and new["outcome.action"] == "OPEN_BY_HOST"
    wanted = dict(
        alloc=0,
        sent=0,
        current=0,
        lag=0,
        held=0,
        gap=0,
        kept=0,
        looking=0,
        heard=0,
        close_due=0,
        close_nacked=0,
        end_known=0,
        end_ahead=0,
        timer=0,
        retries=0,
        purging=new["lid"] == lost["lid"],
        peer_epoch=0,
    )
    assert {name: new[f"tag.{name}"] for name in wanted} == wanted
