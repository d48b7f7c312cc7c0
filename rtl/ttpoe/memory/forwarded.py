"""`ForwardedMemory`: a memory that is read, decided on and written in a pipeline, access by access.

The link table and the directory of kept packets are one each (protocol sections 5.1 and 5.3, claims
S4 and S7). An access enters in every clock, presents its index in Q0, has its content read in Q1,
changes it in Q2 and is written in Q3. Accesses to one place behave as if one came long after the
other: content that is still on its way back is taken from where it is.

Where the newest copy may be when its access is in Q2:

    older by 1 access    in Q3, being written
    older by 2           written one clock ago, after this access's read: kept in `q4`
    older by 3           written in the same clock as this access's read: kept in `q5`
    older by more        read in Q1

"One access later" counts clocks: an older access exists only if one entered in that clock.
"""

from amaranth import Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .protected import COLLISION_UNDEFINED, ERRORS, errors_of, protected_memory, report

__all__ = ["ForwardedMemory"]


class _Cells(wiring.Component):
    """The memory itself, and the sweep that writes `i_value`, which is zero then, to every word."""

    def __init__(self, protect, width, depth, ways):
        self._protect, self._width, self._depth, self._ways = protect, width, depth, ways
        index = ceil_log2(depth)
        super().__init__(
            {
                "i_read_index": In(index),
                "o_read": Out(width).array(ways),
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
                self.o_read[way].eq(read.data),
                write.addr.eq(Mux(self.o_ready, self.i_write_index, sweep)),
                write.data.eq(self.i_value),
                write.en.eq(~self.o_ready | self.i_write[way]),
            ]
            errors.append(errors_of(read, self.i_used[way]))
        report(m, self._protect, self.o_errors, *errors)
        return m


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
    Q0, the access enters:

    i_index : In(index)
        Its set.

    Q1, it is read:

    i_valid : In(1)
        There is an access in Q1 (for `o_errors`).
    o_read : Out(word), one for each way
        What the memory holds. Undefined if that word is written in the clock of Q0. `newest` gives
        the newest copy, but for the change of the access right in front, in Q2.
    i_hit : In(1), i_way : In(way)
        The content of this way is wanted in Q2.
    i_follows : In(1)
        ... or that of the access right in front, whatever its way, if it is of the same set.

    Q2, what is new is decided:

    o_index : Out(index)
        The set of the access in Q2.
    o_behind : Out(1)
        The access right in front, now in Q3, is (or would be, if there were one) of the same set.
    o_from_q3 : Out(1)
        `o_value` is what the access right in front leaves.
    o_value : Out(word)
        The content wanted, with the changes of all older accesses; zero if none is.
    o_stored : Out(word), one for each way
        What was read in Q1; it lacks the changes of the last three accesses.
    i_change : In(1), i_change_way : In(way)
        The access changes its set: this way. Both may come late in the clock.

    Q3, it is written:

    i_value : In(word)
        The new content. It must be zero until `o_ready`: it is what the sweep writes. (A reset of
        the user's flip-flops; a mask in front of the memory would cost a LUT for each bit.)
    o_write : Out(1), o_write_way : Out(way)
        The access in Q3 changes its set, and which way.

    o_ready : Out(1)
        High `depth` clocks after reset, when all words are zero. No access may enter before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`. A word counts if it is the
        newest copy as far as Q1 can tell.

    Timing: one access per clock; the write of an access that enters in clock n is in clock n + 3.
    `o_value` comes from registers through one AND-OR, but if `o_from_q3` from `i_value`, too.

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
                "i_hit": In(1),
                "i_way": In(1),
                "i_follows": In(1),
                "o_index": Out(index),
                "o_behind": Out(1),
                "o_from_q3": Out(1),
                "o_value": Out(layout),
                "o_stored": Out(layout).array(ways),
                "i_change": In(1),
                "i_change_way": In(1),
                "i_value": In(layout),
                "o_write": Out(1),
                "o_write_way": Out(1),
                "o_ready": Out(1),
                "o_errors": Out(ERRORS),
            }
        )
        # An access's place in the clocks of its write and after it.
        place = data.StructLayout({"live": 1, "index": index, "way": 1, "value": layout})
        # Named for what they hold: `newest` brings them into the user's module, which has a `q3` itself.
        self._q3, self._q4, self._q5 = (Signal(place, name=f"change_q{n}") for n in (3, 4, 5))
        self._from_q3 = [Signal(name=f"from_q3_{way}") for way in range(ways)]
        self._from_q4 = [Signal(name=f"from_q4_{way}") for way in range(ways)]

    def newest(self, way, of):
        """In Q1: `of(word)` of the newest copy of `way`, but for the change of the access in Q2.

        `of` is computed of every copy and then chosen, so a long `of` costs no time behind the
        choice.
        """
        return Mux(
            self._from_q3[way],
            of(self._q3.value),
            Mux(self._from_q4[way], of(self._q4.value), of(self.o_read[way])),
        )

    def elaborate(self, platform):
        m = Module()
        q3, q4, q5 = self._q3, self._q4, self._q5
        q1_index = Signal.like(self.i_index)
        m.d.sync += [
            q1_index.eq(self.i_index),
            self.o_index.eq(q1_index),
            q3.live.eq(self.i_change),
            q3.index.eq(self.o_index),
            q3.way.eq(self.i_change_way),
            q4.eq(q3),
            q5.eq(q4),
        ]
        m.d.comb += [
            q3.value.eq(self.i_value),
            self.o_write.eq(q3.live),
            self.o_write_way.eq(q3.way),
        ]
        self._store(m)
        self._choose(m, q1_index)
        return m

    def _is(self, signal, way):
        """Whether `signal` names `way`; of one way it need not be looked at."""
        return signal == way if self._ways > 1 else Const(1)

    def _store(self, m):
        """The memory, and what of it is read in Q1."""
        q3 = self._q3
        m.submodules.cells = cells = _Cells(
            self._protect, self._layout.size, self._depth, self._ways
        )
        m.d.comb += [
            cells.i_read_index.eq(self.i_index),
            cells.i_write_index.eq(q3.index),
            cells.i_value.eq(q3.value),
            self.o_ready.eq(cells.o_ready),
            self.o_errors.eq(cells.o_errors),
        ]
        for way in range(self._ways):
            m.d.comb += [
                self.o_read[way].eq(cells.o_read[way]),
                cells.i_write[way].eq(q3.live & self._is(q3.way, way)),
                cells.i_used[way].eq(self.i_valid & ~self._from_q3[way] & ~self._from_q4[way]),
            ]

    def _choose(self, m, q1_index):
        """In Q1, where the newest copy will be in Q2; in Q2, that copy."""
        q3, q4, q5 = self._q3, self._q4, self._q5
        ways = range(self._ways)
        for way in ways:
            m.d.comb += [
                self._from_q3[way].eq(q3.live & (q3.index == q1_index) & self._is(q3.way, way)),
                self._from_q4[way].eq(q4.live & (q4.index == q1_index) & self._is(q4.way, way)),
            ]
        same = Signal()
        follows = Signal()
        same_way = ~(self.i_way ^ self.i_change_way) if self._ways > 1 else Const(1)
        m.d.comb += [
            same.eq(self.o_index == q1_index),
            follows.eq(same & self.i_change & ((self.i_hit & same_way) | self.i_follows)),
        ]
        q3_has, q4_has = (
            Mux(self.i_way, bits[-1], bits[0]) for bits in (self._from_q3, self._from_q4)
        )
        alone = self.i_hit & ~follows
        # One assignment each: it names them in waveforms.
        use_q3 = Signal()
        use_q4 = Signal()
        use_q5 = Signal()
        use_read = [Signal(name=f"use_read{way}") for way in ways]
        stored = [Signal(self._layout, name=f"q2_read{way}") for way in ways]
        m.d.sync += [
            self.o_behind.eq(same),
            use_q3.eq(follows),
            use_q4.eq(alone & q3_has),
            use_q5.eq(alone & ~q3_has & q4_has),
            *(
                use_read[way].eq(alone & ~q3_has & ~q4_has & self._is(self.i_way, way))
                for way in ways
            ),
            *(stored[way].eq(self.o_read[way]) for way in ways),
        ]
        chosen = 0
        for use, copy in (
            (use_q3, q3.value),
            (use_q4, q4.value),
            (use_q5, q5.value),
            *zip(use_read, stored),
        ):
            chosen |= Value.cast(copy) & use.replicate(self._layout.size)
        m.d.comb += [
            self.o_from_q3.eq(use_q3),
            self.o_value.eq(chosen),
            *(self.o_stored[way].eq(stored[way]) for way in ways),
        ]
