"""`GmiiMac` with LiteEth's MAC core at the other end of the wire, in Verilator.

Every length takes longer:

    pytest tests/mac/test_liteeth.py --all-lengths
"""

import pytest

pytest.importorskip("liteeth", reason="LiteX is missing: pip install litex liteeth")

from tests.mac import mac_bench
from tests.mac.liteeth_pair import pair_text


def test_liteeth_at_the_other_end(tmp_path, pytestconfig):
    long = pytestconfig.getoption("--all-lengths")
    module = "tests.mac.liteeth_cocotb"
    mac_bench.run_text(pair_text(), "mac-liteeth", module, tmp_path, long=long)
