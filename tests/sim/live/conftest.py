"""The program is built once; the command `ttpoe` runs in a process of its own, as a user's."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.sim.live.live_peer import SECONDS, wait_for
from ttpsim.live import build

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def program():
    """Path of the native program of preset `tiny`."""
    return build.program("tiny")


class Command:
    """`ttpoe` with its output in a file; `enter` is what runs it somewhere else."""

    def __init__(self, *arguments, enter=()):
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [*enter, sys.executable, "-m", "ttpverif.cli", *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(
                    str(ROOT / folder) for folder in ("rtl", "verif", "sim")
                )
            },
        )

    @property
    def text(self):
        self.output.seek(0)
        return self.output.read()

    def until(self, part, seconds=SECONDS):
        """Wait until its output has `part`."""
        wait_for(lambda: part in self.text, seconds, lambda: f"no {part!r} in:\n{self.text}")

    def end(self, seconds=SECONDS):
        """`(exit code, output)` when it has ended by itself."""
        return self.process.wait(seconds), self.text

    def interrupt(self, number=signal.SIGINT):
        """The same, after a signal to it and all its children, as a terminal's Ctrl-C."""
        os.killpg(self.process.pid, number)
        return self.end()


@pytest.fixture
def command(program):
    """`command(*arguments)` starts `ttpoe`; what still runs at the end is killed."""
    with contextlib.ExitStack() as stack:

        def start(*arguments, enter=()):
            started = Command(*arguments, enter=enter)
            stack.callback(_kill, started)
            return started

        yield start


def _kill(started):
    if started.process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()
    started.output.close()
