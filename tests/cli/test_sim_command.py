"""`ttpoe sim`: it starts `sim/ttpsim/scenario/run.py` of the checkout with the right options, or says why not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ttpverif.cli as cli
from ttpsim.cli import sim

ROOT = Path(__file__).resolve().parents[2]


def checkout(folder):
    """A folder that looks like the repository; its `run.py` prints what it is given."""
    (folder / "sim").mkdir()
    (folder / "rtl" / "ttpoe").mkdir(parents=True)
    (folder / "sim" / "run.py").write_text(
        "import os, sys\nprint(sys.argv[1:], os.environ.get('TEST'), os.getcwd())\nsys.exit(7)\n")
    return folder


@pytest.mark.parametrize("arguments, options", [
    ([], ["--jobs=2"]),
    (["loss.5pct"], ["--jobs=2", "--test=loss.5pct"]),
    (["loss", "stall", "--seed", "9", "--simulator", "icarus", "--preset", "tiny", "--waves",
      "--trace", "--jobs", "1"],
     ["--jobs=1", "--test=loss,stall", "--seed=9", "--sim=icarus", "--preset=tiny", "--waves=1",
      "--trace=1"]),
])
def test_options(tmp_path, monkeypatch, capfd, arguments, options):
    root = checkout(tmp_path)
    monkeypatch.chdir(root / "rtl" / "ttpoe")       # anywhere below
    monkeypatch.setenv("TEST", "stale")
    assert cli.main(["sim", *arguments]) == 7
    assert capfd.readouterr().out == f"{options} None {root}\n"


def test_outside_a_checkout(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sim, "__file__", str(tmp_path / "site" / "sim.py"))
    assert cli.main(["sim", "hello"]) == 2
    assert capsys.readouterr().err == ("ttpoe sim: the scenarios are not in the package: start it "
                                       "in a checkout of the repository\n")


def test_without_its_environment(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(checkout(tmp_path))
    monkeypatch.setattr(sim.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["sim", "hello"]) == 2
    assert f"run `make setup` in {tmp_path}" in capsys.readouterr().err


def test_the_real_runner_answers():
    run = subprocess.run([sys.executable, "-m", "ttpverif.cli", "sim", "nonsense"], cwd=ROOT,
                         env=os.environ | {"PYTHONPATH": str(ROOT / "verif")},
                         capture_output=True, text=True)
    assert run.returncode == 2 and run.stderr.startswith("sim: TEST must be one of ")


def test_bad_input_is_one_line(capsys):
    for arguments, part in ((["--seed", "x"], "'x'"), (["--simulator", "vcs"], "'vcs'"),
                            (["--colour"], "--colour")):
        assert cli.main(["sim", "hello", *arguments]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and part in error
