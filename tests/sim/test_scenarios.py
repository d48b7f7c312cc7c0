"""The scenarios of `ttpoe sim`, shortened: every one of them, in every run it declares.

`full` and the widths between 64 and 512 bits are built and simulated here, too.
"""

import argparse
import re
import shutil
from pathlib import Path

import pytest

from tests.ttpoe_process import ttpoe
from ttpoe.config import PRESETS
from ttpsim import scenarios
from ttpsim.cli import sim
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


@pytest.mark.parametrize("short", [True, False])
def test_what_a_failure_says_repeats_the_same_run(short):
    """Also a run whose configuration is not quite a preset. Others of its scenario may run, too."""
    runs = runner.plan(runner.Wanted(short=short))
    assert any(run.config.name not in PRESETS for run in runs)
    subparsers = argparse.ArgumentParser().add_subparsers()
    parser = sim.add_parser(subparsers)
    for run in runs:
        program, verb, *words = run.again().split()
        assert (program, verb) == ("ttpoe", "sim")
        asked = parser.parse_args(words)
        wanted = runner.Wanted(
            test=asked.test,
            simulator=asked.simulator,
            preset=asked.preset,
            seed=asked.seed,
            short=asked.short,
        )
        again = [one for one in runner.plan(wanted) if one.folder == run.folder]
        assert [(one.config, one.params) for one in again] == [(run.config, run.params)]
