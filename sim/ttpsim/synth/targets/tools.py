"""What all targets need: running a tool, Yosys, and its counts of cells."""

import hashlib
import json
import re
import sys

from ttpoe.verilog.cache import writable_cache
from ttpoe.verilog.emit import top_verilog, write
from ttpsim.build.builds import Processes
from ttpsim.paths import ROOT
from ttpverif.cli.errors import UsageError

__all__ = [
    "BUILD",
    "ROOT",
    "SynthError",
    "cells",
    "run",
    "source_hash",
    "stat",
    "top_verilog",
    "write",
    "yosys",
]


BUILD = ROOT / "build" / "synth"
SECONDS_LIMIT = 3600


class SynthError(UsageError):
    """A tool is missing or refused the design; the text is one line."""


def run(command, folder, log):
    """Run to the end in `folder`; output goes to the file `log` there."""
    writable_cache()
    code = Processes(say=lambda text: print(f"[synth] {text}", file=sys.stderr, flush=True)).run(
        ["timeout", "-k", "5", str(SECONDS_LIMIT), *map(str, command)],
        folder / log,
        what=f"{folder.name}, {log}",
        cwd=folder,
    )
    if code:
        text = (folder / log).read_text(errors="replace")
        errors = re.findall(r"^.*\b(?:ERROR|\w*Error): .*", text, re.MULTILINE)
        raise SynthError(f"{errors[0] if errors else f'exit code {code}'}; see {folder / log}")


def yosys(folder, passes, log="yosys.log"):
    """Run these passes of Yosys (the `pyosys` package) in `folder`."""
    script = "from pyosys import libyosys\ndesign = libyosys.Design()\n" + "".join(
        f"libyosys.run_pass({line!r}, design)\n" for line in passes
    )
    run([sys.executable, "-c", script], folder, log)


def cells(folder, name="stat.json"):
    """`{cell type: number}` of the flat design, from Yosys `stat -json`."""
    text = (folder / name).read_text()
    return json.loads(text[text.index("{") :])["design"]["num_cells_by_type"]


def stat(name="stat.json"):
    """The pass that writes what `cells` reads."""
    return f"tee -q -o {name} stat -json"


def source_hash(verilog):
    """What stands for this Verilog in the results."""
    return hashlib.sha256(verilog.encode()).hexdigest()[:12]
