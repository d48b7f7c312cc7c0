"""`EngineClock`: the dividers of the PLL, and how the clock and its reset come out of it."""

import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Module

from ttpoe.board.clocks import EngineClock, pll_dividers
from ttpoe.config import ConfigError


@pytest.mark.parametrize(
    "wanted, dividers",
    [
        ((100, 75), (4, 3, 6)),
        ((25, 50), (1, 2, 8)),
        ((100, 62.5), (8, 5, 7)),
        ((100, 40), (5, 2, 10)),
    ],
)
def test_dividers_of_the_pll(wanted, dividers):
    divide, multiply, post = found = pll_dividers(*wanted)
    assert wanted[0] * multiply == wanted[1] * divide
    assert 400 <= wanted[1] * post <= 800 and wanted[0] / divide >= 10
    assert found == dividers


def test_a_clock_that_the_pll_cannot_make():
    with pytest.raises(
        ConfigError, match="no divider of the PLL makes 33.3 MHz of the board's 100"
    ):
        EngineClock(100, 33.3)


def test_the_pll_is_built_with_these_dividers():
    """In the netlist, since a PLL of an ECP5 cannot be simulated here."""
    m, clock = Module(), EngineClock(100, 75)
    m.domains.sync = ClockDomain()
    m.submodules.clock = clock
    text = rtlil.convert(m, ports=[clock.i_clk, clock.i_rst])
    cell = text[text.index("cell \\EHXPLLL") :]
    cell = cell[: cell.index("\n  end\n")]
    for name, value in zip(("CLKI_DIV", "CLKFB_DIV", "CLKOP_DIV"), pll_dividers(100, 75)):
        assert f"parameter \\{name} {value}\n" in cell, cell
    assert "connect \\CLKI \\i_clk [0]\n" in cell
