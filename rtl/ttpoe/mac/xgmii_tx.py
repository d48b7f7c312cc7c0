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

    Timing: a frame that the store shows in clock t has its /S/ on `xgmii_d` in t + 4, if the wire
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
        index = Signal(range(_LAST_PADDED + 2))  # of the beat; from 8 on it stays
        begins = Signal()
        gap = self._gap
        discarding = Signal()  # the rest of a frame that ran dry
        m.d.comb += [now.slot.eq(_Slot.IDLE), now.offset.eq(gap.o_offset), gap.i_keep.eq(now.keep)]
        with m.FSM():
            with m.State("GAP"):
                m.d.sync += index.eq(0)
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
                    self._beat(m, frames.payload, index)
            with m.State("PAD"):
                self._pad(m, index)
        with m.If((now.slot == _Slot.DATA) & (index <= _LAST_PADDED)):
            m.d.sync += index.eq(index + 1)

    def _beat(self, m, beat, index):
        """DATA: the beat as it is, or filled up."""
        now = self._now
        short = beat.last & ((index < _LAST_PADDED) | ((index == _LAST_PADDED) & ~beat.keep[3]))
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
        with m.If(short & (index < _LAST_PADDED)):
            m.d.comb += now.keep.eq(0xFF)
            m.next = "PAD"
        with m.Elif(beat.last):
            with m.If(short):
                m.d.comb += now.keep.eq(0x0F)
            self._end(m)

    def _pad(self, m, index):
        m.d.comb += [self._now.slot.eq(_Slot.DATA), self._now.keep.eq(0xFF)]
        with m.If(index == _LAST_PADDED):
            m.d.comb += self._now.keep.eq(0x0F)
            self._end(m)

    def _end(self, m):
        m.d.comb += [self._now.last.eq(1), self._gap.i_ends.eq(1), self.stat_tx_sent.eq(1)]
        m.next = "GAP"

    # ---- the slots as bytes ----------------------------------------------------------------

    def _send(self, m):
        one, two, three = (Signal(_stage, name=f"stage{number}") for number in (1, 2, 3))
        m.submodules.fcs = fcs = Fcs(LANES)
        check = Signal(32)
        m.d.sync += [one.eq(self._now), two.eq(one), three.eq(two), check.eq(fcs.fcs)]
        with m.If(self._now.slot == _Slot.TAIL):
            m.d.sync += one.keep.eq(one.keep)  # it belongs to the last beat
        m.d.comb += [
            fcs.start.eq(one.slot == _Slot.START),
            fcs.valid.eq(one.slot == _Slot.DATA),
            fcs.data.eq(one.data),
            fcs.keep.eq(one.keep),
        ]
        octets, control = self._aligned(m, three, check)
        offset, was_offset = Signal(), Signal()
        held, held_control = Signal(32, init=IDLE_WORD >> 32), Signal(4, init=0xF)
        m.d.comb += offset.eq(Mux(three.slot == _Slot.START, three.offset, was_offset))
        m.d.sync += [
            was_offset.eq(offset),
            held.eq(octets[32:]),
            held_control.eq(control[4:]),
            self.xgmii_d.eq(Mux(offset, Cat(held, octets[:32]), octets)),
            self.xgmii_c.eq(Mux(offset, Cat(held_control, control[:4]), control)),
        ]

    @staticmethod
    def _aligned(m, stage, check):
        """`(data, control)` of a slot, for a frame that begins in lane 0."""
        octets, control = Signal(64), Signal(8)
        ending, ending_control = Signal(128), Signal(16)
        end, end_control = word(Control.TERMINATE)
        with m.Switch(stage.keep):
            for count in range(1, LANES + 1):
                with m.Case((1 << count) - 1):
                    idle = Const(IDLE_WORD, 8 * (12 - count) - 64) if count < 4 else Const(0, 0)
                    m.d.comb += [
                        ending.eq(Cat(stage.data[: 8 * count], check, end, idle)),
                        ending_control.eq(Cat(Const(0, count + 4), end_control, Const(0xF, 4))),
                    ]
        constants = {
            _Slot.IDLE: word(),
            _Slot.START: word(Control.START, *[PREAMBLE] * 6, SFD),
            _Slot.ABORT: word(Control.ERROR, Control.TERMINATE),
        }
        with m.Switch(stage.slot):
            for slot, (value, flags) in constants.items():
                with m.Case(slot):
                    m.d.comb += [octets.eq(value), control.eq(flags)]
            with m.Case(_Slot.DATA):
                m.d.comb += [
                    octets.eq(Mux(stage.last, ending[:64], stage.data)),
                    control.eq(Mux(stage.last, ending_control[:8], 0)),
                ]
            with m.Case(_Slot.TAIL):
                m.d.comb += [octets.eq(ending[64:]), control.eq(ending_control[8:])]
        return octets, control
