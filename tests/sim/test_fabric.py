"""Many engines behind switches, in their short form: four of them; and defects that must be seen.

The model is the one of test_abuse, defects switched off, so that it is compiled once.
"""

import re
import subprocess
from pathlib import Path

import pytest

import ttpverif.cli as cli
from tests.sim.test_abuse import CONFIG, defective
from ttpsim.bench import fabric as bench_fabric
from ttpsim.bench import report as bench_report
from ttpsim.bench.common import Metrics
from ttpsim.build import builds
from ttpsim.cli.fabric import TRAFFIC
from ttpsim.fabric import run as fabric
from ttpsim.native import batch
from ttpsim.native import compile as native

ROOT = Path(__file__).resolve().parents[2]

FRAME = 60 + 1024  # header and payload
BEATS = 136  # of such a frame, 64 bits wide
NOTHING_SENT_AGAIN = {
    "link_opened",
    "payload_first_sent",
    "delivered",
    "ack_retired",
    "slot_retired",
    "host_blocked",
}


@pytest.fixture(scope="module")
def program():
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    return fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK)


def run(program, traffic, defect=None, **settings):
    settings = {"NODES": 4, "COUNT": 40} | settings
    code, result = fabric.run_fabric(program, traffic, settings, subprocess.DEVNULL, defect)
    return code, result


@pytest.mark.parametrize("selective", [1, 0])
def test_incast_into_a_small_buffer_loses_nothing(program, selective):
    code, result = run(program, "incast", BUFFER=16384, SELECTIVE=selective, CONGESTION=0)
    assert code == 0, result["failure"]
    assert result["packets"] == 3 * 40 and result["payload_bytes"] == 3 * 40 * 1024
    assert result["ideal"] == 3 * 40 * BEATS
    assert result["dropped_full"] > 10 and result["stats"]["payload_replayed"] > 10
    assert 16384 - FRAME < result["peak_bytes"] <= 16384
    assert 0.2 < result["goodput"] < 0.98 and 1 / 3 < result["fairness"] < 1
    assert result["stats"]["nack_gap"] > 0


def test_a_limit_of_slots_that_fits_the_buffer_leaves_nothing_to_drop(program):
    code, result = run(program, "incast", BUFFER=4 * 3 * FRAME, LINK_SLOTS=4)
    assert code == 0, result["failure"]
    assert result["dropped_full"] == 0 and result["peak_bytes"] <= 4 * 3 * FRAME
    assert set(result["stats"]) <= NOTHING_SENT_AGAIN, result["stats"]
    assert result["goodput"] > 0.95 and result["fairness"] > 0.99


@pytest.mark.parametrize("delay", [1, 2, 40])
def test_round_trip_of_a_lone_payload(program, delay):
    """First beat of the PAYLOAD to last beat of its ACK: there and back 144 beats, 17 clocks in
    the receiver and the switch, and four cables; nothing of the OPEN before."""
    code, result = run(program, "incast", NODES=2, COUNT=1, DELAY=delay, CUT_THROUGH=1)
    assert code == 0, result["failure"]
    assert result["round_trip"] == BEATS + 8 + 17 + 4 * delay


def test_incast_into_a_host_that_stops_reading(program):
    code, result = run(program, "incast", STOP=4096, STOP_PERIOD=8192)
    assert code == 0, result["failure"]
    assert result["packets"] == 120 and result["stats"]["drop_no_room"] > 0
    assert result["completed"] > 1.2 * result["ideal"]


@pytest.mark.parametrize(
    "network",
    [
        {},
        {"CUT_THROUGH": 1},
        {"LEAF_HOSTS": 2, "SPINES": 2},
        {"LEAF_HOSTS": 2, "CUT_THROUGH": 1, "SELECTIVE": 0},
    ],
)
def test_all_to_all_over_switches_that_lose_frames(program, network):
    code, result = run(program, "all_to_all", BYTES=0, LOSS_PPM=20_000, COUNT=30, **network)
    assert code == 0, result["failure"]
    assert result["packets"] == 4 * 3 * 30
    assert result["lost"] > 5 and result["stats"]["payload_replayed"] > 3


