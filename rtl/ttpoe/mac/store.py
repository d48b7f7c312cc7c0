"""What a MAC stores before it begins a frame, because a wire cannot wait inside of one."""

from math import ceil

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import beat_layout
from ..memory.protected import BlockFifo

__all__ = [
    "SLACK_BEATS",
    "Store",
    "beats_of",
    "beats_before_start",
    "pack",
    "packed_layout",
    "unpack",
]

SLACK_BEATS = 5
"""Beats that a source as fast as the wire must be ahead: the clock crossing shows an entry up to
three clocks late, a block RAM two."""


def beats_of(config, length_bytes):
    """Beats of a frame of this length."""
    return -(-length_bytes // config.width_bytes)


def beats_before_start(config, longest_bytes, source_hz, wire_hz, *, tolerance_ppm=200):
    """How many beats must be there so that no frame up to `longest_bytes` runs dry.

    The source gives a beat in each of its clocks, `source_hz`; the wire takes one in each of
    `wire_hz`. While the wire takes n beats the source gives n * source_hz / wire_hz, so the
    difference for the longest frame must be there before, and `SLACK_BEATS`. `tolerance_ppm`: by
    how much the ratio of the clocks may be worse than the nominal one (two crystals of 100 ppm).
    """
    whole = beats_of(config, longest_bytes)
    behind = 1 - source_hz / wire_hz * (1 - tolerance_ppm * 1e-6)
    return min(whole, SLACK_BEATS + max(0, ceil(whole * behind)))


def packed_layout(config):
    """A beat as it is stored: the number of its last lane instead of `keep`."""
    return data.StructLayout(
        {
            "data": config.width_bits,
            "last_lane": ceil_log2(config.width_bytes),
            "last": 1,
            "error": 1,
        }
    )


def pack(m, config, beat):
    """The beat as a `packed_layout`."""
    packed = Signal(packed_layout(config))
    keep = beat.keep
    ends_at = [bit & ~above for bit, above in zip(keep, [*keep[1:], Const(0, 1)])]
    m.d.comb += [
        packed.data.eq(beat.data),
        packed.last.eq(beat.last),
        packed.error.eq(beat.error),
        packed.last_lane.eq(
            Cat(
                Cat(ends_at[n] for n in range(len(keep)) if n >> bit & 1).any()
                for bit in range(len(packed.last_lane))
            )
        ),
    ]
    return packed.as_value()


def unpack(m, config, value, beat):
    """Drives `beat` with a stored one. Lanes without `keep` keep what was in them."""
    packed, width = data.View(packed_layout(config), value), config.width_bytes
    m.d.comb += [
        beat.data.eq(packed.data),
        beat.last.eq(packed.last),
        beat.error.eq(packed.error),
        beat.keep.eq(
            Cat(
                ~packed.last | Cat(packed.last_lane == n for n in range(lane, width)).any()
                for lane in range(width)
            )
        ),
    ]


class Store(wiring.Component):
    """A FIFO out of which a frame comes without a pause, if its source is as fast as was said.

    A frame begins when all of it is in here, or `start_beats` of it. The reader of `o` may wait;
    it never finds a beat missing if `start_beats` is what `beats_before_start` says, or all of
    the frame. With `start_beats` = `depth` this is store and forward for every frame that fits;
    a longer one begins when the store is full, since it could never begin otherwise.

    Parameters
    ----------
    config : Config
    depth : int
        Beats that it holds, 2 or more.
    start_beats : int
        Beats of an unfinished frame with which it begins, 1 to `depth`.

    Members
    -------
    i : In(stream of beat)
        `ready` depends on registers only.
    o : Out(stream of beat)
        Beats unchanged and in order.

    Timing: the beat that lets a frame begin is taken in clock t, the frame's first beat is on `o`
    in t + 2. A beat per clock, in and out, but for one clock between two frames.
    Reset: empty.
    """

    def __init__(self, config, depth, start_beats):
        if not 1 <= start_beats <= depth or depth < 2:
            raise ValueError(
                f"a frame must begin with 1 to `depth` beats of 2 or more; got "
                f"{start_beats} of {depth}"
            )
        self._config, self._depth, self._start_beats = config, depth, start_beats
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        i, o = self.i, self.o
        m.submodules.beats = beats = BlockFifo(
            width=packed_layout(self._config).size, depth=self._depth
        )
        wholes = Signal(range(self._depth + 1))  # frames whose last beat is in here
        inside, enough = Signal(), Signal()  # a frame has begun; the next one may
        ended, left = Signal(), Signal()
        m.d.comb += [
            i.ready.eq(beats.w_rdy),
            beats.w_data.eq(pack(m, self._config, i.payload)),
            beats.w_en.eq(i.valid),
            o.valid.eq(beats.r_rdy & (inside | enough)),
            beats.r_en.eq(o.valid & o.ready),
            ended.eq(i.valid & i.ready & i.p.last),
            left.eq(o.valid & o.ready & o.p.last),
        ]
        unpack(m, self._config, beats.r_data, o.payload)
        m.d.sync += [
            wholes.eq(wholes + ended - left),
            # `wholes` still counts a frame in the clock in which it leaves.
            enough.eq(((wholes != 0) | (beats.level >= self._start_beats)) & ~left),
        ]
        with m.If(o.valid & o.ready):
            m.d.sync += inside.eq(~o.p.last)
        return m
