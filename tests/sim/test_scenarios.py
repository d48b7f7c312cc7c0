"""The scenarios of `ttpoe sim`, shortened: every one of them, in every run it declares.

`full` and the widths between 64 and 512 bits are built and simulated here, too.
"""

import re
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


@pytest.fixture(scope="module")
def story(request):
    """What one `ttpoe sim` of all the chosen scenarios printed."""
    chosen = [
        item.callspec.params["scenario"]
        for item in request.session.items
        if item.path == request.path and "scenario" in getattr(item, "fixturenames", ())
    ]
    simulator = [] if shutil.which("iverilog") else ["--simulator", "verilator"]
    run = ttpoe("sim", *chosen, "--short", "--jobs", 1, *simulator)
    return run.stdout + run.stderr


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario, story):
    ended = re.findall(rf"^\[sim\] ({scenario}(?:\.\S+)? .*): (passed|failed)$", story, re.M)
    wrong = [run for run, result in ended if result == "failed"]
    details = re.findall(rf"^{scenario}(?:\.\S+)? failed on .*\n(?:  .*\n)*", story, re.M)
    assert not wrong, "\n".join((*wrong, *details))
    assert ended, f"{scenario} did not run:\n{story[-3000:]}"


def test_the_short_form_leaves_runs_out_but_not_all_of_what_is_asked_for():
    def planned(**wanted):
        runs = runner.plan(runner.Wanted(["registers"], **wanted))
        return [run.simulator for run in runs]

    assert planned() == ["verilator", "verilator", "icarus"]
    assert planned(short=True) == ["verilator"]
    assert planned(short=True, simulator="icarus") == ["icarus"]


def test_every_width_is_simulated():
    """What the scenarios declare covers every datapath width, and both simulators."""
    runs = runner.plan(runner.Wanted())
    assert {run.config.width_bits for run in runs} == {64, 128, 256, 512}
    assert {run.simulator for run in runs} == {"verilator", "icarus"}
