"""`ttpoe bench` outside the pipeline: the path through a network, links, TCP, the README's table."""

import json
from pathlib import Path

import pytest

from ttpoe.config import preset
from ttpsim.bench import host as bench_host
from ttpsim.bench import links as bench_links
from ttpsim.bench import path as bench_path
from ttpsim.bench import plots as bench_plots
from ttpsim.bench import readme as bench_readme
from ttpsim.bench import report as bench_report
from ttpsim.bench import run as bench
from ttpsim.bench.common import Metrics

ROOT = Path(__file__).resolve().parents[2]


def measured(**values):
    metrics = Metrics()
    for name, value in values.items():
        metrics.add(name, value, "", "", "", "lower")
    return metrics


def by_name(metrics):
    return {metric["name"]: metric for metric in metrics}


# ---- the README --------------------------------------------------------------------------------


def test_the_readme_has_the_figures_of_the_baseline():
    baseline = json.loads(bench.BASELINE.read_text())
    text = bench_readme.README.read_text()
    assert bench_readme.replaced(text, baseline) == text, "run `ttpoe bench --save`"
    assert bench_readme.replaced(text, baseline | {"latency.tx_clocks": 999}) != text


def test_rows_without_figures_are_left_out():
    assert bench_readme.table({}).count("\n") == 1
    text = bench_readme.table({"latency.tx_clocks": 7, "close.recycle_clocks": 1})
    assert "| 7 clocks | 16 |" in text and "| 1 clock | 6 |" in text and text.count("\n") == 3


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match="no lines"):
        bench_readme.replaced("# nothing", {})


# ---- the path ----------------------------------------------------------------------------------


def test_path_adds_measured_clocks_and_cited_stages():
    metrics = measured(
        **{"latency.one_way_64_bytes.full": 16, "latency.one_way_64_bytes.default": 30}
    )
    bench_path.path(metrics, 100.0)
    found = by_name(metrics)
    outside = sum(ns for _, ns, _ in bench_path.STAGES_100G)
    assert found["latency.one_way_100g_us"]["value"] == round(
        (16 * 1000 / 195.3125 + outside) / 1000, 4
    )
    assert found["latency.one_way_100g_us"]["met"] is True
    for name, _, source in bench_path.STAGES_100G:
        assert name in found["latency.one_way_100g_us"]["method"] and len(source) > 20
    # 16 beats of the frame are on the wire of 1 Gb/s instead.
    slow = sum(ns for _, ns, _ in bench_path.STAGES_1G)
    assert found["latency.one_way_ecp5_us"]["value"] == round((140 + slow) / 1000, 4)
    assert found["latency.one_way_ecp5_engines_us"]["value"] == 0.3


def test_path_misses_its_goal_with_a_slow_engine():
    metrics = measured(**{"latency.one_way_64_bytes.full": 80})
    bench_path.path(metrics, None)
    assert by_name(metrics)["latency.one_way_100g_us"]["met"] is False
    assert "latency.one_way_ecp5_us" not in by_name(metrics)


# ---- links -------------------------------------------------------------------------------------


def sweep(monkeypatch, last_lut4):
    done = {
        count: {
            "lut4": 6000 + count // 8,
            "lut4_without_table": 5000,
            "dp16kd": 80,
            "memory_bits": 1_000_000 + 310 * count,
            "fmax_mhz": 60.0,
        }
        for count in bench_links.links.LINKS
    }
    done[16384] |= {"lut4_without_table": last_lut4, "fmax_mhz": None}
    monkeypatch.setattr(bench_links.links, "results", lambda: done)
    metrics = Metrics()
    bench_links.sweep(metrics)
    return metrics


def test_growth_with_links(monkeypatch):
    found = by_name(sweep(monkeypatch, 5200))
    assert found["scale.logic_growth"]["value"] == 0.04 and found["scale.logic_growth"]["met"]
    assert found["scale.memory_bits_per_link"]["value"] == 310
    assert found["scale.memory_not_linear"]["value"] == 0
    assert "scale.fmax_mhz.16384_links" not in found
    assert not by_name(sweep(monkeypatch, 5300))["scale.logic_growth"]["met"]


