"""The compilers, how well they optimise, and where what they make lies: once for each content."""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from ttpsim.build.processes import BuildError, SetupError, killed
from ttpsim.paths import BUILD as _BUILD
from ttpsim.paths import ROOT

__all__ = [
    "BUILD",
    "Job",
    "Optimise",
    "QUICK",
    "SPEED",
    "STANDARD",
    "UNOPTIMISED",
    "compiler",
    "fst_possible",
    "hash_of",
    "once",
    "shown",
    "trace_flag",
    "verilator",
    "verilator_command",
]

BUILD = _BUILD / "sim"

STANDARD = ("-std=gnu++20", "-faligned-new")
"""Options of g++ for all that is compiled."""


@dataclasses.dataclass(frozen=True)
class Optimise:
    """Options of g++: for the code of each clock, and for Verilator's run time. Code of the start
    alone is never optimised."""

    fast: tuple
    rest: tuple


# Passes that take a third of g++'s time and that what Verilator writes has no need of: the code
# is as small without them.
_SOON = ("-O1", "-fno-tree-fre", "-fno-tree-pre", "-fno-tree-dominator-opts", "-fno-tree-ccp")

QUICK = Optimise(_SOON, _SOON)
"""Compiled soon: for runs of minutes."""
SPEED = Optimise(("-O3", "-march=native"), ("-O3", "-march=native"))
"""For long runs, and one machine."""
UNOPTIMISED = Optimise(("-O0",), ("-O0",))
"""Compiled soonest."""


def hash_of(*parts):
    """Twelve hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def verilator():
    """The Verilator that `make setup` prepared; `SetupError` if there is none."""
    root = Path(os.environ.get("TTP_VERILATOR_ROOT", ROOT / ".tools" / "verilator"))
    if not (root / "bin" / "verilator_bin").exists():
        raise SetupError("Verilator is not set up: run `make setup`")
    if shutil.which("g++") is None:
        raise SetupError("g++ is missing: apt-get install g++")
    return root


def verilator_command(root):
    """What starts it: with all the stack that it may have, for large designs."""
    return [
        "sh",
        "-c",
        'ulimit -s unlimited 2>/dev/null; exec "$@"',
        "verilator",
        root / "bin" / "verilator_bin",
    ]


@cache
def compiler():
    """The compiler's version; another one must not be given the files of this one."""
    return subprocess.run(
        ["g++", "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]


@contextlib.contextmanager
def alone(name):
    """Keep out other processes that would build the same thing at the same time."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def once(folder, make):
    """`make(folder)` fills the folder if that has not been done yet; the folder."""
    if not (folder / "done").exists():
        with alone(folder.name):
            if not (folder / "done").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                make(folder)
                (folder / "done").touch()
    return folder


def trace_flag():
    """Verilator's option for waveforms: FST if what it needs is installed, else VCD."""
    return "--trace-fst" if fst_possible() else "--trace"


@cache
def fst_possible():
    """The headers that Verilator's FST writer includes are there."""
    found = subprocess.run(
        ["g++", "-E", "-x", "c++", "-"],
        capture_output=True,
        text=True,
        input="#include <lz4.h>\n#include <zlib.h>\n",
    )
    return found.returncode == 0


def shown(path):
    """A path as a user would type it in the checkout."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


class Job:
    """One piece of work for the compilers: who waits for it, and what it is called."""

    def __init__(self, processes, what, order):
        self.processes, self.what, self.order = processes, what, order

    def run(self, command, log, failed):
        """Run it in a slot; `BuildError` with the sentence `failed` and the log."""
        code = self.processes.run(
            command,
            log,
            kind="build",
            what=self.what,
            order=self.order,
            env=dict(os.environ, VERILATOR_ROOT=str(verilator()), LC_ALL="C"),
        )
        if code:
            raise BuildError(f"{failed}{killed(code)}; see {shown(log)}", log)

    def compile(self, folder, commands):
        """All of these g++ commands, side by side as slots allow: `[(output, command)]`."""

        def one(command):
            output, words = command
            self.run(
                ["g++", *words, "-o", output],
                folder / f"{Path(output).name}.log",
                f"{self.what} failed",
            )

        commands = list(commands)
        with ThreadPoolExecutor(max(1, len(commands))) as pool:
            list(pool.map(one, commands))
