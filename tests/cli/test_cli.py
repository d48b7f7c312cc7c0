"""What the commands say to bad input: one line on standard error, exit code 2, no traceback."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.long import long
from ttpsim.build.builds import CLOCK_PS
from ttpsim.scenario.run import WINDOW
from ttpsim.views.dump import Dump

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments, root=ROOT, **environment):
    paths = os.pathsep.join(str(root / name) for name in ("rtl", "verif", "sim"))
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=root,
        env=os.environ | {"PYTHONPATH": paths} | environment,
    )


def assert_one_line(result, *parts):
    assert result.returncode == 2, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    for part in parts:
        assert part in lines[0], lines[0]


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["--preset", "huge"], ["preset must be one of tiny, default, full", "'huge'"]),
        (["--width", "96"], ["width_bits must be 64, 128, 256 or 512", "96"]),
        (["--slots", "100"], ["slots must be a power of two", "100"]),
        (["--slots", "many"], ["--slots", "many"]),
        (["--rx-slots", "16", "--rx-reserved", "9"], ["3 * rx_reserved", "rx_reserved=9"]),
        (["--top", "switch"], ["--top", "'switch'"]),
        (["--os-buffer-bytes", "1000"], ["os_buffer_bytes must be a power of two", "1000"]),
        (["--module", "2nd"], ["--module", "'2nd'"]),
        (["--colour", "blue"], ["--colour"]),
        (["-o", "/dev/null/engine.v"], ["cannot write", "/dev/null"]),
    ],
)
def test_emit_refuses(arguments, parts):
    assert_one_line(command("-m", "ttpoe.verilog.emit", *arguments), "ttpoe.verilog.emit: ", *parts)


def test_emit_writes_to_standard_output():
    result = command("-m", "ttpoe.verilog.emit", "--preset", "tiny")
    assert result.returncode == 0 and result.stderr == ""
    assert "\nmodule ttp_engine(" in result.stdout


TTPOE = ("-P", "-m", "ttpverif.cli")


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["nonsense"], ["TEST must be one of", "hello", "'nonsense'"]),
        (["hello.loud"], ["TEST must be one of hello", "'hello.loud'"]),
        (["hello,,loss"], ["TEST", "must be a name; got ''"]),
    ],
)
def test_sim_refuses(arguments, parts):
    assert_one_line(command(*TTPOE, "sim", *arguments), "ttpoe sim: ", *parts)


def test_sim_without_icarus_says_what_to_do(tmp_path):
    for tool in ("g++", "make", "perl"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    result = command(*TTPOE, "sim", "hello", "--simulator", "icarus", PATH=str(tmp_path))
    assert_one_line(
        result, "Icarus Verilog is missing", "apt-get install iverilog", "--simulator verilator"
    )


@pytest.mark.parametrize("tool", ["g++"])
def test_sim_without_a_compiler_says_what_to_do(tmp_path, tool):
    for other in {"g++", "make", "perl", "timeout"} - {tool}:
        (tmp_path / other).symlink_to(shutil.which(other))
    result = command(*TTPOE, "sim", "hello", "--simulator", "verilator", PATH=str(tmp_path))
    assert_one_line(result, f"{tool} is missing", "apt-get install")


def test_sim_without_verilator_says_what_to_do(tmp_path):
    result = command(
        *TTPOE,
        "sim",
        "hello",
        "--simulator",
        "verilator",
        TTP_VERILATOR_ROOT=str(tmp_path / "none"),
    )
    assert_one_line(result, "Verilator is not set up", "make setup")


def project(tmp_path, scenario):
    """A copy of the checkout's packages with one scenario only; `ttpoe` in it."""
    for name in ("rtl", "verif"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "sim" / "ttpsim" / "scenarios").glob("[a-z]*.py"):
        path.unlink()
    (tmp_path / "sim" / "ttpsim" / "scenarios" / "only.py").write_text(scenario)
    (tmp_path / ".tools").symlink_to(ROOT / ".tools")

    def ttpoe(*words):
        return command(*TTPOE, *words, root=tmp_path)

    return ttpoe


def test_sim_names_a_file_that_is_missing(tmp_path):
    ttpoe = project(
        tmp_path,
        'RUNS = [{"sim": "verilator", "preset": "tiny",'
        ' "needs": ["tests/data/pcap/99_none.pcap"]}]\n',
    )
    assert_one_line(ttpoe("sim"), "only needs tests/data/pcap/99_none.pcap")


