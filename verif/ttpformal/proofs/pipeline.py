"""Proofs about Q1 to Q3: events that follow each other closely act as if each came alone."""

from amaranth.hdl import Array, Const, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import View

from ttpoe.link import table
from ttpoe.link.fsm import Event, LinkState
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.records import entry_layout, outcome_layout
from ttpoe.reorder import directory as reorder

from ..any_pipeline import any_pipeline, stages
from ..memories import inner
from ..proof import Defect, Proof, shrunk

SIZE = shrunk(slots=4, sets=2, rx_slots=8, rx_reserved=1, reorder_slots=1)

LEAVES = 7
"""Clocks from `Interlock.o_event` to `o_done`."""
TO_Q2 = 4
"""... to Q2's first clock."""

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
        " after the other, if events of one set of the table enter exactly 6 or at least 9 clocks"
        " apart, and those of one place of the directory at least 9"
        " (`enter.interlock_distance`), whatever is decided (`victim.closes`,"
        " `pipeline.registered`): ways that fill and empty, frames of a peer without a link; each"
        " event leaves Q3 after exactly 7 clocks, 8 after the interlock took it if nothing is"
        " ahead; a kept packet is found; a tag that is read out is what the table holds"
    )
    config = (
        "Q1, Q3, table and directory as they are, between any interlock and any decision; tags"
        " 280 bits wide; 2 sets of 2 ways, 4 slots, directory of 4; watched: any one set, any one"
        " place of the directory"
    )
    mode = "induction"
    depth = 10
    cover_depth = 26
    defect_depth = 24
    defects = (
        Defect(
            "a change is held back from the table",
            "pipeline/pipeline.py",
            "table.i_change.eq(self.q3_owns)",
            "table.i_change.eq(self.q3_owns & ~self.q3_outcome.copies)",
        ),
        Defect(
            "a link is not found in the second way",
            "pipeline/q1_read.py",
            "way.eq(Mux(missed, used[0], hits[1]))",
            "way.eq(Mux(missed, used[0], 0))",
        ),
        Defect(
            "a free tag is taken for the link that was there",
            "pipeline/q1_read.py",
            "Mux(q1b.by_lid, q1b.lid[0] == way, is_used & is_key)",
            "Mux(q1b.by_lid, q1b.lid[0] == way, is_key)",
        ),
        Defect(
            "a VC of a peer is taken for another",
            "pipeline/q1_read.py",
            "is_key = (found.node == q1b.node) & (found.vc == q1b.vc)",
            "is_key = found.node == q1b.node",
        ),
        Defect(
            "what Q3 writes is what Q2 left, unfinished",
            "pipeline/pipeline.py",
            "table.i_value.eq(tag)",
            "table.i_value.eq(self.q3_tag)",
        ),
        Defect(
            "the key of the event behind is compared",
            "pipeline/q1_read.py",
            "q1c.eq(q1b)",
            "q1c.eq(self.i_event.payload)",
        ),
        Defect(
            "an event that finds no way writes the first one",
            "pipeline/pipeline.py",
            "self.q3_owns.eq(self.q2c_valid & ~full)",
            "self.q3_owns.eq(self.q2c_valid)",
        ),
        Defect(
            "the way that was used last is told from the way's own bit",
            "pipeline/pipeline.py",
            "other_touch ^ q2c_lid[0]",
            "own_touch ^ q2c_lid[0]",
        ),
        Defect(
            "a packet is kept in the place of the event behind",
            "reorder/directory.py",
            "written_at.eq(index[CHANGE])",
            "written_at.eq(index[CHANGE - 1])",
        ),
        Defect(
            "a tag is read out while an event reads another",
            "pipeline/pipeline.py",
            "self.i_inspect.ready.eq(table.o_ready & ~interlock.o_busy & ~table.o_writes)",
            "self.i_inspect.ready.eq(table.o_ready & ~table.o_writes)",
        ),
    )

    def build(self, h):
        m = h.m
        watched_row = h.constant(SIZE.row_bits, "row")
        watched_place = h.constant(SIZE.reorder_bits, "place")
        dut, parts, memories, entered = any_pipeline(h, SIZE, watched_row, watched_place)
        *ways, places = memories

        # The event in Q3.
        valid = stages(h, entered.valid, LEAVES)[-1]
        entry = View(entry_layout(SIZE), stages(h, entered.payload, LEAVES)[-1])
        event = entry.event
        done, out = dut.o_done.payload, View(outcome_layout(SIZE), h.past(dut.decide.o_outcome))
        tag = table.tag_layout(SIZE)

        def in_q2(value):
            return stages(h, value, LEAVES - TO_Q2)[-1]

        seen, decided = View(tag, in_q2(dut.decide.i_tag)), View(tag, h.past(dut.decide.o_tag))
        h.check(dut.o_done.valid == valid)
        h.check_if(valid, done.event.as_value() == event.as_value())

        # One set, any: what its two tags are when all older events are through.
        tags = [Signal(tag, name=f"spec_tag{way}") for way in range(2)]
        here = Signal()
        m.d.comb += here.eq(valid & (entry.row == watched_row))
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
        h.check_if(here, in_q2(dut.decide.i_event) == event.as_value())
        h.check_if(here, in_q2(dut.decide.i_full) == full)
        h.check_if(here & ~full, (in_q2(dut.decide.i_lid) == lid) & (done.lid == lid))
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
        # A change is in the memory one clock after it is in the specification.
        stored = [h.past(spec) for spec in tags]
        self.read_out(h, dut, watched_row, [h.past(spec) for spec in stored])
        self.kept(h, dut, parts, places, valid, entry, watched_place, out, in_q2)
        h.check_if(h.past(dut.o_ready), dut.o_ready)
        for memory, spec, late in zip(ways, tags, stored):
            m.d.comb += memory.watch_place.eq(watched_row)
            cells = inner(parts, "table", "cells")
            self.swept(h, cells, dut.table.o_ready, watched_row, memory, late)
            h.check_if(~dut.o_ready, spec.as_value() == 0)

        earlier = stages(h, here, 6)[-1]
        first = stages(h, here & missed & ~full, 6)[-1]
        h.reach(here & earlier & ~event.by_lid & first & ~missed)
        h.reach(here & full & first)
        h.reach(here & closed & earlier & h.past(~here) & (tags[0].touch == 1))

    def read_out(self, h, dut, row, stored):
        """A tag that is read out is that of the events that have been written."""
        asked = dut.i_inspect
        mine = asked.valid & asked.ready & (asked.payload[1:] == row)
        h.check(dut.o_inspected.valid == h.past(asked.valid & asked.ready))
        wanted = Mux(h.past(asked.payload[0]), stored[1], stored[0])
        h.check_if(h.past(mine), dut.o_inspected.payload.as_value() == wanted)

    def kept(self, h, dut, parts, places, valid, entry, watched, out, in_q2):
        """One place of the directory, any, seen in Q3 as the tags are."""
        m = h.m
        layout = reorder.kept_layout(SIZE)
        content = Signal(layout, name="spec_place")
        m.d.comb += places.watch_place.eq(watched)
        here = valid & entry.uses_place & (entry.place == watched)
        seen = in_q2(dut.decide.i_kept)
        done = dut.o_done.payload
        signals = inner(parts, "reorder")
        self.swept(h, signals, dut.reorder.o_ready, watched, places, h.past(content))
        h.check_if(here, seen == content.as_value())
        h.check_if(here, done.kept_slot == content.slot)
        h.check_if(~dut.o_ready, content.as_value() == 0)
        with m.If(here & (out.keeps | out.unkeeps)):
            m.d.sync += [
                content.valid.eq(out.keeps),
                content.lid.eq(done.lid),
                content.slot.eq(entry.event.rx_slot),
            ]

    def swept(self, h, signals, ready, place, memory, stored):
        """The memory is the specification's; until the sweep is over, what was swept is empty."""
        h.check_if(ready, memory.watched == stored)
        h.check_if(~ready & (signals["sweep"] > place), memory.watched == 0)


