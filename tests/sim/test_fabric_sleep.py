"""Engines that have had no input are skipped; runs with and without are compared in every result."""

import json
import subprocess

import pytest

from tests.sim.test_fabric_checkpoint import stopped
from tests.sim.test_fabric_processes import compiled, needs_mpi
from ttpsim.fabric import run as fabric

NONE, SKIP, PROVE = 0, 1, 2  # PROVE: whoever wakes has the state, byte for byte, of one not skipped
LEAVES = {"LEAF_HOSTS": 2, "SPINES": 2, "LOSS_PPM": 9000}
LATE = {"NODES": 6, "SPREAD": 9000, "SEED": 3}
RUNS = {
    "late senders, urgent packets, a reader that stops": (
        "incast",
        {**LATE, "NODES": 4, "CLOCKS": 12_000, "PING_EVERY": 2000, "STOP": 100, "STOP_PERIOD": 300},
    ),
    "old ones and modules": (
        "incast",
        {**LATE, "CLOCKS": 12_000, "OLD": 2, "OLD_SLOTS": 4, "MODULES": 1, "JOIN": 1}
        | {"JOIN_AT": 5000, "LEAVE_AT": 9000},
    ),
    "later ones": ("incast", {"NODES": 4, "CLOCKS": 60_000, "SPREAD": 60_000, "SEED": 3}),
    "all to all over leaves": ("all_to_all", {**LATE, "COUNT": 4, "BYTES": 0, **LEAVES}),
}


@pytest.fixture(scope="module")
def program():
    return compiled(mpi=False)


def run(program, name, skip, folder, plus=(), **where):
    """`(engine-clocks skipped, all else that the run tells)`."""
    traffic, settings = RUNS[name]
    results = folder / "results.json"
    words = ["--skip", skip, "--results", results, *plus]
    code, found = fabric.run_fabric(
        program, traffic, settings, subprocess.DEVNULL, plus=words, **where
    )
    assert code == 0, found["failure"]
    del found["cpu_seconds"]
    return found.pop("cost")["skipped"], [found, json.loads(results.read_text())]


@pytest.mark.parametrize("name", [name for name in RUNS if name != "later ones"])
def test_with_and_without_are_the_same(program, tmp_path, name):
    evaluated, wanted = run(program, name, NONE, tmp_path)
    assert evaluated == 0 and wanted[0]["packets"] > 10
    skipped, found = run(program, name, SKIP, tmp_path)
    assert found == wanted and skipped > 10_000
    assert run(program, name, PROVE, tmp_path) == (skipped, wanted)


def test_who_sleeps_sleeps_on_after_a_checkpoint(program, tmp_path):
    name = "later ones"
    traffic, settings = RUNS[name]
    skipped, wanted = run(program, name, SKIP, tmp_path)
    words = stopped(program, traffic, settings, tmp_path, plus=["--skip", str(SKIP)])
    table = ["--samples", tmp_path / "table.csv"]
    assert run(program, name, SKIP, tmp_path, [*table, *words]) == (skipped, wanted)


@needs_mpi
def test_any_number_of_processes_skips_the_same(program, tmp_path):
    name = "all to all over leaves"
    wanted = run(program, name, SKIP, tmp_path)
    mpi = compiled(mpi=True)
    words = ["--partition", "stripe"]
    assert run(mpi, name, SKIP, tmp_path, words, processes=2) == wanted
