"""Queues of events and slots on the receive side.

Source: section 5.1 (events wait in front of Q0), design rule 4 (nothing enters that cannot leave).
"""

from amaranth.hdl import Module
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import rx_event_layout
from ..memory.protected import ERRORS, BlockFifo, errors_of, protected_fifo, report

__all__ = ["EventQueue", "make_fifo"]

LUT_RAM_DEPTH = 32


def make_fifo(width, depth, protect="none", deep=BlockFifo):
    """A FIFO of at least `depth` entries with the interface of `amaranth.lib.fifo`.

    Up to 32 entries it is LUT RAM: what is written in clock n can be read in clock n + 1.
    Above, one of class `deep`: in clock n + 2. Either moves one entry per clock in both directions, and
    `level == 0` means that there is no entry inside, readable yet or not. `protect`: see `Config`.
    """
    kind = fifo.SyncFIFO if depth <= LUT_RAM_DEPTH else deep
    return protected_fifo(protect, kind, width=width, depth=depth)


class EventQueue(wiring.Component):
    """Header events that wait for the pipeline.

    Members
    -------
    i : In(stream.Signature(rx_event_layout))
        `ready` depends on registers only; low = `event_depth` events wait.
    o : Out(stream.Signature(rx_event_layout))
        The oldest event: read from LUT RAM, or from a register in front of block RAM or of check
        bits.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: into an empty queue in clock n, out in clock n + 1. One event per clock.

    Reset: empty.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(rx_event_layout(config))),
                "o": Out(stream.Signature(rx_event_layout(config))),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        width, depth = rx_event_layout(config).size, config.event_depth
        if depth <= LUT_RAM_DEPTH and config.protect == "none":
            m.submodules.waiting = waiting = make_fifo(width, depth, config.protect)
            m.d.comb += [
                self.i.ready.eq(waiting.w_rdy),
                waiting.w_data.eq(self.i.payload),
                waiting.w_en.eq(self.i.valid),
                self.o.valid.eq(waiting.r_rdy),
                self.o.payload.eq(waiting.r_data),
                waiting.r_en.eq(self.o.ready),
            ]
            return m
        m.submodules.waiting = waiting = make_fifo(width, depth - 1, config.protect)
        report(m, config.protect, self.o_errors, errors_of(waiting))
        head_free = ~self.o.valid | self.o.ready
        bypass = head_free & (waiting.level == 0)
        m.d.comb += [
            self.i.ready.eq(waiting.w_rdy),
            waiting.w_data.eq(self.i.payload),
            waiting.w_en.eq(self.i.valid & ~bypass),
            waiting.r_en.eq(head_free),
        ]
        with m.If(head_free):
            m.d.sync += self.o.valid.eq(waiting.r_rdy | (bypass & self.i.valid))
            with m.If(waiting.r_rdy):
                m.d.sync += self.o.payload.eq(waiting.r_data)
            with m.Else():
                m.d.sync += self.o.payload.eq(self.i.payload)
        return m
