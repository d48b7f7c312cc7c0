"""The packet model beside the cycle-accurate fabric: the same runs in both, and what differs.

`ttpoe packet --evidence` makes the runs of `CASES` and `LARGE` and keeps them in `evidence.json`,
of which docs/evidence/packet.md has tables.
"""

import csv
import json
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.campaign.origin import origin
from ttpsim.fabric import run as fabric
from ttpsim.packet import run as packet
from ttpsim.packet.build import compile_packet
from ttpsim.packet.cases import CASES, LARGE

__all__ = ["EVIDENCE", "FIGURES", "compared", "evidence", "same_places"]

EVIDENCE = Path(__file__).with_name("evidence.json")
FIGURES = ("goodput", "fairness", "dropped_full", "lost", "peak_bytes", "ping_p99")
_COST = ("events", "memory_kib", "cpu_seconds", "clocks", "packets")


def _order(path):
    """`{(receiver, VC): [(sender, number), in the order of arrival]}`"""
    found = defaultdict(list)
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            found[row["to"], row["vc"]].append((row["from"], row["number"]))
    return found


def same_places(one, other):
    """`(places that hold the same packet, places)` of two orders of arrival."""
    receivers = one.keys() | other.keys()
    same = sum(a == b for key in receivers for a, b in zip(one[key], other[key]))
    return same, sum(max(len(one[key]), len(other[key])) for key in receivers)


def _figures(result):
    """Of the second half, if the run has halves."""
    both = result | result.get("half", {})
    return {name: both[name] for name in FIGURES if name in both}


def compared(programs, traffic, settings):
    """The same run in fabric and packet model, `programs`: `{"fabric": ..., "packet": ...}`, the
    figures of each, its CPU seconds, and how many places of the order of arrival are the same."""
    found = {}
    orders = []
    with tempfile.TemporaryDirectory() as folder:
        for name, runs in (("fabric", fabric.run_fabric), ("packet", packet.run_packet)):
            path = Path(folder) / f"{name}.csv"
            plus = ["--order", path]
            code, result = runs(programs[name], traffic, settings, subprocess.DEVNULL, plus=plus)
            if code == 130:
                raise KeyboardInterrupt
            if code:
                raise builds.BuildError(f"{name}: {result.get('failure', 'it broke off')}")
            found[name] = _figures(result) | {"cpu_seconds": result["cpu_seconds"]}
            orders.append(_order(path))
    found["same_places"], found["places"] = same_places(*orders)
    return found


def _large(program, traffic, settings):
    code, result = packet.run_packet(program, traffic, settings, subprocess.DEVNULL)
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise builds.BuildError(result.get("failure", "it broke off"))
    return _figures(result) | {name: result[name] for name in _COST}


def evidence(processes, path=EVIDENCE):
    """Make the runs that are not there yet, and keep what each gave when it is over.

    Results of other programs than those that are compiled now do not count.
    """
    config, made_now = preset("default"), origin("ttpoe packet --evidence", 1)
    programs = {
        "packet": compile_packet(config, processes),
        "fabric": fabric.compile_fabric(config, processes),
    }
    names = [program.parent.name for program in programs.values()]
    kept = json.loads(path.read_text()) if path.exists() else {}
    if kept.get("programs") != names:
        kept = {"programs": names, "origin": made_now, "runs": [], "large": []}

    def commands(cases):
        return {packet.command(config.name, c.settings, c.traffic): c for c in cases}

    parts = {"runs": (CASES, compared, programs), "large": (LARGE, _large, programs["packet"])}
    for where, (cases, made, of) in parts.items():
        wanted = commands(cases)
        found = {
            run["command"]: run | {"words": wanted[run["command"]].words}
            for run in kept[where]
            if run["command"] in wanted
        }
        for command, case in wanted.items():
            if command in found:
                continue
            print(f"[packet] {command}", flush=True)
            run = {"words": case.words, "lossless": case.lossless, "command": command}
            found[command] = run | made(of, case.traffic, case.settings)
            kept["origin"] = made_now
            kept[where] = [found[one] for one in wanted if one in found]
            path.write_text(json.dumps(kept, indent=1) + "\n")
