"""What the commands say to bad input: one line on standard error, exit code 2, no traceback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments, **environment):
    env = {name: value for name, value in os.environ.items()
           if name not in ("SIM", "TEST", "SEED", "PRESET", "WAVES", "TRACE")}
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True,
                          cwd=ROOT, env=env | {"PYTHONPATH": str(ROOT / "rtl")} | environment)


def assert_one_line(result, *parts):
    assert result.returncode == 2, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    for part in parts:
        assert part in lines[0], lines[0]


@pytest.mark.parametrize("arguments, parts", [
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
])
def test_emit_refuses(arguments, parts):
    assert_one_line(command("-m", "ttpoe.verilog.emit", *arguments), "ttpoe.verilog.emit: ", *parts)


def test_emit_writes_to_standard_output():
    result = command("-m", "ttpoe.verilog.emit", "--preset", "tiny")
    assert result.returncode == 0 and result.stderr == ""
    assert "\nmodule ttp_engine(" in result.stdout


def test_emit_leaves_no_half_written_file(tmp_path):
    path = tmp_path / "new" / "engine.v"
    assert command("-m", "ttpoe.verilog.emit", "--preset", "tiny", "-o", path).returncode == 0
    assert os.listdir(path.parent) == ["engine.v"]


@pytest.mark.parametrize("environment, parts", [
    ({"SIM": "modelsim"}, ["SIM must be verilator or icarus", "'modelsim'"]),
    ({"TEST": "nonsense"}, ["TEST must be one of", "hello", "'nonsense'"]),
    ({"TEST": "hello.loud"}, ["TEST must be one of hello", "'hello.loud'"]),
    ({"SEED": "x"}, ["SEED must be a whole number", "'x'"]),
    ({"SEED": "-1"}, ["SEED must be a whole number", "'-1'"]),
    ({"PRESET": "huge"}, ["preset must be one of", "'huge'"]),
    ({"WAVES": "yes"}, ["WAVES must be 0 or 1", "'yes'"]),
    ({"TRACE": "2"}, ["TRACE must be 0 or 1", "'2'"]),
])
def test_sim_refuses(environment, parts):
    assert_one_line(command("sim/ttpsim/scenario/run.py", **environment), "sim: ", *parts)


def test_sim_refuses_an_unknown_option():
    assert_one_line(command("sim/ttpsim/scenario/run.py", "--fast"), "sim: ", "--fast")


def test_sim_without_icarus_says_what_to_do(tmp_path):
    for tool in ("g++", "make", "perl"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    result = command("sim/ttpsim/scenario/run.py", SIM="icarus", TEST="hello", PATH=str(tmp_path))
    assert_one_line(result, "Icarus Verilog is missing", "apt-get install iverilog",
                    "SIM=verilator")


@pytest.mark.parametrize("tool", ["g++", "perl"])
def test_sim_without_a_compiler_says_what_to_do(tmp_path, tool):
    for other in {"g++", "make", "perl"} - {tool}:
        (tmp_path / other).symlink_to(shutil.which(other))
    result = command("sim/ttpsim/scenario/run.py", SIM="verilator", TEST="hello", PATH=str(tmp_path))
    assert_one_line(result, f"{tool} is missing", "apt-get install")


def test_sim_without_verilator_says_what_to_do(tmp_path):
    result = command("sim/ttpsim/scenario/run.py", SIM="verilator", TEST="hello",
                     TTP_VERILATOR_ROOT=str(tmp_path / "none"))
    assert_one_line(result, "Verilator is not set up", "make setup")


def project(tmp_path, scenario):
    """A copy of the simulation's files with one scenario only."""
    for name in ("rtl", "verif"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "sim" / "scenarios").glob("*.py"):
        path.unlink()
    (tmp_path / "sim" / "scenarios" / "only.py").write_text(scenario)
    (tmp_path / ".tools").symlink_to(ROOT / ".tools")
    return tmp_path / "sim" / "run.py"


def test_sim_names_a_file_that_is_missing(tmp_path):
    script = project(tmp_path, 'RUNS = [{"sim": "verilator", "preset": "tiny",'
                               ' "needs": ["tests/data/pcap/99_none.pcap"]}]\n')
    assert_one_line(command(script), "only needs tests/data/pcap/99_none.pcap")


SCENARIO = '''
from ttpverif.bench.bench import scenario
RUNS = [{"sim": "icarus", "preset": "tiny"},
        {"sim": "icarus", "preset": "tiny", "name": "bad", "params": {"bad": True}, "seed": 77}]
@scenario
async def only(bench):
    await bench.cycles(20)
    assert not bench.params.get("bad"), "told to fail"
'''


@pytest.mark.icarus
def test_results_of_a_pass_and_a_failure(tmp_path):
    script = project(tmp_path, SCENARIO)
    result = command(script, WAVES="1")
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stdout.rstrip().endswith("1 passed, 1 failed")
    assert "seed 77: told to fail" in result.stdout
    assert "make sim TEST=only.bad SIM=icarus PRESET=tiny SEED=77 WAVES=1" in result.stdout
    results = json.loads((tmp_path / "build" / "sim" / "results.json").read_text())
    assert (results["passed"], results["failed"]) == (1, 1)
    good, bad = results["runs"]
    assert (good["result"], bad["result"], bad["seed"]) == ("passed", "failed", 77)
    assert good["clocks"] > 20 and good["frames"] == 0
    for run in (good, bad):
        folder = tmp_path / run["folder"]
        assert (folder / "wire.pcap").exists() and (folder / "waves.fst").stat().st_size > 100
        assert f"waves: {run['folder']}/waves.fst" in result.stdout


@pytest.mark.icarus
def test_one_run_by_its_name(tmp_path):
    script = project(tmp_path, SCENARIO)
    result = command(script, TEST="only.bad", SEED="5")
    assert result.returncode == 1
    results = json.loads((tmp_path / "build" / "sim" / "results.json").read_text())
    assert [(run["test"], run["seed"]) for run in results["runs"]] == [("only.bad", 5)]


def test_make_alone_prints_the_targets():
    result = subprocess.run(["make", "-s"], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0
    targets = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("make ")]
    phony = next(line.split(":")[1].split() for line in (ROOT / "Makefile").read_text().splitlines()
                 if line.startswith(".PHONY:"))
    # `clean` tells of `distclean`, `random` of its defects; the others serve other targets.
    assert set(targets) == set(phony) - {"help", "icarus", "formal-docs", "distclean",
                                        "random-defects"}
    assert len(targets) == len(set(targets)) and {"sim", "waves", "demo", "test"} <= set(targets)


@pytest.mark.parametrize("arguments, missing, parts", [
    (["environment", "python3", "stamp"], "g++", ["g++ is missing", "apt-get install"]),
    (["environment", "python3", "stamp"], "perl", ["perl is missing", "apt-get install"]),
    (["environment", "python9", "stamp"], None, ["python9 is missing"]),
    (["icarus"], "iverilog", ["Icarus Verilog", "apt-get install iverilog", "SIM=verilator"]),
])
def test_setup_names_what_is_missing(tmp_path, arguments, missing, parts):
    for tool in {"sh", "g++", "make", "perl", "python3", "id", "mkdir"} - {missing}:
        (tmp_path / tool).symlink_to(shutil.which(tool))
    result = subprocess.run(["sh", "sim/tools/setup.sh", *arguments], capture_output=True,
                            text=True, cwd=ROOT, env={"PATH": str(tmp_path), "TTP_NO_APT": "1"})
    assert_one_line(result, "setup: ", *parts)
