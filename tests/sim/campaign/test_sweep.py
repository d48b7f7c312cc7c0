"""Sweeps of `ttpoe fabric`: their file, tables, pictures, and the report, also in a browser.

The runs are made in this process, with the program of test_fabric.
"""

import contextlib
import html
import re
import shutil
import subprocess

import pytest

pytest.importorskip("distributed", reason="make setup WITH=campaign")
pytest.importorskip("pandas", reason="make setup WITH=campaign")

import pandas as pd

import ttpverif.cli as cli
from tests.sim.test_abuse import CONFIG, defective
from ttpsim.build import builds
from ttpsim.campaign import cluster, sweep
from ttpsim.campaign import job as jobs_module
from ttpsim.campaign.revision import revision
from ttpsim.campaign.store import Store
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TEXT = """
title = "Four <nodes>"
seeds = "1-2"
[fixed]
preset = "tiny"
buffer = 16384
count = 10
[axes]
nodes = [3, 4]
bytes = [500, 1000]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sweep's folder with its runs, made by `ttpoe fabric sweep`; what that says in `said`."""
    folder = tmp_path_factory.mktemp("sweep")
    file = folder / "four.toml"
    file.write_text(TEXT)
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    program = fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fabric, "compile_fabric", lambda *_, **__: program)
        patch.setattr(jobs_module, "_process", lambda words, _output: cli.main(words))
        for job in sweep.read(file).jobs(revision()):
            Store(folder / "out").put(jobs_module.run_job(job))
        patch.setattr(cluster, "connected", None)  # nothing is left to run
        with open(folder / "out" / "said", "w") as out, contextlib.redirect_stdout(out):
            assert cli.main(["fabric", "sweep", str(file), "-o", str(folder / "out")]) == 0
    return folder / "out"


def test_the_tables(folder):
    runs = pd.read_csv(folder / "runs.csv")
    assert list(runs["nodes"]) == [3] * 4 + [4] * 4 and list(runs["seed"]) == [1, 2] * 4
    assert list(runs["packets"]) == [20] * 4 + [30] * 4
    assert list(runs["payload_bytes"] / runs["packets"]) == list(runs["bytes"])
    assert list(runs["bytes"]) == [500, 500, 1000, 1000] * 2
    assert (runs["goodput"] > 0.2).all() and (runs["code"] == 0).all()
    flows = pd.read_csv(folder / "flows.csv")
    assert len(flows) == 4 * 2 + 4 * 3
    by_run = flows.groupby("run")["delivered"].sum()
    assert list(by_run) == list(runs["packets"])
    assert list(flows["flow_bytes"]) == list(10 * flows["bytes"]), "an axis keeps its name"
    assert (flows["clocks"] == flows["last"] - flows["first"]).all()
    nodes = pd.read_csv(folder / "nodes.csv")
    assert len(nodes) == 4 * 3 + 4 * 4
    assert list(nodes[nodes["node"] == 0]["received"]) == list(runs["packets"])
    assert not (folder / "messages.csv").exists()
    for name in ("runs", "nodes", "flows"):
        parquet = pd.read_parquet(folder / f"{name}.parquet")
        assert parquet.shape == pd.read_csv(folder / f"{name}.csv").shape


def test_what_is_said(folder):
    said = (folder / "said").read_text()
    runs = pd.read_csv(folder / "runs.csv")
    mean = 100 * runs[(runs["nodes"] == 4) & (runs["bytes"] == 500)]["goodput"].mean()
    assert f"[four] nodes 4, bytes 500: goodput {mean:.1f} % (" in said
    assert "[four] 8 jobs, 8 of them done already" in said and "8 passed, 0 failed" in said


def test_the_pictures(folder):
    for name in ("goodput", "fairness", "queue", "completion"):
        text = (folder / f"{name}.svg").read_text()
        assert text.startswith("<?xml") and "line2d" in text


def test_the_report_asks_nobody(folder):
    text = (folder / "report.html").read_text()
    assert "default-src 'none'" in text and "<title>Four &lt;nodes&gt;</title>" in text
    addresses = set(re.findall(r"\w+://[^\s\"']+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "the name of a language, not a place"
    assert not re.search(r"<(link|img|iframe|script)\b[^>]*\b(src|href)=", text)


def seen(folder, profile, view=""):
    """The page as a browser has it after its script has run."""
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={profile}",
            "--dump-dom",
            f"file://{folder}/report.html#{view}",
        ],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def column(page, name):
    """The values of a column of the table that is shown."""
    table = re.search(r'<table id="table">.*?</table>', page, re.DOTALL)[0]
    names = [re.sub(r" [▲▼]$", "", text) for text in re.findall(r"<th[^>]*>(.*?)</th>", table)]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2])
    at = names.index(name)
    return [html.unescape(re.findall(r"<td[^>]*>(.*?)</td>", row)[at]) for row in rows]


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
def test_the_report_filters_and_sorts(folder, tmp_path):
    page = seen(folder, tmp_path)
    assert "<h1>Four &lt;nodes&gt;</h1>" in page and page.count("<figure>") == 4
    assert column(page, "nodes") == ["3"] * 4 + ["4"] * 4
    page = seen(folder, tmp_path, "nodes=4&bytes=500,1000&sort=-payload_bytes")
    assert column(page, "nodes") == ["4"] * 4
    assert column(page, "payload_bytes") == ["30,000", "30,000", "15,000", "15,000"]
    assert 'aria-pressed="true" data-axis="nodes" data-value="4"' in page
    page = seen(folder, tmp_path, "table=flows&nodes=3&seed=2&sort=flow_bytes")
    assert column(page, "from") == ["1", "2", "1", "2"]
    assert column(page, "flow_bytes") == ["5,000", "5,000", "10,000", "10,000"]
    page = seen(folder, tmp_path, "words=nothing+like+it")
    assert column(page, "nodes") == [] and "0 rows" in page


@pytest.mark.parametrize(
    "text, said",
    [
        ("axis = 1", "it does not take 'axis'"),
        ("[axes]\nnodes = 3", "axis nodes must be a list of values"),
        ("[axes]\nnodes = [3, 3]", "axis nodes has a value twice"),
        ("[axes]\nnodes = [3]\n[fixed]\nnodes = 4", "nodes is fixed and an axis"),
        ("[axes]\nnodes = [9999]", "--nodes: must be a whole number from 2 to"),
        ("[axes]\nnode = [3]", "it does not take '--node=3'"),
        ("[fixed]\ngbn = 1", "gbn must be true or false; got 1"),
        ("[fixed]\nnodes = [1]", "nodes must be a number or a word; got [1]"),
        ("[fixed]\nseeds = 3", "seeds is set by the sweep itself"),
        ('seeds = "x"', "seeds must be a number, a list"),
        ("queue = 1", "queue must be true or false; got 1"),
        ("[axes]\nnodes = [3", "it is no TOML"),
    ],
)
def test_bad_files(capsys, tmp_path, text, said):
    path = tmp_path / "bad.toml"
    path.write_text(text + "\n")
    assert cli.main(["fabric", "sweep", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ttpoe fabric: ") and said in error and error.count("\n") == 1
