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

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..memory.protected import COLLISION_UNDEFINED, ERRORS, errors_of, protected_memory, report

__all__ = ["kept_layout", "directory_index", "ReorderDirectory"]


def kept_layout(config):
    """One place of the directory. The ID follows from the place and the link's window."""
    return data.StructLayout({"valid": 1, "lid": config.lid_bits, "slot": config.rx_slot_bits})


def directory_index(config, row, packet_id):
    """Place of an ID of a link in `row` of the link table: links lie at different offsets."""
    bits = config.reorder_bits
    folded = reduce(xor, (row[start:start + bits] for start in range(0, config.row_bits, bits)))
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
        In the same clock as `o_kept`: there is an event in Q2 (for `o_errors`).
    o_ready : Out(1)
        High `reorder_window` clocks after reset, when all places are empty. No event may enter
        before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: one event per clock. A change is written in Q3; until an event can read it, it is taken
    from where it is (1 to 3 clocks, as in `pipeline.pipeline`).
    """

    def __init__(self, config):
        self._config = config
        kept = kept_layout(config)
        super().__init__({
            "i_index": In(config.reorder_bits),
            "o_kept": Out(kept),
            "i_change": In(1),
            "i_kept": In(kept),
            "i_valid": In(1),
            "o_ready": Out(1),
            "o_errors": Out(ERRORS),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        layout = kept_layout(config)
        m.submodules.places = places = protected_memory(
            config.protect, shape=layout, depth=config.reorder_window, init=[],
            attrs=COLLISION_UNDEFINED)
        read = places.read_port()
        write = places.write_port()
        m.d.comb += read.addr.eq(self.i_index)

        place = data.StructLayout({"changed": 1, "index": config.reorder_bits, "kept": layout})
        q1_index, q2_index = Signal(config.reorder_bits), Signal(config.reorder_bits)
        q2_read = Signal(layout)
        older = [Signal(place, name=f"q{stage}") for stage in (3, 4, 5)]
        m.d.sync += [
            q1_index.eq(self.i_index),
            q2_index.eq(q1_index),
            q2_read.eq(read.data),
            older[0].changed.eq(self.i_change),
            older[0].index.eq(q2_index),
            older[0].kept.eq(self.i_kept),
            *(after.eq(before) for before, after in zip(older, older[1:])),
        ]
        # In Q1 the change that will be in `older[n]` a clock later is known but for its content.
        ahead = [q2_index, older[0].index, older[1].index]
        same = [Signal(name=f"same{n}") for n in range(3)]
        m.d.sync += [same[n].eq(q1_index == ahead[n]) for n in range(3)]
        newest = q2_read
        changed = [same[n] & older[n].changed for n in range(3)]
        for n in reversed(range(3)):
            newest = Mux(changed[n], older[n].kept, newest)
        m.d.comb += self.o_kept.eq(newest)
        q2_errors = Signal(ERRORS)
        m.d.sync += q2_errors.eq(errors_of(read))
        as_read = Signal()
        m.d.comb += as_read.eq(self.i_valid & ~Cat(changed).any())
        report(m, config.protect, self.o_errors, q2_errors.as_value() & as_read.replicate(2))

        sweep = Signal(config.reorder_bits)
        with m.If(~self.o_ready):
            m.d.comb += [write.en.eq(1), write.addr.eq(sweep)]
            m.d.sync += [sweep.eq(sweep + 1),
                         self.o_ready.eq(sweep == config.reorder_window - 1)]
        with m.Else():
            m.d.comb += [
                write.en.eq(older[0].changed),
                write.addr.eq(older[0].index),
                write.data.eq(older[0].kept),
            ]
        return m