def test_an_incast_without_an_end_is_cut_off(program):
    rate = {}
    for slots in (0, 2):
        code, result = run(
            program,
            "incast",
            BUFFER=16384,
            CLOCKS=30_000,
            LINK_SLOTS=slots,
            PING_EVERY=1000,
            CONGESTION=0,
        )
        assert code == 0, result["failure"]
        assert result["clocks"] == 30_000 and result["completed"] == 0
        assert result["pings"] == 30 >= result["pings_unfinished"]
        assert result["payload_bytes"] > 1024 * result["goodput"] * 15_000 / BEATS
        rate[slots] = result["goodput"]
    assert rate[0] < 0.6 and 0.9 < rate[2] <= 1


def test_cut_through_is_sooner(program):
    slow, fast = (
        run(program, "incast", NODES=2, COUNT=1, CUT_THROUGH=how)[1]["completed"] for how in (0, 1)
    )
    assert slow - fast == BEATS - 1 + 8 - 1 + 8 - 1, "PAYLOAD, OPEN and OPEN_ACK"


def test_urgent_packets_wait_in_the_switch(program):
    wait = {}
    for slots in (1, 8):
        code, result = run(program, "incast", LINK_SLOTS=slots, PING_EVERY=512)
        assert code == 0, result["failure"]
        assert result["pings"] > 10 and result["packets"] == 120 + result["pings"]
        wait[slots] = result["ping_p50"]
    # What lies before it in the queue: of each sender as many frames as it may have under way.
    assert wait[1] < 2 * BEATS + 300 and wait[8] > 8 * BEATS


def test_a_run_follows_from_its_seed(program):
    runs = [run(program, "all_to_all", LOSS_PPM=20_000, SEED=seed)[1] for seed in (5, 5, 6)]
    for result in runs:
        del result["cpu_seconds"], result["cost"]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("traffic", TRAFFIC)
@pytest.mark.parametrize(
    "defect, words",
    [
        ("swap", "is wrong"),
        ("port", "has dropped a frame: not_ours"),
        ("node", "of none of its links|is told notice|own_source"),
        ("number", "; it is packet"),
    ],
)
def test_a_defect_of_the_switch_is_found(program, traffic, defect, words):
    code, result = run(program, traffic, defect, BUFFER=16384)
    assert code == 1 and result["defects"] > 0
    assert re.search(words, result["failure"]), result["failure"]


def test_a_run_that_does_not_end_is_a_failure(program):
    code, result = run(program, "incast", LIMIT=3000)
    assert code == 1 and "not done after 3000 clocks" in result["failure"]


def test_a_failure_names_the_command_that_repeats_it(monkeypatch, capsys):
    wanted = [
        "--preset",
        "tiny",
        "--traffic",
        "all_to_all",
        "--seed",
        "9",
        "--loss",
        "0.25",
        "--gbn",
        "--nodes",
        "4",
        "--buffer",
        "9000",
    ]
    seen = []
    monkeypatch.setattr(fabric, "compile_fabric", lambda *_, **__: "program")
    monkeypatch.setattr(
        fabric,
        "run_fabric",
        lambda *found, **_: seen.append(found[1:]) or (1, {"failure": "clock 7: bad"}),
    )
    assert cli.main(["fabric", *wanted]) == 1
    again = capsys.readouterr().out.split("again: ttpoe ")[1].split()
    assert cli.main(again) == 1
    assert seen[0] == seen[1]
    traffic, settings = seen[0]
    assert traffic == "all_to_all" and settings == {
        **{name: default for name, (_low, _high, default) in fabric.SETTINGS.items()},
        "SEED": 9,
        "LOSS_PPM": 2500,
        "SELECTIVE": 0,
        "NODES": 4,
        "BUFFER": 9000,
    }


def short_bench(monkeypatch, program, run_fabric=fabric.run_fabric):
    """The bench's short form with the program of this test."""
    monkeypatch.setattr(bench_fabric, "SHORT_NODES", (4,))
    monkeypatch.setattr(bench_fabric, "SHORT_CLOCKS", 20_000)
    monkeypatch.setattr(fabric, "compile_fabric", lambda *_: program)
    monkeypatch.setattr(fabric, "run_fabric", run_fabric)
    metrics = Metrics(short=True)
    bench_fabric.fabric_part([], metrics)
    return metrics


