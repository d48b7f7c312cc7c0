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
        "keep": 8,  # the same as ones from lane 0
        "first": 1,
        "last": 1,
        "error_char": 1,  # with `last`: /E/ is where /T/ should be
        "bad_end": 1,  # with `last`: another control character is
    }
)


_seen = data.StructLayout(
    {
        "found": 1,  # the SFD, before any control character
        "broken": 1,  # a control character, before any SFD
        "offset": 3,  # the lane behind the SFD
        "in_lane_7": 1,  # the SFD
        "ends": 1,  # there is a control character, in
        "end_lane": 4,
        "causes": 2,  # `error_char`, `bad_end` of it
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

    Timing: a beat is on `o` 4 clocks after its first word, or its only one, was on `xgmii_d`.
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
        self._decode(m)
        self._look(m)
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
        self._stops = Signal(LANES, init=0xFF)  # the SFD or a control character
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
            self._stops.eq(lanes(SFD, 0) | self.xgmii_c),
            self._terminate.eq(lanes(Control.TERMINATE.value, 1)),
            self._error.eq(lanes(Control.ERROR.value, 1)),
            self._start0.eq(starts[0]),
            self._start4.eq(starts[4]),
        ]

    def _look(self, m):
        """Registers: where a frame would begin and end in the word, whatever came before it."""
        self._word = Signal(64, init=IDLE_WORD)
        self._starts, self._starts_twice, self._in_lane_4 = (
            Signal(name=name) for name in ("starts", "starts_twice", "in_lane_4")
        )
        behind = Mux(self._start4, 0xE0, 0xFE)
        self._behind_start = self._seen(m, "behind_start", behind)
        self._anywhere = self._seen(m, "anywhere", 0xFF)
        m.d.sync += [
            self._word.eq(self._octets),
            self._starts.eq(self._start0 | self._start4),
            self._starts_twice.eq(self._start0 & self._start4),
            self._in_lane_4.eq(self._start4),
        ]

    def _seen(self, m, name, lanes):
        """Of `lanes`: is the SFD the first that counts, or a control character; the lane behind the
        SFD, and the first control character."""
        seen = Signal(_seen, name=name)
        first = _lowest(self._stops & lanes)
        end = _lowest(self._control & lanes)
        error = (end & self._error).any()
        m.d.sync += [
            seen.found.eq((first & self._sfd).any()),
            seen.broken.eq((first & self._control).any()),
            # The lane behind lane 7 is lane 0.
            seen.offset.eq(
                _number(Cat(first[-1], first[:-1]) & Cat(self._sfd[-1], self._sfd[:-1]))
            ),
            seen.in_lane_7.eq(first[-1] & self._sfd[-1]),
            seen.ends.eq((self._control & lanes).any()),
            seen.end_lane.eq(_number(end)),
            seen.causes.eq(Cat(error, ~error & ~(end & self._terminate).any())),
        ]
        return seen

    def _find_start(self, m):
        """Behind /S/: the SFD, `self._found`; what is behind it is `self._new`."""
        searching = Signal()  # /S/ came in a word before, no SFD yet
        self._held = Signal()  # the word before holds bytes of the frame, from `_offset` on
        self._framing = framing = Signal()  # lane 0 of this word belongs to a frame
        self._found, broken = Signal(), Signal()
        starts, behind, anywhere = self._starts, self._behind_start, self._anywhere
        self._new = new = Signal(_seen)
        m.d.comb += new.eq(Mux(starts, behind, anywhere))
        # A frame that ends in this word may need the next clock for its last bytes.
        looks = Mux(starts, ~(self._in_lane_4 & framing), searching)
        m.d.comb += [self._found.eq(looks & new.found), broken.eq(looks & new.broken)]
        m.d.sync += [
            searching.eq((searching | starts) & ~self._found & ~broken),
            self.stat_rx_bad_start.eq(
                broken
                | (searching & starts)
                | self._starts_twice
                | (self._found & framing & ~self._held)
            ),
        ]

    def _find_end(self, m):
        """Of the frame that lane 0 of this word belongs to, and what is kept for the next clock."""
        self._offset = offset = Signal(3)
        self._ended = Signal()  # the held word has the end, in this lane:
        self._end_lane, self._causes = Signal(4), Signal(2)
        now, new = self._anywhere, self._new
        self._last_now = Signal()  # the held word's beat is the last
        m.d.comb += self._last_now.eq(self._ended | (now.ends & (now.end_lane <= offset)))
        m.d.sync += self._held.eq(0)
        with m.If(self._found):
            m.d.sync += [
                offset.eq(new.offset),
                self._framing.eq(new.in_lane_7 | ~new.ends),
                self._held.eq(~new.in_lane_7),
                self._ended.eq(new.ends),
                self._end_lane.eq(new.end_lane),
                self._causes.eq(new.causes),
            ]
        with m.Elif(self._framing):
            m.d.sync += [
                self._framing.eq(~now.ends),
                self._held.eq(~now.ends | ~self._held | (now.end_lane > offset)),
                self._ended.eq(now.ends),
                self._end_lane.eq(now.end_lane),
                self._causes.eq(now.causes),
            ]

    def _realign(self, m):
        octets, first = Signal(64), Signal()
        offset, ended, now = self._offset, self._ended, self._anywhere
        with m.If(self._held):
            m.d.sync += first.eq(0)
        with m.If(self._found):
            m.d.sync += first.eq(1)
        m.d.sync += octets.eq(self._word)
        # The end lies in the held word, or in this one, 8 lanes further on.
        end, count = Signal(4), Signal(4)
        m.d.comb += [
            end.eq(Mux(ended, self._end_lane, Cat(now.end_lane[:3], 1))),
            count.eq(Mux(self._last_now, end - offset, LANES)),
        ]
        causes = Mux(ended, self._causes, now.causes)
        beat = self.o.payload
        m.d.sync += [
            self.o.valid.eq(self._held),
            beat.data.eq(Cat(octets, self._word).bit_select(offset << 3, 64)),
            beat.count.eq(count),
            beat.keep.eq(Cat(count > lane for lane in range(LANES))),
            beat.first.eq(first),
            beat.last.eq(self._last_now),
            Cat(beat.error_char, beat.bad_end).eq(Mux(self._last_now, causes, 0)),
        ]
