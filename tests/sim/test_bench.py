"""`ttpoe bench`: the short form of some parts, and how figures are compared and shown."""

import json
from pathlib import Path

from tests.long import long
from tests.ttpoe_process import refused, ttpoe
from ttpsim.bench import origins
from ttpsim.bench import report as bench_report
from ttpsim.bench import run as bench

ROOT = Path(__file__).resolve().parents[2]

REQUIRED = {
    "latency.tx_clocks",
    "latency.rx_clocks",
    "pipeline.events_per_clock",
    "goodput.no_loss_ratio",
    "goodput.selective_1pct_2.6us",
    "goodput.gbn_1pct_2.6us",
    "replay.nack_to_wire_clocks",
    "close.recycle_clocks",
    "synth.ecp5.fmax_mhz",
    "synth.ecp5.lut4",
}  # what the figures must always contain


def metric(value, better="lower", goal=8, name="latency.tx_clocks"):
    metrics = bench.Metrics()
    metrics.add(name, value, "clocks", "default", "a <method>", better, goal)
    return metrics


@long
def test_short_form(tmp_path):
    run = ttpoe("bench", "opening", "goodput", "--short", "--jobs", 1, "--output", tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    found = {m["name"]: m for m in json.loads((tmp_path / "metrics.json").read_text())}
    assert found["close.recycle_clocks"]["value"] <= 6
    assert found["goodput.no_loss_ratio"]["value"] >= 0.995
    selective, gbn = (
        found[f"goodput.{kind}_5pct_2.6us.default"]["value"] for kind in ("selective", "gbn")
    )
    assert 0 < gbn < selective < 1
    assert all(
        set(m) >= {"name", "value", "unit", "configuration", "method"} for m in found.values()
    )
    page = (tmp_path / "report.html").read_text()
    assert "<svg" in page and "goodput.gbn_5pct_2.6us" in page and "http-equiv" not in page


def test_the_baseline_has_every_required_name():
    assert set(json.loads(bench.BASELINE.read_text())) >= REQUIRED


def test_goals_and_changes():
    assert [metric(value)[0]["met"] for value in (7, 8, 9)] == [True, True, False]
    assert [metric(value, "higher")[0]["met"] for value in (7, 8, 9)] == [False, True, True]
    for better, changes in (
        ("lower", ["better", "same", "worse"]),
        ("higher", ["worse", "same", "better"]),
    ):
        for value, change in zip((7.9, 8.01, 8.1), changes):
            compared = bench.compared(metric(value, better), {"latency.tx_clocks": 8})
            assert compared[0]["change"] == change
    assert bench.compared(metric(1), {})[0]["change"] == "new"
    assert "MISSED" in bench.table(bench.compared(metric(9), {"latency.tx_clocks": 8}))
    assert "worse" in bench.table(bench.compared(metric(9), {"latency.tx_clocks": 8}))


def test_each_group_of_figures_has_its_own_origin():
    """What was measured now is from now; of the rest only what has another value than before."""
    metrics = bench.Metrics()
    figures = {"latency.tx_clocks": 8, "synth.ecp5.lut4": 11, "synth.mac.gmii.ff": 3}
    for name, value in figures.items():
        metrics.add(name, value, "", "", "", "lower")
    baseline = figures | {"goodput.no_loss_ratio": 1.0, "synth.ecp5.lut4": 10}
    before = {origins.group(name): {"command": "old"} for name in baseline}
    assert list(before) == ["latency", "synth.ecp5", "synth.mac.gmii", "goodput"]
    synthesised = {name: {"command": "ttpoe synth"} for name in ("synth.ecp5", "synth.mac.gmii")}
    found = origins.renewed(before, metrics, baseline, {"latency"}, "now", synthesised)
    assert {name: said["command"] for name, said in found.items()} == {
        "goodput": "old",
        "latency": "now",
        "synth.ecp5": "ttpoe synth",
        "synth.mac.gmii": "old",
    }
    assert set(found["latency"]) == {"command", "revision", "date", "seeds"}


def test_every_figure_of_the_baseline_has_an_origin():
    known = json.loads(bench.ORIGINS.read_text())
    groups = {origins.group(name) for name in json.loads(bench.BASELINE.read_text())}
    assert groups == known.keys()
    assert all(said["revision"] and said["date"] and said["command"] for said in known.values())


def test_page_escapes_and_says_what_is_missed():
    page = bench_report.page(bench.compared(metric(9), {}), {})
    assert "a &lt;method&gt;" in page and "0 of 1 goals met" in page and "Missed" in page


def test_wrong_part():
    assert "must be one of latency, " in refused("bench", "speed")
