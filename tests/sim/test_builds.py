"""`builds.Processes`: no child outlives what started it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ttpsim.build import builds

PATHS = [str(Path(__file__).resolve().parents[2] / name) for name in ("sim", "verif", "rtl")]
COMPILER = "sleep 60 & echo $! > pid.part; mv pid.part pid; wait"
INTERRUPTED = f"""
import signal
from ttpsim.build import builds
signal.signal(signal.SIGINT, signal.default_int_handler)
builds.Processes().run(["sh", "-c", {COMPILER!r}], "log", cwd=".")
"""


def until(what):
    """Waits until `what()` is true; five minutes are enough on any machine."""
    for _attempt in range(30_000):
        if what():
            return
        time.sleep(0.01)
    pytest.fail("it did not come")


def ended(pid):
    """The process is gone, or nothing but its exit code is left of it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rsplit(")", 1)[1].split()[0] == "Z"


def child(folder):
    """The process that a child of `COMPILER` has started."""
    until((folder / "pid").exists)
    pid = int((folder / "pid").read_text())
    assert not ended(pid)
    return pid


def test_ctrl_c_ends_the_compiler(tmp_path):
    """The main thread waits for a compiler that does not hear of the terminal's Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join(PATHS), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        text=True,
    )
    compiler = child(tmp_path)
    process.send_signal(signal.SIGINT)
    _none, said = process.communicate(timeout=60)
    assert process.returncode and "KeyboardInterrupt" in said
    until(lambda: ended(compiler))


def test_stop_ends_the_compiler(tmp_path):
    """Another thread waits; afterwards nothing is started any more."""
    processes, codes = builds.Processes(), []
    thread = threading.Thread(
        target=lambda: codes.append(
            processes.run(["sh", "-c", COMPILER], tmp_path / "log", cwd=tmp_path)
        )
    )
    thread.start()
    compiler = child(tmp_path)
    processes.stop()
    thread.join(60)
    assert codes == [-signal.SIGTERM]
    until(lambda: ended(compiler))
    assert processes.run(["touch", "started"], tmp_path / "log", cwd=tmp_path) == -1
    assert not (tmp_path / "started").exists()
