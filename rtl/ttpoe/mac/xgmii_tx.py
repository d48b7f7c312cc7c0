"""Transmit half of the XGMII MAC: beats in, XGMII with preamble, FCS and gaps out.

Source: IEEE 802.3 clauses 3.2 (frame), 4.2.3.3 (padding), 46.3.1.4 (gap, deficit idle count).
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout
from ..wires import with_init
from .ethernet import LONGEST_BYTES, PREAMBLE, SFD, SHORTEST_BYTES
from .fcs import Fcs
from .store import Store, beats_of
from .xgmii import IDLE_WORD, LANES, Control, word
from .xgmii_gap import XgmiiGap

__all__ = ["XgmiiTx", "TX_EVENTS"]

_LAST_PADDED = SHORTEST_BYTES // LANES

TX_EVENTS = {
    "stat_tx_sent": "a frame was sent",
    "stat_tx_padded": "a frame of less than 60 bytes was filled up with zeros",
    "stat_tx_underrun": "a frame was broken off with /E/: its source had no beat in time",
    "stat_tx_bad": "a frame was broken off with /E/: its last beat came with `error`",
}
"""Name of the one-clock pulse -> what it says; each frame gives one besides `stat_tx_padded`."""


class _Slot(enum.Enum, shape=3):
    """What one clock sends, 8 bytes, as if every frame began in lane 0."""

    IDLE = 0
    START = 1
    DATA = 2
    TAIL = 3  # what of FCS and /T/ did not fit beside the last bytes
    ABORT = 4


_stage = data.StructLayout({"slot": _Slot, "data": 64, "keep": LANES, "last": 1, "offset": 1})


class XgmiiTx(wiring.Component):
    """Frames as XGMII, 64 bits: 10 Gb/s at 156.25 MHz, 25 Gb/s at 390.625 MHz.

    A frame is preamble, SFD, its bytes, zeros up to 60 of them, FCS, /T/. Between frames that
    wait lie 12 bytes on average, /T/ included: a frame begins in lane 0 or 4, so a gap is 9 to 15,
    and the deficit idle count, 0 to 3, remembers how much too short the gaps were so far.

    The wire cannot wait inside a frame. So there is a store in front, which begins a frame when
    `start_beats` of it or all of it are there (`ttpoe.mac.store`). Store and forward is always
    safe, and costs a frame's time on the wire; with a source that gives a beat per clock and is
    as fast as the wire `beats_before_start` says a few beats.

    Parameters
    ----------
    config : Config
        64 bits wide.
    store_beats : int or None
        Beats that the store holds; None: the longest frame.
    start_beats : int or None
        Beats with which a frame begins; None: store and forward.

    Members
    -------
    i : In(stream of beat)
        Frames without FCS. `error` with `last`: the frame is to arrive as a bad one.
    xgmii_d : Out(64), xgmii_c : Out(8)
        Lane 0 is the lowest byte and goes first.
    stat_tx_* : Out(1)
        See `TX_EVENTS`.

    Timing: a frame that the store shows in clock t has its /S/ on `xgmii_d` in t + 6, if the wire
    is free. Nothing waits for anything but gaps: frames of any length follow each other as
    densely as the gap allows.

    Errors: a frame whose source has no beat in time, or gives `error`, ends with /E/ /T/; the
    receiver drops it. What comes of the former later is thrown away up to its `last`.

    Reset: idles; a frame that was on its way is cut off.
    """

    def __init__(self, config, *, store_beats=None, start_beats=None):
        if config.width_bits != 64:
            raise ValueError(f"XGMII takes beats of 64 bits; got width_bits={config.width_bits}")
        self._config = config
        self._store_beats = store_beats or beats_of(config, LONGEST_BYTES)
        self._start_beats = start_beats or self._store_beats
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "xgmii_d": with_init(Out, 64, init=IDLE_WORD),
                "xgmii_c": with_init(Out, 8, init=0xFF),
                **{name: Out(1) for name in TX_EVENTS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.gap = self._gap = XgmiiGap()
        m.submodules.store = store = Store(self._config, self._store_beats, self._start_beats)
        wiring.connect(m, wiring.flipped(self.i), store.i)
        self._now = Signal(_stage)
        self._schedule(m, store.o)
        self._send(m)
        return m

    # ---- which slot ------------------------------------------------------------------------

    def _schedule(self, m, frames):
        """The slot of this clock, `self._now`, and its beat."""
        now = self._now
        beats = Signal(_LAST_PADDED + 1)  # ones: so many are through; eight or more
        begins = Signal()
        gap = self._gap
        discarding = Signal()  # the rest of a frame that ran dry
        m.d.comb += [now.slot.eq(_Slot.IDLE), now.offset.eq(gap.o_offset), gap.i_keep.eq(now.keep)]
        with m.FSM():
            with m.State("GAP"):
                m.d.sync += beats.eq(0)
                with m.If(gap.o_tail):
                    m.d.comb += now.slot.eq(_Slot.TAIL)
                with m.If(discarding):
                    m.d.comb += frames.ready.eq(1)
                    with m.If(frames.valid & frames.p.last):
                        m.d.sync += discarding.eq(0)
                m.d.comb += begins.eq(gap.o_free & frames.valid & ~discarding)
                m.d.comb += gap.i_late.eq(~begins)
                with m.If(begins):
                    m.d.comb += now.slot.eq(_Slot.START)
                    m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += frames.ready.eq(1)
                m.d.sync += beats.eq(Cat(Const(1, 1), beats))
                with m.If(~frames.valid | (frames.p.last & frames.p.error)):
                    m.d.comb += [
                        now.slot.eq(_Slot.ABORT),
                        gap.i_ends.eq(1),
                        gap.i_aborts.eq(1),
                        self.stat_tx_underrun.eq(~frames.valid),
                        self.stat_tx_bad.eq(frames.valid),
                    ]
                    m.d.sync += discarding.eq(~frames.valid)
                    m.next = "GAP"
                with m.Else():
                    self._beat(m, frames.payload, beats)
            with m.State("PAD"):
                m.d.sync += beats.eq(Cat(Const(1, 1), beats))
                self._pad(m, beats)

    def _beat(self, m, beat, beats):
        """DATA: the beat as it is, or filled up."""
        now = self._now
        early = ~beats[_LAST_PADDED - 1]  # more than this one is missing
        short = beat.last & (early | (~beats[_LAST_PADDED] & ~beat.keep[3]))
        m.d.comb += [
            now.slot.eq(_Slot.DATA),
            now.data.eq(
                Cat(
                    Mux(beat.keep[lane], beat.data.word_select(lane, 8), 0) for lane in range(LANES)
                )
            ),
            now.keep.eq(beat.keep),
            self.stat_tx_padded.eq(short),
        ]
        with m.If(short & early):
            m.d.comb += now.keep.eq(0xFF)
            m.next = "PAD"
        with m.Elif(beat.last):
            with m.If(short):
                m.d.comb += now.keep.eq(0x0F)
            self._end(m)

    def _pad(self, m, beats):
        m.d.comb += [self._now.slot.eq(_Slot.DATA), self._now.keep.eq(0xFF)]
        with m.If(beats[_LAST_PADDED - 1]):
            m.d.comb += self._now.keep.eq(0x0F)
            self._end(m)

    def _end(self, m):
        m.d.comb += [self._now.last.eq(1), self._gap.i_ends.eq(1), self.stat_tx_sent.eq(1)]
        m.next = "GAP"

    # ---- the slots as bytes ----------------------------------------------------------------

    def _send(self, m):
        stages = [Signal(_stage, name=f"stage{number}") for number in range(1, 5)]
        one, four = stages[0], stages[-1]
        m.d.sync += [after.eq(before) for before, after in zip([self._now, *stages], stages)]
        with m.If(self._now.slot == _Slot.TAIL):
            m.d.sync += one.keep.eq(one.keep)  # it belongs to the last beat
        m.submodules.fcs = fcs = Fcs(LANES)
        m.d.comb += [
            fcs.start.eq(one.slot == _Slot.START),
            fcs.valid.eq(one.slot == _Slot.DATA),
            fcs.data.eq(one.data),
            fcs.keep.eq(one.keep),
        ]
        octets, control = self._octets(m, stages[-2], four, fcs.fcs)
        starts, offset, was_offset = Signal(), Signal(), Signal()
        begins_late = Signal()
        m.d.sync += [starts.eq(four.slot == _Slot.START), begins_late.eq(four.offset)]
        held, held_control = Signal(32, init=IDLE_WORD >> 32), Signal(4, init=0xF)
        m.d.comb += offset.eq(Mux(starts, begins_late, was_offset))
        m.d.sync += [
            was_offset.eq(offset),
            held.eq(octets[32:]),
            held_control.eq(control[4:]),
            self.xgmii_d.eq(Mux(offset, Cat(held, octets[:32]), octets)),
            self.xgmii_c.eq(Mux(offset, Cat(held_control, control[:4]), control)),
        ]

    def _octets(self, m, three, four, check):
        """`(octets, control)` a clock after `four`, for a frame that begins in lane 0.

        `check` is the FCS of the bytes up to `four`. Each lane is a sum: of its byte, or of a
        control character, or of the byte of the FCS that belongs there.
        """
        ends, idles, has_check, turn = self._lanes(m, three)
        begins = four.slot == _Slot.START
        aborts = four.slot == _Slot.ABORT
        held_check, held_turn, turned = Signal(32), Signal(2), Signal(32)
        held_lanes = Signal(LANES)
        octets, control = Signal(64, init=IDLE_WORD), Signal(LANES, init=0xFF)
        preamble, preamble_control = word(Control.START, *[PREAMBLE] * 6, SFD)
        error, error_control = word(Control.ERROR, *[0] * 7)
        characters = Cat(
            Mux(ends[lane], Control.TERMINATE.value, 0) | Mux(idles[lane], Control.IDLE.value, 0)
            for lane in range(LANES)
        )
        m.d.sync += [
            octets.eq(four.data | characters | Mux(begins, preamble, 0) | Mux(aborts, error, 0)),
            control.eq(
                ends | idles | Mux(begins, preamble_control, 0) | Mux(aborts, error_control, 0)
            ),
            held_check.eq(check),
            held_turn.eq(turn),
            held_lanes.eq(has_check),
        ]
        with m.Switch(held_turn):
            for number in range(4):
                with m.Case(number):
                    m.d.comb += turned.eq(held_check.rotate_left(8 * number))
        masks = Cat(flag.replicate(8) for flag in held_lanes)
        return octets | (turned.replicate(2) & masks), control

    @staticmethod
    def _lanes(m, stage):
        """`(ends, idles, has_check, turn)` a clock after `stage`: lanes with /T/, idles, bytes of
        the FCS; and the lane of its first byte modulo 4."""
        ends, idles = Signal(LANES), Signal(LANES, init=0xFF)
        has_check, turn = Signal(LANES), Signal(2)
        # `has[n]`: the last word has n bytes or more; FCS and /T/ follow, 16 lanes in all.
        has = [Const(1, 1), *stage.keep, *[Const(0, 1)] * 2 * LANES]
        lanes = range(2 * LANES)
        at = Cat((has[n - 4] & ~has[n - 3]) if n > 4 else Const(0, 1) for n in lanes)
        checks = Cat(~has[n + 1] & (has[n - 3] if n > 3 else 1) for n in lanes)
        behind = Cat(~has[n - 4] if n > 4 else Const(0, 1) for n in lanes)
        none = Const(0, LANES)
        with m.Switch(stage.slot):
            with m.Case(_Slot.DATA):
                m.d.sync += [
                    ends.eq(Mux(stage.last, at[:LANES], none)),
                    has_check.eq(Mux(stage.last, checks[:LANES], none)),
                    idles.eq(Mux(stage.last, behind[:LANES], none)),
                ]
            with m.Case(_Slot.TAIL):
                m.d.sync += [
                    ends.eq(at[LANES:]),
                    has_check.eq(checks[LANES:]),
                    idles.eq(behind[LANES:]),
                ]
            with m.Case(_Slot.START):
                m.d.sync += [ends.eq(0), has_check.eq(0), idles.eq(0)]
            with m.Case(_Slot.ABORT):
                m.d.sync += [ends.eq(0b10), has_check.eq(0), idles.eq(0xFC)]
            with m.Default():
                m.d.sync += [ends.eq(0), has_check.eq(0), idles.eq(0xFF)]
        last = [has[n] & ~has[n + 1] for n in range(LANES + 1)]
        m.d.sync += turn.eq(
            Cat(Cat(last[n] for n in range(LANES) if n >> bit & 1).any() for bit in range(2))
        )
        return ends, idles, has_check, turn
