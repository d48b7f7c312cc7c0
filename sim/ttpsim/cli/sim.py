"""`ttpoe sim`: the scenarios of the repository, where it is at hand."""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from ttpverif.cli.errors import UsageError, whole_number

__all__ = ["SUMMARY", "add_parser", "run", "repository"]

SUMMARY = "run scenarios: two engines and a bad wire in a simulator (in a checkout only)"

_DESCRIPTION = """Run scenarios on simulated hardware, as `make sim` does: it needs a checkout of
the repository, in or below which this is started, and its environment (`make setup`)."""
_EXAMPLES = """examples:
  ttpoe sim hello
  ttpoe sim loss.5pct --seed 7 --waves
  ttpoe sim stream --simulator verilator --preset full
"""


def _seed(text):
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more; got {text!r}")
    return text


def add_parser(subparsers):
    """The parser of `ttpoe sim`."""
    parser = subparsers.add_parser("sim", help=SUMMARY, description=_DESCRIPTION,
                                   epilog=_EXAMPLES, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("test", metavar="TEST", nargs="*",
                        help="a scenario, or one run of it (loss.5pct); none: all, minutes")
    parser.add_argument("--seed", metavar="N", type=_seed, help="seed of the run")
    parser.add_argument("--simulator", metavar="NAME", choices=("verilator", "icarus"),
                        help="verilator or icarus")
    parser.add_argument("--preset", metavar="NAME", help="tiny, default or full")
    parser.add_argument("--waves", action="store_true", help="record waveforms")
    parser.add_argument("--trace", action="store_true", help="write each run's story")
    parser.add_argument("--jobs", metavar="N", type=whole_number, default=2,
                        help="runs at a time (2)")
    return parser


def repository(start):
    """The checkout in or below which `start` lies, or this file; None if there is none."""
    for folder in (*[start, *start.parents], *Path(__file__).resolve().parents):
        if (folder / "sim" / "ttpsim").is_dir() and (folder / "rtl" / "ttpoe").is_dir():
            return folder
    return None


def run(arguments):
    """Do it in another process; its exit code."""
    root = repository(Path.cwd())
    if root is None:
        raise UsageError("the scenarios are not in the package: start it in a checkout of the "
                         "repository")
    options = [f"--jobs={arguments.jobs}"]
    for name, value in (("test", ",".join(arguments.test)), ("seed", arguments.seed),
                        ("sim", arguments.simulator), ("preset", arguments.preset),
                        ("waves", "1" if arguments.waves else None),
                        ("trace", "1" if arguments.trace else None)):
        if value:
            options.append(f"--{name}={value}")
    python = root / ".venv" / "bin" / "python"
    if importlib.util.find_spec("cocotb_tools") is not None:
        python = sys.executable
    elif not python.exists():
        raise UsageError(f"its environment is missing: run `make setup` in {root}")
    # What `make sim` takes from the environment is said here by options.
    ours = ("SIM", "TEST", "SEED", "PRESET", "WAVES", "TRACE")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run([python, "-m", "ttpsim.scenario.run", *options], cwd=root,
                          env=environment).returncode
