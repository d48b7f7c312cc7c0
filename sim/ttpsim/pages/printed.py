"""What commands of docs/guides/campaigns.md print: run, and kept in printed.json, by
`ttpoe pages tables --printed`."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ttpsim.campaign.origin import origin, sentence
from ttpsim.paths import BUILD, ROOT
from ttpverif.cli.errors import Failed

__all__ = ["TABLES", "keep"]

PRINTED = Path(__file__).with_name("printed.json")
_RING = BUILD / "ring.csv"
_COMMANDS = {
    "sweep": ("ttpoe fabric sweep examples/fabric/incast.toml", "1 to 3"),
    "ring": ("ttpoe fabric --nodes 16 --workload build/ring.csv --results build/ring.json", "1"),
}
"""Name -> command, seeds."""
_BY_THE_WAY = re.compile(r"\[\w+\] (\d+ of \d+ jobs, about|building|compil)")
_SPEED = re.compile(r", [\d,]+ clocks/s$")
"""Lines, and the end of a line, that depend on the machine."""


def _lines(command):
    """What a command of `ttpoe` prints; `Failed` if it fails."""
    words = [sys.executable, "-m", "ttpverif.cli", *command.split()[1:]]
    done = subprocess.run(words, cwd=ROOT, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        raise Failed(f"`{command}` ended with {done.returncode}")
    lines = done.stdout.splitlines()
    return [_SPEED.sub("", line) for line in lines if not _BY_THE_WAY.match(line)]


def keep():
    """Run them, from nothing, and keep what they print."""
    shutil.rmtree(BUILD / "sweep" / "incast", ignore_errors=True)
    program = ROOT / "examples" / "fabric" / "ring_all_reduce.py"
    made = subprocess.run(
        [sys.executable, program, "16", "100000"], text=True, capture_output=True, check=True
    )
    _RING.parent.mkdir(exist_ok=True)
    _RING.write_text(made.stdout)
    kept = {
        name: {"origin": origin(command, seeds), "lines": _lines(command)}
        for name, (command, seeds) in _COMMANDS.items()
    }
    PRINTED.write_text(json.dumps(kept, indent=1) + "\n")


def _shown(name):
    found = json.loads(PRINTED.read_text())[name]
    return "\n".join(["```text", *found["lines"], "```", "", sentence(found["origin"])])


TABLES = {f"printed-{name}": lambda name=name: _shown(name) for name in _COMMANDS}
