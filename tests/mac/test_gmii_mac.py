"""`GmiiMac` as a whole, in Verilator, under cocotbext-eth."""

from tests.mac import mac_bench
from tests.mac.mac_top import MacTop


def test_under_cocotbext_eth(tmp_path, pytestconfig):
    long = pytestconfig.getoption("--all-lengths")
    mac_bench.run(MacTop(), "gmii", "gmii_cocotb", tmp_path, long=long)


def test_what_a_wire_seldom_has(tmp_path):
    mac_bench.run(MacTop(), "gmii", "gmii_corners_cocotb", tmp_path)
