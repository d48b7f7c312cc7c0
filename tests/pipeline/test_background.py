"""The events of selective replay in every state of a link, also those that come too late.

LOOK, ASK, PURGE, SEEK, REPLAY, WALKED and RETIRE name their link by its number and are raised in
the background. So the link that asked for one may be gone, and another one in its place, before
it enters; in a whole engine that takes a race of a few clocks. Here they are put into `Pipeline`
directly, with `Commit` behind it: every row of the state table, and everything that may leave Q3.
Each script runs twice: one event at a time, and as fast as the pipeline takes them.

Source: protocol sections 3 and 5.3, decisions R5 to R10. The rows are claimed in
`ttpverif/coverage/state_plan.json` under the name `test_background`.
"""

import functools
from types import SimpleNamespace

import pytest
from amaranth import Elaboratable, Module, Signal, Value
from amaranth.hdl import ResetInserter
from amaranth.lib import data, wiring
from amaranth.sim import Simulator

from tests.pipeline.pipeline_bench import LATENCY, fill_entry
from ttpoe.config import preset
from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.identity import Identity
from ttpoe.link.state_table import TABLE
from ttpoe.pipeline.pipeline import Pipeline
from ttpoe.pipeline.q3_commit import STATS, Commit
from ttpoe.pipeline.records import pipeline_event_layout
from ttpoe.replay.lists import SlotLists
from ttpverif.coverage.state_plan import check_claims

CONFIG = preset("tiny")
MASK = (1 << 32) - 1
RANGE_MASK = (2 << CONFIG.count_bits) - 1  # a range is known by count_bits + 1 bits of its IDs
WINDOW = CONFIG.reorder_window  # 16: PURGE n meets the IDs whose lowest 4 bits are n
GAPS = (0, LATENCY + 1)  # clocks between two events

EARLY = ("CLOSED", "OPEN_SENT", "OPEN_RECD")
DATA = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")
PEER, OTHER_PEER, NEIGHBOUR = 0x01, 0x10, 0x04  # all of set 1
LID, NEIGHBOUR_LID = 2, 3  # its two ways
FIRST = 0xFFFFFFFE  # our first data ID: the window wraps behind it
START = 0xFFFFFFFA  # the peer's ID before its first data ID
KEPT = {START + 2: 1, START + 4: 2, START + 5: 3}  # by the old link: ID -> receive slot
ENDINGS = {"lost": "CLOSED", "closed": "CLOSED", "restart": "OPEN", "restart_closing": "OPEN_RECD"}
"""How the old link ends -> the state that follows in the same event."""


class Bench(Elaboratable):
    """Pipeline, commit, and the blocks that slots and IDs come from."""

    def __init__(self):
        self.pipeline, self.commit = Pipeline(CONFIG), Commit(CONFIG)
        self.lists = SlotLists(CONFIG)
        self.event = Signal(pipeline_event_layout(CONFIG))  # what is offered

    def elaborate(self, platform):
        m = Module()
        m.submodules.pipeline, m.submodules.commit = pipeline, commit = self.pipeline, self.commit
        m.submodules.lists = lists = self.lists
        m.submodules.identity = identity = Identity()
        wiring.connect(m, pipeline.successor, lists.successor)
        m.d.comb += [
            *fill_entry(CONFIG, pipeline.i_event.payload, self.event),
            identity.cfg_fixed_open_id.eq(1),
            identity.cfg_init_id.eq(FIRST - 1),
            identity.i_step.eq(pipeline.o_stepped),
            pipeline.i_first_id.eq(identity.o_first_id),
            pipeline.i_epoch.eq(identity.o_epoch),
            pipeline.cfg_init_id.eq(FIRST - 1),
            pipeline.cfg_selective.eq(1),
            pipeline.i_kept_freed.eq(commit.o_verdict.valid & commit.o_verdict.p.kept),
            *(
                getattr(commit.i_done, name).eq(getattr(pipeline.o_done, name))
                for name in ("valid", "payload")
            ),
            *(
                getattr(port, name).eq(getattr(source, name))
                for port, source in (
                    (lists.i_append, commit.o_append),
                    (lists.i_free, commit.o_free),
                )
                for name in ("valid", "payload")
            ),
        ]
        return m


