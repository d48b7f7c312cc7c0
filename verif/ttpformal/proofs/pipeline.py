"""Proofs about Q1 to Q3: events that follow each other closely act as if each came alone."""

from amaranth.hdl import Array, Cat, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import View

from ttpoe.link import table
from ttpoe.link.fsm import Event, LinkState
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.records import outcome_layout
from ttpoe.reorder import directory as reorder

from ..any_pipeline import CHANGE_PLACE, among, any_pipeline, stages
from ..memories import inner
from ..on_the_way import LEAVES, TO_Q2, OnTheWay, Spec, key_of, plain
from ..proof import Defect, Proof, shrunk

SIZE = shrunk(slots=4, sets=2, rx_slots=8, rx_reserved=1, reorder_slots=1)

TOUCHES = (
    "RX_OPEN RX_OPEN_ACK RX_OPEN_NACK RX_CLOSE RX_CLOSE_ACK RX_CLOSE_NACK RX_PAYLOAD RX_ACK"
    " RX_NACK RX_NACK_FULL RX_NACK_NOLINK HOST_PAYLOAD HOST_OPEN HOST_CLOSE VISIT"
).split()


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
        "Q1, Q3, table and directory as they are, between any interlock and any decision; of the"
        " fields of more than 8 bits (node, IDs, epochs) 2 bits are any, the others 0; 2 sets of 2"
        " ways, 4 slots, directory of 4; watched: any one set, any one place of the directory"
    )
    mode = "induction"
    depth = 4
    flat = True
    cover_depth = 30
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
            "is_key = (key.node == q1b.node) & (key.vc == q1b.vc)",
            "is_key = key.node == q1b.node",
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
            "(key.node == q1b.node) & (key.vc == q1b.vc)",
            "(key.node == self.i_event.payload.node) & (key.vc == self.i_event.payload.vc)",
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
            "ask.ready.eq(table.o_ready & ~wanted.valid & ~table.i_change)",
            "ask.ready.eq(table.o_ready & ~table.i_change)",
        ),
        Defect(
            "a tag is read out while it is written",
            "pipeline/pipeline.py",
            "ask.ready.eq(table.o_ready & ~wanted.valid & ~table.i_change)",
            "ask.ready.eq(table.o_ready & ~wanted.valid)",
        ),
        Defect(
            "the tags are written to the set of the event behind",
            "pipeline/pipeline.py",
            "table.i_change_row.eq(self.q3_lid[1:])",
            "table.i_change_row.eq(self.q2c_lid[1:])",
        ),
    )

    def build(self, h):
        m = h.m
        watched_row = h.constant(SIZE.row_bits, "row")
        watched_place = h.constant(SIZE.reorder_bits, "place")
        dut, parts, memories, valids, entries, heres = any_pipeline(
            h, SIZE, watched_row, watched_place
        )
        *ways, places = memories
        keys, cells = ways[:2], ways[2:]

        # An event in its clocks: 4 in Q2, 7 in Q3.
        valid, event = valids[LEAVES], entries[LEAVES].event
        done, out = dut.o_done.payload, View(outcome_layout(SIZE), h.past(dut.decide.o_outcome))
        h.check(dut.o_done.valid == valid)
        h.check_if(valid, done.event.as_value() == event.as_value())

        # One set, any: what its two tags are when all older events are through. From its clock 2
        # to its clock 7 no other event of the set changes them.
        tag = table.tag_layout(SIZE)
        tags = [Signal(tag, name=f"spec_tag{way}") for way in range(2)]
        specs = {clock: Spec(h, entries[clock].event, tags) for clock in range(3, LEAVES + 1)}
        self.seen(h, dut, heres[TO_Q2], specs[TO_Q2])

        # What leaves Q3 is what Q2 made of it.
        spec, here = specs[LEAVES], heres[LEAVES]
        owns = here & ~spec.full
        decided = View(tag, h.past(dut.decide.o_tag))
        h.check_if(here, done.owns == owns)
        h.check_if(owns, done.lid == Cat(spec.way, watched_row))
        h.check_if(here, done.outcome.as_value() == out.as_value())
        known = here & (~event.by_lid | ~spec.closed)
        h.check_if(known, (done.node == spec.key.node) & (done.vc == spec.key.vc))
        listed = here & ~spec.closed
        h.check_if(listed, (done.old_head == spec.mine.head) & (done.old_tail == spec.mine.tail))
        for name in tag.members:
            if name not in ("head", "next", "queued", "touch"):
                h.check_if(here, plain(done.tag, name) == plain(decided, name))
        touches = among(event.event, [Event[name] for name in TOUCHES])
        touch = Mux(touches, spec.other.touch ^ spec.way, spec.mine.touch)
        h.check_if(owns, done.tag.touch == touch)
        with m.If(owns):
            m.d.sync += Array(tags)[spec.way].eq(done.tag)
        uses = Signal()  # it takes part in the order in which the ways were used
        m.d.comb += uses.eq(owns & touches)
        self.read_out(h, dut, watched_row, [h.past(spec_tag) for spec_tag in tags])
        self.kept(h, dut, parts, places, valids, entries, watched_place, out)
        h.check_if(h.past(dut.o_ready), dut.o_ready)
        for memory in ways:
            m.d.comb += memory.watch_place.eq(watched_row)
        # A change of a key is in the memory one clock after it is in the specification.
        swept = [inner(parts, "table", "keys", "cells"), inner(parts, "table", "cells")]
        for key, cell, spec_tag in zip(keys, cells, tags):
            ready, late = dut.table.o_ready, h.past(key_of(spec_tag))
            self.swept(h, swept[0], ready, watched_row, key, late)
            self.swept(h, swept[1], ready, watched_row, cell, spec_tag.as_value())
            h.check_if(~dut.o_ready, spec_tag.as_value() == 0)
        for name in ("sweep", "o_ready"):
            h.check(swept[0][name] == swept[1][name])
        way = OnTheWay(h, dut, parts, valids, entries, heres)
        way.passes()
        way.judged(tags, specs)
        way.written(keys, cells, watched_row, tags)
        self.more(h, dut, parts, heres, specs, uses, tags)

        one, two = specs[TO_Q2].used
        h.check(~(one & two & (tags[0].node == tags[1].node) & (tags[0].vc == tags[1].vc)))
        seen, spec, event = heres[TO_Q2], specs[TO_Q2], entries[TO_Q2].event
        first = stages(h, seen & spec.missed & ~spec.full, 6)[-1]
        h.reach(seen & first & ~event.by_lid & ~spec.missed)
        h.reach(seen & spec.full & first)
        h.reach(seen & ~spec.closed & stages(h, seen & ~spec.closed, 6)[-1] & tags[0].touch)

    def more(self, h, dut, parts, heres, specs, uses, tags):
        """What another proof shows besides (`victim.told`)."""

    def seen(self, h, dut, here, spec):
        """Q2 is shown this very tag. (Of a free one, what counts: `tag.free`.)"""
        decide, event = dut.decide, spec.event
        h.check_if(here, decide.i_event.as_value() == event.as_value())
        h.check_if(here, decide.i_full == spec.full)
        h.check_if(here & ~spec.full, decide.i_lid == Cat(spec.way, dut.read.o_found.payload.row))
        shown, mine = decide.i_tag, spec.mine
        spec.check_shown(h, here, shown)
        h.check_if(here & ~spec.full, shown.queued == mine.queued)
        h.check_if(here & ~spec.full, shown.purging == mine.purging)

    def read_out(self, h, dut, row, stored):
        """A tag that is read out is that of the events that have been written."""
        asked = dut.i_inspect
        mine = asked.valid & asked.ready & (asked.payload[1:] == row)
        h.check(dut.o_inspected.valid == h.past(asked.valid & asked.ready))
        wanted = Mux(h.past(asked.payload[0]), stored[1], stored[0])
        h.check_if(h.past(mine), dut.o_inspected.payload.as_value() == wanted)

    def kept(self, h, dut, parts, places, valids, entries, watched, out):
        """One place of the directory, any, seen as the tags are."""
        m = h.m
        layout = reorder.kept_layout(SIZE)
        content = Signal(layout, name="spec_place")
        m.d.comb += places.watch_place.eq(watched)
        heres = [
            valid & entry.uses_place & (entry.place == watched)
            for valid, entry in zip(valids, entries)
        ]
        seen, here = heres[TO_Q2], heres[LEAVES]
        done, entry = dut.o_done.payload, entries[LEAVES]
        signals = inner(parts, "reorder")
        self.swept(h, signals, dut.reorder.o_ready, watched, places, h.past(content))
        h.check_if(seen, dut.decide.i_kept.as_value() == content.as_value())
        h.check_if(here, done.kept_slot == content.slot)
        h.check_if(~dut.o_ready, content.as_value() == 0)
        with m.If(here & (out.keeps | out.unkeeps)):
            m.d.sync += [
                content.valid.eq(out.keeps),
                content.lid.eq(done.lid),
                content.slot.eq(entry.event.rx_slot),
            ]
        # Where it is in between: helps the induction.
        for clock in (2, 3):
            h.check_if(heres[clock], signals[f"found{clock}"] == content.as_value())
        for clock, name in ((5, "q2b"), (6, "q2c")):
            h.check_if(heres[clock], inner(parts)[f"kept_slot_{name}"] == content.slot)
        changes = dut.q3_outcome.keeps | dut.q3_outcome.unkeeps
        h.check_if(valids[LEAVES] & changes, among(entry.event.event, CHANGE_PLACE))
        (write,) = places.write_ports
        data, ready = Value.cast(write.data), dut.reorder.o_ready
        writes = write.en & (write.addr == watched)
        h.check_if(writes & ready, heres[LEAVES + 1])
        h.check_if(~ready, data == 0)
        h.check_if(ready, Mux(writes, data, places.watched) == content.as_value())

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
    mode = "sat"
    depth = 4
    why = (
        "no register of Decide keeps anything: what comes out depends on what went in in this"
        " clock and the two before, and any three inputs in a row are among those of the first"
        " four clocks"
    )
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
        thirds = (
            "i_asking",
            "i_first_id",
            "i_epoch",
            "cfg_init_id",
            "cfg_selective",
            "cfg_congestion",
        )
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
