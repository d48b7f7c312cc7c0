"""Between the engine's beats and a MAC's bytes, and between their clocks.

Two domains: `sync`, the engine's, and `wire`, the MAC's. Both are reset together.

When may a frame start on the wire? Once it has, its bytes must not fail. In byte times of the
wire: a beat has W bytes, and p byte times pass from one clock of the engine to the next. A frame of
K beats may start when its beat T (from 1) is written; later the engine misses at most S clocks.
The first byte is wanted `PREAMBLE_BYTES` after the start, and the start is known 2 clocks of the
wire after the write at the earliest. A beat is seen 4 clocks of the wire after it is written at the
latest: two of a synchroniser, one if that takes its time, and a register. So beat n comes in time if

    (n - T + S) * p + SEEN_BYTES <= (n - 1) * W + PREAMBLE_BYTES      for each n from T + 1 to K

Both sides are linear in n: it holds for all if it holds for the first and for the last.
`start_beats` is the smallest such T: 1 where the engine is as fast as the wire; all of the frame
(store and forward) where it is far slower.
"""

from fractions import Fraction

from amaranth.hdl import DomainRenamer, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import AsyncFIFO
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import beat_layout, byte_layout, event_signature
from .counters import Tokens
from .ethernet import PREAMBLE_BYTES

__all__ = ["TxCrossing", "RxCrossing", "start_beats", "depth_beats", "SEEN_BYTES"]

SEEN_BYTES = 2
"""By which the word to start can be faster than a beat."""