def test_half_a_sweep_has_no_growth(monkeypatch):
    monkeypatch.setattr(
        bench_links.links, "results", lambda: {16: {"lut4": 1, "fmax_mhz": None, "memory_bits": 5}}
    )
    metrics = Metrics()
    bench_links.sweep(metrics)
    assert set(by_name(metrics)) == {"scale.lut4.16_links", "scale.memory_bits.16_links"}


class FakeRun:
    def __init__(self, config, **summary):
        self.config, self.summary = config, summary


def test_a_late_round_is_seen():
    config = bench_links.links.configurations()[16]
    for rounds, met in (([64, 64], True), ([64, 66], False)):
        metrics = Metrics()
        bench_links.links_part(
            [
                FakeRun(
                    config,
                    timer={"rounds": rounds, "expected": 64, "tick": 4, "timeout_rounds": 1.5},
                )
            ],
            metrics,
        )
        found = by_name(metrics)
        assert found["scale.timer_round_deviation"]["met"] is met
        assert found["scale.timer_round_clocks.16_links"]["met"] is met


# ---- TCP ---------------------------------------------------------------------------------------


def test_tcp_costs_time_and_ttp_none(monkeypatch, tmp_path):
    monkeypatch.setattr(bench_host.builds, "BUILD", tmp_path)
    monkeypatch.setattr(bench_host, "SIZES", (64,))
    metrics = Metrics(short=True)
    bench_host.host([], metrics)
    found = by_name(metrics)
    assert found["host.cpu_us_per_message.ttp"]["value"] == 0
    assert 0 < found["host.cpu_us_per_message.tcp_64_bytes"]["value"] < 1e6


def test_recycled_links_beside_time_wait(monkeypatch):
    config = preset("default")
    run = FakeRun(config, churn={"links": 128, "recycled": 1000, "clocks": 100_000})
    for tcp, said in (
        ((None, "needs root"), "not measured: needs root"),
        (({"opened": 128, "seconds": 0.1, "again_after": 64.0}, ""), "measured: 128"),
    ):
        monkeypatch.setattr(bench_host, "time_wait", lambda short, tcp=tcp: tcp)
        metrics = Metrics()
        bench_host.recycle([run], metrics)
        found = by_name(metrics)
        assert found["recycle.ttp_links_per_second"]["value"] == 1_250_000
        rate = found["recycle.tcp_connections_per_second"]
        assert rate["value"] == round(128 / (64 if tcp[0] else 60), 4) and said in rate["method"]


# ---- the page ----------------------------------------------------------------------------------


def test_plots_need_their_figures(monkeypatch):
    assert bench_plots.links(Metrics()) is bench_plots.path(Metrics()) is None
    assert bench_plots.tcp(Metrics()) is None and bench_plots.side_by_side({}) == ""
    metrics = sweep(monkeypatch, 5100)
    for name, value in {
        "latency.one_way_64_bytes.full": 16,
        "host.cpu_us_per_message.ttp": 0,
        "host.cpu_us_per_message.tcp_64_bytes": 3.0,
        "host.cpu_us_per_message.tcp_1024_bytes": 4.0,
        "recycle.ttp_links_per_second": 1_000_000,
        "recycle.tcp_connections_per_second": 2.13,
    }.items():
        metrics.add(name, value, "", "", "", "lower")
    bench_path.path(metrics, None)
    figures = {"lut4": 2000, "ff": 10, "dp16kd": 1, "fmax_mhz": 99.5}
    summary = {
        "ecp5-default": figures,
        "liteeth-udp": {
            "does": {"TTP engine": "replays", "LiteEth UDP": "does not"},
            "widths": {"8": figures},
        },
    }
    page = bench_report.page(bench.compared(metrics, {}), summary)
    assert page.count("<svg") == 4  # and the latency plot
    assert "LiteEth UDP, 8 bits" in page and "Table 80-5" in page
