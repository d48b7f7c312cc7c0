"""The scenarios of `ttpoe sim`, shortened: every one of them, in every run it declares.

`full` and the widths between 64 and 512 bits are built and simulated here, too.
"""

import shutil
from pathlib import Path

import pytest

from tests.ttpoe_process import ttpoe
from ttpsim import scenarios
from ttpsim.scenario import run as runner

SCENARIOS = sorted(
    path.stem
    for path in Path(scenarios.__file__).parent.glob("*.py")
    if not path.stem.startswith("_")
)


def test_there_are_scenarios():
    assert len(SCENARIOS) > 20


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario):
    simulator = [] if shutil.which("iverilog") else ["--simulator", "verilator"]
    run = ttpoe("sim", scenario, "--short", "--jobs", 1, *simulator)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.rstrip().splitlines()[-1].endswith(" passed, 0 failed")


def test_every_width_is_simulated():
    """What the scenarios declare covers every datapath width, and both simulators."""
    runs = runner.plan(runner.Wanted())
    assert {run.config.width_bits for run in runs} == {64, 128, 256, 512}
    assert {run.simulator for run in runs} == {"verilator", "icarus"}