def test_the_bench_makes_figures_a_plot_and_words(monkeypatch, program):
    settings = []

    def run_fabric(program, traffic, asked, log):
        settings.append(asked)
        return fabric_run(program, traffic, asked, log)

    fabric_run = fabric.run_fabric
    metrics = short_bench(monkeypatch, program, run_fabric)
    assert {asked["CONGESTION"] for asked in settings} == {0}  # the page's tables are without it
    assert 0 < metrics.value("fabric.incast_selective_goodput.4_nodes") < 1
    assert metrics.value("fabric.incast_limited_dropped.4_nodes") == 0
    assert metrics.value("fabric.slots_replays.1_slots") == 0
    assert metrics.value("fabric.stalled_gbn_replays.4_nodes") > 0
    idle, loaded = (
        metrics.value(f"fabric.{what}_urgent_p50_clocks.{nodes}_nodes")
        for what, nodes in (("idle", 2), ("incast_large_buffer", 4))
    )
    assert 0 < idle < loaded
    page = bench_report.page(metrics, {})
    assert "Many engines behind switches" in page and page.count("<svg") == 1


def test_a_failure_ends_the_bench_with_the_command(monkeypatch):
    with pytest.raises(
        builds.BuildError,
        match="clock 7: bad; again: ttpoe fabric --preset "
        "default --traffic incast --congestion off --nodes 2 --seed 1 "
        "--clocks 20000 ",
    ):
        short_bench(monkeypatch, "none", lambda *_: (1, {"failure": "clock 7: bad"}))


@pytest.mark.parametrize(
    "words, said",
    [
        (["--traffic", "star"], "permutation, reverse or ring; got 'star'"),
        (["--nodes", "1"], "must be a whole number from 2 to 4096; got '1'"),
        (["--preset", "tiny", "--nodes", "9"], "node 0 (tiny) needs 8 links, "),
        (["--stop", "9", "--stop-period", "9"], "--stop must be less than --stop-period"),
    ],
)
def test_bad_input(capsys, words, said):
    assert cli.main(["fabric", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ttpoe fabric: ") and said in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "traffic, settings",
    [
        ("all_to_all", {"LOSS_PPM": 20_000, "BYTES": 0}),
        ("incast", {"BUFFER": 16384, "PING_EVERY": 300, "STOP": 100, "STOP_PERIOD": 300}),
    ],
)
def test_engines_in_parts_are_engines_one_by_one(program, traffic, settings):
    """And this Verilator does allow it: the header that says how is there."""
    assert "#define BATCH\n" in (program.parent / batch.NAME).read_text()
    found = []
    for plus in (["--batch", 3], ["--batch", 1], ["--batch", 0]):
        settings = {"NODES": 4, "COUNT": 20, "SEED": 3} | settings
        code, result = fabric.run_fabric(program, traffic, settings, subprocess.DEVNULL, plus=plus)
        assert code == 0 and result.pop("cpu_seconds") and result.pop("cost")
        found.append(result)
    assert found[0] == found[1] == found[2]


def test_an_unknown_edge_is_left_to_verilator(tmp_path):
    """Whatever else is in it: no part of it is left out."""
    body = "Vengine___024root___nba_sequent__TOP__0(vlSelf);\n        "
    text = (
        "void Vengine___024root___eval_nba(Vengine___024root* vlSelf) {\n    // Body\n"
        "    if ((1ULL & vlSelfRef.__VnbaTriggered[0U])) {\n        %s\n    }\n}\n"
    )
    for calls, known in ((body, True), (body + "other();", False), ("", False)):
        (tmp_path / "root.cpp").write_text(text % calls)
        assert ("#define BATCH\n" in batch.batch_header(tmp_path)) == known
    (tmp_path / "root.cpp").write_text(text.replace("1ULL", "2ULL") % body)
    assert "#define BATCH\n" not in batch.batch_header(tmp_path)
