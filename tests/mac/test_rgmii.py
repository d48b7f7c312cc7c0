"""RGMII with the cells of an ECP5, in Verilator, under cocotbext-eth."""

import pytest

from tests.mac import mac_bench
from tests.mac.mac_top import RgmiiTop
from ttpoe.mac.rgmii import RgmiiEcp5
from ttpoe.verilog.emit import emit_verilog
from ttpoe.verilog.generate import ECP5_CELLS


def test_under_cocotbext_eth(tmp_path):
    mac_bench.run(RgmiiTop(rx_data_taps=3), "rgmii", "rgmii_cocotb", tmp_path, [ECP5_CELLS])


def test_delays_are_cells():
    assert "DELAYG" not in emit_verilog(RgmiiEcp5(), "rgmii")
    text = emit_verilog(RgmiiEcp5(tx_clock_taps=80, rx_clock_taps=72, rx_data_taps=5), "rgmii")
    for taps, cells in ((80, 1), (72, 1), (5, 5)):
        assert text.count(f".DEL_VALUE(32'd{taps})") == cells
    assert text.count("ODDRX1F") == 6 and text.count("IDDRX1F") == 5


def test_constructor():
    with pytest.raises(ValueError, match="rx_data_taps must be from 0 to 127; got 128"):
        RgmiiEcp5(rx_data_taps=128)
