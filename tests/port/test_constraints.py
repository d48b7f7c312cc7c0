"""constraints/port_*: their clocks are those of the port, and every crossing is in them."""

import itertools
import re
from pathlib import Path

import pytest

from ttpoe.config import preset
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog.emit import wrapped

FOLDER = Path(__file__).resolve().parents[2] / "constraints"


def ports(mac):
    config = preset("full" if mac == "cmac" else "default")
    return {"clk", "rst", *wrapped("port", config, mac=mac).signature.members}


@pytest.mark.parametrize("mac", ["gmii", "xgmii", "cmac"])
def test_sdc(mac):
    text = re.sub(r"#.*", "", (FOLDER / f"port_{mac}.sdc").read_text())
    clocks = {
        name: (float(period), port)
        for name, period, port in re.findall(
            r"create_clock -name (\w+) -period ([\d.]+) \[get_ports (\w+)\]", text
        )
    }
    assert set(clocks) == {"clk", f"{mac}_tx_clk", f"{mac}_rx_clk"}
    assert all(name == port for name, (_period, port) in clocks.items())
    for name, (period, _port) in clocks.items():
        if name != "clk":
            assert period == pytest.approx(1e9 / KINDS[mac].wire_hz, abs=1e-3)
            assert period <= 1e9 / KINDS[mac].wire_hz
    for first, second in itertools.permutations(clocks, 2):
        way = rf"-from \[get_clocks {first}\] -to \[get_clocks {second}\]"
        if "clk" in (first, second):
            (limit,) = re.findall(rf"set_max_delay ([\d.]+) {way}", text)
            assert float(limit) == min(clocks[first][0], clocks[second][0])
            assert len(re.findall(rf"set_false_path -hold {way}", text)) == 1
        else:
            assert len(re.findall(rf"set_false_path {way}", text)) == 1
    named = re.findall(r"get_ports (?:\{([^}]*)\}|(\w+))", text)
    for name in " ".join(itertools.chain(*named)).split():
        assert name.removesuffix("[*]") in ports(mac), name


def test_lpf():
    text = (FOLDER / "port_rgmii.lpf").read_text()
    clocks = dict(re.findall(r'^FREQUENCY PORT "(\w+)" ([\d.]+) MHZ;$', text, re.MULTILINE))
    assert set(clocks) == {"clk", "gmii_tx_clk", "rgmii_rxc"} <= ports("rgmii")
    assert float(clocks["rgmii_rxc"]) == float(clocks["gmii_tx_clk"]) == 125


def test_the_table_has_every_file():
    table = (FOLDER / "README.md").read_text()
    listed = set(re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE))
    assert listed == {path.name for path in FOLDER.iterdir() if path.name != "README.md"}
