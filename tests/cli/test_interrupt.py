"""Ctrl-C: exit code 130, a line that says how far it came, and no process that goes on."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from tests.long import long
from ttpformal import sby

ROOT = Path(__file__).resolve().parents[2]


def processes(mark):
    """IDs of the processes with this word in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def interrupted(words, children, how=signal.SIGINT):
    """Start it, interrupt it when it has `children` processes; its standard error."""
    mark = f"mark-{uuid.uuid4()}"
    paths = os.pathsep.join(str(ROOT / name) for name in ("rtl", "verif", "sim"))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "ttpverif.cli", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "TEST_MARK": mark},
    )
    try:
        until = time.monotonic() + 180
        while len(processes(mark)) <= children:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until, "it starts nothing"
            time.sleep(0.1)
        process.send_signal(how)
        _out, error = process.communicate(timeout=120)
        until = time.monotonic() + 20
        while processes(mark) and time.monotonic() < until:
            time.sleep(0.1)
        assert processes(mark) == []
        assert process.returncode == 130, error
        assert "Traceback" not in error
        return error
    finally:
        for number in processes(mark):
            os.kill(number, signal.SIGKILL)


@pytest.mark.icarus
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_sim(how):
    """`kill` is the same as Ctrl-C."""
    error = interrupted(
        [
            "sim",
            "stream",
            "--simulator",
            "icarus",
            "--preset",
            "tiny",
            "--seed",
            "77",
            "--jobs",
            "1",
        ],
        1,
        how,
    )
    assert "ttpoe sim: interrupted; 0 of " in error


@long
def test_soak():
    """While it compiles: two processes, verilator and what it starts."""
    error = interrupted(["soak", "--preset", "tiny", "--clocks", "1_000_000_000"], 1)
    assert error == "" or error == "ttpoe soak: interrupted\n"


@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is missing")
def test_synth():
    error = interrupted(["synth", "--target", "ice40", "--preset", "tiny"], 2)
    assert error == "ttpoe synth: interrupted\n"


@pytest.mark.skipif(sby.missing() is not None, reason="needs the tools of `ttpoe formal`")
def test_formal():
    error = interrupted(["formal", "link", "--jobs", "2"], 2)
    assert error.startswith("ttpoe formal: interrupted; 0 of ")
