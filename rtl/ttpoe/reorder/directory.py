"""`ReorderDirectory`: where the packets lie that are kept behind a gap (protocol section 5.3).

A kept packet stays in its receive slot. The directory has one place for each ID of the window and
is read with every event, in step with the link table: so the pipeline knows in Q2, exactly and in
one clock, whether an ID is kept, however many are. (A linked list in the order of the IDs would
have to be searched for every packet that fills a hole in its middle.)

IDs of one link never meet in a place, since the window is not longer than the directory. IDs of
different links may; the later one is not kept then, and becomes part of a gap.
"""

from functools import reduce
from operator import xor

from amaranth import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..memory.forwarded import ForwardedMemory
from ..memory.protected import ERRORS

__all__ = ["kept_layout", "directory_index", "ReorderDirectory"]


def kept_layout(config):
    """One place of the directory. The ID follows from the place and the link's window."""
    return data.StructLayout({"valid": 1, "lid": config.lid_bits, "slot": config.rx_slot_bits})


def directory_index(config, row, packet_id):
    """Place of an ID of a link in `row` of the link table: links lie at different offsets."""
    bits = config.reorder_bits
    folded = reduce(xor, (row[start : start + bits] for start in range(0, config.row_bits, bits)))
    return (folded ^ packet_id[:bits])[:bits]


class ReorderDirectory(wiring.Component):
    """Memory of `reorder_window` places, in step with Q0 to Q3.

    Members
    -------
    i_index : In(reorder_bits)
        Place that the event in Q0 concerns.
    o_kept : Out(kept)
        Its content when that event is in Q2, two clocks later, with the changes of all older
        events.
    i_change : In(1), i_kept : In(kept)
        In the same clock as `o_kept`: the event in Q2 replaces the content of its place.
    i_valid : In(1)
        There is an event in Q1, one clock before its `o_kept` (for `o_errors`).
    o_ready : Out(1)
        High `reorder_window` clocks after reset, when all places are empty. No event may enter
        before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: one event per clock; a change is written in Q3 (`ttpoe.memory.forwarded`).
    """

    def __init__(self, config):
        self._config = config
        kept = kept_layout(config)
        super().__init__(
            {
                "i_index": In(config.reorder_bits),
                "o_kept": Out(kept),
                "i_change": In(1),
                "i_kept": In(kept),
                "i_valid": In(1),
                "o_ready": Out(1),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        layout = kept_layout(config)
        m.submodules.places = places = ForwardedMemory(
            config.protect, layout, config.reorder_window
        )
        q3_kept = Signal(layout)
        m.d.sync += q3_kept.eq(self.i_kept)
        with m.If(~places.o_ready):  # what the sweep writes
            m.d.sync += q3_kept.eq(0)
        m.d.comb += [
            places.i_index.eq(self.i_index),
            places.i_valid.eq(self.i_valid),
            places.i_hit.eq(1),
            self.o_kept.eq(places.o_value),
            places.i_change.eq(self.i_change),
            places.i_value.eq(q3_kept),
            self.o_ready.eq(places.o_ready),
            self.o_errors.eq(places.o_errors),
        ]
        return m
