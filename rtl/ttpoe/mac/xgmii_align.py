"""Frames out of XGMII: where each begins and ends, its first byte moved to lane 0.

Source: IEEE 802.3 clauses 46.2 (data stream), 46.3.3 (receive errors).
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from .ethernet import SFD
from .xgmii import IDLE_WORD, LANES, Control

__all__ = ["XgmiiAlign", "aligned_layout"]

aligned_layout = data.StructLayout(
    {
        "data": 64,
        "count": 4,  # bytes, from lane 0; 8 unless `last`
        "first": 1,
        "last": 1,
        "error_char": 1,  # with `last`: /E/ is where /T/ should be
        "bad_end": 1,  # with `last`: another control character is
    }
)


def _lowest(flags):
    """One-hot: the lowest of them."""
    return Cat(flag & ~flags[:lane].any() if lane else flag for lane, flag in enumerate(flags))


def _number(one_hot):
    """Its number; the width if none is set."""
    bits = len(one_hot).bit_length()
    values = [Mux(flag, Const(lane, bits), 0) for lane, flag in enumerate(one_hot)]
    number = Mux(one_hot.any(), 0, Const(len(one_hot), bits))
    for value in values:
        number = number | value
    return number


class XgmiiAlign(wiring.Component):
    """Finds /S/ in lane 0 or 4, the SFD behind it, and the control character that ends the frame.

    The preamble is whatever lies between /S/ and the first byte 0xD5: 6 bytes as a rule, none at
    all, or more. So a frame's first byte may lie in any lane, and every beat is put together from
    two words. A frame ends at the first control character, /T/ or not.

    Members
    -------
    xgmii_d : In(64), xgmii_c : In(8)
        Lane 0 is the lowest byte and came first.
    o : Out(event of `aligned_layout`)
        The bytes after the SFD, FCS included. The beats of a frame come in clocks that follow
        each other. `count` is 0 in the only beat of a frame without bytes.
    stat_rx_bad_start : Out(1)
        A frame was lost: no SFD before the next control character, or an /S/ without the five
        bytes of gap that clause 46 promises.

    Timing: a beat is on `o` 3 clocks after its first word, or its only one, was on `xgmii_d`.
    Reset: as if idles had come.
    """

    def __init__(self):
        super().__init__(
            {
                "xgmii_d": In(64),
                "xgmii_c": In(8),
                "o": Out(event_signature(aligned_layout)),
                "stat_rx_bad_start": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._held = Signal()  # the word before holds bytes of the frame, from `_offset` on
        self._decode(m)
        self._find_start(m)
        self._find_end(m)
        self._realign(m)
        return m

    def _decode(self, m):
        """Registers: the word, and what each lane holds."""
        self._octets = Signal(64, init=IDLE_WORD)
        self._control = Signal(LANES, init=0xFF)
        self._sfd, self._terminate, self._error = (
            Signal(LANES, name=name) for name in ("sfd", "terminate", "error")
        )
        self._start0, self._start4 = Signal(), Signal()

        def lanes(value, control):
            return Cat(
                (self.xgmii_d.word_select(lane, 8) == value) & (self.xgmii_c[lane] == control)
                for lane in range(LANES)
            )

        starts = lanes(Control.START.value, 1)
        m.d.sync += [
            self._octets.eq(self.xgmii_d),
            self._control.eq(self.xgmii_c),
            self._sfd.eq(lanes(SFD, 0)),
            self._terminate.eq(lanes(Control.TERMINATE.value, 1)),
            self._error.eq(lanes(Control.ERROR.value, 1)),
            self._start0.eq(starts[0]),
            self._start4.eq(starts[4]),
        ]

    def _find_start(self, m):
        """Behind /S/: the SFD, `self._found` in lane `self._sfd_lane`."""
        searching = Signal()  # /S/ came in a word before, no SFD yet
        self._framing = framing = Signal()  # lane 0 of this word belongs to a frame
        self._found, broken, behind = Signal(), Signal(), Signal(LANES)
        # A frame that ends in this word may need the next clock for its last bytes.
        with m.If(self._start4):
            m.d.comb += behind.eq(Mux(framing, 0, 0xE0))
        with m.Elif(self._start0):
            m.d.comb += behind.eq(0xFE)
        with m.Elif(searching):
            m.d.comb += behind.eq(0xFF)
        self._sfd_at = Signal(LANES)
        first = _lowest((self._sfd | self._control) & behind)
        starts = self._start0 | self._start4
        m.d.comb += [
            self._sfd_at.eq(first & self._sfd),
            self._found.eq(self._sfd_at.any()),
            broken.eq((first & self._control).any()),
        ]
        m.d.sync += [
            searching.eq((searching | starts) & ~self._found & ~broken),
            self.stat_rx_bad_start.eq(
                broken
                | (searching & starts)
                | (self._start0 & self._start4)
                | (self._found & framing & ~self._held)
            ),
        ]
        # The end of a frame that begins in this word.
        self._ends_new = Signal(LANES)
        m.d.comb += self._ends_new.eq(_lowest(self._control & behind))

    def _find_end(self, m):
        """Of the frame that lane 0 of this word belongs to, and what is kept for the next clock."""
        self._offset = offset = Signal(3)
        self._ended = Signal()  # the held word has the end, in this lane:
        self._end_lane, self._causes = Signal(4), Signal(2)
        ends, ends_here, lane = Signal(LANES), Signal(), Signal(4)
        self._last_now = Signal()  # the held word's beat is the last
        m.d.comb += [
            ends.eq(_lowest(self._control)),
            ends_here.eq(self._control.any()),
            lane.eq(_number(ends)),
            self._last_now.eq(self._ended | (ends_here & (lane <= offset))),
        ]
        self._lane = lane
        self._causes_now = self._why(ends)
        m.d.sync += self._held.eq(0)
        with m.If(self._found):
            in_lane_7, ends_new = self._sfd_at[7], self._ends_new.any()
            m.d.sync += [
                offset.eq(_number(self._sfd_at)[:3] + 1),
                self._framing.eq(in_lane_7 | ~ends_new),
                self._held.eq(~in_lane_7),
                self._ended.eq(ends_new),
                self._end_lane.eq(_number(self._ends_new)),
                self._causes.eq(self._why(self._ends_new)),
            ]
        with m.Elif(self._framing):
            m.d.sync += [
                self._framing.eq(~ends_here),
                self._held.eq(~ends_here | ~self._held | (lane > offset)),
                self._ended.eq(ends_here),
                self._end_lane.eq(lane),
                self._causes.eq(self._causes_now),
            ]

    def _why(self, end):
        """`error_char`, `bad_end` of a control character in lane `end`."""
        error = (end & self._error).any()
        return Cat(error, ~error & ~(end & self._terminate).any())

    def _realign(self, m):
        octets, first = Signal(64), Signal()
        offset, ended = self._offset, self._ended
        with m.If(self._held):
            m.d.sync += first.eq(0)
        with m.If(self._found):
            m.d.sync += first.eq(1)
        m.d.sync += octets.eq(self._octets)
        count = Signal(4)
        with m.If(ended):
            m.d.comb += count.eq(self._end_lane - offset)
        with m.Elif(self._last_now):
            m.d.comb += count.eq(8 - offset + self._lane)
        with m.Else():
            m.d.comb += count.eq(8)
        causes = Mux(ended, self._causes, self._causes_now)
        beat = self.o.payload
        m.d.sync += [
            self.o.valid.eq(self._held),
            beat.data.eq(Cat(octets, self._octets).bit_select(offset << 3, 64)),
            beat.count.eq(count),
            beat.first.eq(first),
            beat.last.eq(self._last_now),
            Cat(beat.error_char, beat.bad_end).eq(Mux(self._last_now, causes, 0)),
        ]
        return m
