"""Gaps between frames on XGMII: 12 bytes on average.

Source: IEEE 802.3 clause 46.3.1.4 (deficit idle count), in the form that needs no more than two
bits: the deficit is the sum of what the frames' ends miss to whole columns of 4 bytes, modulo 4.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .xgmii import LANES

__all__ = ["XgmiiGap"]


class XgmiiGap(wiring.Component):
    """Says in which clock, and in which half of it, the next frame may begin.

    A frame begins in lane 0 or 4, so a gap, /T/ included, is 9 to 15 bytes. It is cut to whole
    columns if the bytes that all gaps so far are short of 12 stay 3 or less, else filled up.

    Members
    -------
    i_ends : In(1)
        The last word of a frame's bytes is scheduled in this clock, FCS and /T/ follow them.
    i_keep : In(8)
        With `i_ends`: its bytes, a run of ones from lane 0. The FCS is not among them.
    i_aborts : In(1)
        With `i_ends`: the word is /E/ /T/ instead.
    i_late : In(1)
        With `o_free`: no frame begins, though it might. The gap grows by this clock, and all that
        gaps were short of is made up for.
    o_free : Out(1)
        A frame may begin in this clock. Counts between frames only.
    o_offset : Out(1)
        It would begin in lane 4; the whole frame lies 4 lanes later.
    o_tail : Out(1)
        In the clock after `i_ends`: FCS and /T/ need this word, too.

    Timing: outputs depend on registers only.
    Reset: a frame may begin, in lane 0.
    """

    def __init__(self):
        super().__init__(
            {
                "i_ends": In(1),
                "i_keep": In(LANES),
                "i_aborts": In(1),
                "i_late": In(1),
                "o_free": Out(1),
                "o_offset": Out(1),
                "o_tail": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        deficit, wait = Signal(2), Signal(2)
        keep, ended = Signal(LANES), Signal()  # a word with FCS was scheduled in the clock before
        # /T/ lies 1 + `columns` of 4 bytes after its word began, and `past` bytes into its column.
        past, columns, lanes = Signal(2), Signal(2), Signal(3)
        owed, exceeds, more = Signal(2), Signal(), Signal(3)
        m.d.comb += [
            lanes.eq(Mux(keep[4], keep[5:8], keep[1:4])),
            past.eq(Cat(~lanes[0] | (lanes[1] & ~lanes[2]), lanes[0] & ~lanes[2])),
            columns.eq(Cat(keep[3] & ~keep[7], keep[7])),
            # 12 bytes after it lie `past` bytes into the third column after; the frame begins
            # with that column, or, if the deficit would exceed 3, with the next one: 4 columns
            # and `more` after the word, lane 0 of it, began. Sums as logic: no carry chains.
            owed.eq(deficit ^ past ^ Cat(0, deficit[0] & past[0])),
            exceeds.eq((deficit[1] & past[1]) | ((deficit[1] | past[1]) & deficit[0] & past[0])),
            more[0].eq(columns[0] ^ exceeds ^ self.o_offset),
            more[1].eq(
                columns[1] ^ (exceeds & self.o_offset) ^ (columns[0] & (exceeds ^ self.o_offset))
            ),
            more[2].eq(columns[1] & exceeds & self.o_offset),
            self.o_free.eq(~wait.any() & ~ended),
        ]
        m.d.sync += [
            keep.eq(self.i_keep),
            ended.eq(self.i_ends & ~self.i_aborts),
            self.o_tail.eq(self.i_ends & ~self.i_aborts & self.i_keep[3]),
        ]
        with m.If(self.i_ends & self.i_aborts):  # the next frame may begin in the next clock
            # /T/ lies 1 byte past the beginning of its word; the deficit is 0 to 3.
            m.d.sync += [
                deficit.eq(deficit + 1),
                self.o_offset.eq(~(deficit.all() ^ self.o_offset)),
                wait.eq(deficit.all() | self.o_offset),
            ]
        with m.Elif(ended):  # it never may before the next clock but one
            m.d.sync += [deficit.eq(owed), self.o_offset.eq(more[0]), wait.eq(more[1:])]
        with m.Elif(wait.any()):
            m.d.sync += wait.eq(Cat(wait[1] & ~wait[0], 0))
        with m.Elif(self.i_late):
            m.d.sync += [deficit.eq(0), self.o_offset.eq(0)]
        return m
