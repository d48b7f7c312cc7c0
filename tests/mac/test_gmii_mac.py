"""`GmiiMac` as a whole, in Verilator, under cocotbext-eth."""

import pytest

from tests.mac.mac_bench import run, verilated
from tests.mac.mac_top import MacTop


@pytest.fixture(scope="module")
def simulator():
    return verilated(MacTop(), "mac_top")


def test_under_cocotbext_eth(simulator, tmp_path):
    run(simulator, "mac_top", "gmii_cocotb", tmp_path)


@pytest.mark.all_lengths
def test_all_lengths_under_cocotbext_eth(simulator, tmp_path):
    run(simulator, "mac_top", "gmii_cocotb", tmp_path, {"long": 1})
