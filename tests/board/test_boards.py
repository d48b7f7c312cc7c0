"""The table of boards against the board files, and what `ttpoe board` refuses."""

import re

import pytest

import ttpverif.cli as cli
from tests.board.test_talk import said_by
from tests.long import long_case
from ttpoe.board.boards import BOARDS, Board, board_of
from ttpoe.board.clocks import pll_dividers
from ttpoe.board.lights import LIGHTS
from ttpoe.board.registers import APPS
from ttpoe.config import ConfigError, preset
from ttpsim.board import build
from ttpsim.board.build import Design

ECPIX5 = BOARDS["ecpix5"]


@pytest.fixture(scope="module")
def lpf(tmp_path_factory):
    """`lpf(board)`: the constraints that go to nextpnr, of an echo of preset tiny."""
    made = {}

    def of(name):
        if name not in made:
            platform, top = Design(name, preset="tiny").top()
            made[name] = platform.prepare(top, build.NAME).files["board.lpf"]
        text = made[name]
        return text if isinstance(text, str) else text.decode()

    return of


@pytest.mark.parametrize(
    "name", [long_case(name) if number else name for number, name in enumerate(BOARDS)]
)
def test_every_pin_and_both_clocks_are_in_the_constraints(lpf, name):
    text = lpf(name)
    located = re.findall(r'^LOCATE COMP "([\w\[\]]+)" SITE "(\w+)";$', text, re.MULTILINE)
    pins = [pin for _port, pin in located]
    assert len(set(pins)) == len(pins)
    ports = {re.sub(r"\[\d\]$", "", port) for port, _pin in located}
    rgmii = {port for port in ports if port.startswith("eth_rgmii_0__")}
    parts = {re.sub(r"eth_rgmii_0__(\w+?)r?l?__io", r"\1", port) for port in rgmii}
    assert {"tx_clk", "tx_data", "tx_ct", "rx_clk", "rx_data", "rx_ct", "mdc", "mdio"} <= parts
    assert {"uart_0__rx__io", "uart_0__tx__io"} <= ports
    clocks = dict(re.findall(r'^FREQUENCY PORT "(\w+)" ([\d.]+) HZ;$', text, re.MULTILINE))
    assert float(clocks.pop("eth_rgmii_0__rx_clk__io")) == 125e6
    ((oscillator, hz),) = clocks.items()
    assert oscillator.startswith("clk")
    assert pll_dividers(float(hz) / 1e6, BOARDS[name].clock_mhz)
    lit = set(BOARDS[name].leds.values())
    assert all(any(port.startswith(f"{place[0]}_{place[1]}__") for port in ports) for place in lit)


APPLICATION_CASES = [
    (name, app) if (name, app) == ("ecpix5", "bridge") else long_case(name, app)
    for name in BOARDS
    for app in APPS
]


@pytest.mark.parametrize("name, app", APPLICATION_CASES)
def test_every_application_has_a_netlist_on_every_board(name, app):
    """Down to RTLIL with the board's cells and pins: what the synthesiser starts with."""
    platform, top = Design(name, app, "tiny").top()
    text = platform.prepare(top, build.NAME).files["board.il"]
    text = text if isinstance(text, str) else text.decode()
    for cell in ("EHXPLLL", "OSCG", "ODDRX1F", "IDDRX1F"):
        assert f"cell \\{cell} " in text, cell
    own = {"echo": "echo", "traffic": "checker", "bridge": "push"}[app]
    assert re.search(rf"(module|wire).*{own}", text)


@pytest.mark.parametrize("name", BOARDS)
def test_an_entry_is_sound(name):
    board = BOARDS[name]
    assert board.name == name and set(board.leds) in (set(), set(LIGHTS))
    assert preset(board.preset).width_bits == 64
    assert all(0 <= taps <= 127 for taps in board.delays.values())


def test_one_more_board_is_one_more_entry():
    """Which is checked against its file: the Logicbone has no UART, but a PHY with RGMII."""
    assert Board("x", "", "logicbone:LogicbonePlatform", 75, "tiny").create().device


