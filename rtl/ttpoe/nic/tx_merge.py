"""TTP and the operating system share one MAC.

Source: section 8 of the protocol ("TTP has priority on transmit, with a bound so that the OS path
cannot starve"), decision N7.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout

__all__ = ["TxMerge", "TTP_IN_A_ROW"]

TTP_IN_A_ROW = 16
"""TTP frames that may start one after the other while a frame of the OS waits."""


class TxMerge(wiring.Component):
    """Joins two streams of frames, frame by frame; TTP first, the OS at least now and then.

    Members
    -------
    i_ttp, i_os : In(stream of beat)
        Whole frames. Neither may pause inside a frame: the other one would wait with it.
    o : Out(stream of beat)
        To the MAC. A frame that has been offered is finished before the other input is looked at.

    Timing: no clock is added; `o` follows the input that has the turn, and its `ready` follows
    `o.ready`. No bubble between frames.

    Bounds, with a MAC that is always ready: a TTP frame waits for at most one frame of the OS (as
    many clocks as that frame has beats, 1127 for a jumbo of 9014 bytes at 64 bits). A frame of
    the OS waits for the rest of a TTP frame under way and `TTP_IN_A_ROW` more: less than 17 times
    the beats of the longest TTP frame (1084 bytes), at 64 bits 17 * 136 = 2312 clocks.

    Reset: no frame; one that was under way is cut off.
    """

    def __init__(self, config):
        super().__init__(
            {
                "i_ttp": In(stream.Signature(beat_layout(config))),
                "i_os": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ttp, os, out = self.i_ttp, self.i_os, self.o
        bound = Signal()  # a frame has been offered and is not finished
        bound_to_os = Signal()
        row = Signal(range(TTP_IN_A_ROW + 1))
        os_turn, chosen_os = Signal(), Signal()
        m.d.comb += [
            os_turn.eq(os.valid & (~ttp.valid | (row == TTP_IN_A_ROW))),
            chosen_os.eq(Mux(bound, bound_to_os, os_turn)),
            out.valid.eq(Mux(chosen_os, os.valid, ttp.valid)),
            out.payload.eq(Mux(chosen_os, os.payload, ttp.payload)),
            ttp.ready.eq(out.ready & ~chosen_os),
            os.ready.eq(out.ready & chosen_os),
        ]
        with m.If(out.valid):
            m.d.sync += [bound.eq(~(out.ready & out.payload.last)), bound_to_os.eq(chosen_os)]
            with m.If(~bound):
                m.d.sync += row.eq(Mux(os.valid & ~chosen_os, row + 1, 0))
        return m
