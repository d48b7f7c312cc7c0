"""`Wire`: one direction of a network that loses, doubles, reorders, corrupts and delays frames."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import beat_layout, event_signature
from .noise import Noise

__all__ = ["Wire", "WIRE_EVENTS"]

FRAME_BYTES = 2048

WIRE_EVENTS = {
    "entered": "a frame came in",
    "lost": "a frame was dropped by chance",
    "overflowed": "a frame was dropped because the store was full, or it was too long",
    "corrupted": "a frame was altered and marked as bad",
    "doubled": "a frame was kept back after it was sent, to be sent again",
    "held": "a frame was kept back while others passed",
    "left": "a frame went out",
}
"""Name of the one-clock pulse -> what it says."""


class Wire(wiring.Component):
    """A store of whole frames between two MACs. What befalls each is drawn when it has arrived.

    Parameters
    ----------
    config : Config
    frames : int
        Frames that it can hold; a power of two, 4 to 64. Those that find it full are dropped
        whole.
    number : int
        Sets wires with the same seed apart, from 0.

    Members
    -------
    cfg_seed : In(32)
    cfg_loss, cfg_double, cfg_reorder, cfg_corrupt : In(17)
        How many of 65,536 frames; 65,536 is every one.
    cfg_delay : In(14)
        Clocks that every frame stays in the store at least.
    cfg_hold_mask : In(12)
        A reordered frame, and the copy of a doubled one, stays 1 to 1 + this many clocks longer
        while others pass; one less than a power of two. Only one frame is kept back at a time; who
        comes meanwhile is neither doubled nor reordered.
    cfg_pause : In(8)
        Of 256 clocks, those in which `i.ready` is low.
    i : In(stream of beat)
        `error` with `last` stays with the frame.
    o : Out(event of beat)
        A corrupted frame has one bit of each beat inverted from some beat on (beyond the end, where
        that is a later one), and `error` at its end.
    entered, lost, overflowed, corrupted, doubled, held, left : Out(1)
        See `WIRE_EVENTS`. entered = lost + overflowed + left - doubled, when nothing is inside.

    Timing: without delay last beat in clock t, first beat out in t + 3. A beat per clock
    for ever, no gap between frames that wait, and none within a frame.
    Reset: empty.
    """

    def __init__(self, config, number, frames=64):
        self._config = config
        self._number = number
        self._frames = frames
        self._beats = FRAME_BYTES // config.width_bytes
        super().__init__(
            {
                "cfg_seed": In(32),
                "cfg_loss": In(17),
                "cfg_double": In(17),
                "cfg_reorder": In(17),
                "cfg_corrupt": In(17),
                "cfg_delay": In(14),
                "cfg_hold_mask": In(12),
                "cfg_pause": In(8),
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(event_signature(beat_layout(config))),
                **{name: Out(1) for name in WIRE_EVENTS},
            }
        )
        self._stored = data.StructLayout(
            {
                "slot": ceil_log2(frames),
                "last_beat": ceil_log2(self._beats),
                "last_lane": ceil_log2(config.width_bytes),
                "error": 1,
                "flip": 1,
                "flip_from": ceil_log2(2 * config.header_beats),
                "flip_bit": 6,
                "hold": 1,
                "double": 1,
                "due": 16,
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.frame_memory = frame_memory = memory.Memory(
            shape=self._config.width_bits, depth=self._frames * self._beats, init=[]
        )
        m.submodules.queue = self._queue = SyncFIFO(width=self._stored.size, depth=self._frames)
        m.submodules.draws = self._draws = Noise(64, 0x401 + self._number)
        m.submodules.noise = self._noise = Noise(64, 0x501 + self._number)
        self._now = Signal(16)
        m.d.sync += self._now.eq(self._now + 1)
        for noise in (self._draws, self._noise):
            m.d.comb += [noise.cfg_seed.eq(self.cfg_seed), noise.i_step.eq(1)]
        self._free = Signal()  # `_free_slot` goes back in this clock
        self._free_slot = Signal(ceil_log2(self._frames))
        self._write(m, frame_memory.write_port())
        self._read(m, frame_memory.read_port())
        return m

    # ---- in --------------------------------------------------------------------------------

    def _slot(self, m, used):
        """A free slot for the next frame: `(valid, number)`; `used` takes it."""
        m.submodules.free_slots = free = SyncFIFO(width=len(self._free_slot), depth=self._frames)
        never_used = Signal(range(self._frames + 1))  # slots from here on
        valid, number = Signal(), Signal.like(self._free_slot)
        fresh, move = never_used != self._frames, Signal()
        m.d.comb += [
            free.w_data.eq(self._free_slot),
            free.w_en.eq(self._free),
            move.eq(used | ~valid),
            free.r_en.eq(move & ~fresh),
        ]
        with m.If(move):
            m.d.sync += [
                valid.eq(fresh | free.r_rdy),
                number.eq(Mux(fresh, never_used, free.r_data)),
            ]
            with m.If(fresh):
                m.d.sync += never_used.eq(never_used + 1)
        return valid, number

    def _write(self, m, port):
        taken, whole, kept = Signal(), Signal(), Signal()
        giving_up = Signal()  # the rest of this frame is thrown away
        beat = Signal(ceil_log2(self._beats))
        valid, slot = self._slot(m, kept)
        frame = self.i.payload
        # Altogether too long: no room for the next beat.
        giving_up_now = giving_up | ~valid | (beat.all() & ~frame.last)
        m.d.comb += [
            taken.eq(self.i.valid & self.i.ready),
            whole.eq(taken & frame.last & ~giving_up_now),
            port.addr.eq(Cat(beat, slot)),
            port.data.eq(frame.data),
            port.en.eq(taken & valid & ~giving_up),
        ]
        m.d.sync += self.i.ready.eq(self._noise.o_value[:8] >= self.cfg_pause)
        with m.If(taken):
            m.d.sync += [
                beat.eq(Mux(frame.last, 0, beat + 1)),
                giving_up.eq(giving_up_now & ~frame.last),
            ]
        lost, double, reorder, corrupt = (
            self._draws.o_value.word_select(n, 16) < rate
            for n, rate in enumerate(
                (self.cfg_loss, self.cfg_double, self.cfg_reorder, self.cfg_corrupt)
            )
        )
        stored = Signal(self._stored)
        m.d.comb += [
            kept.eq(whole & ~lost),
            stored.slot.eq(slot),
            stored.last_beat.eq(beat),
            stored.last_lane.eq(self._last_lane(frame.keep)),
            stored.error.eq(frame.error | corrupt),
            stored.flip.eq(corrupt),
            stored.flip_from.eq(self._noise.o_value[8:16]),
            stored.flip_bit.eq(self._noise.o_value[16:22]),
            stored.double.eq(double),
            stored.hold.eq(reorder),
            stored.due.eq(self._now + self.cfg_delay + 1),
            self._queue.w_data.eq(stored),
            self._queue.w_en.eq(kept),
        ]
        m.d.sync += [
            self.entered.eq(taken & frame.last),
            self.lost.eq(whole & lost),
            self.overflowed.eq(taken & frame.last & ~whole),
            self.corrupted.eq(kept & corrupt),
        ]

    @staticmethod
    def _last_lane(keep):
        """Number of the highest lane of a run of ones from lane 0."""
        ends_at = [bit & ~above for bit, above in zip(keep, [*keep[1:], Const(0, 1)])]
        return Cat(
            Cat(ends_at[n] for n in range(len(keep)) if n >> bit & 1).any()
            for bit in range(ceil_log2(len(keep)))
        )

    # ---- out -------------------------------------------------------------------------------

    def _due(self, due):
        """True from the clock `due` on, for half a turn of the 16-bit time."""
        return ~(self._now - due)[15]

    def _read(self, m, port):
        sending, now_sent = Signal(), Signal(self._stored)
        copy_follows = Signal()  # the slot is needed once more
        beat = Signal(ceil_log2(self._beats))
        holding, held_back = Signal(), Signal(self._stored)
        ends, idle = Signal(), Signal()
        head = data.View(self._stored, self._queue.r_data)
        head_due = Signal()
        m.d.comb += [
            ends.eq(sending & (beat == now_sent.last_beat)),
            idle.eq(~sending | ends),
            head_due.eq(self._queue.r_rdy & self._due(head.due)),
            self._free.eq(ends & ~copy_follows),
            self._free_slot.eq(now_sent.slot),
            port.addr.eq(Cat(beat, now_sent.slot)),
            port.en.eq(sending),
        ]
        m.d.sync += [self.left.eq(ends), self.held.eq(0), self.doubled.eq(0)]
        release_at = self._now + 1 + (self._noise.o_value[32:44] & self.cfg_hold_mask)
        with m.If(sending):
            m.d.sync += beat.eq(beat + 1)
        with m.If(idle):
            m.d.sync += [sending.eq(0), beat.eq(0)]
            with m.If(holding & self._due(held_back.due)):
                m.d.sync += [
                    sending.eq(1),
                    now_sent.eq(held_back),
                    copy_follows.eq(0),
                    holding.eq(0),
                ]
            with m.Elif(head_due):
                m.d.comb += self._queue.r_en.eq(1)
                m.d.sync += [
                    sending.eq(holding | ~head.hold),
                    now_sent.eq(head),
                    copy_follows.eq(head.double & ~head.hold & ~holding),
                ]
                with m.If(~holding & (head.hold | head.double)):
                    m.d.sync += [
                        holding.eq(1),
                        held_back.eq(head),
                        held_back.due.eq(release_at),
                        self.held.eq(head.hold),
                        self.doubled.eq(~head.hold),
                    ]
        self._output(m, port.data, sending, ends, beat, now_sent)

    def _output(self, m, word, sending, ends, beat, now_sent):
        lanes = self._config.width_bytes
        last_lane, flip, flip_bit = (
            Signal.like(now_sent.last_lane),
            Signal(),
            Signal.like(now_sent.flip_bit),
        )
        error = Signal()
        m.d.sync += [
            self.o.valid.eq(sending),
            self.o.p.last.eq(ends),
            error.eq(now_sent.error),
            last_lane.eq(now_sent.last_lane),
            flip.eq(now_sent.flip & (beat >= now_sent.flip_from)),
            flip_bit.eq(now_sent.flip_bit),
        ]
        m.d.comb += [
            self.o.p.data.eq(word ^ (flip << flip_bit)),
            self.o.p.keep.eq(Cat(~self.o.p.last | (last_lane >= lane) for lane in range(lanes))),
            self.o.p.error.eq(self.o.p.last & error),
        ]