PORTS = {
    "control": lambda p: (p.opcode.name, p.tx_id, p.rx_id),
    "payload": lambda p: (p.slot, p.tx_id),
    "append": lambda p: (p.tail, p.slot),
    "free": lambda p: (p.head, p.count),
    "push": lambda p: p.lid,
    "verdict": lambda p: (p.slot, p.deliver, p.kept),
    "result": lambda p: p.result.name,
    "notice": lambda p: p.notice.name,
    "kept": lambda p: p,
    "look_job": lambda p: "purge" if p.purge else "look",
    "looked": lambda p: p.on and p.id,  # 0: the look-up is over
    "ask_start": lambda p: p.id,
    "asked": lambda p: (p.on, p.hit),
    "range": lambda p: (p.first, p.last),
    "walk": lambda p: p.found and (p.head, p.una, p.lag, p.current),
    "lag": lambda p: p.count,
}
"""What may leave Q3 and be seen: port of `Commit` -> what of it is compared."""


class Step:
    """One event and what must come of it. `told` may depend on the link's replay slots."""

    def __init__(self, kind, lid, action, fields, row=None, changes=None, told=None):
        self.kind, self.lid, self.action, self.fields = kind, lid, action, fields
        self.row, self.changes, self.told = row, changes, told


class Script:
    """Events in their order, for one link in way 0 of its set and a neighbour in way 1.

    Our IDs are the same in every incarnation, as with `cfg_fixed_open_id`, and so are the peer's:
    the new link's numbers are those of the old one.
    """

    def __init__(self):
        self.steps = []
        self.epoch, self.link_epoch, self.peer_epoch, self.peer = 0, 0, 0x100, PEER
        self.opened_by_us = False

    def do(self, action, kind, lid=LID, told=None, **fields):
        """An ordinary event, on the way to where a background event is tried."""
        if kind in (Event.SENT, Event.VISIT):
            fields |= dict(by_lid=1, lid=lid)
        else:
            peer = (
                dict(node=self.peer, epoch=self.peer_epoch)
                if lid == LID
                else dict(node=NEIGHBOUR, epoch=0x80)
            )
            fields = dict(peer, selective=1) | fields
        self.steps.append(Step(kind, lid, action, fields, told=told))

    def background(self, kind, row, changes=None, told=None, lid=LID, **fields):
        """It must take alternative `row`; `changes` in the tag and `told` are all that follows."""
        self.steps.append(
            Step(kind, lid, None, dict(fields, by_lid=1, lid=lid), row, changes or {}, told or {})
        )

    def payload(self, action, offset, slot, **more):
        self.do(action, Event.RX_PAYLOAD, tx_id=START + offset, room=1, rx_slot=slot, **more)

    def look(self, row, offset, changes=None, told=None):
        self.background(Event.LOOK, row, changes, told, tx_id=START + offset)

    def ask(self, row, offset, first, **more):
        self.background(Event.ASK, row, tx_id=START + offset, rx_id=START + first, **more)

    def seek(self, row, first, last, **more):
        self.background(
            Event.SEEK,
            row,
            rx_id=FIRST + first & RANGE_MASK,
            tx_id=FIRST + last & RANGE_MASK,
            **more,
        )

    def replay(self, row, ahead, slot=0, **more):
        self.background(
            Event.REPLAY, row, rx_id=FIRST + ahead & RANGE_MASK, slot=slot, may_send=1, **more
        )

    def open_sent(self, lid=LID):
        self.epoch, self.opened_by_us = self.epoch + 1, True
        if lid == LID:
            self.link_epoch = self.epoch
        self.do("OPEN_BY_HOST", Event.HOST_OPEN, lid)

    def open_recd(self, action="ANSWER_OPEN"):
        self.epoch, self.opened_by_us = self.epoch + 1, False
        self.peer_epoch += 1
        self.do(action, Event.RX_OPEN, tx_id=START)

    def to_open(self, lid=LID, start=START):
        if self.opened_by_us:
            self.do("OPENED", Event.RX_OPEN_ACK, lid, tx_id=start + 1, rx_id=FIRST - 1)
        else:
            self.do("BECOME_OPEN", Event.SENT, lid)

    def reach(self, state, payloads, start="CLOSED"):
        """From CLOSED, or from the state of a restart, with `payloads` of the host."""
        if state == "CLOSED":
            return
        if start == "CLOSED":
            if state == "OPEN_RECD":
                self.open_recd()
            else:
                self.open_sent()
        if state in DATA and start != "OPEN":
            self.to_open()
        for _ in range(payloads):
            self.do("APPEND_SEND" if state in DATA else "APPEND", Event.HOST_PAYLOAD)
        self.to_close(state)

    def to_close(self, state):
        if state == "CLOSE_SENT":
            self.do("CLOSE", Event.HOST_CLOSE)
        elif state == "CLOSE_RECD":  # it declares more than has come: not quiet
            self.do("CLOSE_NOT_YET", Event.RX_CLOSE, tx_id=START + 8, rx_id=FIRST - 1)

    def keep_three(self):
        for (packet_id, slot), action in zip(KEPT.items(), ("KEEP_NACK", "KEEP_NACK", "KEEP")):
            self.payload(action, packet_id - START, slot)

    def open_neighbour(self):
        """The other way's link keeps one packet, 0x23, in a place of the directory of its own."""
        self.open_sent(NEIGHBOUR_LID)
        self.to_open(NEIGHBOUR_LID, start=0x21)
        self.do("APPEND_SEND", Event.HOST_PAYLOAD, NEIGHBOUR_LID)
        self.do("KEEP_NACK", Event.RX_PAYLOAD, NEIGHBOUR_LID, tx_id=0x23, room=1, rx_slot=8)

    def start_walk(self):
        self.seek(0, 1, 2, told=lambda slots: {"walk": (slots[0], FIRST & RANGE_MASK, 0, 3)})

    def end(self, how):
        """The link ends and says that what it kept is to be freed."""
        told = {"look_job": "purge", "notice": "LINK_DOWN"}
        if how == "lost":
            self.do("LINK_LOST", Event.RX_NACK_NOLINK, epoch=self.link_epoch)
            stat = "link_lost"
        elif how == "closed":
            self.do("CLOSE", Event.HOST_CLOSE)
            self.do("CLOSE_DONE", Event.RX_CLOSE_ACK)
            stat = "link_closed"
        else:
            if how == "restart_closing":
                self.do("CLOSE", Event.HOST_CLOSE)
            self.open_recd(how.upper())
            stat = "peer_restarted"
            told["control"] = "OPEN_ACK", FIRST, START
            if how == "restart":
                told["notice"] = "PEER_RESTARTED"
        self.steps[-1].told = lambda slots: dict(told, free=(slots[0], 3), stats={stat, "retry"})


