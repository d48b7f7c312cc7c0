"""Frames of every length through a MAC and back: the program, and one run of it.

`tests/mac/test_every_length.py` is its command line.
"""

import json
import subprocess
from pathlib import Path

from ttpoe.config import preset
from ttpsim.native import compile as native
from ttpsim.native.mac_side import ports_header, side_verilog

__all__ = ["program", "run"]

MAIN = Path(__file__).with_name("main.cpp")


def program(kind, processes, verilog=None):
    """The program for one kind of MAC; `verilog` takes the place of its own, with a defect in it."""
    return native.compiled(
        "lengths",
        preset("tiny").replace(name=f"tiny_{kind}"),
        verilog or side_verilog(kind),
        "ttp_side",
        "Vside",
        {"mac_ports.h": ports_header(kind)},
        [MAIN, MAIN.with_name("lines.h")],
        processes,
        native.SPEED,
        include=[MAIN.parent],
    )


def run(binary, first=1, last=9018, seed=1):
    """`(what was wrong or "", results)` of all lengths from `first` to `last`, without FCS."""
    words = ["--first", str(first), "--last", str(last), "--seed", str(seed)]
    done = subprocess.run([binary, *words], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"the program ended with {done.returncode}: {done.stderr}")
    return (done.stdout.strip(), {}) if done.returncode else ("", json.loads(done.stdout))
