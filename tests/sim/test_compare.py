"""TTP beside TCP in ns-3. Runs of ns-3 are skipped without it; all else is tested always."""

import json
from importlib import metadata
from pathlib import Path

import pytest

import ttpverif.cli as cli
from ttpsim.build import builds
from ttpsim.cli import compare as compare_cli
from ttpsim.ns3 import build, cases, evidence, plot, record, run
from ttpsim.pages import ns3 as page

try:
    build.ns3_folder()
    MISSING = ""
except builds.SetupError as error:
    MISSING = str(error)
needs_ns3 = pytest.mark.skipif(bool(MISSING), reason=MISSING)
MOST = 1024 / 1066  # of a line: 40 bytes of IP and TCP, 2 of PPP


def flow(node, end, bytes=1024, begin=0, **more):
    return {"from": node, "to": 0, "begin": begin, "bytes": bytes, "end": end} | more


def of_run(*flows, **more):
    counts = {"dropped_full": 2, "sent_again": 3, "peak_bytes": 100, "cpu_seconds": 1}
    return counts | {"clocks": 1000, "flows": list(flows)} | more


def test_the_mixer_is_splitmix64():
    assert record._mix(0) == 0xE220A8397B1DCDAF and record._mix(2**64 - 1) == 0xE4D971771B652C20
    assert record.begins(1, 5, 0) == 0 and 0 <= record.begins(1, 5, 1000) < 1000


def test_a_record_of_the_packet_model():
    lines = ["clock,to,from,vc,number", "99,0,1,2,0", "199,0,1,2,1", "150,0,2,2,0", "160,0,1,1,0"]
    result = {"clocks": 300, "dropped_full": 4, "peak_bytes": 5, "cpu_seconds": 0.1, "stats": {}}
    asked = {"SEED": 1, "SPREAD": 0, "COUNT": 2, "CLOCKS": 0}
    found = record.of_ttp(result, lines, asked)
    first, second = found["flows"]
    assert (first["from"], first["bytes"], first["end"], first["begin"]) == (1, 2048, 200, 0)
    assert second["bytes"] == 1024 and "end" not in second
    assert found["dropped_full"] == 4 and found["sent_again"] == 0
    cut = record.of_ttp(result, lines, asked | {"CLOCKS": 300})["flows"]
    assert [f["half_bytes"] for f in cut] == [1024, 1024] and "end" not in cut[0]


def test_figures_of_runs_with_an_end():
    one = of_run(flow(1, 200), flow(2, 500, begin=100))
    other = of_run(flow(1, 300), flow(2, 1000), dropped_full=4)
    found = record.figures([one, other], 0, 2)
    assert (found["p50"], found["longest"], found["dropped_full"]) == (3.2, 8.0, 3)
    assert found["goodput"] == pytest.approx((2048 / (8 * 500) + 2048 / (8 * 1000)) / 2)
    fair = [(1 / a + 1 / b) ** 2 / 2 / (1 / a**2 + 1 / b**2) for a, b in ((200, 400), (300, 1000))]
    assert found["fairness"] == pytest.approx(sum(fair) / 2)
    assert len(found["quantiles"]) == len(record.QUANTILES)


def test_a_flow_of_which_nothing_came_counts_as_unfair():
    cut = of_run(flow(1, None, half_bytes=4000), flow(2, None, half_bytes=4000))
    found = record.figures([cut], 2000, 4)
    assert found["fairness"] == 0.5 and found["goodput"] == 1 and "p50" not in found


def test_how_many_flows_there_are():
    assert [record.flow_count(traffic, 4) for traffic in compare_cli.TRAFFIC] == [3, 12, 4]


def test_the_command_repeats_the_run():
    words = run.command(["ttp", "dctcp"], "incast", {"NODES": 9, "BUFFER": 65536}, 3)
    assert words == "ttpoe compare ttp dctcp --traffic incast --nodes 9 --seeds 3"
    parser = cli._parser(cli.commands())
    for case in cases.CASES:
        text = run.command(compare_cli.PROTOCOLS, case.traffic, case.settings, 2)
        found = vars(parser.parse_args(text.split()[1:]))
        assert case.settings.items() <= {k.upper(): v for k, v in found.items()}.items()


@pytest.mark.parametrize(
    "words, said",
    [
        ("--mark-at 65536", "--mark-at must be less than --buffer"),
        ("--fat-tree 4 --nodes 17", "has room for 16 hosts"),
        ("--traffic permutation --nodes 8 --leaf-hosts 8", "two leaves"),
        ("--plot x.txt", "must end in .svg"),
        ("--plot x.svg --clocks 5000", "completion times"),
        ("--json /nowhere/at/all.json", "no such folder"),
        ("--seed 2147483647 --seeds 2", "last seed"),
        ("reno", "newreno"),
        ("--traffic ring", "'ring'"),
        ("--ns3-module README.md", "it is a file"),
    ],
)
def test_what_cannot_be(capsys, words, said):
    assert cli.main(["compare", *words.split()]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0]