@pytest.mark.parametrize(
    "platform, ethernet, there",
    [
        ("icestick:ICEStickPlatform", ("eth_rgmii", 0), "no PHY"),
        ("versa_ecp5:VersaECP5Platform", ("eth_sgmii", 0), "eth_rgmii 0"),
        ("arty_a7:ArtyA7_35Platform", ("eth_rgmii", 0), "eth_mii 0"),
    ],
)
def test_a_phy_that_the_board_has_not(platform, ethernet, there):
    board = Board("x", "", platform, 75, "tiny", ethernet=ethernet)
    with pytest.raises(ConfigError, match=f"board x must have .* with RGMII; it has .*{there}"):
        board.create()


def test_an_unknown_board():
    with pytest.raises(ConfigError, match=f"must be one of {', '.join(BOARDS)}; got 'ulx3s'"):
        board_of("ulx3s")


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "name a board, or say --list"),
        (["ulx3s"], f"the board must be one of {', '.join(BOARDS)}; got 'ulx3s'"),
        (["ecpix5", "--ping", "2"], "--ping goes with --talk"),
        (["ecpix5", "--clock-mhz", "15"], "the engine's clock must be 15.625 MHz or more to carry"),
        (["ecpix5", "--clock-mhz", "77.7"], "no divider of the PLL makes 77.7 MHz"),
        (["ecpix5", "--baud", "20000000"], "a UART of 20000000 baud needs 8 clocks a bit"),
        (["ecpix5", "--preset", "full", "--clock-mhz", "1"], "the engine's clock must be"),
        (["ecpix5", "--talk", "/dev/none"], "cannot open /dev/none at 115200 baud"),
        (["ulx3s", "--talk", "/dev/none"], "the board must be one of"),
        (["ecpix5", "--netlist"], "--netlist is simulated with preset tiny"),
    ],
)
def test_what_is_refused(capsys, monkeypatch, words, said):
    code, out, error = said_by(capsys, monkeypatch, *words)
    assert code == 2 and out == "" and error.count("\n") == 1, error
    assert said in error


def test_the_list(capsys, monkeypatch):
    code, out, error = said_by(capsys, monkeypatch, "--list")
    assert (code, error) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(BOARDS)
    assert lines[-1] == "applications: echo, traffic, bridge"


def test_the_command_has_the_applications_of_the_hardware():
    from ttpoe.board.registers import APPS
    from ttpsim.cli import board

    assert board.APPS == tuple(APPS)


def _made(monkeypatch, tmp_path, engine, rgmii):
    """`main` with a nextpnr that reached these clocks, and no other tool."""
    import json

    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "prepare", lambda design, _made: design.top()[0])
    monkeypatch.setattr(build, "netlist", lambda _folder: dict(lut4=1, ff=2, dp16kd=3))

    def run(command, folder, log):
        folder.mkdir(parents=True, exist_ok=True)
        if "--report" in command:
            fmax = {
                "$glbnet$clock": {"achieved": engine, "constraint": 75.0},
                "$glbnet$rx_clk": {"achieved": rgmii, "constraint": 125.0},
            }
            used = {name: {"used": 1, "available": 10} for name in build._SHARES}
            text = json.dumps({"fmax": fmax, "utilization": used})
            (folder / "report.json").write_text(text)
            (folder / "board.config").write_text("")

    monkeypatch.setattr(build, "run", run)
    folder = tmp_path / "ecpix5-echo-default"
    folder.mkdir()
    for name in ("board.json", "board.lpf"):
        (folder / name).write_text("")
    return build.main(Design("ecpix5"), range(1, 3), 2)


@pytest.mark.parametrize("engine, rgmii", [(80.0, 130.0), (60.0, 130.0), (80.0, 124.9)])
def test_a_clock_that_is_missed_is_told(capsys, monkeypatch, tmp_path, engine, rgmii):
    met = engine >= 75 and rgmii >= 125
    assert _made(monkeypatch, tmp_path, engine, rgmii) == (0 if met else 1)
    out = capsys.readouterr().out
    assert f"engine: {engine} MHz reached, 75 needed: {'met' if engine >= 75 else 'MISSED'}" in out
    assert f"RGMII: {rgmii} MHz reached, 125 needed: {'met' if rgmii >= 125 else 'MISSED'}" in out
    assert ("a clock is missed" in out) != met


def test_the_parser_takes_what_the_page_says():
    from ttpsim.cli import board

    parser = cli._parser({"board": board})
    arguments = parser.parse_args(["board", "ecpix5", "--seeds", "3", "--jobs", "2"])
    assert arguments.seeds == 3 and arguments.app == "echo" and arguments.preset is None
