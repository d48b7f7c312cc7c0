"""The command `ttpoe fabric`: several seeds, tables and pictures of a run, what it refuses."""

import re

import pytest

import ttpverif.cli as cli
from tests.sim.test_abuse import CONFIG, defective
from ttpsim.build import builds
from ttpsim.fabric import plot
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native
from ttpsim.native import engine_ports

QUICK = ["fabric", "--preset", "tiny", "--nodes", "4", "--buffer", "16384"]
ENDLESS = [*QUICK, "--clocks", "8192", "--ping-every", "512", "--link-slots", "2"]


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `ttpoe fabric` with the program of test_fabric; what it prints."""
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    program = fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK)
    monkeypatch.setattr(fabric, "compile_fabric", lambda *_, **__: program)

    def run(*words, code=0):
        assert cli.main(list(map(str, words))) == code
        return capsys.readouterr().out

    return run


def test_what_is_said_of_a_run_without_an_end(command):
    said = command(*ENDLESS, "--seed", 3)
    assert re.search(r"second half: 9\d\.\d %; fairness 0\.9\d+; 0\.00 % of \d+ DATA frames", said)
    assert re.search(r"a sender has [23]\d\.\d+ to 3\d\.\d+ % of a line", said)
    assert "8 urgent packets: " in said and "congestion control on" in said


def test_seeds_are_run_one_by_one(command, monkeypatch):
    """Mean and spread are those of the runs; as many are under way as jobs are allowed."""
    goodputs = []
    original = fabric.run_fabric

    def spy(*arguments, **more):
        code, result = original(*arguments, **more)
        goodputs.append(100 * result["half"]["goodput"])
        return code, result

    monkeypatch.setattr(fabric, "run_fabric", spy)
    said = command(
        *ENDLESS,
        "--congestion",
        "off",
        "--buffer",
        4096,
        "--spread",
        500,
        "--seeds",
        3,
        "--jobs",
        2,
    )
    assert len(goodputs) == 3 and len(set(goodputs)) > 1
    mean, low, high = sum(goodputs) / 3, min(goodputs), max(goodputs)
    assert re.search(rf"goodput +{mean:.1f} % \({low:.1f} to {high:.1f}\)", said), said


def test_a_seed_that_fails_is_named(command, monkeypatch):
    monkeypatch.setattr(
        fabric,
        "run_fabric",
        lambda _program, _traffic, settings, *_, **__: (
            int(settings["SEED"] == 8),
            {"failure": "clock 7: bad"},
        ),
    )
    said = command(*ENDLESS, "--seed", 7, "--seeds", 2, code=1)
    assert "seed 8 FAILED: clock 7: bad" in said and said.count("again: ") == 1
    assert "--seed 8" in said


def test_a_table_and_a_picture(command, tmp_path):
    table, picture = tmp_path / "run.csv", tmp_path / "run.svg"
    command(*ENDLESS, "--samples", table, "--plot", picture)
    found = plot.read(table)
    of_each = [f"{what}_{node}" for node in (1, 2, 3) for what in ("bytes", "window", "gap")]
    assert list(found) == ["clock", "queue", *of_each]
    assert found["clock"] == list(range(0, 8192, 256))
    assert 2 * 1084 < max(found["queue"]) <= 6 * 1084
    for node in (1, 2, 3):
        delivered = found[f"bytes_{node}"]
        assert delivered[0] == 0 and delivered[-1] == pytest.approx(8192 * 1024 / 136 / 3, rel=0.2)
    text = picture.read_text()
    assert text.startswith("<?xml") and len(re.findall(r"<g id=\"axes_", text)) == 4


def test_windows_are_drawn_if_the_law_tells_them(tmp_path):
    table, picture = tmp_path / "run.csv", tmp_path / "run.svg"
    lines = [f"{256 * n},{100 * n},{900 * n},{n},17" for n in range(20)]
    table.write_text("clock,queue,bytes_1,window_1,gap_1\n" + "\n".join(lines) + "\n")
    plot.draw(table, picture, 65536)
    assert len(re.findall(r"<g id=\"axes_", picture.read_text())) == 4


def test_congestion_control_is_set_where_the_engine_has_it(command, monkeypatch):
    """In the program only if the ports are there; in the settings always."""
    verilog = builds.emitted(CONFIG, builds.Processes()).read_text()
    header = engine_ports.ports_header(verilog, CONFIG)
    assert ("TTP_HAS_CONGESTION" in header) == ("cfg_congestion" in verilog)
    assert ("TTP_HAS_LAW" in header) == ("law_valid" in verilog)
    seen = []
    monkeypatch.setattr(
        fabric, "run_fabric", lambda *found, **_: seen.append(found[2]) or (1, {"failure": "x"})
    )
    for words, wanted in ((["--congestion", "off"], 0), (["--congestion", "on"], 1), ([], 1)):
        said = command(*QUICK, *words, code=1)
        assert seen[-1]["CONGESTION"] == wanted
        assert ("--congestion off" in said) == (not wanted)


def with_law(verilog):
    """The engine with the ports of congestion control, which report events of the trace."""
    ports = {"valid": 1, "lid": 8, "window": 8, "gap": 16, "code": 8}
    names = ", ".join(["cfg_congestion", *(f"law_{name}" for name in ports)])
    body = ["  input cfg_congestion;"]
    body += [f"  output [{width - 1}:0] law_{name};" for name, width in ports.items()]
    body += ["  assign law_valid = trace_valid & cfg_congestion;", "  assign law_lid = trace_lid;"]
    body += ["  assign law_window = 7;", "  assign law_gap = 34;", "  assign law_touched = 1;"]
    head, top = verilog.split("module ttp_engine(")
    ports, top = top.split(");", 1)
    body = "\n".join(body).replace("output [0:0]", "output")
    return f"{head}module ttp_engine({names}, {ports});\n{body}\n{top}"


def test_the_header_tells_what_the_engine_has():
    verilog = builds.emitted(CONFIG, builds.Processes()).read_text()
    if "cfg_congestion" not in verilog:
        verilog = with_law(verilog)
    header = engine_ports.ports_header(verilog, CONFIG)
    for line in ("TTP_HAS_CONGESTION", "TTP_HAS_LAW"):
        assert f"#define {line}\n" in header


@pytest.mark.parametrize(
    "words, said",
    [
        (["--congestion", "yes"], "must be on or off; got 'yes'"),
        (["--seeds", "0"], "must be a whole number from 1 to 1000; got '0'"),
        (["--seed", str(2**31 - 2), "--seeds", "3"], "the last seed must be at most 2147483647"),
        (["--seeds", "2", "--plot", "a.svg"], "--plot is of one run: leave out --seeds"),
        (["--samples", "/none/such.csv"], "there is no such folder"),
        (["--plot", "picture.txt"], "--plot must end in .svg or .png or .pdf"),
    ],
)
def test_bad_input(capsys, words, said):
    assert cli.main(["fabric", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ttpoe fabric: ") and said in error and error.count("\n") == 1
