"""The pipeline with Q3 behind it: events are put in, and what is decided and told is read."""

from types import SimpleNamespace

from amaranth import Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring

from tests.pipeline.background_script import CONFIG, FIRST, LID, MASK
from tests.pipeline.pipeline_bench import LATENCY, fill_entry
from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.identity import Identity
from ttpoe.link.state_table import TABLE
from ttpoe.pipeline.pipeline import Pipeline
from ttpoe.pipeline.q3_commit import STATS, Commit
from ttpoe.pipeline.records import pipeline_event_layout
from ttpoe.replay.lists import SlotLists


class Bench(Elaboratable):
    """Pipeline, commit, and the blocks that slots and IDs come from."""

    def __init__(self):
        self.pipeline, self.commit = Pipeline(CONFIG), Commit(CONFIG)
        self.lists = SlotLists(CONFIG)
        self.retiring, self.hopped, self.ask_over = Signal(), Signal(), Signal()  # of link LID
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
            pipeline.i_retiring.valid.eq(self.retiring),
            pipeline.i_retiring.payload.eq(LID),
            pipeline.i_hopped.eq(self.hopped),
            pipeline.i_ask_over.eq(self.ask_over),
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
    "looked": lambda p: p.on and (p.id, p.hit),  # 0: the look-up is over
    "ask_start": lambda p: p.id,
    "asked": lambda p: p.on,
    "range": lambda p: (p.first, p.last),
    "walk": lambda p: p.found and (p.head, p.una, p.lag, p.current),
    "lag": lambda p: (p.count, p.head),
}
"""What may leave Q3 and be seen: port of `Commit` -> what of it is compared."""


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


async def put(ctx, bench, step, slots_taken):
    """Offers the event until it is taken. What the other blocks say comes after a pause: it is of
    the events before. `slots_taken`: the replay slots of the host's payloads, which grows."""
    if step.kind is None:
        await ctx.tick().repeat(2 * LATENCY)
        for name, value in step.fields.items():
            ctx.set(getattr(bench, name), min(value, 1))
        if "hopped" in step.fields:  # one clock for each slot
            await ctx.tick().repeat(step.fields["hopped"])
            ctx.set(bench.hopped, 0)
        elif "ask_over" in step.fields:
            await ctx.tick()
            ctx.set(bench.ask_over, 0)
        return
    port, slots = bench.pipeline.i_event, bench.lists.o_slot
    fields = {
        name: (value(slots_taken) if callable(value) else value) & MASK
        for name, value in step.fields.items()
    }
    takes_slot = step.kind == Event.HOST_PAYLOAD
    if takes_slot:
        while not ctx.get(slots.valid):
            await ctx.tick()
        fields["slot"] = ctx.get(slots.payload)
        slots_taken.append(fields["slot"])
    layout = pipeline_event_layout(CONFIG)
    ctx.set(bench.event, layout.const(dict(fields, event=step.kind.value)))
    ctx.set(port.valid, 1)
    while not ctx.get(port.ready):
        await ctx.tick()
    ctx.set(slots.ready, takes_slot)
    await ctx.tick()
    ctx.set(slots.ready, 0)
    ctx.set(port.valid, 0)
