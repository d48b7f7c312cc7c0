"""`Pipeline` with the blocks that its slots and IDs come from, and what drives it.

What the pipeline is told by blocks that take their time, it is told here in step with the events,
so that nothing that is decided depends on the clocks between them.
"""

import functools

from amaranth import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.identity import Identity
from ttpoe.link.table import link_row
from ttpoe.pipeline.pipeline import Pipeline
from ttpoe.pipeline.records import committed_layout, pipeline_event_layout
from ttpoe.reorder.directory import directory_index
from ttpoe.replay.lists import SlotLists

__all__ = ["CONFIG", "OWN", "LATENCY", "fill_entry", "leaves", "place_of", "row_of", "run"]

# Sets enough that one event enters in every clock; more slots than a run has payloads; a directory of
# 16 places, in which links meet.
CONFIG = preset("tiny").replace(name="pipeline", sets=16, slots=512, rx_slots=64)
WALKS = 1  # the set of links whose lists are walked along
OWN = 0x02  # our own node
LATENCY = 8  # clocks from an event that is taken, with nothing ahead of it, to `o_done`
_USES_PLACE = (Event.RX_PAYLOAD, Event.LOOK, Event.ASK, Event.PURGE)


def fill_entry(config, entry, event):
    """Assignments: what Q0 adds to an event."""
    row = Mux(event.by_lid, event.lid[1:], link_row(config, event.node, event.vc))
    return [
        entry.event.eq(event),
        entry.row.eq(row),
        entry.uses_place.eq(event.event.as_value().matches(*_USES_PLACE)),
        entry.place.eq(directory_index(config, row[: config.row_bits], event.tx_id)),
    ]


def row_of(fields):
    """The row of the link table that an event concerns (one table of 16 sets)."""
    if fields.get("by_lid"):
        return fields["lid"] >> 1
    node = fields["node"]
    assert node < 0x100 and CONFIG.sets == 16
    return (node ^ node >> 4 ^ fields.get("vc", 0)) % CONFIG.sets


def place_of(fields):
    """The place of the directory that it concerns, or None."""
    if fields["event"] in _USES_PLACE:
        return (row_of(fields) ^ fields.get("tx_id", 0)) % CONFIG.reorder_window
    return None


class _Pipeline(Pipeline):
    """A round of questions ends with the ASK that says so: younger events see it, older ones not.

    Retirer and replayer walk along lists of links of the set `WALKS` only, whose events keep their
    order. The replayer hops with each of its REPLAYs.
    """

    def elaborate(self, platform):
        m = super().elaborate(platform)
        event, done, outcome = self.decide.event_c, self.o_done.payload, self.o_done.p.outcome
        here = self.o_done.valid & (done.lid[1:] == WALKS)
        m.d.comb += [
            self.i_ask_over.eq(self.q2c_valid & (event.event == Event.ASK) & event.room),
            self.i_hopped.eq(here & (done.event.event == Event.REPLAY)),
        ]
        retiring, over = self.i_retiring, here & (done.event.event == Event.RETIRE)
        begins = here & (done.tag.lag > 1) & ~outcome.walking & (done.tag.state != LinkState.CLOSED)
        lid, valid = Signal.like(retiring.payload), Signal()
        m.d.comb += [retiring.valid.eq(valid), retiring.payload.eq(lid)]
        with m.If(begins & (~valid | over)):
            m.d.sync += [valid.eq(1), lid.eq(done.lid)]
        with m.Elif(over):
            m.d.sync += valid.eq(0)
        return m