class Registered(Proof):
    shows = (
        "Decide in three clocks (`registered`) decides what Decide without registers does, two"
        " clocks later, if what the second and the third clock look at is that of their clock"
    )
    config = "Q2 twice; 4 slots; any event and any tag in every clock"
    mode = "induction"
    depth = 3
    cover_depth = 5
    defects = (
        Defect(
            "the tag is that of the event behind",
            "pipeline/q2_decide.py",
            "self._cross(m, self.tag_c, self.tag_b)",
            "m.d.comb += self.tag_c.eq(self.tag_b)",
        ),
        Defect(
            "the guards are those of the event behind",
            "pipeline/q2_decide.py",
            'across(rules.i_guards, "guards_c")',
            "rules.i_guards",
        ),
    )

    def build(self, h):
        plain_one, registered = Decide(SIZE), Decide(SIZE, registered=True)
        h.m.submodules += [plain_one, registered]
        h.drive(registered)
        late = {"i_reorder_free": 1}
        thirds = ("i_asking", "i_first_id", "i_epoch", "cfg_init_id", "cfg_selective")
        late |= dict.fromkeys(thirds, 2)
        for name, member in registered.signature.members.items():
            if member.flow is wiring.In:
                value = stages(h, getattr(registered, name), 2 - late.get(name, 0))[-1]
                port = getattr(plain_one, name)
                h.m.d.comb += Value.cast(port).eq(value)
        warm = stages(h, h.later, 2)[-1]
        for name in ("o_tag", "o_outcome"):
            one, other = (Value.cast(getattr(dut, name)) for dut in (plain_one, registered))
            h.check_if(warm, one == other)
        out, tag = registered.o_outcome, registered.o_tag
        h.reach(warm & out.pop & out.frame & (tag.state == LinkState.OPEN))
        h.reach(warm & out.keeps & h.past(out.append))