def test_without_ns3(capsys, monkeypatch):
    def none(_name):
        raise metadata.PackageNotFoundError("ns3")

    monkeypatch.setattr(build.metadata, "version", none)
    assert cli.main(["compare", "dctcp", "--nodes", "3"]) == 2
    said = "ttpoe compare: the Python package ns3 is missing: run `make setup WITH=ns3`\n"
    assert capsys.readouterr().err == said


def test_the_evidence_has_all_runs_and_says_where_it_is_from():
    kept = json.loads(evidence.EVIDENCE.read_text())
    assert [row["words"] for row in kept["cases"]] == [case.words for case in cases.CASES]
    assert len(kept["variants"]) == len(cases.VARIANTS)
    for row, case in zip(kept["cases"], cases.CASES):
        assert tuple(row["figures"]) == compare_cli.PROTOCOLS
        assert row["command"] == run.command(
            compare_cli.PROTOCOLS, case.traffic, case.settings, kept["seeds"]
        )
    assert {"revision", "date", "seed", "ns3", "command"} <= kept.keys()
    assert page.origin().count(kept["revision"]) == 1


def test_the_picture_follows_from_the_figures(tmp_path):
    quantiles = list(range(len(record.QUANTILES)))
    found = {name: {"quantiles": quantiles} for name in plot.NAMES}
    text = plot.svg([("one", found), ("two", found)])
    assert text == plot.svg([("one", found), ("two", found)]) and text.startswith("<?xml")
    other = found | {"ttp": {"quantiles": [2 * value for value in quantiles]}}
    assert text != plot.svg([("one", other), ("two", found)])
    plot.draw([("one", found)], tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 5000


@pytest.fixture(scope="module")
def made():
    return run.programs(("ttp", "newreno", "cubic", "dctcp"), builds.Processes())


@needs_ns3
@pytest.mark.parametrize("name", ["newreno", "cubic", "dctcp"])
def test_a_lone_connection_fills_the_line(made, name):
    found = run.run_tcp(made[name], name, "incast", {"NODES": 2, "COUNT": 500, "SEED": 7})
    (only,) = found["flows"]
    assert only["begin"] == record.begins(7, 1, 1000) and only["bytes"] == 500 * 1024
    goodput = record.figures([found], 0, 1)["goodput"]
    assert 0.95 * MOST < goodput < MOST and found["dropped_full"] == 0


@needs_ns3
def test_only_dctcp_is_marked_and_its_queue_is_shorter(made):
    asked = {"NODES": 5, "CLOCKS": 500_000, "MARK_AT": 8192}
    found = {n: run.run_tcp(made[n], n, "incast", asked) for n in ("cubic", "dctcp")}
    assert found["dctcp"]["marked"] > 100 and found["cubic"]["marked"] == 0
    assert found["dctcp"]["dropped_full"] == 0 < found["cubic"]["dropped_full"]
    assert found["dctcp"]["peak_bytes"] < 60_000 < found["cubic"]["peak_bytes"]


@needs_ns3
def test_pairs_of_hosts_share_the_ports_that_they_share_in_the_fabric(made):
    """One spine: every flow goes through the one port of its leaf. Many: they are faster."""
    asked = {"NODES": 8, "LEAF_HOSTS": 4, "COUNT": 200}
    clocks = {}
    for spines in (1, 8):
        settings = asked | {"SPINES": spines}
        found = run.compared({n: made[n] for n in ("ttp", "dctcp")}, "permutation", settings, 1, 1)
        clocks[spines] = found["dctcp"]["longest"], found["ttp"]["longest"]
    assert clocks[1][0] > 1.5 * clocks[8][0] and clocks[1][1] > 1.5 * clocks[8][1]
    assert clocks[1][0] > 4 * 200 * 1.066  # microseconds: four flows through a port


@needs_ns3
def test_a_run_that_does_not_end_in_time(made, capsys):
    words = ["compare", "dctcp", "--nodes", "9", "--limit", "1000"]
    assert cli.main(words) == 1
    assert "not done after 1000 clocks" in capsys.readouterr().err


@needs_ns3
def test_the_results_as_a_file(made, tmp_path, capsys):
    path, picture = tmp_path / "out.json", tmp_path / "out.svg"
    words = ["compare", "ttp", "cubic", "--nodes", "4", "--count", "20", "--seeds", "2"]
    assert cli.main([*words, "--json", str(path), "--plot", str(picture)]) == 0
    kept = json.loads(path.read_text())
    assert kept["figures"].keys() == {"ttp", "cubic"} and kept["seeds"] == 2
    assert kept["command"].split()[1:4] == words[:3]
    assert "[compare]   ttp " in capsys.readouterr().out
    assert Path(picture).read_text().startswith("<?xml")
