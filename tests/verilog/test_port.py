"""The port as Verilog: its flat ports, by both commands; what is refused."""

import json

import pytest

import ttpverif.cli as cli
from tests.emitted import emitted
from tests.long import long, long_case
from ttpoe.config import ConfigError, preset
from ttpoe.csr.documents import c_header
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog import emit
from ttpoe.verilog.emit import port_options, top_verilog, wrapped
from ttpoe.verilog.generate import ECP5_CELLS
from ttpverif.bench.pair import parse_ports

TINY = preset("tiny")
WIDE = TINY.replace(width_bits=512)
CONFIGS = {"rgmii": TINY, "gmii": TINY, "xgmii": TINY, "cmac": WIDE}


@pytest.mark.parametrize("mac", [mac if mac == "rgmii" else long_case(mac) for mac in KINDS])
def test_flat_ports(mac):
    """The managed NIC's without the MAC's streams, and the pins; each direction as it is there."""
    config, kind = CONFIGS[mac], KINDS[mac]
    text = emitted("port", config, mac)
    assert text.startswith("// TTP port") and f"// MAC {mac}, clock of the engine not known" in text
    found = parse_ports(text, "ttp_port")
    pins = {pin.name: found.pop(pin.name) for pin in kind.pins}
    for pin in kind.pins:
        assert pins[pin.name] == ("input" if pin.flow.name == "In" else "output", pin.width)
    for name in kind.stats:
        assert found.pop(name.replace("stat_", "stat_mac_")) == ("output", 1)
    nic = set(wrapped("managed_nic", config).signature.members)
    streams = {name for name in nic if name.startswith(("s_mac_rx_", "m_mac_tx_"))}
    assert len(streams) == 10
    assert set(found) == nic - streams | {"clk", "rst"}


@pytest.mark.parametrize(
    "top, mac, clock, part",
    [
        ("nic", "gmii", None, "--mac goes with --top port; got --top nic"),
        ("engine", None, 100.0, "--clock-mhz goes with --top port; got --top engine"),
        ("port", None, None, "--top port needs --mac, one of rgmii, gmii, xgmii, cmac"),
        ("port", "mii", None, "the MAC must be one of rgmii, gmii, xgmii, cmac; got 'mii'"),
        ("port", "gmii", 0.0, "--clock-mhz must be more than 0"),
        ("port", "gmii", float("nan"), "--clock-mhz must be more than 0"),
    ],
)
def test_options_that_do_not_go_together(top, mac, clock, part):
    with pytest.raises(ConfigError, match=part):
        port_options(top, mac, clock)


def test_delays_of_rgmii():
    with pytest.raises(ConfigError, match="--tx-clock-taps goes with --mac rgmii; got --mac gmii"):
        port_options("port", "gmii", tx_clock_taps=3)
    with pytest.raises(ConfigError, match="--rx-clock-taps goes with --top port; got --top nic"):
        port_options("nic", rx_clock_taps=3)
    with pytest.raises(ConfigError, match="--rx-clock-taps must be from 0 to 127, .*; got 128"):
        port_options("port", "rgmii", rx_clock_taps=128)
    options = port_options("port", "rgmii", tx_clock_taps=80, rx_clock_taps=0)
    assert options == {"mac": "rgmii", "tx_clock_taps": 80, "rx_clock_taps": 0}


@long
def test_delays_of_rgmii_reach_the_verilog():
    text = top_verilog("port", TINY, mac="rgmii", tx_clock_taps=80)
    assert "// tx_clock_taps = 80\n" in text and text.count(".DEL_VALUE(32'd80)") == 1


def test_options():
    assert port_options("nic") == {}
    assert port_options("port", "cmac") == {"mac": "cmac"}
    assert port_options("port", "gmii", 62.5) == {"mac": "gmii", "clock_hz": 62.5e6}


REFUSED = [
    ("--top=port --mac=sgmii", "must be rgmii, gmii, xgmii or cmac; got 'sgmii'"),
    ("--top=port", "--top port needs --mac"),
    ("--mac=gmii --top=engine", "--mac goes with --top port; got --top engine"),
    ("--top=port --mac=xgmii --width=128", "width_bits must be 64 with MAC xgmii; got"),
    ("--top=port --mac=cmac", "width_bits must be 512 with MAC cmac; got width_bits=64"),
    ("--top=port --mac=xgmii --clock-mhz=125", "clock must be 156.25 MHz or more"),
    ("--top=nic --clock-mhz=125", "--clock-mhz goes with --top port; got --top nic"),
    ("--top=port --mac=gmii --clock-mhz=fast", "--clock-mhz: must be a number"),
    ("--top=port --mac=gmii --tx-clock-taps=9", "--tx-clock-taps goes with --mac rgmii; got"),
    ("--top=port --mac=rgmii --tx-clock-taps=200", "must be from 0 to 127, in steps of 25 ps"),
]


@pytest.mark.parametrize("verb", ["emit", "generate"])
@pytest.mark.parametrize("words, part", REFUSED)
def test_one_line_and_exit_code_2(tmp_path, capsys, verb, words, part):
    output = tmp_path / "out"
    assert cli.main([verb, *words.split(), "-o", str(output)]) == 2
    out, error = capsys.readouterr()
    assert not out and error.count("\n") == 1 and part in error, error
    assert not output.exists()


@pytest.mark.parametrize("words, part", [REFUSED[1], REFUSED[3], ("--top=port --mac=mii", "'mii'")])
def test_the_emitter_itself_refuses(capsys, words, part):
    assert emit.main(words.split()) == 2
    out, error = capsys.readouterr()
    assert not out and error.count("\n") == 1 and part in error


@long
def test_both_commands_write_the_same(tmp_path, capsys):
    words = ["--top=port", "--mac=rgmii", "--preset=tiny", "--clock-mhz=50"]
    alone, folder = tmp_path / "port.v", tmp_path / "port"
    assert cli.main(["emit", *words, "-o", str(alone)]) == 0
    assert cli.main(["generate", *words, "-o", str(folder)]) == 0
    assert (folder / "ttp_port.v").read_text() == alone.read_text()
    assert "// MAC rgmii, clock of the engine 50 MHz\n" in alone.read_text()
    assert (folder / "ttp_port_cells.v").read_text() == ECP5_CELLS.read_text()
    assert (folder / "ttp_registers.h").read_text() == c_header(TINY, "rgmii")
    assert "TTP_MDIO_COMMAND" in c_header(TINY, "rgmii")
    assert "COUNT_MAC_RX_RUNT" in (folder / "ttp_registers.md").read_text()
    listed = json.loads((folder / "ttp_port_ports.json").read_text())
    assert listed["mac"] == "rgmii"
    found = parse_ports(alone.read_text(), "ttp_port")
    assert {port["name"]: (port["direction"], port["width"]) for port in listed["ports"]} == found
    capsys.readouterr()
