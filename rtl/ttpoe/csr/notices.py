"""Interrupt causes, and the queue of notices behind them (protocol's section 7)."""

from amaranth import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from ..layouts import Notice, event_signature, notice_layout
from ..memory.protected import ERRORS, errors_of, protected_fifo, report
from .registers import INTERRUPTS, NOTICE_DEPTH

__all__ = ["Notices"]

_CAUSES = len(INTERRUPTS)


class Notices(wiring.Component):
    """Keeps every cause until software has seen it.

    Members
    -------
    i_notice : In(event of notice)
        Sets the cause of its number, and waits in the queue.
    i_frame_dropped, i_payload_dropped : In(1)
        Pulses that set the causes of these names.
    i_memory_fault : In(1)
        Pulse that sets the cause of this name.
    i_mask : In(causes)
        Causes that raise the interrupt.
    i_clear : In(causes)
        Clears causes; one that comes in the same clock stays set.
    i_pop : In(1)
        Takes the oldest notice out of the queue; without one it does nothing.
    o_causes : Out(causes), o_head : Out(notice), o_waiting : Out(1)
        What has occurred; the oldest notice, if `o_waiting`.
    o_lost : Out(1)
        A notice found the queue full: one clock.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    o_interrupt : Out(1)
        Level: a cause that is not masked; 2 clocks after the event, 1 after a change of
        `o_causes` or `i_mask`.

    `protect`: see `Config`.

    Reset: no cause, no notice.
    """

    # Their types, for pyright; the signature makes them.
    i_notice: stream.Interface
    i_frame_dropped: Signal
    i_payload_dropped: Signal
    i_memory_fault: Signal
    i_mask: Signal
    i_clear: Signal
    i_pop: Signal
    o_causes: Signal
    o_head: data.View
    o_waiting: Signal
    o_lost: Signal
    o_errors: data.View
    o_interrupt: Signal

    def __init__(self, protect: str = "none"):
        self._protect = protect
        super().__init__(
            {
                "i_notice": In(event_signature(notice_layout)),
                "i_frame_dropped": In(1),
                "i_payload_dropped": In(1),
                "i_memory_fault": In(1),
                "i_mask": In(_CAUSES),
                "i_clear": In(_CAUSES),
                "i_pop": In(1),
                "o_causes": Out(_CAUSES),
                "o_head": Out(notice_layout),
                "o_waiting": Out(1),
                "o_lost": Out(1),
                "o_errors": Out(ERRORS),
                "o_interrupt": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = protected_fifo(
            self._protect, SyncFIFO, width=notice_layout.size, depth=NOTICE_DEPTH
        )
        report(m, self._protect, self.o_errors, errors_of(queue))
        notice = self.i_notice
        pulses = {
            **{
                kind.name.lower(): notice.valid & (notice.payload.notice == kind) for kind in Notice
            },
            "frame_dropped": self.i_frame_dropped,
            "payload_dropped": self.i_payload_dropped,
            "notice_lost": self.o_lost,
            "memory_fault": self.i_memory_fault,
        }
        happened = Signal(_CAUSES)
        m.d.comb += [
            queue.w_data.eq(notice.payload),
            queue.w_en.eq(notice.valid),
            queue.r_en.eq(self.i_pop),
            self.o_head.as_value().eq(queue.r_data),
            self.o_waiting.eq(queue.r_rdy),
            self.o_lost.eq(notice.valid & ~queue.w_rdy),
            happened.eq(Cat(pulses[name] for name in INTERRUPTS)),
        ]
        m.d.sync += [
            self.o_causes.eq((self.o_causes & ~self.i_clear) | happened),
            self.o_interrupt.eq((self.o_causes & self.i_mask).any()),
        ]
        return m
