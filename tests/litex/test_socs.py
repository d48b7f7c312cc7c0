"""The SoCs of examples/litex in Verilator: LiteEth's MAC at one end of the wire, ours at the other."""

import pytest

pytest.importorskip("liteeth", reason="LiteX is missing: pip install litex liteeth")

from tests.litex import soc_pair
from tests.long import long
from tests.mac import mac_bench


@long
def test_two_socs(tmp_path):
    text, csrs = soc_pair.pair()
    nodes = soc_pair.example().NODES
    params = {
        "core": soc_pair.example().REGISTERS,
        "csrs": csrs,
        "nodes": {"a": nodes["nic"], "b": nodes["port"]},
    }
    module = "tests.litex.soc_cocotb"
    mac_bench.run_text(text, "litex-socs", module, tmp_path, (), soc_pair.CONFIG, **params)