class Bench(Elaboratable):
    """`event`: what is offered to the pipeline. `hoards`: what is kept is never freed."""

    def __init__(self):
        self.pipeline, self.lists = _Pipeline(CONFIG), SlotLists(CONFIG)
        self.event = Signal(pipeline_event_layout(CONFIG))
        self.hoards = Signal()

    def elaborate(self, platform):
        m = Module()
        m.submodules.pipeline = pipeline = self.pipeline
        m.submodules.lists = lists = self.lists
        m.submodules.identity = identity = Identity()
        wiring.connect(m, pipeline.successor, lists.successor)
        done = pipeline.o_done.payload
        outcome, free = done.outcome, lists.i_free.payload
        m.d.comb += [
            *fill_entry(CONFIG, pipeline.i_event.payload, self.event),
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
            pipeline.cfg_congestion.eq(1),
            pipeline.i_free.eq(-1),
            # There is room for one packet more, always.
            pipeline.i_kept_freed.eq(pipeline.o_done.valid & outcome.keeps & ~self.hoards),
            # The host takes every slot that is free, and uses each once, in the order of numbers.
            lists.o_slot.ready.eq(1),
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
        with m.If(outcome.run):
            m.d.comb += [free.tail.eq(done.event.slot), free.count.eq(done.event.retire.count)]
        with m.If(outcome.free_own):
            m.d.comb += [free.head.eq(done.event.slot), free.tail.eq(done.event.slot)]
        return m


def leaves(layout, prefix="", base=0):
    """(name with dots, lowest bit, mask, type of its numbers) of each field, also of inner ones."""
    for name, field in layout:
        offset = base + field.offset
        if isinstance(field.shape, data.Layout):
            yield from leaves(field.shape, f"{prefix}{name}.", offset)
        else:
            cast = (
                (lambda number, kind=field.shape: kind(number).name)
                if isinstance(field.shape, type(Event))
                else int
            )
            yield prefix + name, offset, (1 << field.width) - 1, cast


_LEAVES = list(leaves(committed_layout(CONFIG)))


def _record(number):
    """One event that left Q3: all its fields, as numbers and names of enum members.

    Those that mean nothing are 0: a victim, or a kept packet's slot, that there is not.
    """
    record = {name: cast(number >> low & mask) for name, low, mask, cast in _LEAVES}
    if not record["victim_valid"]:
        record["victim"] = 0
    if not record["outcome.unkeeps"]:  # of an event that concerns no place any
        record["kept_slot"] = 0
    return record


class Driver:
    """Puts events in. `records`: what has left; `taken`, `left`: the clocks in which events were
    taken, and left."""

    def __init__(self, bench):
        self.ctx, self.bench, self.pipeline = None, bench, bench.pipeline
        self.records, self.taken, self.left = [], [], []

    async def put(self, fields):
        """Offers an event until it is taken."""
        event = dict(fields, event=fields["event"].value)
        self.ctx.set(self.bench.event, pipeline_event_layout(CONFIG).const(event))
        self.ctx.set(self.pipeline.i_event.valid, 1)
        await self.ctx.tick().until(self.pipeline.i_event.ready)

    async def pause(self, clocks):
        self.ctx.set(self.pipeline.i_event.valid, 0)
        for _clock in range(clocks):
            await self.ctx.tick()

    async def alone(self, fields):
        """An event with nothing in front of it or behind; its record."""
        await self.put(fields)
        await self.pause(LATENCY + 1)
        return self.records[-1]

    async def watch(self, ctx):
        """Beside what drives, with a context of its own."""
        pipeline, clock = self.pipeline, 0
        port, done = pipeline.i_event, pipeline.o_done
        signals = port.valid & port.ready, done.valid, Value.cast(done.payload)
        async for _clock, _reset, takes, leaves, number in ctx.tick().sample(*signals):
            if takes:
                self.taken.append(clock)
            if leaves:
                self.left.append(clock)
                self.records.append(_record(number))
            clock += 1


@functools.cache
def _simulated():
    return Simulated(Bench(), 1e-8)


def run(job):
    """Runs `job(driver)` from reset until all events have left; the driver."""
    simulated = _simulated()
    bench = simulated.design
    driver = Driver(bench)

    async def drive(ctx):
        driver.ctx = ctx
        while not (ctx.get(bench.pipeline.o_ready) and ctx.get(bench.lists.o_slot.valid)):
            await ctx.tick()
        await job(driver)
        await driver.pause(3 * LATENCY)

    simulated.run(drive, beside=[driver.watch])
    return driver
