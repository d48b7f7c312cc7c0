"""`SweptMemory`: a memory of sets of words that is cleared after reset.

Source: the protocol's section 5.1 (after reset no link is there).
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .protected import (
    COLLISION_UNDEFINED,
    ERRORS,
    errors_of,
    protected_memory,
    report,
    stored,
    stored_bits,
)

__all__ = ["SweptMemory"]


class SweptMemory(wiring.Component):
    """`depth` sets of `ways` words, and the sweep that writes `i_value`, zero then, to all of them.

    Parameters
    ----------
    protect : str
        See `Config`.
    width : int
        Bits of a word.
    depth : int
        Sets, 2 or more.
    ways : int
        Words of a set.
    as_it_lies : bool
        `o_read` has the check bits, too, if there are any, and nothing is put right: the user
        does that (`ttpoe.memory.protected.restored`).

    Members
    -------
    i_read_index : In(index)
        The set that is read in this clock.
    o_read : Out(width, or bits as they lie there), one for each way
        Its words, one clock later; undefined if one of them was written meanwhile.
    i_used : In(1), one for each way
        With `o_read`: that word counts (for `o_errors`).
    i_write : In(1), one for each way; i_write_index : In(index), i_value : In(width)
        These words of that set are replaced. `i_value` must be zero until `o_ready`.
    o_ready : Out(1)
        High `depth` clocks after reset, when all words are zero. Nothing may be written before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: a set is read and one is written in every clock. What is written in a clock can be read
    in the next one.

    Reset: the sweep begins.
    """

    def __init__(self, protect, width, depth, ways, as_it_lies=False):
        self._protect, self._width, self._depth, self._ways = protect, width, depth, ways
        self._as_it_lies = as_it_lies
        index = ceil_log2(depth)
        super().__init__(
            {
                "i_read_index": In(index),
                "o_read": Out(stored_bits(protect, width) if as_it_lies else width).array(ways),
                "i_used": In(1).array(ways),
                "i_write": In(1).array(ways),
                "i_write_index": In(index),
                "i_value": In(width),
                "o_ready": Out(1),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        sweep = Signal.like(self.i_read_index)
        with m.If(~self.o_ready):
            m.d.sync += [sweep.eq(sweep + 1), self.o_ready.eq(sweep == self._depth - 1)]
        errors = []
        for way in range(self._ways):
            words = protected_memory(
                self._protect,
                shape=self._width,
                depth=self._depth,
                init=[],
                attrs=COLLISION_UNDEFINED,
            )
            m.submodules[f"way{way}"] = words
            write, read = words.write_port(), words.read_port()
            m.d.comb += [
                read.addr.eq(self.i_read_index),
                read.en.eq(1),
                self.o_read[way].eq(stored(read) if self._as_it_lies else read.data),
                write.addr.eq(Mux(self.o_ready, self.i_write_index, sweep)),
                write.data.eq(self.i_value),
                write.en.eq(~self.o_ready | self.i_write[way]),
            ]
            if not self._as_it_lies:
                errors.append(errors_of(read, self.i_used[way]))
        if errors:
            report(m, self._protect, self.o_errors, *errors)
        return m
