"""One VC's delivery: payloads wait in order, are read beat by beat, and go to the host.

Source: section 7 (RX buffered per VC, node and ID beside the bytes), section 9 (latency).
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import event_signature, host_rx_layout
from ..memory.protected import ERRORS, errors_of, protected_fifo, report
from .memory import beat_count_layout, slot_info_layout
from .queue import make_fifo

__all__ = ["VcReader", "read_beat_layout"]

BUFFER_BEATS = 4
"""Beats between the memory and the host. From asking for a beat to the room that it leaves when
the host takes it are three clocks, so three keep the host busy; the fourth costs nothing."""


def read_beat_layout(config):
    """A beat as it comes out of the receive memory."""
    return data.StructLayout(
        {"data": config.width_bits, "last": 1, "info": slot_info_layout(config)}
    )


class VcReader(wiring.Component):
    """Delivers the payloads of one VC in the order of their verdicts.

    Members
    -------
    arrived : In(1), arrived_slot : In(rx_slot_bits), arrived_kept : In(1),
    arrived_count : In(beat_count_layout)
        A payload is to be delivered, `kept` as in its verdict; cannot wait. `arrived_count` comes
        late in the clock (straight from a block RAM), so only registers depend on it.
    request : Out(1)
        A beat can be read: there is one, and the buffer has room. Does not depend on `grant`.
    slot : Out(rx_slot_bits), beat : Out(beat_bits), kept : Out(1)
        Which one, and whether its slot is a kept one.
    grant : In(1)
        It is read in this clock. Only with `request`.
    last : Out(1)
        It is the last one of `slot`.
    i_beat : In(event_signature(read_beat_layout))
        The beat, one clock after each `grant`.
    o_host : Out(stream.Signature(host_rx_layout))
        To the host.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: `arrived` in clock n with nothing waiting: `request` in clock n; granted in clock n,
    `o_host.valid` in clock n + 2. One beat per clock, also from one payload to the next. A host
    that stalls stops `request` after at most `BUFFER_BEATS` beats and nothing else.

    Capacity: every slot of the memory may wait here, so `arrived` never finds it full.

    Reset: nothing waits, the buffer is empty.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "arrived": In(1),
                "arrived_slot": In(config.rx_slot_bits),
                "arrived_kept": In(1),
                "arrived_count": In(beat_count_layout(config)),
                "request": Out(1),
                "slot": Out(config.rx_slot_bits),
                "beat": Out(config.beat_bits),
                "kept": Out(1),
                "grant": In(1),
                "last": Out(1),
                "i_beat": In(event_signature(read_beat_layout(config))),
                "o_host": Out(stream.Signature(host_rx_layout(config))),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        has_room, buffer = self._buffer(m)
        waiting = self._select(m, has_room)
        report(m, self._config.protect, self.o_errors, errors_of(buffer), errors_of(waiting))
        return m

    def _select(self, m, has_room):
        config = self._config
        waiting_layout = data.StructLayout(
            {"slot": config.rx_slot_bits, "last_beat": config.beat_bits, "kept": 1}
        )
        m.submodules.waiting = waiting = make_fifo(
            waiting_layout.size, config.rx_slots, config.protect
        )
        arrived = Signal(waiting_layout)
        current = Signal(waiting_layout)
        busy = Signal()  # `current` has beats left; `beat` is 0 otherwise
        # With nothing ahead of it a payload is read in the very clock in which it arrives.
        at_once = Signal()
        finished = Signal()
        none_waiting = waiting.level == 0
        m.d.comb += [
            arrived.slot.eq(self.arrived_slot),
            arrived.kept.eq(self.arrived_kept),
            arrived.last_beat.eq(self.arrived_count.last_beat),
            at_once.eq(~busy & none_waiting),
            self.request.eq(has_room & (busy | (at_once & self.arrived))),
            self.slot.eq(Mux(busy, current.slot, self.arrived_slot)),
            self.kept.eq(Mux(busy, current.kept, self.arrived_kept)),
            self.last.eq(Mux(busy, self.beat == current.last_beat, self.arrived_count.single)),
            finished.eq(self.grant & self.last),
            waiting.w_data.eq(arrived),
            waiting.w_en.eq(self.arrived),
        ]
        with m.If(self.grant):
            m.d.sync += self.beat.eq(Mux(self.last, 0, self.beat + 1))
        with m.If(~busy | finished):
            m.d.comb += waiting.r_en.eq(1)
            with m.If(waiting.r_rdy):
                m.d.sync += [busy.eq(1), current.eq(waiting.r_data)]
            with m.Else():
                m.d.sync += [
                    busy.eq(self.arrived & none_waiting & ~(at_once & finished)),
                    current.eq(arrived),
                ]
            with m.If(none_waiting):
                m.d.comb += waiting.w_en.eq(0)
        return waiting

    def _buffer(self, m):
        """The beats on their way to the host; whether one more may be asked for, and their FIFO."""
        config = self._config
        lane_bits = ceil_log2(config.width_bytes)
        m.submodules.buffer = buffer = protected_fifo(
            config.protect, fifo.SyncFIFO, width=read_beat_layout(config).size, depth=BUFFER_BEATS
        )
        unclaimed = Signal(range(BUFFER_BEATS + 1), init=BUFFER_BEATS)
        taken = self.o_host.valid & self.o_host.ready
        with m.If(self.grant & ~taken):
            m.d.sync += unclaimed.eq(unclaimed - 1)
        with m.Elif(~self.grant & taken):
            m.d.sync += unclaimed.eq(unclaimed + 1)

        beat = Signal(read_beat_layout(config))
        host = self.o_host.p
        m.d.comb += [
            buffer.w_data.eq(self.i_beat.payload),
            buffer.w_en.eq(self.i_beat.valid),
            beat.eq(buffer.r_data),
            buffer.r_en.eq(self.o_host.ready),
            self.o_host.valid.eq(buffer.r_rdy),
            host.data.eq(beat.data),
            host.keep.eq(
                Cat(~beat.last | (beat.info.last_lane >= lane) for lane in range(1 << lane_bits))
            ),
            host.last.eq(beat.last),
            host.node.eq(beat.info.node),
            host.id.eq(beat.info.id),
        ]
        return unclaimed != 0, buffer
