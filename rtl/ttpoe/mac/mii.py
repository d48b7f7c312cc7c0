"""GMII's bytes as MII's nibbles, at 10 and 100 Mb/s, and back.

Source: IEEE 802.3 clause 22 (MII: the low nibble first, 22.2.3).
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..wires import with_init
from .ethernet import SFD

__all__ = ["NibbleTx", "NibbleRx"]


class NibbleTx(wiring.Component):
    """Puts a byte on eight pins in each clock, or on four of them in two.

    Members
    -------
    cfg_mii : In(1)
        Nibbles. Changes while nothing is sent; else the frame under way is spoilt.
    i_data : In(8), i_en : In(1), i_er : In(1)
        A byte, until the clock with `step`.
    step : Out(1)
        The byte is taken.
    o_data : Out(8), o_en : Out(1), o_er : Out(1)
        TXD, TX_EN, TX_ER; with `cfg_mii` TXD[3:0], the low nibble first, and the rest 0.

    Timing: a byte goes out, from registers, in the clock after it is offered, its high nibble one
    clock later.

    Reset: idle.
    """

    def __init__(self):
        super().__init__(
            {
                "cfg_mii": In(1),
                "i_data": In(8),
                "i_en": In(1),
                "i_er": In(1),
                "step": Out(1),
                "o_data": Out(8),
                "o_en": Out(1),
                "o_er": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        high = Signal()
        m.d.comb += self.step.eq(~self.cfg_mii | high)
        m.d.sync += [
            high.eq(self.cfg_mii & ~high),
            self.o_data[:4].eq(Mux(high, self.i_data[4:], self.i_data[:4])),
            self.o_data[4:].eq(Mux(self.cfg_mii, 0, self.i_data[4:])),
            self.o_en.eq(self.i_en),
            self.o_er.eq(self.i_er),
        ]
        return m


class NibbleRx(wiring.Component):
    """Takes a byte from eight pins in each clock, or from four of them in two.

    The SFD says where bytes begin, so that a preamble may have any number of nibbles. An odd nibble
    at the end of a frame is ignored.

    Members
    -------
    cfg_mii : In(1)
        Nibbles.
    i_data : In(8), i_dv : In(1), i_er : In(1)
        RXD, RX_DV, RX_ER; with `cfg_mii` only RXD[3:0] count.
    step : Out(1)
        The byte below counts in this clock.
    o_data : Out(8), o_dv : Out(1), o_er : Out(1)
        A byte; RX_ER if one of its nibbles had it.

    Timing: a byte is there one clock after it, or its high nibble, is on the pins. In the idle
    time there is a step in each clock.

    Reset: no step; RX_DV counts as high until it was seen low.
    """

    def __init__(self):
        super().__init__(
            {
                "cfg_mii": In(1),
                "i_data": In(8),
                "i_dv": In(1),
                "i_er": In(1),
                "step": Out(1),
                "o_data": Out(8),
                "o_dv": with_init(Out, 1, init=1),
                "o_er": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        low, low_er = Signal(4), Signal()
        aligned, high = Signal(), Signal()  # high: the next nibble is the high one of a byte
        joined, found = Signal(8), Signal()
        m.d.comb += [
            joined.eq(Cat(low, self.i_data[:4])),
            found.eq(self.i_dv & ~aligned & (joined == SFD)),
        ]
        with m.If(~self.cfg_mii):
            m.d.sync += self.o_data.eq(self.i_data)
        with m.Else():
            m.d.sync += self.o_data.eq(Mux(self.i_dv, joined, self.i_data[:4]))
        m.d.sync += [
            low.eq(self.i_data[:4] & self.i_dv.replicate(4)),
            low_er.eq(self.i_dv & self.i_er),
            aligned.eq(self.i_dv & (aligned | found)),
            high.eq(self.i_dv & ~high & ~found),
            self.step.eq(~self.cfg_mii | ~self.i_dv | high | found),
            self.o_dv.eq(self.i_dv),
            self.o_er.eq(self.i_er | (self.cfg_mii & self.i_dv & low_er)),
        ]
        return m
