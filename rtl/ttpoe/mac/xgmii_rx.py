"""Receive half of the XGMII MAC: XGMII in, beats without FCS and with a verdict out.

Source: IEEE 802.3 clauses 3.4 (invalid frames), 31 (MAC control), 46.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout, event_signature
from .ethernet import CONTROL, FCS_BYTES, LONGEST_BYTES, PAUSE, PFC, SHORTEST_BYTES
from .fcs import Fcs
from .xgmii import LANES
from .xgmii_align import XgmiiAlign, aligned_layout
from .xgmii_fault import FAULT_EVENTS, XgmiiFault

__all__ = ["RX_EVENTS", "XgmiiRx"]

_OPCODES = {"pause": PAUSE, "pfc": PFC}
_SHORTEST_BEATS = (SHORTEST_BYTES + FCS_BYTES) // LANES

RX_EVENTS = {
    "stat_rx_good": "a frame was delivered as a good one",
    "stat_rx_bad_start": "a frame was lost: /S/ without an SFD, or without a gap before it",
    "stat_rx_code_error": "a frame was bad: /E/ in it",
    "stat_rx_bad_end": "a frame was bad: it ended with another control character than /T/",
    "stat_rx_too_long": "a frame was bad: longer than allowed; it was cut",
    "stat_rx_runt": "a frame was bad: less than 64 bytes with FCS",
    "stat_rx_bad_fcs": "a frame was bad: its FCS does not fit",
    "stat_rx_pause": "a good PAUSE frame was dropped",
    "stat_rx_pfc": "a good PFC frame was dropped",
    "stat_rx_control": "another good MAC control frame was dropped",
    **FAULT_EVENTS,
}
"""Name of the one-clock pulse -> what it says. Each frame gives exactly one of the first ten: the
first that holds, in this order from `stat_rx_code_error` on, else good."""

_CAUSES = ("code_error", "bad_end", "too_long", "runt", "bad_fcs")


class XgmiiRx(wiring.Component):
    """Frames from XGMII, 64 bits, cut-through: bytes leave before the frame is known to be good.

    Parameters
    ----------
    config : Config
        64 bits wide.
    longest_bytes : int
        The longest frame that is good, with FCS.

    Members
    -------
    xgmii_d : In(64), xgmii_c : In(8)
        Lane 0 is the lowest byte and came first.
    o : Out(event of beat)
        Frames without FCS. `error` with `last`: the frame is bad, whatever the reason. The beats
        of a frame come in clocks that follow each other. It cannot be held back.
    stat_rx_* : Out(1)
        See `RX_EVENTS`.
    local_fault, remote_fault : Out(1)
        What the link is said to have, see `ttpoe.mac.xgmii_fault`.

    Timing: first byte on `xgmii_d` in clock t, first beat on `o` in t + 8.

    Errors: what is known before the first beat leaves drops the whole frame: MAC control, and
    bad ones of up to 16 bytes. What is found later ends the frame with `error`. MAC control
    frames are never obeyed: TTP bounds what is on its way by itself, and a link that a neighbour
    can stop is a link that can deadlock.

    Reset: the next frame that begins is the first one.
    """

    def __init__(self, config, *, longest_bytes=LONGEST_BYTES):
        if config.width_bits != 64:
            raise ValueError(f"XGMII takes beats of 64 bits; got width_bits={config.width_bits}")
        if not 64 <= longest_bytes <= 16384:
            raise ValueError(f"longest_bytes must be 64 to 16,384; got {longest_bytes}")
        self._config = config
        self._longest = divmod(longest_bytes, LANES)
        super().__init__(
            {
                "xgmii_d": In(64),
                "xgmii_c": In(8),
                "o": Out(event_signature(beat_layout(config))),
                "local_fault": Out(1),
                "remote_fault": Out(1),
                **{name: Out(1) for name in RX_EVENTS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.align = align = XgmiiAlign()
        m.submodules.fault = fault = XgmiiFault()
        m.d.comb += [
            align.xgmii_d.eq(self.xgmii_d),
            align.xgmii_c.eq(self.xgmii_c),
            fault.xgmii_d.eq(self.xgmii_d),
            fault.xgmii_c.eq(self.xgmii_c),
            self.local_fault.eq(fault.local_fault),
            self.remote_fault.eq(fault.remote_fault),
            self.stat_rx_bad_start.eq(align.stat_rx_bad_start),
            *(getattr(self, name).eq(getattr(fault, name)) for name in FAULT_EVENTS),
        ]
        checked = self._check(m, align.o)
        bad = self._judge(m, checked)
        self._strip(m, checked, bad)
        return m

    def _check(self, m, came):
        """The beat one clock later, with what its frame is known to be; `self._fcs_good` is that
        of the beat of the clock before."""
        beat = came.payload
        index, here = Signal(range(self._longest[0] + 2)), Signal(range(self._longest[0] + 2))
        before = Signal(_SHORTEST_BEATS)  # ones: so many beats of the frame are through, or more
        cutting, passes, too_long = Signal(), Signal(), Signal()
        m.d.comb += [
            here.eq(Mux(beat.first, 0, index)),
            passes.eq(came.valid & (beat.first | ~cutting)),
            too_long.eq((here == self._longest[0]) & (beat.count > self._longest[1])),
        ]
        with m.If(passes):
            m.d.sync += [
                index.eq(here + 1),
                before.eq(Mux(beat.first, 1, Cat(Const(1, 1), before))),
                cutting.eq(too_long),
            ]
        m.submodules.fcs = fcs = Fcs(LANES)
        m.d.comb += [
            fcs.start.eq(came.valid & beat.first),
            fcs.valid.eq(passes & (beat.count != 0)),
            fcs.data.eq(beat.data),
            fcs.keep.eq(beat.keep),
        ]
        checked = Signal(
            data.StructLayout(
                {"valid": 1, "beat": aligned_layout, "second": 1, "too_long": 1, "runt": 1}
            )
        )
        m.d.sync += [
            checked.valid.eq(passes),
            checked.beat.eq(beat),
            checked.second.eq(~beat.first & before[0] & ~before[1]),
            checked.too_long.eq(too_long),
            checked.runt.eq(
                beat.first
                | ~before[_SHORTEST_BEATS - 2]
                | (~before[_SHORTEST_BEATS - 1] & (beat.count != LANES))
            ),
        ]
        with m.If(too_long):
            m.d.sync += checked.beat.last.eq(1)
        self._fcs_good = fcs.match
        return checked

    def _judge(self, m, checked):
        """Counts each frame by the first cause; returns whether it is bad, two clocks after its
        last beat is `checked`."""
        beat = checked.beat
        self._control_now = Signal()
        m.d.comb += self._control_now.eq(
            checked.second & (Cat(beat.data[40:48], beat.data[32:40]) == CONTROL)
        )
        # A clock later: the FCS was looked at.
        ends, flags, control = Signal(), Signal(len(_CAUSES) - 1), Signal()
        opcode = {name: Signal(name=f"is_{name}") for name in _OPCODES}
        m.d.sync += [
            ends.eq(checked.valid & beat.last),
            flags.eq(Cat(beat.error_char, beat.bad_end, checked.too_long, checked.runt)),
        ]
        with m.If(checked.valid & beat.first):
            m.d.sync += control.eq(0)
        with m.Elif(checked.valid & checked.second):
            m.d.sync += control.eq(self._control_now)
        with m.If(checked.second):
            for name, number in _OPCODES.items():
                m.d.sync += opcode[name].eq(Cat(beat.data[56:64], beat.data[48:56]) == number)
        # One more: the first cause counts.
        ended, causes, kinds = Signal(), Signal(len(_CAUSES)), {}
        m.d.sync += [ended.eq(ends), causes.eq(Cat(flags, ~self._fcs_good))]
        for name, is_it in {
            "good": ~control,
            "control": control & ~Cat(opcode.values()).any(),
            **{name: control & is_it for name, is_it in opcode.items()},
        }.items():
            kinds[name] = Signal(name=f"kind_{name}")
            m.d.sync += kinds[name].eq(is_it)
            m.d.comb += getattr(self, f"stat_rx_{name}").eq(ended & ~causes.any() & kinds[name])
        for number, cause in enumerate(_CAUSES):
            first = causes[number] & ~causes[:number].any() if number else causes[0]
            m.d.comb += getattr(self, f"stat_rx_{cause}").eq(ended & first)
        return causes.any()

    def _strip(self, m, checked, bad):
        """One beat later it is known how many of its bytes are FCS, and one more whether it is bad."""
        held, held_valid = Signal(aligned_layout), Signal()
        m.d.sync += [held_valid.eq(checked.valid), held.eq(checked.beat)]
        follows = checked.beat  # of the same frame, unless `held.last`
        dropping, drop, last = Signal(), Signal(), Signal()
        m.d.comb += [
            last.eq(held.last | (follows.last & (follows.count <= FCS_BYTES))),
            drop.eq(Mux(held.first, held.last | follows.last | self._control_now, dropping)),
        ]
        with m.If(held_valid):
            m.d.sync += dropping.eq(drop)
        self._o = Signal(beat_layout(self._config))
        out = Signal(data.StructLayout({"valid": 1, "beat": beat_layout(self._config)}))
        alone, bad_before, was_alone = Signal(), Signal(), Signal()
        m.d.sync += [
            out.valid.eq(held_valid & ~drop & ~(held.last & (held.count <= FCS_BYTES))),
            out.beat.data.eq(held.data),
            # The FCS may begin in this beat, if it is the last, or in the last that follows.
            out.beat.keep.eq(
                Cat(
                    ~held.last | (held.count > lane + FCS_BYTES)
                    if lane < LANES - FCS_BYTES
                    else ~held.last & (~follows.last | (follows.count > lane + FCS_BYTES - LANES))
                    for lane in range(LANES)
                )
            ),
            out.beat.last.eq(last),
            alone.eq(held.last),
            was_alone.eq(alone),
            bad_before.eq(bad),
            self.o.valid.eq(out.valid),
            self._o.eq(out.beat),
        ]
        m.d.comb += [
            self.o.payload.eq(self._o),
            self.o.p.error.eq(self._o.last & Mux(was_alone, bad_before, bad)),
        ]