def start_beats(width_bytes, engine_hz, byte_hz, longest_bytes, pauses=0, ppm=200):
    """Beats of a frame that must be written before it may start on the wire.

    Parameters
    ----------
    width_bytes : of a beat. engine_hz : clock of `sync`. byte_hz : bytes per second of the wire.
    longest_bytes : longest frame, without FCS.
    pauses : clocks in which the engine offers no beat, in all within a frame, though it could.
    ppm : by which the two clocks are off, together.

    Returns the beats of the longest frame if only store and forward is safe.
    """
    period = Fraction(byte_hz) / Fraction(engine_hz) * (1 + Fraction(ppm, 1_000_000))
    beats = -(-longest_bytes // width_bytes)

    def in_time(number, start):
        return (number - start + pauses) * period + SEEN_BYTES <= (
            number - 1
        ) * width_bytes + PREAMBLE_BYTES

    return next(
        (start for start in range(1, beats) if in_time(start + 1, start) and in_time(beats, start)),
        beats,
    )


def depth_beats(start, pauses=0):
    """Beats that the FIFO of `TxCrossing` must hold, a power of two.

    A full FIFO must last until the engine has heard of the first room in it, and what it then
    writes is seen: those that the start needs, and 6 clocks of the engine: 3 until it hears, 1 to
    write, 4 of the wire, which are no more than 2 of its own with beats of 8 bytes or more.
    Store and forward needs `start` alone.
    """
    return 1 << ceil_log2(start + pauses + 6)


class TxCrossing(wiring.Component):
    """Beats of the engine in, bytes for the wire out, as soon as it is safe.

    Parameters
    ----------
    config : Config
        Width of a beat.
    start : int
        A frame is let go when so many of its beats are written, or its last one is: see
        `start_beats`. Store and forward: as many beats as the longest frame has.
    depth : int
        Beats in the FIFO, a power of two from 4, not less than `start`: see `depth_beats`.

    Members
    -------
    i : In(stream of beat)
        In `sync`: frames without FCS, without pause while `ready`.
    o : Out(stream of byte)
        In `wire`: their bytes. Once the first byte was taken there is one in each clock, if
        `start` was chosen rightly.

    Timing: a beat that lets its frame go is taken in clock t of `sync`; its frame's first byte is
    on `o` 4 clocks of `wire` at most after the end of t, if the wire is idle. A byte in each clock
    of a frame whose beats have two bytes or more, but for its last. `i.ready` depends on registers
    only.

    Reset: empty. The next beat is the first of a frame.

    Errors: a frame of more than `depth` beats is let go when the FIFO is full of it. If the engine
    then is too slow there is no byte on `o` in time, and the wire's side spoils the frame.
    """

    def __init__(self, config, start=1, depth=16):
        _check_depth(depth)
        if not 1 <= start <= depth:
            raise ValueError(f"start must be from 1 to depth, {depth}; got {start}")
        self._start, self._depth = start, depth
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(byte_layout)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        layout = self.i.payload.shape()
        m.submodules.fifo = fifo = AsyncFIFO(
            width=layout.size, depth=self._depth, w_domain="sync", r_domain="wire"
        )
        m.submodules.tokens = tokens = DomainRenamer({"given": "sync", "taken": "wire"})(
            Tokens(ceil_log2(self._depth) + 1)
        )
        self._write(m, fifo, tokens)
        self._read(m, fifo, tokens, data.View(layout, fifo.r_data))
        return m

    def _write(self, m, fifo, tokens):
        taken, let_go = Signal(), Signal()
        written = Signal(range(self._start))  # of a frame that is not let go yet
        enough = self.i.payload.last | (written == self._start - 1)
        m.d.comb += [
            fifo.w_data.eq(self.i.payload),
            fifo.w_en.eq(self.i.valid),
            self.i.ready.eq(fifo.w_rdy),
            taken.eq(self.i.valid & self.i.ready),
            tokens.give.eq(taken & ~let_go & enough),
        ]
        with m.If(taken):
            m.d.sync += let_go.eq((let_go | enough) & ~self.i.payload.last)
            m.d.sync += written.eq(Mux(let_go | enough, 0, written + 1))

    def _read(self, m, fifo, tokens, coming):
        """The beat whose bytes go out has a register of its own, and the FIFO drops it a clock after
        it got there: its next address waits for nothing that the wire does, and a byte not for
        its counters."""
        beat, full, moves, drop = Signal(coming.shape()), Signal(), Signal(), Signal()
        begun, may_start = Signal(), Signal()
        taken, beat_ends = Signal(), Signal()
        m.d.comb += [
            self.o.valid.eq(full & (begun | may_start)),
            self.o.payload.data.eq(beat.data[:8]),
            self.o.payload.last.eq(beat.last & ~beat.keep[1]),
            self.o.payload.error.eq(beat.error),
            taken.eq(self.o.valid & self.o.ready),
            tokens.take.eq(taken & ~begun),
            beat_ends.eq(taken & ~beat.keep[1]),
            moves.eq(fifo.r_rdy & ~drop & (~full | beat_ends)),
            fifo.r_en.eq(drop),
        ]
        m.d.wire += [
            may_start.eq(tokens.any & ~tokens.take),
            full.eq(moves | full & ~beat_ends),
            drop.eq(moves),
        ]
        with m.If(taken):
            m.d.wire += begun.eq(~self.o.payload.last)
        with m.If(moves):
            m.d.wire += beat.eq(coming)
        with m.Elif(taken):
            m.d.wire += [beat.data[:-8].eq(beat.data[8:]), beat.keep.eq(beat.keep >> 1)]


class RxCrossing(wiring.Component):
    """Bytes from the wire in, beats for the engine out, as they come.

    Parameters
    ----------
    config : Config
        Width of a beat.
    depth : int
        Beats in the FIFO, a power of two from 4. The longest time in clocks of `sync` that the
        reader may pause, and 6 for the crossing.

    Members
    -------
    i : In(event of byte)
        In `wire`: frames, the verdict in `error` at `last`.
    o : Out(stream of beat)
        In `sync`: the same.
    stat_rx_good : Out(1)
        In `wire`, for one clock, as the next: a frame was handed over without `error`.
    stat_rx_overflow : Out(1)
        A frame found no room, in part or at all. What of it is in the FIFO ends with one more
        beat, with `error`, as soon as there is room for it, before any other frame.

    Timing: the byte that fills a beat, or is the last, comes in clock t of `wire`; its beat is on
    `o` 3 clocks of `sync` at most after the end of t + 1. A byte in each clock.

    Reset: empty. The next byte is the first of a frame.
    """

    def __init__(self, config, depth=16):
        _check_depth(depth)
        self._config, self._depth = config, depth
        super().__init__(
            {
                "i": In(event_signature(byte_layout)),
                "o": Out(stream.Signature(beat_layout(config))),
                "stat_rx_good": Out(1),
                "stat_rx_overflow": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        layout = beat_layout(self._config)
        m.submodules.fifo = fifo = AsyncFIFO(
            width=layout.size, depth=self._depth, w_domain="wire", r_domain="sync"
        )
        m.d.comb += [
            self.o.payload.eq(data.View(layout, fifo.r_data)),
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
        ]
        beat, full = self._collect(m, layout)
        self._write(m, fifo, beat, full)
        return m

    def _collect(self, m, layout):
        """The beat that fills with bytes; the signal is high for a clock when it is full."""
        beat, full = Signal(layout), Signal()
        width = self._config.width_bytes
        lane = Signal(width, init=1)  # one-hot: where the next byte goes
        byte = self.i.payload
        beat_ends = lane[-1] | byte.last
        m.d.wire += full.eq(self.i.valid & beat_ends)
        with m.If(self.i.valid):
            m.d.wire += [
                beat.last.eq(byte.last),
                beat.error.eq(byte.last & byte.error),
                beat.keep.eq(Mux(lane[0], 1, beat.keep | lane)),
                lane.eq(Mux(beat_ends, 1, lane << 1)),
            ]
            for n in range(width):
                with m.If(lane[n]):
                    m.d.wire += beat.data.word_select(n, 8).eq(byte.data)
        return beat, full

    def _write(self, m, fifo, beat, full):
        begun, lost, owed = Signal(), Signal(), Signal()  # owed: the end of a frame that was lost
        write = Signal()
        loses = Signal()
        final = Signal.like(beat)
        m.d.comb += [
            loses.eq(full & (lost | owed | ~fifo.w_rdy)),
            write.eq(full & ~loses),
            fifo.w_en.eq(write | owed),
            # What ends a lost frame is whatever lies in the register: some lanes are always kept.
            final.eq(beat),
            final.last.eq(beat.last | owed),
            final.error.eq(beat.error | owed),
            fifo.w_data.eq(final),
        ]
        with m.If(owed & fifo.w_rdy):
            m.d.wire += owed.eq(0)
        with m.If(full):
            m.d.wire += [begun.eq(write & ~beat.last), lost.eq(loses & ~beat.last)]
            with m.If(loses & begun):
                m.d.wire += owed.eq(1)
        good = full & beat.last & ~beat.error
        m.d.wire += [self.stat_rx_good.eq(good & write), self.stat_rx_overflow.eq(good & loses)]


def _check_depth(depth):
    if depth < 4 or depth & (depth - 1):
        raise ValueError(f"depth must be a power of two from 4; got {depth}")
