"""`XgmiiMac` between cocotbext-eth's XGMII models, at clocks that differ."""

from tests.mac import mac_bench
from ttpoe.config import Config
from ttpoe.mac.xgmii_mac import XgmiiMac


def test_both_directions(tmp_path):
    """Made for an engine at 125 MHz: a fifth of what passes at a time is stored, in and out."""
    mac = XgmiiMac(Config(width_bits=64), sync_hz=125e6, rx_beats=513)
    mac_bench.run(mac, "xgmii", "xgmii_mac_cocotb", tmp_path)
