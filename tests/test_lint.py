"""The Verilog of every preset and top passes Verilator's lint, all warnings on (`make lint`)."""

import subprocess
import sys
from pathlib import Path

from ttpoe.config import PRESETS
from ttpoe.emit import TOPS

ROOT = Path(__file__).resolve().parents[1]


def test_no_warnings():
    run = subprocess.run([sys.executable, "sim/lint.py", *PRESETS], cwd=ROOT, text=True,
                         capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count(": clean") == len(PRESETS) * len(TOPS)
