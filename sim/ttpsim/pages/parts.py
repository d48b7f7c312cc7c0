"""Parts of pages that are written by the machine, each between two lines:

    <!-- part: NAME -->
    <!-- end of part -->

`ttpoe pages tables` writes them anew.
"""

import ast
import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from ttpoe.config import preset
from ttpoe.verilog.emit import wrapped
from ttpoe.verilog.ports import ports
from ttpsim.paths import ROOT

from .boards import TABLES as BOARDS
from .congestion import TABLES as CONGESTION
from .fabric_speed import TABLES as FABRIC_SPEED
from .figures import TABLES
from .first_use import TABLES as FIRST_USE
from .ns3 import TABLES as NS3
from .packet import TABLES as PACKET
from .printed import TABLES as PRINTED
from .random import TABLES as RANDOM
from .thousand import TABLES as THOUSAND

__all__ = ["PARTS", "filled", "keep_sample", "pages"]

SHOWN = ("hello", "loss.5pct", "loss.20pct", "stream")
"""Scenarios of the sample run."""
HELLO = "runs/hello-icarus-tiny-1/wire.pcap"
SAMPLE = Path(__file__).with_name("sample.json")
_PART = re.compile(r"(<!-- part: ([\w-]+) -->\n).*?(<!-- end of part -->\n)", re.DOTALL)


def _folder():
    """The folder of the scenarios."""
    return next((ROOT / "sim").rglob("scenarios/hello.py")).parent


def scenarios():
    """A row for each scenario: the first paragraph of its own description."""
    rows = ["| scenario | what it shows |", "|---|---|"]
    for path in sorted(_folder().glob("[a-z]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text()))
        assert text is not None, f"{path} says nothing about itself"
        words = text.split("\n\n")[0].split()
        rows.append(f"| `{path.stem}` | {' '.join(words)} |")
    return "\n".join(rows)


def sample():
    """Lines of a run of `make sim`, as `python -m ttpsim.pages --sample` kept them."""
    found = json.loads(SAMPLE.read_text())
    columns = ("scenario", "simulator", "preset", "seed", "frames", "clocks", "result", "remark")
    rows = [
        [f"{run[name]:,}" if isinstance(run[name], int) else run[name] for name in columns]
        for run in found["runs"]
    ]
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if cell[:1].isdigit() and cell[-1].isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in [columns, *rows]
    ]
    return "\n".join(
        [
            "```text",
            *lines,
            "```",
            "",
            f"`{found['command']}`, revision {found['revision']}, {found['date']}{_times(found)}.",
        ]
    )


def _times(found):
    """How long the sample run took; one that was kept before times were has none."""
    if "times" not in found:
        return ""
    first, all_of_it, cores = found["times"]
    return f": first result after {first:.0f} s, all after {all_of_it:.0f} s, on {cores} cores"


@cache
def ladder():
    """The conversation of the scenario `hello`, as `ttpoe ladder` draws it today."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as capture:
        capture.write(base64.b64decode(json.loads(SAMPLE.read_text())["wire"]))
        capture.flush()
        return f"```text\n{_drawn(capture.name)}\n```"


def trace_fields():
    """The trace port's fields: widths from the hardware, words from its list of ports."""
    config = preset("default")
    rows = [
        f"| `{port.name}` | {port.width} | {port.meaning} |"
        for port in ports(wrapped("engine", config), config)
        if port.group == "Trace"
    ]
    return "\n".join(["| port | bits | meaning |", "|---|---:|---|", *rows])


def _revision():
    """Of the commit; "-dirty" if hardware or bench differ from it."""

    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, text=True, capture_output=True)

    changed = git("diff", "--quiet", "HEAD", "--", "rtl", "verif").returncode
    return git("describe", "--always").stdout.strip() + ("-dirty" if changed else "")


def _drawn(capture):
    done = subprocess.run(
        [sys.executable, "-m", "ttpverif.cli", "ladder", capture],
        text=True,
        capture_output=True,
        check=True,
        env=os.environ | {"NO_COLOR": "1"},
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def _encoded(capture):
    return base64.b64encode(capture.read_bytes()).decode()


def keep_sample(results=ROOT / "build" / "sim" / "results.json", command="make sim"):
    """Keep what a run of `make sim` printed, but for its speed, which is the machine's."""
    if not results.exists():
        raise ValueError(f"there is no {results.relative_to(ROOT)}: run `make sim` first")
    found = json.loads(results.read_text())
    rows = [
        {
            "scenario": run["test"],
            "simulator": run["simulator"],
            "preset": run["preset"],
            "seed": run["seed"],
            "frames": run["frames"],
            "clocks": run["clocks"],
            "result": run["result"],
            "remark": run["remark"],
        }
        for run in found["runs"]
        if run["test"] in SHOWN
    ]
    SAMPLE.write_text(
        json.dumps(
            {
                "command": command,
                "revision": _revision(),
                "date": time.strftime("%Y-%m-%d"),
                "times": [found[name] for name in ("first_seconds", "seconds", "cores")],
                "runs": rows,
                "wire": _encoded(results.parent / HELLO),
            },
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


PARTS = (
    TABLES
    | FABRIC_SPEED
    | FIRST_USE
    | CONGESTION
    | BOARDS
    | PACKET
    | NS3
    | RANDOM
    | PRINTED
    | THOUSAND
    | {"scenarios": scenarios, "sample": sample, "ladder": ladder, "trace-fields": trace_fields}
)


def filled(text):
    """The page with its parts written anew; `KeyError` for one that nobody writes."""
    return _PART.sub(lambda match: f"{match[1]}{PARTS[match[2]]()}\n{match[3]}", text)


def pages(made=None):
    """`{page: its text}` of every page that has such parts; `made`: texts that others made anew."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    texts = {path: path.read_text() for path in found} | (made or {})
    return {path: filled(text) for path, text in texts.items() if _PART.search(text)}