# ---- the scripts -------------------------------------------------------------------------------


def every_row(state):
    """Each row of the seven events in a state where data flows, but for PURGE's first."""
    s = Script()
    s.reach("OPEN", 3)
    s.keep_three()
    s.open_neighbour()
    s.to_close(state)

    s.look(2, 2, told={"looked": 0})  # none is under way
    run = dict(stats={"nack_run"})
    s.ask(0, 2, 1, told=dict(run, control=("NACK", START + 1, START + 1), asked=(1, 1)))
    s.ask(2, 2, 2, told={"asked": (1, 1)})  # kept, but nothing missing in front
    s.ask(2, 3, 3, told={"asked": (1, 0)})  # missing, but not the run's end
    s.ask(0, 4, 3, told=dict(run, control=("NACK", START + 3, START + 3), asked=(1, 1)))
    s.ask(2, 5, 5, told={"asked": (0, 1)})  # the youngest: nothing behind it
    s.ask(
        1,
        WINDOW - 1,
        6,
        told=dict(run, control=("NACK", START + WINDOW - 1, START + 6), asked=(0, 0)),
    )

    s.replay(1, 0)  # nobody walks
    s.start_walk()
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST, told={"stats": {"ack_retired"}})
    s.background(Event.RETIRE, 1)  # lags, but somebody walks
    s.replay(1, 0)  # acknowledged meanwhile
    for ahead in (1, 2):
        s.replay(
            0,
            ahead,
            slot=9 + ahead,
            told={"payload": (9 + ahead, FIRST + ahead), "stats": {"payload_replayed"}},
        )
    s.replay(1, 3)  # not sent yet
    s.replay(1, 0, lid=NEIGHBOUR_LID)  # another link's list
    s.do("HOLD", Event.RX_NACK_FULL)
    s.replay(1, 1)
    s.background(Event.WALKED, 0, {"queued": 1}, {"push": LID, "lag": 1})
    s.background(
        Event.RETIRE,
        0,
        lambda slots: {"lag": 0, "head": slots[1]},
        lambda slots: {"free": (slots[0], 1), "stats": {"slot_retired"}},
    )
    s.background(Event.RETIRE, 1)

    s.payload("DELIVER_LOOK", 1, 4)
    s.look(2, 1, told={"looked": START + 2})  # asks for the last one's ID
    s.look(
        0,
        2,
        {"received": START + 2, "kept": 2, "timer": 0},
        {"looked": START + 3, "verdict": (1, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(1, 3, {"looking": 0}, {"looked": 0, "control": ("ACK", 0, START + 2)})
    s.background(Event.PURGE, 1, tx_id=START + 4 & WINDOW - 1)  # of this link: it stays
    s.payload("DELIVER_LOOK", 3, 5)
    s.look(
        0,
        4,
        {"received": START + 4, "kept": 1},
        {"looked": START + 5, "verdict": (2, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(
        0,
        5,
        {"received": START + 5, "kept": 0, "gap": 0},
        {"looked": START + 6, "verdict": (3, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(1, 6, {"looking": 0}, {"looked": 0, "control": ("ACK", 0, START + 5)})
    s.ask(2, 6, 6, told={"asked": (0, 0)})  # no gap

    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 2)
    s.seek(1, 1, 2, told={"walk": 0, "lag": 1})  # all is acknowledged
    return s


def too_late(state, ending):
    """A link with all of it under way ends, and the next one on its number is brought to `state`.

    What was under way still arrives: it must touch nothing and send nothing. The PURGEs free each
    kept packet once, whatever the new link does, and it keeps packets from then on.
    """
    s = Script()
    s.reach("OPEN", 3)
    s.keep_three()
    s.open_neighbour()
    s.start_walk()
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST)
    s.payload("DELIVER_LOOK", 1, 4)
    s.end(ending)
    if ending == "closed":
        s.peer = OTHER_PEER
    s.reach(state, 3, ENDINGS[ending])

    early = state in EARLY  # then each has one row only
    for offset in (1, 2, 3):
        s.look(0 if early else 2, offset, told={"looked": 0})
    for ahead in range(4):
        s.replay(0 if early else 1, ahead)  # sends nothing (safety)
    s.background(Event.RETIRE, 0 if early else 1)
    s.background(Event.WALKED, 0)
    s.replay(0 if early else 1, 0)
    if early:
        s.ask(0, 2, 1, told={"asked": (0, 0)})
        s.ask(0, 5, 1, told={"asked": (0, 0)})
        s.seek(0, 0, 2, told={"walk": 0})
    else:
        s.ask(2, 2, 1, told={"asked": (0, 0)})  # no gap yet
        s.payload("NACK_ALL", 2, 5)  # not kept, nor taken for kept
        s.ask(
            1,
            2,
            1,
            told=dict(control=("NACK", START + 2, START + 1), asked=(0, 0), stats={"nack_run"}),
        )
        s.payload("LOSE", 4, 5)

    kept = {packet_id & WINDOW - 1: slot for packet_id, slot in KEPT.items()}
    last = WINDOW - 1
    for place in range(WINDOW):
        s.background(
            Event.PURGE,
            0 if place in kept else 1,
            {"purging": 0} if place == last else {},
            {"verdict": (kept[place], 0, 1), "stats": {"purged"}} if place in kept else {},
            tx_id=place,
            room=place == last,
        )
        if place == last - 1 and not early:  # two are free again: not yet
            s.payload("LOSE", 2, 5)
            s.payload("LOSE", 3, 5)
    for place in range(WINDOW):  # no packet is freed twice
        s.background(Event.PURGE, 1, tx_id=place, room=place == last)

    if state == "CLOSED":
        s.reach("OPEN", 3)
    elif early:
        s.to_open()
        for _ in range(3):
            s.do("SEND", Event.VISIT)
    s.replay(1, 0)
    s.payload("KEEP_NACK" if early else "KEEP", 2, 5)
    s.payload("KEEP", 3, 6)
    s.payload("KEEP_NACK", 5, 7)
    s.payload("LOSE", 6, 9)  # three, and the neighbour's: full
    s.background(Event.PURGE, 1, tx_id=START + 2 & WINDOW - 1)
    s.payload("DELIVER_LOOK", 1, 4)
    s.look(
        0,
        2,
        {"received": START + 2, "kept": 2},
        {"looked": START + 3, "verdict": (5, 1, 1), "stats": {"delivered_kept"}},
    )
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 1)  # two: one of them lags behind
    # Its list is free to be shortened: the old walk is forgotten.
    s.background(
        Event.RETIRE,
        0,
        lambda slots: {"lag": 0, "head": slots[6]},
        lambda slots: {"free": (slots[5], 1), "stats": {"slot_retired"}},
    )
    s.do("DELIVER_LOOK", Event.RX_PAYLOAD, NEIGHBOUR_LID, tx_id=0x22, room=1, rx_slot=10)
    s.background(
        Event.LOOK,
        0,
        {"received": 0x23, "kept": 0, "gap": 0},
        {"looked": 0x24, "verdict": (8, 1, 1), "stats": {"delivered_kept"}},
        lid=NEIGHBOUR_LID,
        tx_id=0x23,
    )
    return s


IMPOSSIBLE = [("restart", state) for state in EARLY] + [
    ("restart_closing", state) for state in EARLY[:2]
]
SCRIPTS = {f"every_row {state}": functools.partial(every_row, state) for state in DATA}
SCRIPTS |= {
    f"too_late {state} {ending}": functools.partial(too_late, state, ending)
    for ending in ENDINGS
    for state in (*EARLY, *DATA)
    if (ending, state) not in IMPOSSIBLE
}


# ---- running and checking ----------------------------------------------------------------------


class Reader:
    """A signal or a struct as it is now: a number, or its fields as numbers and enum members."""

    def __init__(self, view):
        self.value, shape = Value.cast(view), view.shape()
        self.fields = (
            {
                name: (
                    field.offset,
                    (1 << field.width) - 1,
                    field.shape if isinstance(field.shape, type(LinkState)) else int,
                )
                for name, field in shape
            }
            if isinstance(shape, data.Layout)
            else None
        )

    def __call__(self, ctx):
        number = ctx.get(self.value)
        if self.fields is None:
            return number
        return SimpleNamespace(
            **{
                name: cast(number >> offset & mask)
                for name, (offset, mask, cast) in self.fields.items()
            }
        )


class Observer:
    """What Q2 decides, and what leaves Q3."""

    def __init__(self, bench):
        pipeline, commit, done = bench.pipeline, bench.commit, bench.pipeline.o_done.payload
        ports = {name: getattr(commit, f"o_{name}") for name in PORTS}
        self.q2_valid, self.q3_valid = pipeline.q2b_valid, pipeline.o_done.valid
        self.event, self.guards = Reader(pipeline.decide.event_b), pipeline.decide.guard
        self.state = pipeline.decide.tag_b.state
        self.action, self.lid = done.outcome.action, done.lid
        self.slot, self.tag = done.event.slot, Reader(done.tag)
        self.ports = [(name, port.valid, Reader(port.payload)) for name, port in ports.items()]
        self.stats = {name.removeprefix("stat_"): getattr(commit, name) for name in STATS}
        self.stats["retry"] = commit.o_retry

    def row(self, ctx):
        """Alternative whose guards hold in Q2's second clock: (event, state, number)."""
        event, state = self.event(ctx).event, ctx.get(self.state)
        for number, (guards, _action, _next_state) in enumerate(TABLE[event][state]):
            if all(
                ctx.get(self.guards[guard.lstrip("!")]) != (guard[0] == "!") for guard in guards
            ):
                return event.name, state.name, number
        raise AssertionError("the last alternative has no guards")

    def told(self, ctx):
        """{port: what of it is compared} of all that is valid, and the statistics that count."""
        told = {
            name: PORTS[name](payload(ctx)) for name, valid, payload in self.ports if ctx.get(valid)
        }
        stats = {name for name, pulse in self.stats.items() if ctx.get(pulse)}
        return told | ({"stats": stats} if stats else {})


@functools.cache
def outcomes():
    """{(script, gap): [what left Q3 for each event]} of all scripts, each from reset."""
    bench, reset, results = Bench(), Signal(), {}
    pipeline = bench.pipeline
    running = []

    async def watch(ctx):
        rows, seen = [], Observer(bench)
        while True:
            await ctx.tick()
            if ctx.get(seen.q3_valid):
                running[-1].append(
                    dict(
                        row=rows.pop(0),
                        action=ctx.get(seen.action).name,
                        lid=ctx.get(seen.lid),
                        slot=ctx.get(seen.slot),
                        tag=vars(seen.tag(ctx)),
                        told=seen.told(ctx),
                    )
                )
            if ctx.get(seen.q2_valid):
                rows.append(seen.row(ctx))

    async def drive(ctx):
        for name, make in SCRIPTS.items():
            for gap in GAPS:
                ctx.set(reset, 1)
                await ctx.tick()
                ctx.set(reset, 0)
                while not (ctx.get(pipeline.o_ready) and ctx.get(bench.lists.o_slot.valid)):
                    await ctx.tick()
                running.append([])
                results[name, gap] = running[-1]
                for step in make().steps:
                    await put(ctx, bench, step)
                    await ctx.tick().repeat(gap) if gap else None
                await ctx.tick().repeat(3 * LATENCY)

    simulator = Simulator(ResetInserter(reset)(bench))
    simulator.add_clock(1e-8)
    simulator.add_testbench(drive)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    return results


async def put(ctx, bench, step):
    """Offers the event until it is taken."""
    port, slots = bench.pipeline.i_event, bench.lists.o_slot
    fields = {name: value & MASK for name, value in step.fields.items()}
    takes_slot = step.kind == Event.HOST_PAYLOAD
    if takes_slot:
        assert ctx.get(slots.valid)
        fields["slot"] = ctx.get(slots.payload)
    layout = pipeline_event_layout(CONFIG)
    ctx.set(bench.event, layout.const(dict(fields, event=step.kind.value)))
    ctx.set(port.valid, 1)
    while not ctx.get(port.ready):
        await ctx.tick()
    ctx.set(slots.ready, takes_slot)
    await ctx.tick()
    ctx.set(slots.ready, 0)
    ctx.set(port.valid, 0)


def masked(value):
    """Numbers to 32 bits, in tuples too: scripts compute IDs without caring for the wrap."""
    if isinstance(value, tuple):
        return tuple(masked(part) for part in value)
    return value & MASK if isinstance(value, int) else value


def check(script, results, where):
    """Every event took the row, changed the tag and told others as the script says."""
    steps = script.steps
    assert len(results) == len(steps), where
    slots = [got["slot"] for step, got in zip(steps, results) if step.kind == Event.HOST_PAYLOAD]
    free_tag = dict.fromkeys(results[0]["tag"], 0) | {"state": LinkState.CLOSED}
    tags = {}
    for number, (step, got) in enumerate(zip(steps, results)):
        at = f"{where}, event {number}, {step.kind.name} {step.fields}: {got}"
        changes, told = (
            part(slots) if callable(part) else part for part in (step.changes, step.told)
        )
        before = tags.get(step.lid, free_tag)
        assert got["lid"] == step.lid, at
        if step.row is None:
            assert got["action"] == step.action, at
        else:
            cell = TABLE[step.kind][before["state"]]
            assert got["row"] == (step.kind.name, before["state"].name, step.row), at
            assert got["action"] == cell[step.row][1].name, at
            assert got["tag"]["state"] == cell[step.row][2] == before["state"], at
            changed = {name: value for name, value in got["tag"].items() if value != before[name]}
            wanted = {
                name: masked(value)
                for name, value in changes.items()
                if masked(value) != before[name]
            }
            assert changed == wanted, at
        if told is not None:
            assert got["told"] == {name: masked(value) for name, value in told.items()}, at
        tags[step.lid] = got["tag"]


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_background_events(name, gap):
    check(SCRIPTS[name](), outcomes()[name, gap], f"{name}, gap {gap}")


def test_the_rows_of_the_plan_are_taken():
    """By the guards as Q2 sees them; that the action is the row's is checked above."""
    for gap in GAPS:
        taken = {
            got["row"] for (_name, g), results in outcomes().items() if g == gap for got in results
        }
        check_claims("test_background", taken)
