"""Part `fabric_speed` of `ttpoe bench`: its short form, with the program of test_fabric_lanes."""

import itertools

import pytest

from tests.sim.test_abuse import CONFIG, defective
from ttpsim.bench import fabric_speed, origins
from ttpsim.bench.common import Metrics
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native

SECONDS = {"work": 3.0, "switches": 1.0, "between": 0.5}
"""What every run says that it cost: the figures below do not depend on the machine."""


@pytest.fixture
def speed(monkeypatch):
    """Measures with four lanes, each run by the program and with the cost of `SECONDS`; there is
    no Open MPI. The figures by their names."""
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    program = fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK, lanes=4)

    def compiled(*_words, mpi=False):
        if mpi:
            raise builds.SetupError("mpicxx is missing: run `make setup WITH=mpi`")
        return program

    monkeypatch.setattr(fabric, "compile_fabric", compiled)
    original = fabric.run_fabric

    def timed(*words, **more):
        code, found = original(*words, **more)
        assert found["cpu_seconds"] >= 0 and min(found["cost"][one] for one in SECONDS) >= 0
        return code, found | {"cpu_seconds": 2.0, "cost": found["cost"] | SECONDS}

    monkeypatch.setattr(fabric, "run_fabric", timed)

    def run():
        metrics = Metrics(short=True)
        fabric_speed.speed_part([], metrics)
        return {metric["name"].removeprefix("fabric_speed."): metric["value"] for metric in metrics}

    return run


def test_every_figure_is_measured(speed, capsys):
    found = speed()
    runs = {"ring": fabric_speed.RING, "leaves": fabric_speed.LEAVES}
    clocks = {name: run.short["NODES"] * run.short["CLOCKS"] for name, run in runs.items()}
    for run, way, end in itertools.product(runs, fabric_speed.WAYS, ("", "_low", "_high")):
        assert found[f"{run}_{way}{end}"] == clocks[run] / 2
    assert 0.5 < found["ring_in_lanes"] <= 1 and 0.5 < found["leaves_in_lanes"] <= 1
    clock_ns = 1e9 / clocks["ring"]
    assert (found["engine_ns"], found["switch_port_ns"]) == (2 * clock_ns, clock_ns)
    assert found["measuring_ns"] == clock_ns / 2
    assert found["loops"] > 500 and found["memory_reads"] > 10
    assert 0.1 < found["spread_skipped"] < 1 and 0.5 < found["permutation_skipped"] < 1
    assert found["state_bytes"] > 10_000
    assert found["checkpoint_bytes"] > 20 * found["state_bytes"]
    assert found["memory_bytes"] > 32 * found["state_bytes"]
    assert found["clocks_per_second.2_nodes"] == found["clocks_per_second.4_nodes"] == 500
    assert not [name for name in found if "exchange" in name or "busiest" in name]
    assert "no exchange and no balance: mpicxx is missing" in capsys.readouterr().out


def test_what_two_processes_cost(speed, monkeypatch):
    """Of results as MPI would have them: what is beyond measuring, of each process and window."""

    def results(_program, _traffic, settings, *_words, processes=1, **_more):
        cost = {"work": 4.0, "switches": 1.0, "busiest": 2.2, "in_lanes": 1, "skipped": 1}
        windows = -(-settings["CLOCKS"] // 32)
        cost["between"] = 0.25 + (80e-6 * windows if processes == 2 else 0)
        return 0, {"deliveries": 1, "cpu_seconds": 5.0, "cost": cost}

    monkeypatch.setattr(fabric, "run_fabric", results)
    monkeypatch.setattr(fabric, "compile_fabric", lambda *_words, **_more: "program")
    metrics = Metrics(short=True)
    bench = fabric_speed._Bench(metrics)
    fabric_speed._processes(bench)
    assert metrics.value("fabric_speed.exchange_us") == pytest.approx(40)
    assert metrics.value("fabric_speed.busiest_share") == pytest.approx(0.55)


def test_ways_that_deliver_otherwise_are_no_figures(speed, monkeypatch):
    numbers, original = itertools.count(), fabric.run_fabric

    def other(*words, **more):
        code, found = original(*words, **more)
        return code, found | {"deliveries": next(numbers)}

    monkeypatch.setattr(fabric, "run_fabric", other)
    with pytest.raises(builds.BuildError, match="ring delivers 3 results"):
        speed()


def test_figures_of_a_machine_name_it():
    metrics = [{"name": "fabric_speed.loops", "value": 1}, {"name": "goodput.x", "value": 1}]
    found = origins.renewed({}, metrics, {}, {"fabric_speed", "goodput"}, "ttpoe bench", {})
    assert "core" in found["fabric_speed"]["machine"] and "machine" not in found["goodput"]
