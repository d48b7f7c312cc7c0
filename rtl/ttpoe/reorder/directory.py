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

from ..memory.forwarded import CHANGE
from ..memory.protected import COLLISION_UNDEFINED, ERRORS, errors_of, protected_memory, report

__all__ = ["FOUND", "kept_layout", "directory_index", "ReorderDirectory"]

FOUND = 4
"""Clocks from an access's index to what lies there."""


def kept_layout(config):
    """One place of the directory. The ID follows from the place and the link's window."""
    return data.StructLayout({"valid": 1, "lid": config.lid_bits, "slot": config.rx_slot_bits})


def directory_index(config, row, packet_id):
    """Place of an ID of a link in `row` of the link table: links lie at different offsets."""
    bits = config.reorder_bits
    folded = reduce(xor, (row[start : start + bits] for start in range(0, config.row_bits, bits)))
    return (folded ^ packet_id[:bits])[:bits]


class ReorderDirectory(wiring.Component):
    """Memory of `reorder_window` places, in step with the link table.

    Members
    -------
    i_index : In(reorder_bits)
        Clock 0 of an event: the place that it concerns. No event that concerns this place may
        have been here in the last 8 clocks (`ttpoe.pipeline.interlock`); one that concerns none
        may show any.
    i_valid : In(1)
        Clock 1: there is an event that concerns a place (for `o_errors`).
    o_kept : Out(kept)
        Clock 4, from registers: its content, with the changes of all older events.
    i_change : In(1), i_kept : In(kept)
        Clock 7: the event replaces the content of its place. `i_kept` must be zero until `o_ready`.
    o_ready : Out(1)
        High `reorder_window` clocks after reset, when all places are empty. No event may enter
        before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: one event per clock; a change is written in clock 8.
    """

    def __init__(self, config):
        self._config = config
        kept = kept_layout(config)
        super().__init__(
            {
                "i_index": In(config.reorder_bits),
                "i_valid": In(1),
                "o_kept": Out(kept),
                "i_change": In(1),
                "i_kept": In(kept),
                "o_ready": Out(1),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, layout = self._config, kept_layout(self._config)
        m.submodules.places = places = protected_memory(
            config.protect,
            shape=layout,
            depth=config.reorder_window,
            init=[],
            attrs=COLLISION_UNDEFINED,
        )
        write, read = places.write_port(), places.read_port()
        index = [Signal(config.reorder_bits, name=f"index{clock}") for clock in range(CHANGE + 1)]
        found = [Signal(layout, name=f"found{clock}") for clock in range(2, FOUND)]
        writes, written, written_at = Signal(), Signal(layout), Signal(config.reorder_bits)
        sweep = Signal(config.reorder_bits)
        m.d.comb += [
            index[0].eq(self.i_index),
            read.addr.eq(self.i_index),
            read.en.eq(1),
            write.addr.eq(written_at),
            write.data.eq(written),
            write.en.eq(writes | ~self.o_ready),
        ]
        m.d.sync += [
            *(after.eq(before) for before, after in zip(index, index[1:])),
            found[0].eq(read.data),
            *(after.eq(before) for before, after in zip(found, found[1:])),
            self.o_kept.eq(found[-1]),
            writes.eq(self.i_change),
            written.eq(self.i_kept),
            written_at.eq(index[CHANGE]),
        ]
        with m.If(~self.o_ready):
            m.d.comb += write.addr.eq(sweep)
            m.d.sync += [sweep.eq(sweep + 1), self.o_ready.eq(sweep == config.reorder_window - 1)]
        report(m, config.protect, self.o_errors, errors_of(read, self.i_valid))
        return m
