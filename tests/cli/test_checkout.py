"""`ttpverif.cli.checkout`: which checkout a command works in, and with which Python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ttpverif.cli import checkout
from ttpverif.cli.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def other(tmp_path, monkeypatch):
    """Another checkout, in a path with a space, and we are in it."""
    folder = tmp_path / "an other"
    for package in ("rtl/ttpoe", "verif/ttpverif", "sim/ttpsim"):
        (folder / package).mkdir(parents=True)
    monkeypatch.chdir(folder / "rtl" / "ttpoe")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return folder


@pytest.fixture
def started(monkeypatch):
    """What `execve` was called with; it raises `SystemExit`, as it does not return."""
    calls = []

    def execve(*arguments):
        calls.append(arguments)
        raise SystemExit

    monkeypatch.setattr(checkout.os, "execve", execve)
    return calls


def test_the_own_checkout_is_entered_at_once(monkeypatch, started):
    monkeypatch.chdir(ROOT / "docs")
    checkout.enter(["sim"])
    assert started == []


def test_another_checkout_has_its_own_packages(other, started):
    with pytest.raises(SystemExit):
        checkout.enter(["sim", "a b"])
    ((python, words, environment),) = started
    assert python == sys.executable and words[1:] == ["-P", "-m", "ttpverif.cli", "sim", "a b"]
    assert environment["PYTHONPATH"] == os.pathsep.join(
        str(other / folder) for folder in ("rtl", "verif", "sim")
    )


def test_an_environment_of_its_own(other, started, monkeypatch):
    monkeypatch.setattr(checkout.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=f"run `make setup` in {other}"):
        checkout.enter(["sim"])
    python = other / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    with pytest.raises(SystemExit):
        checkout.enter(["sim"])
    assert started[0][0] == str(python)


def test_an_environment_that_is_not_complete(monkeypatch, tmp_path, started):
    """Ours, without the packages: it does not start itself again and again."""
    monkeypatch.setattr(checkout.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(checkout, "find", lambda start: ROOT)
    monkeypatch.setattr(sys, "prefix", str((ROOT / ".venv").resolve()))
    if (ROOT / ".venv" / "bin" / "python").exists():
        with pytest.raises(UsageError, match="not complete: run `make setup`"):
            checkout.enter(["sim"])
    assert started == []


def test_packages_of_another_place_do_not_loop(other, started, monkeypatch):
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(str(other / folder) for folder in ("rtl", "verif", "sim"))
    )
    with pytest.raises(UsageError, match="run `make setup`"):
        checkout.enter(["sim"])
    assert started == []


def test_no_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkout, "__file__", str(tmp_path / "site" / "checkout.py"))
    with pytest.raises(UsageError, match="start it in one"):
        checkout.enter(["sim"])


def test_from_elsewhere(tmp_path):
    """The command finds the checkout that it belongs to."""
    run = subprocess.run(
        [sys.executable, "-P", "-m", "ttpverif.cli", "sim", "nonsense"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("rtl", "verif", "sim"))},
    )
    assert run.returncode == 2 and run.stderr.startswith("ttpoe sim: TEST must be one of ")
