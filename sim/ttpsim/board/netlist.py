"""A board in a simulator: its synthesised netlist, or its core as RTL, with a peer on its wire."""

import json
import re
import sysconfig
from pathlib import Path

from ttpoe.board.core import BoardCore
from ttpoe.config import preset
from ttpoe.verilog.emit import emit_verilog
from ttpoe.verilog.generate import ECP5_CELLS
from ttpsim.board import build
from ttpsim.board.measured import made_by, save
from ttpsim.build import builds
from ttpsim.paths import ROOT
from ttpverif.bench.board_verilog import board_pair
from ttpverif.cli.errors import Failed, UsageError

__all__ = ["core_text", "pair_text", "run_pair", "simulable", "simulated", "yosys_models"]

BENCH = ROOT / "verif" / "ttpverif" / "bench"
OWN_CELLS = (BENCH / "ecp5_cells.v", BENCH / "ecp5_memory.v")
MODULE = "ttpsim.board.netlist_cocotb"
BIT_CLOCKS = 8
"""Of the UART in a simulation: a slow one would take all the time."""
SECONDS_LIMIT = 3600  # a netlist takes minutes, and more on a machine that is busy
_BOOT = 1 << 16


def core_text(app, name, clock_hz):
    """A core of preset `tiny` as Verilog."""
    return emit_verilog(BoardCore(preset("tiny"), app, clock_hz, clock_hz / BIT_CLOCKS), name)


def yosys_models():
    """Yosys' own models of the cells of an ECP5, as one text, but for the block RAM: the one that
    Yosys has does nothing, and reads as 0."""
    folder = Path(sysconfig.get_path("purelib")) / "pyosys" / "share" / "ecp5"

    def text(name):
        found = (folder / name).read_text()
        return re.sub(r'`include "(\w+\.vh)"', lambda match: text(match[1]), found)

    empty = r"^\(\* blackbox \*\)\nmodule DP16KD\(.*?^endmodule\n"
    return re.sub(empty, "", text("cells_sim.v"), flags=re.M | re.S)


def simulable(netlist):
    """The netlist with a cell of its own for each direction of a pad: see `ecp5_cells.v`."""

    def pad(match):
        return f"pad_{match[2].lower()}{match[1]}"

    return re.sub(r'\bTRELLIS_IO( #\(\s*\.DIR\("(INPUT|OUTPUT|BIDIR)"\))', pad, netlist)


def pair_text(board, clock_hz):
    """The Verilog of a board, (text, name of its top), with an echo of preset `tiny` as its peer."""
    peer = core_text("echo", "peer", clock_hz)
    return f"{board[0]}\n{peer}\n{board_pair(board, (peer, 'peer'))}"


def run_pair(text, name, models, folder, clock_hz, seed=1, boot_clocks=0, **params):
    """Compile and simulate; what the bench found, as a dict. `Failed` if it found a fault."""
    processes = builds.Processes()
    compiled = builds.compile_alone(text, name, processes, models)
    params = {
        "clock_ps": round(1e12 / clock_hz),
        "baud": round(clock_hz / BIT_CLOCKS),
        "boot_clocks": boot_clocks,
        "node": 0,
        "loss": 0.1,
        "spoil": 0.05,
        "pings": 6,
        "packets": 12,
        **params,
    }
    code = builds.simulate(
        compiled, MODULE, folder, seed, params, processes, preset("tiny"), seconds=SECONDS_LIMIT
    )
    said = folder / "said.json"
    if code or not said.exists():
        raise Failed(f"the simulation found a fault; see {folder / 'log.txt'}")
    return json.loads(said.read_text())


def simulated(design, seed, keep=False):
    """What `ttpoe board NAME --netlist` does; the exit code. `keep`: as the figures of the pages."""
    if design.preset != "tiny":
        raise UsageError("--netlist is simulated with preset tiny; say --preset tiny")
    if design.app != "traffic":
        raise UsageError("--netlist is simulated with the application traffic; say --app traffic")
    hz = design.clock_mhz * 1e6
    where_from = made_by(design, seed, "--netlist")
    design = build.dataclasses.replace(design, baud=round(hz / BIT_CLOCKS), suffix="-netlist")
    print(f"board: synthesising {design.board}; some minutes", flush=True)
    build.prepare(design)
    area = build.netlist(design.folder)
    netlist = simulable((design.folder / f"{build.NAME}_netlist.v").read_text())
    cells = design.folder / "yosys_cells.v"
    cells.write_text(yosys_models())
    found = run_pair(
        pair_text((netlist, build.NAME), hz),
        f"netlist-{design.board}",
        [cells, ECP5_CELLS, *OWN_CELLS],
        design.folder / "run",
        hz,
        seed,
        _BOOT + 2000,
        node=design.node,
    )
    print("\n".join(lines(found)))
    if keep:
        found |= {**area, "clock_mhz": design.clock_mhz}
        save("netlists", design.name, found, where_from)
    return 0


def lines(found):
    """What the bench found, for people."""
    many, counts = found["many"], found["counts"]
    return [
        f"netlist      {found['frames'][0]} frames sent, {found['frames'][1]} received, "
        f"{found['lost']} of them lost or spoilt on the wire",
        f"link         opened {counts['link_opened']} time, "
        f"{counts['payload_replayed']} packets sent again",
        f"packets      {found['pings']['TRAFFIC_RECEIVED'] + many['TRAFFIC_RECEIVED']} came back, "
        "each once, in order and right",
    ]
