"""`EngineClock`: the engine's clock and its reset from a board's oscillator, by the PLL of an ECP5.

Source: Lattice FPGA-TN-02200 (sysCLOCK), EHXPLLL.
"""

from fractions import Fraction

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import In

from ..config import ConfigError

__all__ = ["EngineClock", "pll_dividers"]

_VCO_MHZ = (400, 800)
_LEAST_PHASE_MHZ = 10


def pll_dividers(input_mhz, output_mhz):
    """`(CLKI_DIV, CLKFB_DIV, CLKOP_DIV)` of a PLL whose feedback is its output; `ConfigError` if no
    dividers make the clock exactly."""
    oscillator, wanted = (Fraction(mhz).limit_denominator(10**6) for mhz in (input_mhz, output_mhz))
    for divide in range(1, int(oscillator / _LEAST_PHASE_MHZ) + 1):
        multiply = wanted * divide / oscillator
        if multiply.denominator == 1 and 1 <= multiply <= 80:
            for post in range(1, 129):
                if _VCO_MHZ[0] <= wanted * post <= _VCO_MHZ[1]:
                    return divide, int(multiply), post
    raise ConfigError(
        f"no divider of the PLL makes {output_mhz:g} MHz of the board's {input_mhz:g} MHz"
    )


class EngineClock(wiring.Component):
    """Drives the domain `sync`, which is its parent's.

    Parameters
    ----------
    input_mhz, output_mhz : float

    Members
    -------
    i_clk : In(1)
        The oscillator.
    i_rst : In(1)
        Reset, asynchronous.

    Timing and reset: `sync` is in reset until the PLL has locked and `i_rst` is low; it leaves
    reset by its own clock. The PLL itself is not reset by `i_rst`.
    """

    def __init__(self, input_mhz, output_mhz):
        self._dividers = pll_dividers(input_mhz, output_mhz)
        super().__init__({"i_clk": In(1), "i_rst": In(1)})

    def elaborate(self, platform):
        m = Module()
        locked, (divide, multiply, post) = Signal(), self._dividers
        m.submodules.pll = Instance(
            "EHXPLLL",
            p_CLKI_DIV=divide,
            p_CLKFB_DIV=multiply,
            p_CLKOP_DIV=post,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_CPHASE=post // 2,
            p_FEEDBK_PATH="CLKOP",
            i_CLKI=self.i_clk,
            i_CLKFB=ClockSignal(),
            i_RST=Const(0),
            i_STDBY=Const(0),
            o_CLKOP=ClockSignal(),
            o_LOCK=locked,
        )
        m.submodules.reset = ResetSynchronizer(~locked | self.i_rst)
        return m
