"""`TtpNic` and `TtpPort`: every port is joined or tied, and SoCs for an ECP5 can be elaborated."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("liteeth", reason="LiteX is missing: pip install litex liteeth")

from liteeth.mac.core import LiteEthMACCore
from liteeth.phy.ecp5rgmii import LiteEthPHYRGMII
from litex.build.generic_platform import Pins, Subsignal
from litex.build.io import CRG
from litex.build.lattice import LatticeECP5Platform
from litex.gen import ClockDomain, LiteXModule
from migen import Record

from ttpoe.config import ConfigError, preset
from ttpoe.litex import cores
from ttpoe.litex import pads as pads_module
from ttpoe.litex.cores import TtpNic, TtpPort
from ttpoe.litex.files import add_verilog
from ttpoe.litex.gmii_phy import GmiiPhy
from ttpoe.litex.seed import BootSeed
from ttpoe.litex.streams import mark_last_byte
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog.emit import wrapped
from ttpoe.verilog.ports import ports

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guides" / "litex.md"
TINY = preset("tiny")
RGMII = {"rx_ctl": 1, "rx_data": 4, "tx_ctl": 1, "tx_data": 4, "mdc": 1, "mdio": 1, "rst_n": 1}


def platform():
    """An ECP5 with the pads that litex_boards gives to a board with RGMII."""
    eth = [Subsignal(name, Pins(" ".join(["X"] * width))) for name, width in RGMII.items()]
    return LatticeECP5Platform(
        "LFE5UM5G-85F-8BG554I",
        [
            ("clk", 0, Pins("A1")),
            ("serial", 0, Subsignal("tx", Pins("A4")), Subsignal("rx", Pins("A5"))),
            ("eth_clocks", 0, Subsignal("tx", Pins("A2")), Subsignal("rx", Pins("A3"))),
            ("eth", 0, *eth),
        ],
        toolchain="trellis",
        name="board",
    )


GMII = [("rx_dv", 1), ("rx_data", 8), ("tx_en", 1), ("tx_data", 8)]


class Design(LiteXModule):
    """A clock, and what is built at the pads of the platform."""

    def __init__(self, board, parts):
        self.cd_sys = ClockDomain("sys")
        self.comb += self.cd_sys.clk.eq(board.request("clk"))
        parts(self, board, board.request("eth_clocks"), board.request("eth"))


def with_nic(design, board, clocks, pads):
    design.phy = phy = LiteEthPHYRGMII(clocks, pads)
    mark_last_byte(phy)
    design.mac = mac = LiteEthMACCore(phy, TINY.width_bits)
    design.nic = nic = TtpNic(board, TINY, verilog="ttp.v")
    design.comb += [mac.source.connect(nic.sink), nic.source.connect(mac.sink)]


def with_port(design, board, clocks, pads):
    design.port = port = TtpPort(board, TINY, "rgmii", clock_hz=50e6, verilog="ttp.v")
    port.connect_pads(clocks, pads)


@pytest.mark.parametrize("parts, module", [(with_nic, "managed_nic"), (with_port, "port")])
def test_a_board_with_rgmii(parts, module):
    board = platform()
    text = str(board.get_verilog(Design(board, parts), name="board"))
    assert f"ttp_{module} ttp_{module}(" in text
    assert [Path(source[0]).name for source in board.sources] == ["ttp.v"]
    if module == "port":
        ((command, ports),) = board.constraint_manager.get_platform_commands()
        assert command == 'FREQUENCY PORT "{clk}" 125.0 MHz;' and ports["clk"].backtrace
        assert ".rgmii_rxc" in text and "TRELLIS_IO" in text


def test_the_guide(tmp_path, monkeypatch):
    """Its SoC can be built; the Verilog of the core is written beside the SoC's."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    names = {"__name__": "page"}
    exec(compile(code, str(GUIDE), "exec"), names)
    monkeypatch.setattr(cores, "top_verilog", lambda top, *_rest, **_port: f"// {top}")
    board = platform()
    soc = names["MySoC"](board, CRG(board.request("clk")), TINY)
    board.output_dir = tmp_path
    soc.finalize()
    text = str(board.get_verilog(soc, name="board"))
    written = tmp_path / "gateware" / "ttp_managed_nic.v"
    assert written.read_text() == "// managed_nic"
    seed = written.with_name("ttp_boot_seed.v")
    assert {Path(source[0]) for source in board.sources} == {written, seed}
    header = re.search(r"^module ttp_boot_seed\((.*?)\);", seed.read_text(), re.M)[1]
    assert set(header.split(", ")) == {"clk", "rst", "o_seed", "o_ready"}
    instance = re.search(r"^ttp_boot_seed ttp_boot_seed\((.*?)^\);", text, re.M | re.S)[1]
    assert set(re.findall(r"\.(\w+)", instance)) == {"clk", "rst", "o_seed", "o_ready"}
    assert "ttp_managed_nic ttp_managed_nic(" in text
    assert soc.bus.regions["ttp"].origin == 0x3000_0000
    assert soc.csr.regions["ttp"].obj, "no EventManager among the SoC's registers"


