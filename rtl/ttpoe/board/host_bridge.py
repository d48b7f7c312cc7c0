"""`HostBridge`: an application of a board whose host is at the other end of the UART."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..config import ConfigError
from .app_streams import VCS, bytes_of, sent_back, streams

__all__ = ["HostBridge"]

_BEAT_BYTES = 8
_BEATS = 1024 // _BEAT_BYTES


class HostBridge(wiring.Component):
    """The host streams of VC 0 as registers: beats are written and read. VC 1 and 2 are echoes.

    Members
    -------
    i : In(stream of host beat), o : Out(stream of host beat), three of each
    bridge_* : In and Out
        As the registers say; `bridge_push_written` and `bridge_pop_written` for one clock.
    fault : Out(1)
        Never.

    Two FIFOs, of a packet of 1024 bytes each. If nobody reads, the streams wait, and the senders
    are told (NACK_FULL). Beats are handed to the engine as they come.

    A write whose reply is lost is written again. So a push or pop counts only if its `turn` is not
    that of the one before, which `bridge_turns_*` shows.

    Timing: a beat is there 2 clocks after it was written, or taken. Reset: both FIFOs are empty.
    Errors: `ConfigError` for beats that are not of 8 bytes.
    """

    def __init__(self, config):
        if config.width_bytes != _BEAT_BYTES:
            raise ConfigError(
                f"width_bits must be {8 * _BEAT_BYTES} with the application bridge; "
                f"got width_bits={config.width_bits}"
            )
        super().__init__(
            {
                **streams(config),
                "bridge_node_node": In(24),
                "bridge_low_value": In(32),
                "bridge_high_value": In(32),
                "bridge_push_bytes": In(4),
                "bridge_push_last": In(1),
                "bridge_push_turn": In(1),
                "bridge_push_written": In(1),
                "bridge_push_busy": Out(1),
                "bridge_head_bytes": Out(4),
                "bridge_head_last": Out(1),
                "bridge_head_node": Out(24),
                "bridge_data_low_value": Out(32),
                "bridge_data_high_value": Out(32),
                "bridge_pop_turn": In(1),
                "bridge_pop_written": In(1),
                "bridge_pop_busy": Out(1),
                "bridge_turns_push": Out(1),
                "bridge_turns_pop": Out(1),
                "fault": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        for vc in range(1, VCS):
            sent_back(m, self.i[vc], self.o[vc])
        self._send(m, self.o[0])
        self._receive(m, self.i[0])
        return m

    def _send(self, m, out):
        m.submodules.to_engine = fifo = SyncFIFOBuffered(
            width=out.payload.shape().size, depth=_BEATS
        )
        beat, length = Signal(out.payload.shape()), self.bridge_push_bytes
        whole = length == _BEAT_BYTES
        good = whole | ((length != 0) & (length < _BEAT_BYTES) & self.bridge_push_last)
        anew = self.bridge_push_turn != self.bridge_turns_push
        with m.If(self.bridge_push_written):
            m.d.sync += self.bridge_turns_push.eq(self.bridge_push_turn)
        m.d.comb += [
            beat.data.eq(Cat(self.bridge_low_value, self.bridge_high_value)),
            beat.keep.eq(Cat(length > lane for lane in range(_BEAT_BYTES))),
            beat.last.eq(self.bridge_push_last),
            beat.node.eq(self.bridge_node_node),
            fifo.w_data.eq(beat),
            fifo.w_en.eq(self.bridge_push_written & anew),
            self.bridge_push_busy.eq(anew & (~fifo.w_rdy | ~good)),
            out.payload.eq(fifo.r_data),
            out.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(out.ready),
        ]

    def _receive(self, m, into):
        shape = into.payload.shape()
        m.submodules.from_engine = fifo = SyncFIFOBuffered(width=shape.size, depth=_BEATS)
        head = Signal(shape)
        anew = self.bridge_pop_turn != self.bridge_turns_pop
        with m.If(self.bridge_pop_written):
            m.d.sync += self.bridge_turns_pop.eq(self.bridge_pop_turn)
        m.d.comb += [
            fifo.w_data.eq(into.payload),
            fifo.w_en.eq(into.valid),
            into.ready.eq(fifo.w_rdy),
            head.eq(fifo.r_data),
            self.bridge_head_bytes.eq(Mux(fifo.r_rdy, bytes_of(head.keep), 0)),
            self.bridge_head_last.eq(head.last),
            self.bridge_head_node.eq(head.node),
            Cat(self.bridge_data_low_value, self.bridge_data_high_value).eq(head.data),
            self.bridge_pop_busy.eq(anew & ~fifo.r_rdy),
            fifo.r_en.eq(self.bridge_pop_written & anew),
        ]