SCENARIO = """
from ttpverif.bench.bench import scenario
RUNS = [{"sim": "icarus", "preset": "tiny"},
        {"sim": "icarus", "preset": "tiny", "name": "bad", "params": {"bad": True}, "seed": 77}]
@scenario
async def only(bench):
    await bench.cycles(20)
    assert not bench.params.get("bad"), "told to fail"
"""


@pytest.mark.icarus
def test_results_of_a_pass_and_a_failure(tmp_path):
    result = project(tmp_path, SCENARIO)("sim", "--waves")
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stdout.rstrip().endswith("1 passed, 1 failed")
    assert "seed 77: told to fail" in result.stdout
    assert "ttpoe sim only.bad --simulator icarus --preset tiny --seed 77 --waves" in result.stdout
    results = json.loads((tmp_path / "build" / "sim" / "results.json").read_text())
    assert (results["passed"], results["failed"]) == (1, 1)
    assert 0 < results["first_seconds"] <= results["seconds"]
    good, bad = results["runs"]
    assert (good["result"], bad["result"], bad["seed"]) == ("passed", "failed", 77)
    assert good["clocks"] > 20 and good["frames"] == 0
    for run in (good, bad):
        folder = tmp_path / run["folder"]
        assert (folder / "wire.pcap").exists() and (folder / "waves.fst").stat().st_size > 100
        assert f"waves: {run['folder']}/waves.fst" in result.stdout


LATE = """
from ttpverif.bench.bench import scenario
RUNS = [{"sim": "icarus", "preset": "tiny"}]
@scenario
async def only(bench):
    await bench.cycles(6_000)
    raise AssertionError("late")
"""


@long
@pytest.mark.icarus
def test_the_waveform_of_a_failure_is_of_its_last_clocks(tmp_path):
    result = project(tmp_path, LATE)("sim", "--waves")
    assert result.returncode == 1, result.stdout + result.stderr
    (run,) = json.loads((tmp_path / "build" / "sim" / "results.json").read_text())["runs"]
    dump = Dump(tmp_path / run["folder"] / "waves.fst")
    first, last = (dump.changes("pair.clk")[at][0] / CLOCK_PS for at in (0, -1))
    assert run["clocks"] - WINDOW <= first <= run["clocks"] - WINDOW + 200
    assert abs(last - run["clocks"]) < 100, "the failure is in it"
    begins = re.search(r"of its [\d,]+ clocks those from ([\d,]+) to the failure", result.stdout)
    assert begins and int(begins[1].replace(",", "")) == pytest.approx(first, abs=1)
    assert result.stdout.index("waveforms of the first 5,000 clocks, or of the last ones") == 6
    view = (tmp_path / run["folder"] / "waves.gtkw").read_text()
    assert int(re.search(r"^\*-?[\d.]+ (\d+)", view, re.M)[1]) == dump.end()


@long
@pytest.mark.icarus
def test_one_run_by_its_name(tmp_path):
    result = project(tmp_path, SCENARIO)("sim", "only.bad", "--seed", "5")
    assert result.returncode == 1
    results = json.loads((tmp_path / "build" / "sim" / "results.json").read_text())
    assert [(run["test"], run["seed"]) for run in results["runs"]] == [("only.bad", 5)]


@pytest.mark.parametrize(
    "arguments, missing, parts",
    [
        (["environment", "python3", "stamp"], "g++", ["g++ is missing", "apt-get install"]),
        (["environment", "python9", "stamp"], None, ["python9 is missing"]),
        (
            ["rm"],
            None,
            ["must be icarus, formal, synth, docs, check, mpi, ns3 or campaign", "'rm'"],
        ),
        (["icarus"], "iverilog", ["Icarus Verilog", "apt-get install iverilog", "SIM=verilator"]),
    ],
)
def test_setup_names_what_is_missing(tmp_path, arguments, missing, parts):
    for tool in {"sh", "g++", "make", "perl", "python3", "id", "mkdir"} - {missing}:
        (tmp_path / tool).symlink_to(shutil.which(tool))
    result = subprocess.run(
        ["sh", "sim/tools/setup.sh", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": str(tmp_path), "TTP_NO_APT": "1"},
    )
    assert_one_line(result, "setup: ", *parts)
