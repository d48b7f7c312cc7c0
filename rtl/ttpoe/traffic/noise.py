"""Pseudo-random numbers in hardware: Marsaglia's xorshift generators ("Xorshift RNGs", 2003)."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Noise", "xorshift"]

_SHIFTS = {32: (13, 17, 5), 64: (13, 7, 17)}


def xorshift(m, value):
    """The value that follows `value` (32 or 64 bits) in a sequence that visits all but zero."""
    left, right, again = _SHIFTS[len(value)]
    first, second, third = (Signal.like(value) for _ in range(3))
    m.d.comb += [
        first.eq(value ^ (value << left)),
        second.eq(first ^ (first >> right)),
        third.eq(second ^ (second << again)),
    ]
    return third


class Noise(wiring.Component):
    """One generator.

    Parameters
    ----------
    width : int
        32 or 64.
    salt : int
        Not zero; sets generators with the same seed apart.

    Members
    -------
    cfg_seed : In(32)
        Taken in the first clock after reset.
    i_step : In(1)
        Go on to the next number.
    o_value : Out(width)
        The present number; from the second clock after reset, never zero.

    Timing: `o_value` is a register.
    """

    def __init__(self, width, salt):
        self._width = width
        self._salt = salt * 0x9E3779B97F4A7C15 % (1 << width)
        super().__init__({"cfg_seed": In(32), "i_step": In(1), "o_value": Out(width)})

    def elaborate(self, platform):
        m = Module()
        seeded = Signal()
        start = Signal(self._width)
        m.d.sync += seeded.eq(1)
        m.d.comb += start.eq(self._salt ^ self.cfg_seed ^ (self.cfg_seed << self._width - 32))
        following = xorshift(m, self.o_value)
        with m.If(~seeded):
            m.d.sync += self.o_value.eq(Mux(start == 0, self._salt, start))
        with m.Elif(self.i_step):
            m.d.sync += self.o_value.eq(following)
        return m