def test_a_file_that_is_added_twice_is_there_once(tmp_path):
    """Two cores that are alike."""
    board = platform()
    board.output_dir = tmp_path
    for _ in range(2):
        add_verilog(board, "ttp", "// ttp")
    assert [Path(source[0]) for source in board.sources] == [tmp_path / "gateware" / "ttp.v"]
    assert (tmp_path / "gateware" / "ttp.v").read_text() == "// ttp"


@pytest.mark.parametrize("mac", [None, *KINDS])
def test_every_port_is_joined_or_tied(mac):
    config = TINY.replace(width_bits=512 if mac == "cmac" else 64)
    board, options = platform(), {"mac": mac} if mac else {}
    core = TtpPort(board, config, mac) if mac else TtpNic(board, config)
    top = "port" if mac else "managed_nic"
    known = {
        f"{port.direction[0]}_{port.name}": port
        for port in ports(wrapped(top, config, **options), config)
    }
    joined = core._connections
    assert joined.keys() <= known.keys()
    assert {name for name in known if name.startswith("i_")} <= joined.keys()
    for name, signal in joined.items():
        if hasattr(signal, "nbits"):
            assert signal.nbits == known[name].width, name


def test_a_phy_that_drives_last_be_is_refused():
    phy = GmiiPhy(Record([("tx", 1), ("rx", 1)]), Record(GMII))
    phy.dw = 64
    with pytest.raises(ValueError, match="a PHY of 64 bits drives last_be itself"):
        mark_last_byte(phy)


def test_gmii_at_pads():
    """Without RX_ER, and with a clock that goes out: the cell is that of the vendor."""
    board, pads = platform(), Record(GMII)
    clocks = Record([("rx", 1), ("gtx", 1)])

    def parts(design, board, _clocks, _pads):
        design.port = port = TtpPort(board, TINY, "gmii", verilog="ttp.v")
        pads_module.connect_pads(port, board, clocks, pads)

    text = str(board.get_verilog(Design(board, parts), name="board"))
    assert text.count("ODDRX1F") >= 1 and ".gmii_rx_er" in text


def test_a_seed_from_a_source_of_ones_own(tmp_path):
    board = platform()
    board.output_dir = tmp_path

    def parts(design, board, _clocks, _pads):
        design.seed = BootSeed(board, oscillator=None, clocks=1024)

    text = str(board.get_verilog(Design(board, parts), name="board"))
    assert ".i_noise" in text
    assert "i_noise" in (tmp_path / "gateware" / "ttp_boot_seed.v").read_text()


def test_what_has_no_pads_is_refused():
    with pytest.raises(ConfigError, match="only the pins of rgmii and gmii .* got MAC xgmii"):
        TtpPort(platform(), TINY, "xgmii").connect_pads(None, None)


def test_without_litex_it_says_what_to_install():
    """In a Python that finds no LiteX."""
    code = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'litex' else find(name, *rest)\n"
        "import ttpoe.litex"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "rtl")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("ImportError")]
    assert "ttpoe.litex needs the Python package litex: pip install litex" in line
