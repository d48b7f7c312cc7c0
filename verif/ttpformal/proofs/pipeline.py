"""Proofs about Q1 to Q3: events that follow each other closely act as if each came alone."""

from amaranth.hdl import Array, Cat, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import View

from ttpoe.link import table
from ttpoe.link.fsm import Event, LinkState
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.records import outcome_layout
from ttpoe.reorder import directory as reorder

from ..any_pipeline import among, any_pipeline, stages
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
    mode = "bmc"
    depth = 24
    why = (
        "the sweep ends in clock 4; in 24 clocks three events of a set that enter 6 clocks apart"
        " have left Q3, each having met the change of the one in front: two that take the two"
        " ways, and one that finds both taken, with events of the other set in between; an event"
        " stays for 8 clocks, and what it leaves behind is in the"
        " memories alone, which are compared with the specification in every clock"
    )
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
            "self.i_inspect.ready.eq(turn & ~interlock.o_leaves & ~table.o_writes)",
            "self.i_inspect.ready.eq(turn & ~table.o_writes)",
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

        # An event in its clocks: 4 in Q2, 7 in Q3.
        valid, event = valids[LEAVES], entries[LEAVES].event
        done, out = dut.o_done.payload, View(outcome_layout(SIZE), h.past(dut.decide.o_outcome))
        h.check(dut.o_done.valid == valid)
        h.check_if(valid, done.event.as_value() == event.as_value())

        # One set, any: what its two tags are when all older events are through.
        tag = table.tag_layout(SIZE)
        tags = [Signal(tag, name=f"spec_tag{way}") for way in range(2)]
        way, missed, full, closed, key = self.seen(h, dut, heres[TO_Q2], entries[TO_Q2].event, tags)
        self.on_the_way(h, dut, parts, valids, entries, heres, tags)

        # What leaves Q3 is what Q2 made of it.
        def in_q3(value):
            return stages(h, value, LEAVES - TO_Q2)[-1]

        here, lid = heres[LEAVES], (watched_row << 1) | in_q3(way)
        owns = here & ~in_q3(full)
        decided = View(tag, h.past(dut.decide.o_tag))
        h.check_if(owns, done.lid == lid)
        h.check_if(here, done.outcome.as_value() == out.as_value())
        known = here & (~event.by_lid | ~in_q3(closed))
        h.check_if(known, (done.node == in_q3(key.node)) & (done.vc == in_q3(key.vc)))
        listed = here & ~in_q3(closed)
        h.check_if(listed, (done.old_head == in_q3(key.head)) & (done.old_tail == in_q3(key.tail)))
        for name in tag.members:
            if name not in ("head", "next", "queued", "touch"):
                h.check_if(here, plain(done.tag, name) == plain(decided, name))
        touches = among(event.event, [Event[name] for name in TOUCHES])
        own, other = in_q3(key.touch), in_q3(Mux(way, tags[0].touch, tags[1].touch))
        h.check_if(owns, done.tag.touch == Mux(touches, other ^ in_q3(way), own))
        written_way = in_q3(way)
        with m.If(owns):
            m.d.sync += Array(tags)[written_way].eq(done.tag)
        uses = Signal()  # it takes part in the order in which the ways were used
        m.d.comb += uses.eq(owns & touches)
        self.more(h, dut, here, in_q3, full, (uses, written_way), tags)
        # A change is in the memory one clock after it is in the specification.
        stored = [h.past(spec) for spec in tags]
        self.read_out(h, dut, watched_row, [h.past(spec) for spec in stored])
        self.kept(h, dut, parts, places, valids, entries, watched_place, out)
        h.check_if(h.past(dut.o_ready), dut.o_ready)
        for memory, spec, late in zip(ways, tags, stored):
            m.d.comb += memory.watch_place.eq(watched_row)
            cells = inner(parts, "table", "cells")
            self.swept(h, cells, dut.table.o_ready, watched_row, memory, late)
            h.check_if(~dut.o_ready, spec.as_value() == 0)

        h.check(~(self.used[0] & self.used[1] & self.same_key))
        seen = heres[TO_Q2]
        first = stages(h, seen & missed & ~full, 6)[-1]
        h.reach(seen & first & ~event.by_lid & ~missed)
        h.reach(seen & full & first)
        h.reach(seen & ~closed & stages(h, seen & ~closed, 6)[-1] & tags[0].touch)

    def more(self, h, dut, here, in_q3, full, uses, tags):
        """What another proof shows besides (`victim.told`)."""

    def seen(self, h, dut, here, event, tags):
        """Q2 is shown this very tag. (Of a free one, what counts: `tag.free`.)"""
        m, decide = h.m, dut.decide
        self.used = used = [spec.state != CLOSED for spec in tags]
        self.same_key = (tags[0].node == tags[1].node) & (tags[0].vc == tags[1].vc)
        hits = [
            used[way] & (tags[way].node == event.node) & (tags[way].vc == event.vc)
            for way in range(2)
        ]
        way, missed, full, closed = (Signal() for _ in range(4))
        mine = Signal(table.tag_layout(SIZE))
        m.d.comb += [
            missed.eq(~event.by_lid & ~hits[0] & ~hits[1]),
            full.eq(missed & used[0] & used[1]),
            way.eq(Mux(event.by_lid, event.lid[0], Mux(missed, used[0], hits[1]))),
            mine.eq(Mux(way, tags[1], tags[0])),
            closed.eq(missed | (mine.state == CLOSED)),
        ]
        shown = decide.i_tag
        h.check_if(here, decide.i_event.as_value() == event.as_value())
        h.check_if(here, decide.i_full == full)
        h.check_if(here & ~full, decide.i_lid == Cat(way, dut.read.o_found.payload.row))
        h.check_if(here, (shown.state == CLOSED) == closed)
        h.check_if(here & ~full, (shown.queued == mine.queued) & (shown.purging == mine.purging))
        for name in mine.shape().members:
            h.check_if(here & ~closed, plain(shown, name) == plain(mine, name))
        key = Signal(table.tag_layout(SIZE))
        m.d.comb += key.eq(mine)
        with m.If(~event.by_lid):
            m.d.comb += [key.node.eq(event.node), key.vc.eq(event.vc)]
        return way, missed, full, closed, key

    def on_the_way(self, h, dut, parts, valids, entries, heres, tags):
        """Where an event is in its clocks: helps the induction."""
        signals = inner(parts, "table")
        for clock in range(1, LEAVES + 1):
            h.check_if(valids[clock], signals[f"index{clock}"] == entries[clock].row)
        places = inner(parts, "reorder")
        for clock in range(1, LEAVES + 1):
            h.check(places[f"index{clock}"] == entries[clock].place)
        read, decide = dut.read, dut.decide
        q2 = (read.o_found.payload.event, decide.event_b, decide.event_c)
        shown = {
            1: (dut.q1_valid, dut.q1),
            **dict(zip((4, 5, 6), zip((read.o_found.valid, dut.q2b_valid, dut.q2c_valid), q2))),
        }
        for clock, (valid, event) in shown.items():
            h.check(valid == valids[clock])
            h.check_if(valid, event.as_value() == entries[clock].event.as_value())
        h.check_if(valids[1], read.i_row == entries[1].row)
        h.check_if(valids[TO_Q2], read.o_found.payload.row == entries[TO_Q2].row)
        for way, spec in enumerate(tags):
            before = stages(h, spec, 2)[-1]
            h.check_if(heres[1], dut.table.o_read[way].as_value() == before)
            h.check_if(heres[2], dut.table.o_value[way].as_value() == spec.as_value())

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
        seen, here = (
            valids[clock] & entries[clock].uses_place & (entries[clock].place == watched)
            for clock in (TO_Q2, LEAVES)
        )
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
