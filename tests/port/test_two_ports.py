"""Two ports end to end, in Verilator, with the models of cocotbext-eth and -axi at their pins.

Every kind of MAC, with more traffic, takes some minutes:

    pytest tests/port/test_two_ports.py --all-lengths
"""

import pytest

from tests.long import long_case
from tests.mac import mac_bench
from tests.port.two_ports import pair_text
from ttpoe.config import preset
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog.generate import ECP5_CELLS

# GMII is inside RGMII; `tests/mac` has the other MACs.
CASES = [mac if mac == "rgmii" else long_case(mac) for mac in KINDS]


@pytest.mark.parametrize("mac", CASES)
def test_two_ports(tmp_path, pytestconfig, mac):
    long = pytestconfig.getoption("--all-lengths")
    config = preset("tiny").replace(width_bits=512 if mac == "cmac" else 64)
    text = pair_text(config, mac)
    models = [ECP5_CELLS] if mac == "rgmii" else []
    module = "tests.port.port_cocotb"
    mac_bench.run_text(text, f"port-{mac}", module, tmp_path, models, config, mac=mac, long=long)
