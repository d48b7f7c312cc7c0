"""`HardMac` with cocotbext-axi's stream models in place of the MAC."""

from tests.mac import mac_bench
from ttpoe.config import preset
from ttpoe.mac.hard_mac import HardMac


def test_512_bits(tmp_path):
    """An engine at 125 MHz may begin with two thirds of a long frame, and a faster one does."""
    mac = HardMac(preset("full"), sync_hz=125e6, rx_beats=257)
    mac_bench.run(mac, "hard", "hard_mac_cocotb", tmp_path)
