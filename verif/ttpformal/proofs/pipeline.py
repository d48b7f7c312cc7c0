"""Proof about Q1 to Q3: events that follow each other closely act as if each came alone."""

from amaranth.hdl import Array, Const, Mux, Signal, Value
from amaranth.lib.data import View

from ttpoe.link import table
from ttpoe.link.fsm import Event, LinkState
from ttpoe.memory import forwarded
from ttpoe.pipeline import pipeline
from ttpoe.pipeline.records import outcome_layout, pipeline_event_layout
from ttpoe.reorder import directory as reorder

from ..memories import built, harsh_memories, inner
from ..proof import Defect, Proof, shrunk

SIZE = shrunk(slots=8, sets=4, rx_slots=8, rx_reserved=1, reorder_slots=2)

CLOSED = LinkState.CLOSED

TOUCHES = (
    "RX_OPEN RX_OPEN_ACK RX_OPEN_NACK RX_CLOSE RX_CLOSE_ACK RX_CLOSE_NACK RX_PAYLOAD RX_ACK"
    " RX_NACK RX_NACK_FULL RX_NACK_NOLINK HOST_PAYLOAD HOST_OPEN HOST_CLOSE VISIT"
).split()


def plain(tag, name):
    return Value.cast(getattr(tag, name))


