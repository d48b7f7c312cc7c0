"""Proofs of `memory/`: accesses to one place that follow each other closely act as if alone."""

from amaranth.hdl import Array, Mux, Signal
from amaranth.lib import data

from ttpoe.memory import forwarded

from ..memories import built, harsh_memories, inner
from ..proof import Defect, Proof

_FILE = "memory/forwarded.py"


class Forwarded(Proof):
    shows = (
        "ForwardedMemory: what an access sees in Q2 is what all older accesses of its set left,"
        " whatever accesses follow each other how closely, or, if it asks for that, what the"
        " one right in front leaves; in Q1 `newest` lacks the change of that one only; a change"
        " is written once, to its way; the sweep clears all"
    )
    config = "4 sets of 2 ways, words of 2 bits; any accesses and changes; watched: any one set"
    ways = 2
    mode = "induction"
    depth = 6
    cover_depth = 14
    defect_depth = 14
    defects = (
        Defect(
            "what is in Q3 is not seen by the next access",
            _FILE,
            "use_q3.eq(follows)",
            "use_q3.eq(0)",
        ),
        Defect(
            "what was written one clock ago is lost",
            _FILE,
            "use_q4.eq(alone & q3_has)",
            "use_q4.eq(0)",
        ),
        Defect(
            "what was written in the clock of the read is lost",
            _FILE,
            "use_q5.eq(alone & ~q3_has & q4_has)",
            "use_q5.eq(0)",
        ),
        Defect(
            "a change of the other way is taken",
            _FILE,
            "((self.i_hit & same_way) | self.i_follows)",
            "(self.i_hit | self.i_follows)",
        ),
        Defect("an access is not told that it follows", _FILE, " | self.i_follows)", ")"),
        Defect(
            "the newest copy wins only if it is in Q4",
            _FILE,
            "Mux(self._from_q3[way], of(self._q3.value),\n"
            "                   Mux(self._from_q4[way], of(self._q4.value), "
            "of(self.o_read[way])))",
            "Mux(self._from_q4[way], of(self._q4.value), Mux(self._from_q3[way], "
            "of(self._q3.value), of(self.o_read[way])))",
        ),
        Defect(
            "both ways are written",
            _FILE,
            "cells.i_write[way].eq(q3.live & self._is(q3.way, way))",
            "cells.i_write[way].eq(q3.live)",
        ),
    )

    def build(self, h):
        m, ways = h.m, range(self.ways)
        layout = data.StructLayout({"bits": 2})
        with harsh_memories(h, forwarded) as memories:
            dut = forwarded.ForwardedMemory("none", layout, 4, ways=self.ways)
            m.submodules.dut = parts = built(dut)
        h.drive(dut)
        entered = h.free(1, "entered")
        in_q1 = h.past(entered)
        in_q2 = h.past(in_q1)
        here_valid = h.past(in_q2)
        h.assume_if(entered, dut.o_ready)
        h.assume(dut.i_valid == in_q1)
        h.assume_if(dut.i_change, in_q2)
        h.assume_if(~dut.o_ready, dut.i_value.bits == 0)
        if self.ways == 1:
            h.assume(~dut.i_way & ~dut.i_change_way)

        # The access in Q3, and what it said on its way.
        index = h.past(h.past(h.past(dut.i_index)))
        hit, way, follows = (
            h.past(h.past(value)) for value in (dut.i_hit, dut.i_way, dut.i_follows)
        )
        change, change_way = h.past(dut.i_change), h.past(dut.i_change_way)
        h.check(dut.o_write == (here_valid & change))
        h.check_if(dut.o_write, dut.o_write_way == change_way)
        h.check_if(here_valid, h.past(dut.o_index) == index)
        h.check_if(
            here_valid & h.past(here_valid), h.past(dut.o_behind) == (h.past(index) == index)
        )

        # One set, any: what its words are when all older accesses are through.
        watched = h.constant(2, "watched")
        words = [Signal(2, name=f"spec{number}") for number in ways]
        here, in_front = Signal(), Signal()
        m.d.comb += [here.eq(here_valid & (index == watched)), in_front.eq(h.past(here & change))]
        front_way = h.past(change_way)
        takes_front = in_front & ((hit & (way == front_way)) | follows)
        wanted = Signal(2)
        m.d.comb += wanted.eq(
            Array(words)[Mux(takes_front, front_way, way)] if self.ways > 1 else words[0]
        )
        h.check_if(here, h.past(dut.o_from_q3) == takes_front)
        h.check_if(here, h.past(dut.o_value) == Mux(hit | takes_front, wanted, 0))
        with m.If(here & change):
            m.d.sync += (Array(words)[change_way] if self.ways > 1 else words[0]).eq(
                dut.i_value.bits
            )
        sweep = inner(parts, "cells")["sweep"]
        for number, memory in zip(ways, memories):
            seen = dut.newest(number, lambda word: word.bits)
            h.check_if(here, h.past(h.past(seen)) == h.past(words[number]))
            m.d.comb += memory.watch_place.eq(watched)
            h.check_if(dut.o_ready, memory.watched == words[number])
            h.check_if(~dut.o_ready & (sweep > watched), memory.watched == 0)
            h.check_if(~dut.o_ready, words[number] == 0)
        h.check_if(h.past(dut.o_ready), dut.o_ready)
        four = here
        for _ in range(3):
            four = here & change & h.past(four)
        h.reach(four & (wanted == 3))
        h.reach(here & hit & ~in_front & h.past(in_front) & (wanted == 2))
        h.reach(here & hit & ~in_front & ~h.past(in_front) & h.past(h.past(in_front)))


class ForwardedOne(Forwarded):
    shows = "ForwardedMemory with one way: the same"
    config = "4 sets of 1 way, words of 2 bits; any accesses and changes; watched: any one set"
    ways = 1
    defects = (
        Defect(
            "what was written one clock ago is lost",
            _FILE,
            "use_q4.eq(alone & q3_has)",
            "use_q4.eq(0)",
        ),
        Defect(
            "a change of another set is taken",
            _FILE,
            "same.eq(self.o_index == q1_index)",
            "same.eq(1)",
        ),
    )
