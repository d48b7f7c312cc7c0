"""Part `first_use` of `ttpoe bench`: how long a new user waits, in a fresh clone with nothing built.

Seconds by the clock, so the machine should have nothing else to do.
"""

import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ttpsim.build.processes import BuildError
from ttpsim.paths import BUILD, ROOT

__all__ = ["STEPS", "first_use_part", "first_use_runs"]

STEPS = {
    "setup": (("make", "setup"), "set-up"),
    "hello": (("make", "sim", "TEST=hello"), "`make sim TEST=hello` behind it"),
    "sim": (("make", "sim"), "`make sim` behind that"),
    "test": (("make", "test"), "`make test` with nothing built"),
}
"""What a new user types, in turn: its words, and what is said of its time."""
GOALS = {"hello_first": 90, "sim": 300, "test": 720}
LOGS = BUILD / "bench" / "first_use"
_SAYS = 10  # seconds between two lines of progress


def first_use_runs(_short):
    """None of a scenario: the commands of a new user are run below."""
    return []


def _processor():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _run(name, words, clone):
    """`(seconds, seconds of processors, seconds to the first run that passed)` of a command."""
    # Of our own environment nothing may reach the clone's.
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    LOGS.mkdir(parents=True, exist_ok=True)
    log, first, said = LOGS / f"{name}.log", None, 0.0
    began, spent = time.monotonic(), _processor()
    with (
        log.open("w") as out,
        subprocess.Popen(
            words,
            cwd=clone,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        for line in process.stdout or ():
            out.write(line)
            elapsed = time.monotonic() - began
            if first is None and line.rstrip().endswith(": passed"):
                first = elapsed
            if elapsed - said >= _SAYS:
                said = elapsed
                print(f"bench: {' '.join(words)}, {elapsed:.0f} s: {line.strip()[:90]}", flush=True)
    if process.returncode:
        raise BuildError(f"first_use: {' '.join(words)} failed: see {log}")
    return time.monotonic() - began, _processor() - spent, first


def first_use_part(_runs, metrics):
    """Times of `STEPS`; of the set-up and the first result only in the short form."""
    names = [*STEPS][:2] if metrics.short else [*STEPS]
    with tempfile.TemporaryDirectory(prefix="ttpoe-") as folder:
        clone = Path(folder) / "ttp"
        subprocess.run(("git", "clone", "--quiet", str(ROOT), str(clone)), check=True)
        for name in names:
            words, text = STEPS[name]
            if name == "test":
                shutil.rmtree(clone / "build")
            seconds, processor, first = _run(name, words, clone)
            found = {name: seconds, f"{name}_processor": processor}
            if name == "hello" and first is not None:
                found["hello_first"] = first
            for figure, value in found.items():
                metrics.add(
                    f"first_use.{figure}_s",
                    round(value, 1),
                    "s",
                    "a fresh clone, this machine",
                    f"{text}: `{' '.join(words)}`, by the clock; processor time of all its processes",
                    "lower",
                    GOALS.get(figure),
                )
