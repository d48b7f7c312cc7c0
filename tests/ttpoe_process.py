"""`ttpoe` as a process: what a user types, with the packages of this checkout."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("rtl", "verif", "sim")


def environment(root=ROOT):
    """This environment, with the packages of the checkout `root` before all others."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(str(root / name) for name in FOLDERS)}


def line(*words):
    """The command as a list."""
    return [sys.executable, "-P", "-m", "ttpverif.cli", *map(str, words)]


def ttpoe(*words, root=ROOT, **options):
    """Run to the end in the checkout `root`; a `CompletedProcess` with text."""
    options = {"cwd": root, "env": environment(root), **options}
    return subprocess.run(line(*words), capture_output=True, text=True, **options)


def refused(*words):
    """What it says to bad input, which is one line and nothing else."""
    run = ttpoe(*words)
    assert run.returncode == 2 and run.stdout == "" and run.stderr.count("\n") == 1, run
    return run.stderr
