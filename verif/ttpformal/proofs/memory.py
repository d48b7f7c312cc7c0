"""Proofs of `memory/` and of the directory: accesses that keep their distance act as if alone."""

from amaranth.hdl import Array, Mux, Signal
from amaranth.lib import data

from ttpoe.memory import forwarded, swept
from ttpoe.memory.forwarded import APART, CHANGE, FORWARDED
from ttpoe.reorder import directory

from ..any_pipeline import keep_distance, stages
from ..memories import built, harsh_memories, inner
from ..proof import Defect, Proof, shrunk

_FILE = "memory/forwarded.py"
_DIRECTORY = "reorder/directory.py"

WRITTEN = CHANGE + 1  # the clock of an access in which its change is written


def check_swept(h, ready, sweep, memory):
    """When the sweep is over every place has been written; before, those in front of it."""
    h.check(memory.blank == Mux(ready, 0, ~((1 << sweep) - 1)[: memory.depth]))


class Forwarded(Proof):
    shows = (
        "ForwardedMemory: if accesses of one set come exactly 6 or at least 9 clocks apart,"
        " `o_value` in clock 2 of an access is what all older accesses of its set left; `o_read`"
        " is what has been written; a change is written once, in clock 8, to its set and way,"
        " whatever happens to other sets; the sweep clears all"
    )
    config = (
        "4 sets of 2 ways, words of 2 bits; any accesses and changes; watched: any one set; a"
        " read in the clock of a write to its place gives any value"
    )
    ways = 2
    mode = "induction"
    depth = 12
    cover_depth = 32
    defect_depth = 26
    defects = (
        Defect(
            "the change of the access 6 clocks ahead is not seen",
            _FILE,
            "forwards.eq(meets & self.i_change & mine)",
            "forwards.eq(0)",
        ),
        Defect(
            "a change of the other way is taken",
            _FILE,
            "forwards.eq(meets & self.i_change & mine)",
            "forwards.eq(meets & self.i_change)",
        ),
        Defect(
            "a change of another set is taken",
            _FILE,
            "meets.eq(index[0] == index[CHANGE - 1])",
            "meets.eq(1)",
        ),
        Defect(
            "what is forwarded is what was written last",
            _FILE,
            "Mux(forwards, self.i_value, cells.o_read[way])",
            "Mux(forwards, written.value, cells.o_read[way])",
        ),
        Defect(
            "both ways are written",
            _FILE,
            "cells.i_write[way].eq(written.live & (written.way == way))",
            "cells.i_write[way].eq(written.live)",
        ),
        Defect(
            "a change is written to the set of the access behind",
            _FILE,
            "written.index.eq(index[CHANGE])",
            "written.index.eq(index[CHANGE - 1])",
        ),
        Defect(
            "the sweep leaves the last set out",
            "memory/swept.py",
            "self.o_ready.eq(sweep == self._depth - 1)",
            "self.o_ready.eq(sweep == self._depth - 2)",
        ),
    )

    def build(self, h):
        m, ways = h.m, range(self.ways)
        layout = data.StructLayout({"bits": 2})
        with harsh_memories(h, swept, dirty=True) as memories:
            dut = forwarded.ForwardedMemory("none", layout, 4, ways=self.ways)
            m.submodules.dut = parts = built(dut)
        h.drive(dut)
        watched = h.constant(2, "watched")
        entered = stages(h, h.free(1, "entered"), WRITTEN)
        index = stages(h, dut.i_index, WRITTEN)
        h.assume_if(entered[0], dut.o_ready)
        h.assume(dut.i_valid == entered[1])
        h.assume_if(dut.i_change, entered[CHANGE])
        h.assume_if(~dut.o_ready, dut.i_value.bits == 0)
        if self.ways == 1:
            h.assume(~dut.i_change_way)
        here = [valid & (place == watched) for valid, place in zip(entered, index)]
        keep_distance(h, here, [FORWARDED])

        # The words of the watched set, as the accesses that have been through left them.
        words = [Signal(2, name=f"spec{number}") for number in ways]
        change, change_way = h.past(dut.i_change), h.past(dut.i_change_way)
        value = h.past(dut.i_value.bits)
        here = here[WRITTEN]
        h.check(dut.o_writes == (entered[WRITTEN] & change))
        with m.If(here & change):
            m.d.sync += (Array(words)[change_way] if self.ways > 1 else words[0]).eq(value)
        sweep = inner(parts, "cells")["sweep"]
        readable = h.past((dut.i_index == watched) & dut.o_ready & ~dut.o_writes)
        for number, memory in zip(ways, memories):
            seen = stages(h, dut.o_value[number].bits, WRITTEN - 2)[-1]
            h.check_if(here, seen == words[number])
            h.check_if(readable, dut.o_read[number].bits == h.past(words[number]))
            m.d.comb += memory.watch_place.eq(watched)
            h.check_if(dut.o_ready, memory.watched == words[number])
            check_swept(h, dut.o_ready, sweep, memory)
            h.check_if(~dut.o_ready & (sweep > watched), memory.watched == 0)
            h.check_if(~dut.o_ready, words[number] == 0)
        h.check_if(h.past(dut.o_ready), dut.o_ready)

        changes = stages(h, here & change, 2 * FORWARDED)
        h.reach(changes[0] & changes[FORWARDED] & changes[2 * FORWARDED] & (words[0] == 3))
        h.reach(here & stages(h, here & change, APART)[APART] & (words[-1] == 2))


