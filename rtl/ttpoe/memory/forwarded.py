"""`ForwardedMemory`: a memory that is read, decided on and written in a pipeline, access by access.

The keys of the link table lie in one (protocol section 5.1, claims S4 and S7). An access presents
its index, is read, has its change decided and is written, all in fixed clocks of its own; accesses
to different places follow each other clock by clock. Two accesses to one place must keep their
distance:

    clock of the access    what happens to it
    0                      `i_index`
    1                      the memory gives what it holds; the change of an access in its clock 7
                           is taken from there instead
    2                      `o_value`
    7                      the change: `i_change`, `i_change_way`, `i_value`
    8                      it is written
    9                      an access that presents its index now reads it

So the next access to the same place comes exactly `FORWARDED` = 6 clocks later, where the change
meets it, or `APART` = 9 clocks or more, when it is in the memory. At other distances it would
miss the change: the user keeps accesses from them (`ttpoe.pipeline.interlock`). One place to
forward from costs a LUT for each bit; three, for the distances 7 and 8 too, would cost three.
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .protected import ERRORS
from .swept import SweptMemory

__all__ = ["APART", "CHANGE", "FORWARDED", "ForwardedMemory"]

CHANGE = 7
"""Clocks from an access's index to its change."""

FORWARDED = CHANGE - 1
"""The one short distance at which an access meets the change of an older one of its place."""

APART = CHANGE + 2
"""From this distance on it reads the change in the memory."""


class ForwardedMemory(wiring.Component):
    """`depth` sets of `ways` words; an access is to one set, and changes one way of it or none.

    Parameters
    ----------
    protect : str
        See `Config`.
    layout : data.StructLayout
        A word.
    depth : int
        Sets, 2 or more.
    ways : int
        1 or 2.

    Members
    -------
    i_index : In(index)
        Clock 0 of an access: its set. No other access to this set may have been in this place 1
        to 5, 7 or 8 clocks ago.
    i_valid : In(1)
        Clock 1: there is an access (for `o_errors`).
    o_read : Out(word), one for each way
        Clock 1: what the memory holds, the change of an access 6 clocks ahead not in it. Undefined
        if `o_writes` was high in clock 0.
    o_value : Out(word), one for each way
        Clock 2, from registers: the content of the set with the changes of all older accesses.
    i_change : In(1), i_change_way : In(way), i_value : In(word)
        Clock 7: the access changes this way of its set, and its new content. `i_value` must be
        zero until `o_ready`: it is what the sweep writes. (A reset of the user's flip-flops; a mask
        in front of the memory would cost a LUT for each bit.)
    o_writes : Out(1)
        Clock 8: a change is being written.
    o_ready : Out(1)
        High `depth` clocks after reset, when all words are zero. No access may enter before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`. A word counts if it is the
        newest copy.

    Timing: as above. Behind the memory's output are one LUT and a register, and nothing else.

    Reset: the sweep begins.
    """

    def __init__(self, protect, layout, depth, ways=1):
        if depth < 2 or ways not in (1, 2):
            raise ValueError(f"depth must be 2 or more and ways 1 or 2; got {depth} and {ways}")
        self._protect, self._layout, self._depth, self._ways = protect, layout, depth, ways
        index = ceil_log2(depth)
        super().__init__(
            {
                "i_index": In(index),
                "i_valid": In(1),
                "o_read": Out(layout).array(ways),
                "o_value": Out(layout).array(ways),
                "i_change": In(1),
                "i_change_way": In(1),
                "i_value": In(layout),
                "o_writes": Out(1),
                "o_ready": Out(1),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Sets of the accesses in their clocks 1 to CHANGE.
        index = [Signal.like(self.i_index, name=f"index{clock}") for clock in range(CHANGE + 1)]
        m.d.comb += index[0].eq(self.i_index)
        m.d.sync += [after.eq(before) for before, after in zip(index, index[1:])]

        # One assignment each: it names them in waveforms.
        meets = Signal()  # the access in clock 1 is of the set that is changed now
        written = Signal(
            data.StructLayout(
                {"live": 1, "index": len(self.i_index), "way": 1, "value": self._layout}
            )
        )
        m.d.sync += [
            meets.eq(index[0] == index[CHANGE - 1]),
            written.live.eq(self.i_change),
            written.index.eq(index[CHANGE]),
            written.way.eq(self.i_change_way),
            written.value.eq(self.i_value),
        ]
        m.submodules.cells = cells = SweptMemory(
            self._protect, self._layout.size, self._depth, self._ways
        )
        m.d.comb += [
            cells.i_read_index.eq(self.i_index),
            cells.i_write_index.eq(written.index),
            cells.i_value.eq(written.value),
            self.o_writes.eq(written.live),
            self.o_ready.eq(cells.o_ready),
            self.o_errors.eq(cells.o_errors),
        ]
        for way in range(self._ways):
            forwards = Signal(name=f"forwards{way}")
            mine = self.i_change_way == way if self._ways > 1 else 1
            m.d.comb += [
                forwards.eq(meets & self.i_change & mine),
                self.o_read[way].eq(cells.o_read[way]),
                cells.i_write[way].eq(written.live & (written.way == way)),
                cells.i_used[way].eq(self.i_valid & ~forwards),
            ]
            m.d.sync += self.o_value[way].eq(Mux(forwards, self.i_value, cells.o_read[way]))
        return m
