"""The part `congestion` of `ttpoe bench` in its short form, and the tables of its page."""

import shlex

import pytest

import ttpverif.cli as cli
from tests.sim.test_abuse import CONFIG, defective
from ttpoe.config import preset
from ttpsim.bench import congestion
from ttpsim.bench.common import Metrics
from ttpsim.bench.congestion_cases import FIGURES, SENDERS, cases
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.fabric.refusals import refusals
from ttpsim.native import compile as native
from ttpsim.pages import congestion as page
from ttpsim.pages import figures


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Runs the short form with the program of test_fabric; `(metrics, number of runs made)`."""
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    program = fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK)
    monkeypatch.setattr(congestion, "FOLDER", tmp_path)
    made = []
    original = fabric.run_fabric
    monkeypatch.setattr(fabric, "run_fabric", lambda *words: made.append(words) or original(*words))

    def run(design="one", law=False):
        """`design`: of which Verilog the results are."""
        monkeypatch.setattr(congestion._Programs, "__getitem__", lambda *_: (program, design, law))
        made.clear()
        metrics = Metrics(short=True)
        congestion.congestion_part([], metrics)
        return metrics, len(made)

    return run


def test_a_run_is_made_once(bench):
    first, made = bench()
    assert made == sum(case.seeds for case in cases(short=True)) > 3
    again, made = bench()
    assert made == 0 and again == first
    _other, made = bench(design="two")
    assert made > 3, "another Verilog"


def test_what_is_broken_off_goes_on(bench, monkeypatch):
    def stop(*words):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(fabric, "run_fabric", lambda *words: (130, {}))
        with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
            bench()
    metrics, made = bench()
    assert made > 0 and metrics.value("congestion.incast.3.seeds.none") == 2


def test_figures_and_goals(bench):
    metrics, _made = bench(law=True)
    found = {metric["name"]: metric for metric in metrics}
    mean, low, high = (
        found[f"congestion.incast.3.goodput{end}.none"]["value"] for end in ("", "_low", "_high")
    )
    assert low <= mean <= high and low < high, "another seed, another start"
    assert found["congestion.incast.3.goodput.none"]["goal"] is None
    assert found["congestion.incast.3.goodput.law"]["goal"] == 0.97
    # With one slot a sender waits for each ACK; without the law that is what is to be reached.
    lone = found["congestion.lone.1.goodput.law"]
    assert lone["goal"] == found["congestion.lone.1.goodput.none"]["value"] < 0.5
    assert lone["met"] == (lone["value"] >= lone["goal"])
    assert found["congestion.lone.1.rise_never.law"]["value"] == 1
    assert "congestion.lone.1.rise.law" not in found
    network = found["congestion.leaves.4_1.network.none"]["value"]
    assert 0.5 < network < 1 and found["congestion.leaves.4_1.seeds.none"]["value"] == 1


def test_cells(bench, monkeypatch):
    metrics, _made = bench()
    baseline = {metric["name"]: metric["value"] for metric in metrics}
    monkeypatch.setattr(figures, "baseline", lambda: baseline)
    monkeypatch.setattr(page, "cases", lambda: cases(short=True))
    rows = page.others().splitlines()
    assert rows[:2] == ["| run | figure | none | law | goal |", "|---|---|---:|---:|---:|"]
    rise = "| a lone flow | full rate after, round trips | never | not run | ≤ 4.0 |"
    assert rise in rows
    (lone,) = [row for row in rows if row.startswith("| a lone flow | goodput |")]
    assert lone.endswith("% | not run | ≥ none's |")
    assert page.seeds().startswith("Of 4 runs in each column these were made: 4 of none, 0 of law")


def test_a_page_without_results(monkeypatch):
    monkeypatch.setattr(figures, "baseline", dict)
    rows = page.incast().splitlines()
    assert rows[0].count("|") == len(SENDERS) + 3
    assert {row.count("|") for row in rows} == {rows[0].count("|")}
    assert rows[2].count("not run") == len(SENDERS) and rows[2].endswith("≥ 97.0 % |")


def test_every_run_is_one_that_the_command_takes():
    found = cases()
    assert len({case.name for case in found}) == len(found)
    parser = cli._parser(cli.commands())
    for case in [*found, *cases(short=True)]:
        assert set(case.all_figures) <= set(FIGURES) and case.all_figures
        words = shlex.split(fabric.command(case.preset, case.settings | {"SEED": 1}, case.traffic))
        arguments = parser.parse_args(words[1:])
        config = preset(case.preset)
        settings = fabric._settings(arguments, lambda _node: config, [])
        default = {name: limits[2] for name, limits in fabric.SETTINGS.items()}
        assert settings == default | case.settings | {"SEED": 1}
        rules = refusals(settings, case.traffic, lambda _node: config)
        assert not any(bad for bad, _said in rules)
