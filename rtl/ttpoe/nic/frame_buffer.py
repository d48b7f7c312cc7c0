"""Store and forward: frames that are kept whole or not at all.

Source: section 8 of the protocol (frames pass unchanged and in order), decisions N4 and N5.
"""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import beat_layout
from ..memory.protected import COLLISION_UNDEFINED, ERRORS, errors_of, protected_memory, report

__all__ = ["FrameBuffer"]


class FrameBuffer(wiring.Component):
    """A ring of beats. A frame shows up at the output when its last beat is in, or never.

    Three pointers: up to `read` the beats are gone, up to `kept` they belong to whole frames, up
    to `written` to the frame that is arriving. At its end the frame is kept (`kept` := `written`)
    or taken back (`written` := `kept`).

    Parameters
    ----------
    config : Config
        `os_buffer_bytes` is the room. The longest frame that can be kept fills all of it.
    lossy : bool
        True: `i.ready` is always 1, and a frame that finds no room is dropped whole. False:
        the sender waits for room; only a frame that can never fit is dropped.

    Members
    -------
    i : In(stream of beat)
        `error` with `last`: the frame is taken back.
    o : Out(stream of beat)
        The frames that were kept, in order, `error` 0. Lanes without `keep` are undefined.
    kept, dropped : Out(1)
        One clock after a last beat was taken: the frame was kept; it was dropped for want of
        room. Neither for a frame with `error`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: last beat taken in clock t, first beat on `o` in t + 2. One beat per clock, in and
    out; no gap inside a frame, and none between two frames that both lie in the buffer. `i.ready`
    depends on registers only. The room of a beat is free in the clock after it was read, at the
    earliest one clock before it is on `o`.

    Reset: empty. The next beat is the first of a frame.
    """

    def __init__(self, config, lossy):
        self._config = config
        self._lossy = lossy
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
                "kept": Out(1),
                "dropped": Out(1),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        depth = config.os_buffer_bytes // config.width_bytes
        word = data.StructLayout(
            {"data": config.width_bits, "last_lane": ceil_log2(config.width_bytes), "last": 1}
        )
        m.submodules.frame_memory = frame_memory = protected_memory(
            config.protect, shape=word, depth=depth, init=[], attrs=COLLISION_UNDEFINED
        )
        read = Signal(ceil_log2(depth) + 1)  # the highest bit tells full from empty
        kept = Signal.like(read)
        self._write(m, frame_memory.write_port(), read, kept)
        self._read(m, frame_memory.read_port(), read, kept)
        return m

    def _write(self, m, port, read, kept):
        frame = self.i.payload
        written, following = Signal.like(read), Signal.like(read)
        full, too_long = Signal(), Signal()
        giving_up = Signal()  # the rest of this frame is thrown away
        taken, placed = Signal(), Signal()
        all_round = 1 << len(read) - 1
        m.d.comb += [
            full.eq(written ^ read == all_round),
            too_long.eq(written ^ kept == all_round),
            # Who gives a frame up has an empty buffer, or is lossy: it does not wait either.
            self.i.ready.eq(1 if self._lossy else ~full | too_long),
            taken.eq(self.i.valid & self.i.ready),
            placed.eq(taken & ~giving_up & ~full),
            following.eq(written + 1),
            port.addr.eq(written[:-1]),
            port.data.data.eq(frame.data),
            port.data.last_lane.eq(self._last_lane(frame.keep)),
            port.data.last.eq(frame.last),
            port.en.eq(placed),
        ]
        with m.If(taken):
            m.d.sync += giving_up.eq(~placed & ~frame.last)
            with m.If(~placed | (frame.last & frame.error)):
                m.d.sync += written.eq(kept)
            with m.Else():
                m.d.sync += written.eq(following)
                with m.If(frame.last):
                    m.d.sync += kept.eq(following)
        whole = taken & frame.last & ~frame.error
        m.d.sync += [self.kept.eq(whole & placed), self.dropped.eq(whole & ~placed)]

    @staticmethod
    def _last_lane(keep):
        """Number of the highest lane of a run of ones from lane 0."""
        ends_at = [bit & ~above for bit, above in zip(keep, [*keep[1:], Const(0, 1)])]
        return Cat(
            Cat(ends_at[n] for n in range(len(keep)) if n >> bit & 1).any()
            for bit in range(ceil_log2(len(keep)))
        )

    def _read(self, m, port, read, kept):
        # The memory's own output is the output register.
        report(m, self._config.protect, self.o_errors, errors_of(port, self.o.valid & self.o.ready))
        move = Signal()
        m.d.comb += [
            move.eq(~self.o.valid | self.o.ready),
            port.addr.eq(read[:-1]),
            port.en.eq(move & (read != kept)),
            self.o.payload.data.eq(port.data.data),
            self.o.payload.last.eq(port.data.last),
            self.o.payload.keep.eq(
                Cat(
                    ~port.data.last | (port.data.last_lane >= lane)
                    for lane in range(self._config.width_bytes)
                )
            ),
        ]
        with m.If(move):
            m.d.sync += self.o.valid.eq(port.en)
        with m.If(port.en):
            m.d.sync += read.eq(read + 1)
