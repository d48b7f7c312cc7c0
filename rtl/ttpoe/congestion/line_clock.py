"""`LineClock`: the time of the law, in U = 64 bytes on the wire (section 11)."""

from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["INTERVAL", "LineClock"]

INTERVAL = 512
"""U from one look at the load to the next (decision K5)."""


class LineClock(wiring.Component):
    """Counts U.

    Members
    -------
    o_now : Out(16)
        U since reset, modulo 2^16.
    o_look : Out(1)
        High for one clock in every `INTERVAL` U.

    Reset: 0.
    """

    def __init__(self, config):
        self._part_bits = (config.header_beats - 1).bit_length()  # clocks of one U
        super().__init__({"o_now": Out(16), "o_look": Out(1)})

    def elaborate(self, platform):
        m = Module()
        clocks = Signal(16 + self._part_bits)
        every = (INTERVAL - 1).bit_length() + self._part_bits
        m.d.sync += [clocks.eq(clocks + 1), self.o_look.eq(clocks[:every].all())]
        m.d.comb += self.o_now.eq(Cat(clocks)[self._part_bits :])
        return m