class OneByOne(Proof):
    shows = (
        "Pipeline: what Q2 gets to see of its link, and what Q3 writes, is as with one event"
        " after the other, whatever events follow each other how closely (same link back to"
        " back, ways that fill and empty, two frames of a peer without a link); each event"
        " leaves Q3 after exactly 4 clocks; a kept packet is found; the sweep frees all"
    )
    config = (
        "the whole of Q1 to Q3 as it is, tags 280 bits wide; 4 sets of 2 ways, 8 slots,"
        " directory of 8; watched: any one set, any one place of the directory"
    )
    mode = "induction"
    depth = 6
    cover_depth = 18
    defect_depth = 18
    defects = (
        Defect(
            "a change is held back from the table",
            "pipeline/pipeline.py",
            "table.i_change.eq(self.q2_valid & self.q2_owns)",
            "table.i_change.eq(self.q2_valid & self.q2_owns & ~self.q2_missed)",
        ),
        Defect(
            "two frames of a new peer take both ways",
            "pipeline/pipeline.py",
            "table.i_follows.eq(same_key & self.q2_missed)",
            "table.i_follows.eq(0)",
        ),
        Defect(
            "a tag that was just opened does not count as used",
            "pipeline/pipeline.py",
            "flags[way].used.eq(self.q3_written.state != LinkState.CLOSED)",
            "flags[way].used.eq(self.q2_flags[way].used)",
        ),
        Defect(
            "the way is that of the table, though the tag is in Q3",
            "pipeline/pipeline.py",
            "Mux(table.o_from_q3, table.o_write_way, self.q2_way)",
            "self.q2_way",
        ),
        Defect(
            "what Q3 writes is what Q2 left, unfinished",
            "pipeline/pipeline.py",
            "table.i_value.eq(tag)",
            "table.i_value.eq(self.q3_tag)",
        ),
        Defect(
            "a packet that was kept by the event before is not found",
            "reorder/directory.py",
            "places.i_change.eq(self.i_change)",
            "places.i_change.eq(self.i_change & self.i_kept.lid[0])",
        ),
    )

    def build(self, h):
        m = h.m
        with harsh_memories(h, forwarded) as memories:
            dut = pipeline.Pipeline(SIZE)
            m.submodules.dut = parts = built(dut)
        h.drive(dut)
        *ways, places = memories
        entered = dut.i_event
        event = entered.payload
        h.assume_if(entered.valid, dut.o_ready)
        # What Q0 guarantees (`arbitrate.one`).
        h.assume(event.by_lid == (event.event.as_value() >= Event.VISIT.value))
        h.assume(event.event.as_value() <= Event.RETIRE.value)
        h.assume(event.vc < 3)

        # The event in Q3, three clocks after it entered.
        def later(value, clocks):
            for _ in range(clocks):
                value = h.past(value)
            return value

        valid = later(entered.valid, 3)
        event = View(pipeline_event_layout(SIZE), later(event, 3))
        done, out = dut.o_done.payload, View(outcome_layout(SIZE), h.past(dut.decide.o_outcome))
        tag = table.tag_layout(SIZE)
        seen, decided = View(tag, h.past(dut.decide.i_tag)), View(tag, h.past(dut.decide.o_tag))
        h.check(dut.o_done.valid == valid)
        h.check_if(valid, done.event.as_value() == event.as_value())

        # One set, any: what its two tags are when all older events are through.
        watched_row = h.constant(SIZE.row_bits, "row")
        tags = [Signal(tag, name=f"spec_tag{way}") for way in range(2)]
        for way in range(2):
            m.d.comb += ways[way].watch_place.eq(watched_row)
        row = Mux(event.by_lid, event.lid[1:], table.link_row(SIZE, event.node, event.vc))
        here = Signal()
        m.d.comb += here.eq(valid & (row == watched_row))
        used = [tags[way].state != CLOSED for way in range(2)]
        hits = [
            used[way] & (tags[way].node == event.node) & (tags[way].vc == event.vc)
            for way in range(2)
        ]
        way, missed, full = Signal(), Signal(), Signal()
        m.d.comb += [
            missed.eq(~event.by_lid & ~hits[0] & ~hits[1]),
            full.eq(missed & used[0] & used[1]),
            way.eq(Mux(event.by_lid, event.lid[0], Mux(missed, used[0], hits[1]))),
        ]
        h.check(~(used[0] & used[1] & (tags[0].node == tags[1].node) & (tags[0].vc == tags[1].vc)))

        def of(field, which=way):
            return Mux(which, plain(tags[1], field), plain(tags[0], field))

        closed = missed | (of("state") == CLOSED.value)
        lid = (watched_row << 1) | way
        # Q2 is shown this very tag. (Of a free one, what counts: `tag.free`.)
        h.check_if(here, h.past(dut.decide.i_event.as_value()) == event.as_value())
        h.check_if(here, h.past(dut.decide.i_full) == full)
        h.check_if(here & ~full, (h.past(dut.decide.i_lid) == lid) & (done.lid == lid))
        h.check_if(here, (seen.state == CLOSED) == closed)
        h.check_if(here & ~full, (seen.queued == of("queued")) & (seen.purging == of("purging")))
        for name in tag.members:
            h.check_if(here & ~closed, plain(seen, name) == of(name))
        # And what leaves Q3 is what Q2 made of it.
        h.check_if(here & dut.o_done.valid, done.outcome.as_value() == out.as_value())
        h.check_if(here & ~event.by_lid, (done.node == event.node) & (done.vc == event.vc))
        h.check_if(here & event.by_lid & ~closed, (done.node == of("node")) & (done.vc == of("vc")))
        h.check_if(here & ~closed, (done.old_head == of("head")) & (done.old_tail == of("tail")))
        for name in tag.members:
            if name not in ("head", "next", "queued", "touch"):
                h.check_if(here, plain(done.tag, name) == plain(decided, name))
        touches = Const(0, 1)
        for name in TOUCHES:
            touches = touches | (event.event == Event[name])
        h.check_if(
            here & ~full, done.tag.touch == Mux(touches, of("touch", ~way) ^ way, of("touch"))
        )
        with m.If(here & ~full):
            m.d.sync += Array(tags)[way].eq(done.tag)
        self.read_out(h, dut, watched_row, tags)
        self.kept(h, dut, parts, places, valid, event, row, out)
        h.check_if(h.past(dut.o_ready), dut.o_ready)
        for memory, spec in zip(ways, tags):
            self.swept(
                h, inner(parts, "table", "cells"), dut.table.o_ready, watched_row, memory, spec
            )
            h.check_if(~dut.o_ready, spec.as_value() == 0)

        follows = here & h.past(here) & h.past(h.past(here))
        h.reach(follows & ~event.by_lid & h.past(closed & ~full) & ~closed)
        h.reach(follows & full & h.past(missed & ~full) & h.past(h.past(missed & ~full)))
        h.reach(follows & closed & h.past(~closed) & h.past(h.past(closed)))

    def read_out(self, h, dut, row, tags):
        """A tag that is read out is that of all events that are through."""
        asked = dut.i_inspect
        mine = asked.valid & asked.ready & (asked.payload[1:] == row)
        h.check(dut.o_inspected.valid == h.past(asked.valid & asked.ready))
        wanted = Mux(asked.payload[0], tags[1].as_value(), tags[0].as_value())
        h.check_if(h.past(mine), dut.o_inspected.payload.as_value() == h.past(wanted))

    def kept(self, h, dut, parts, places, valid, event, row, out):
        """One place of the directory, any, seen in Q3 as the tags are."""
        m = h.m
        layout = reorder.kept_layout(SIZE)
        watched = h.constant(SIZE.reorder_bits, "place")
        content = Signal(layout, name="spec_place")
        m.d.comb += places.watch_place.eq(watched)
        here = valid & (reorder.directory_index(SIZE, row, event.tx_id) == watched)
        seen = View(layout, h.past(dut.decide.i_kept))
        done = dut.o_done.payload
        self.swept(
            h,
            inner(parts, "reorder", "places", "cells"),
            dut.reorder.o_ready,
            watched,
            places,
            content,
        )
        h.check_if(here, seen.as_value() == content.as_value())
        h.check_if(here, done.kept_slot == content.slot)
        h.check_if(~dut.o_ready, content.as_value() == 0)
        with m.If(here & (out.keeps | out.unkeeps)):
            m.d.sync += [
                content.valid.eq(out.keeps),
                content.lid.eq(done.lid),
                content.slot.eq(event.rx_slot),
            ]

    def swept(self, h, signals, ready, place, memory, spec):
        """The memory is the specification's; until the sweep is over, what was swept is empty."""
        h.check_if(ready, memory.watched == spec.as_value())
        h.check_if(~ready & (signals["sweep"] > place), memory.watched == 0)
