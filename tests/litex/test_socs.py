"""The SoCs of examples/litex in Verilator: LiteEth's MAC at one end of the wire, ours at the other."""

import pytest

pytest.importorskip("liteeth", reason="LiteX is missing: pip install litex liteeth")

from tests.litex import soc_pair
from tests.long import long
from tests.mac import mac_bench
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog.generate import ECP5_CELLS


@long
@pytest.mark.parametrize("wire", ["gmii", "rgmii"])
def test_two_socs(tmp_path, wire):
    """RGMII: through LiteEth's PHY at one end, and the models of an ECP5's cells at both."""
    text, csrs = soc_pair.pair(wire)
    nodes = soc_pair.example().NODES
    params = {
        "mac": wire,
        "mac_number": KINDS[wire].number,
        "core": soc_pair.example().REGISTERS,
        "csrs": csrs,
        "nodes": {"a": nodes["nic"], "b": nodes["port"]},
    }
    module = "tests.litex.soc_cocotb"
    models = [ECP5_CELLS] if wire == "rgmii" else []
    mac_bench.run_text(
        text, f"litex-socs-{wire}", module, tmp_path, models, soc_pair.CONFIG, **params
    )