class ForwardedOne(Forwarded):
    shows = "ForwardedMemory with one way: the same"
    config = "4 sets of 1 way, words of 2 bits; any accesses and changes; watched: any one set"
    ways = 1
    defects = (
        Defect(
            "what is being written is not seen",
            _FILE,
            "forwards.eq(meets & self.i_change & mine)",
            "forwards.eq(0)",
        ),
        Defect(
            "the access behind the next one gets the change",
            _FILE,
            "meets.eq(index[0] == index[CHANGE - 1])",
            "meets.eq(index[0] == index[CHANGE - 2])",
        ),
    )


SIZE = shrunk(slots=4, sets=2, rx_slots=8, rx_reserved=1, reorder_slots=1)


class Directory(Proof):
    shows = (
        "ReorderDirectory: if events that concern one place come at least 9 clocks apart,"
        " `o_kept` in clock 4 is what all older ones left there; a change is written once, in"
        " clock 8, to its place; the sweep empties all"
    )
    config = (
        "4 places, 4 links, 8 receive slots; any events and changes; watched: any one place; a"
        " read in the clock of a write to its place gives any value"
    )
    mode = "induction"
    depth = 12
    cover_depth = 28
    defect_depth = 24
    defects = (
        Defect(
            "a change goes to the place of the event behind",
            _DIRECTORY,
            "written_at.eq(index[CHANGE])",
            "written_at.eq(index[CHANGE - 1])",
        ),
        Defect(
            "a place is never emptied",
            _DIRECTORY,
            "writes.eq(self.i_change)",
            "writes.eq(self.i_change & self.i_kept.valid)",
        ),
        Defect(
            "the sweep leaves the last place out",
            _DIRECTORY,
            "self.o_ready.eq(sweep == config.reorder_window - 1)",
            "self.o_ready.eq(sweep == config.reorder_window - 2)",
        ),
        Defect(
            "an event is shown what the one in front of it found",
            _DIRECTORY,
            "found[0].eq(read.data)",
            "found[0].eq(found[-1])",
        ),
    )

    def build(self, h):
        m = h.m
        with harsh_memories(h, directory, dirty=True) as memories:
            dut = directory.ReorderDirectory(SIZE)
            m.submodules.dut = parts = built(dut)
        (places,) = memories
        h.drive(dut)
        watched = h.constant(SIZE.reorder_bits, "watched")
        entered = stages(h, h.free(1, "entered"), WRITTEN)
        index = stages(h, dut.i_index, WRITTEN)
        h.assume_if(entered[0], dut.o_ready)
        h.assume(dut.i_valid == entered[1])
        h.assume_if(dut.i_change, entered[CHANGE])
        h.assume_if(~dut.o_ready, dut.i_kept.as_value() == 0)
        here = [valid & (place == watched) for valid, place in zip(entered, index)]
        keep_distance(h, here, [])

        # What the events that have been through left in the watched place.
        content = Signal(len(dut.i_kept.as_value()), name="spec")
        change, kept = h.past(dut.i_change), h.past(dut.i_kept)
        here = here[WRITTEN]
        with m.If(here & change):
            m.d.sync += content.eq(kept)
        seen = stages(h, dut.o_kept, WRITTEN - directory.FOUND)[-1]
        h.check_if(here, seen == content)
        sweep = inner(parts)["sweep"]
        m.d.comb += places.watch_place.eq(watched)
        h.check_if(dut.o_ready, places.watched == content)
        check_swept(h, dut.o_ready, sweep, places)
        h.check_if(~dut.o_ready & (sweep > watched), places.watched == 0)
        h.check_if(~dut.o_ready, content == 0)
        h.check_if(h.past(dut.o_ready), dut.o_ready)
        h.reach(here & ~change & stages(h, here & change, APART)[APART] & content.all())
