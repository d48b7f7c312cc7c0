"""The scenarios of `make sim`, shortened: every one of them, in every run it declares.

`full` and the widths between 64 and 512 bits are built and simulated here, too.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.stem for path in (ROOT / "sim" / "scenarios").glob("*.py")
                   if not path.stem.startswith("_"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("SIM", "TEST", "SEED", "PRESET", "WAVES")}
    simulator = [] if shutil.which("iverilog") else ["--sim", "verilator"]
    run = subprocess.run([sys.executable, "sim/ttpsim/scenario/run.py", "--short", "--jobs", "1",
                          "--test", scenario, *simulator], cwd=ROOT, env=environment, text=True,
                         capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.rstrip().splitlines()[-1].endswith(" passed, 0 failed")


def test_every_width_is_simulated():
    """What the scenarios declare covers every datapath width, and both simulators."""
    code = ("import json, sys; sys.path[:0] = ['sim', 'verif', 'rtl']; from ttpsim.scenario import run;"
            "print(json.dumps([[r.config.width_bits, r.simulator] for r in"
            " run.plan(run._arguments([]))]))")
    listed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True,
                            capture_output=True, check=True)
    runs = json.loads(listed.stdout)
    assert {width for width, _sim in runs} == {64, 128, 256, 512}
    assert {sim for _width, sim in runs} == {"verilator", "icarus"}
