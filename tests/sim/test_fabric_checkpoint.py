"""A run that is stopped and goes on has the result of one that was not stopped."""

import signal
import subprocess
import time

import pytest

import ttpverif.cli as cli
from tests.sim.test_fabric_processes import TREE, compiled, needs_mpi, run
from ttpsim.fabric import run as fabric

RUNS = {
    "cut-through": ("all_to_all", {"NODES": 4, "COUNT": 300, "CUT_THROUGH": 1, "LOSS_PPM": 9000}),
    "all that there is": (
        "incast",
        {
            "NODES": 4,
            "CLOCKS": 40_000,
            "MODULES": 1,
            "PING_EVERY": 300,
            "BUFFER": 8192,
            "JOIN": 1,
            "JOIN_AT": 2000,
            "LEAVE_AT": 30_000,
        },
    ),
    "fat tree": ("ring", {"NODES": 8, "COUNT": 300, "BYTES": 0, "CHUNK": 3, **TREE}),
}


@pytest.fixture(scope="module")
def program():
    return compiled(mpi=False)


@pytest.fixture(scope="module")
def mpi_program():
    return compiled(mpi=True)


def stopped(program, traffic, settings, folder, processes=1, plus=()):
    """Interrupts the run as soon as it is under way; the words that it goes on with."""
    name, table = folder / "state", folder / "table.csv"
    table.unlink(missing_ok=True)
    values = {key: settings.get(key, limits[2]) for key, limits in fabric.SETTINGS.items()}
    words = [*fabric._launcher(processes, None), program, "--traffic", traffic]
    words += ["--samples", table, "--results", folder / "results.json", "--checkpoint", name]
    words += plus
    for key, value in values.items():
        words += [f"--{key.lower().replace('_', '-')}", value]
    process = subprocess.Popen(
        list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (table.exists() and table.stat().st_size) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT if processes == 1 else signal.SIGUSR1)
    assert process.wait() == 130
    return ["--resume", name]


@pytest.mark.parametrize("name", RUNS)
def test_it_goes_on_as_if_nothing_had_been(program, tmp_path, name):
    traffic, settings = RUNS[name]
    wanted = run(program, traffic, settings, tmp_path)
    assert wanted[0] == 0
    words = stopped(program, traffic, settings, tmp_path)
    assert run(program, traffic, settings, tmp_path, words) == wanted


@needs_mpi
def test_all_processes_are_stopped_and_go_on(program, mpi_program, tmp_path):
    traffic, settings = RUNS["cut-through"]
    wanted = run(program, traffic, settings, tmp_path)
    words = stopped(mpi_program, traffic, settings, tmp_path, processes=2)
    assert {path.name for path in tmp_path.glob("state*")} == {"state.0", "state.1"}
    assert run(mpi_program, traffic, settings, tmp_path, words, processes=2) == wanted


@pytest.mark.parametrize(
    "change, said",
    [
        ({"SEED": 2}, "the checkpoint is of another run: what is run was "),
        ("cut", "the checkpoint is cut off"),
    ],
)
def test_another_runs_checkpoint_is_refused(program, tmp_path, capfd, change, said):
    traffic, settings = RUNS["fat tree"]
    words = stopped(program, traffic, settings, tmp_path)
    if change == "cut":
        path = tmp_path / "state.0"
        path.write_bytes(path.read_bytes()[:-1000])
    else:
        settings = settings | change
    code, result = fabric.run_fabric(program, traffic, settings, subprocess.DEVNULL, plus=words)
    assert (code, result) == (2, {})
    assert said in capfd.readouterr().err


def test_a_checkpoint_now_and_then(program, tmp_path):
    """Also without Ctrl-C: the last one is of a clock before the end."""
    state = tmp_path / "state"
    words = ["--checkpoint", state, "--checkpoint-seconds", 0]
    settings = {"NODES": 2, "COUNT": 3}
    wanted = run(program, "incast", settings, tmp_path, words)
    assert wanted[0] == 0 and (tmp_path / "state.0").stat().st_size > 10_000
    assert run(program, "incast", settings, tmp_path, ["--resume", state]) == wanted


def test_a_run_that_went_on_has_all_of_its_processor_time(program, tmp_path):
    """The last checkpoint is that of a window before the end, so little is left to do."""
    state, costs = tmp_path / "state", []
    for words in (["--checkpoint", state, "--checkpoint-seconds", 0], ["--resume", state]):
        code, result = fabric.run_fabric(
            program, "incast", {"NODES": 3, "COUNT": 40}, subprocess.DEVNULL, plus=words
        )
        assert code == 0 and result["cpu_seconds"] > result["cost"]["work"]
        costs.append(result["cost"])
    whole, resumed = costs
    for what in ("work", "switches", "between"):
        assert resumed[what] > 0.9 * whole[what] > 0, what
    assert resumed["state_bytes"] == whole["state_bytes"] > 3 * 10_000


@pytest.mark.parametrize(
    "words, said",
    [
        (["--resume", "--checkpoint", "none"], "there is no none.0 to go on from"),
        (["--resume"], "--resume goes on from --checkpoint FILE: say which"),
        (["--checkpoint", "/none/such"], "there is no such folder"),
        (["--checkpoint-seconds", "0"], "must be a whole number from 1"),
    ],
)
def test_bad_input(capsys, words, said):
    assert cli.main(["fabric", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
