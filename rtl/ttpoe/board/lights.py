"""`Lights`: what a board's LEDs say."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LIGHTS", "Lights"]

LIGHTS = ("link", "receive", "transmit", "fault")
"""The LEDs, in the order of the bits of BOARD_LEDS."""
_SECONDS = 0.05


class Lights(wiring.Component):
    """Pulses made long enough for an eye, and one that stays.

    Parameters
    ----------
    clock_hz : float

    Members
    -------
    i_link : In(1), i_receive : In(1), i_transmit : In(1), i_fault : In(1)
        The level of the link; one-clock pulses.
    i_clear : In(1)
        `o_fault` goes out, if no pulse comes in the same clock.
    o_link, o_receive, o_transmit, o_fault : Out(1)
        The link; 50 ms after each pulse; from the first pulse until `i_clear`.

    Timing: a clock. Reset: all dark.
    """

    def __init__(self, clock_hz):
        self._clocks = max(2, round(clock_hz * _SECONDS))
        super().__init__(
            {
                **{f"i_{name}": In(1) for name in LIGHTS},
                "i_clear": In(1),
                **{f"o_{name}": Out(1) for name in LIGHTS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o_link.eq(self.i_link)
        for name in ("receive", "transmit"):
            left = Signal(range(self._clocks + 1), name=f"{name}_left")
            with m.If(getattr(self, f"i_{name}")):
                m.d.sync += left.eq(self._clocks)
            with m.Elif(left != 0):
                m.d.sync += left.eq(left - 1)
            m.d.comb += getattr(self, f"o_{name}").eq(left != 0)
        with m.If(self.i_fault):
            m.d.sync += self.o_fault.eq(1)
        with m.Elif(self.i_clear):
            m.d.sync += self.o_fault.eq(0)
        return m
