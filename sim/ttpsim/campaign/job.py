"""A job: a command line of `ttpoe` with its seed, of one revision. What it finds is a record."""

import dataclasses
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ttpsim.campaign.revision import revision
from ttpsim.paths import ROOT

__all__ = ["CSV", "JSON", "Job", "run_job"]

JSON, CSV = "{json}", "{csv}"
"""In a command: the files that it writes, and that become the record's `result` and `table`."""
_KEPT = 20_000  # characters of what a job prints, its last ones


@dataclasses.dataclass(frozen=True)
class Job:
    """`words` are those after `ttpoe`, with the seed among them; `point` says what else a record
    shall tell, `{name: value}` as pairs: the place of a job among the axes of a sweep. `reads`: the
    hash of the files that the words name."""

    words: tuple[str, ...]
    revision: str
    seed: int | None = None
    point: tuple[tuple[str, object], ...] = ()
    reads: str = ""

    @classmethod
    def of(cls, words, revision, seed=None, point=()):
        """The job; files are those below the checkout, in which it runs, or absolute paths."""
        paths = [ROOT / word.rpartition("=")[2] for word in words if "." in word]
        files = [path for path in paths if path.is_file()]
        texts = b"\0".join(file.read_bytes() for file in files)
        reads = hashlib.sha256(texts).hexdigest() if files else ""
        return cls(tuple(words), revision, seed, tuple(point), reads)

    @property
    def key(self):
        """Names the record: the same for the same command, seed, files and revision."""
        text = json.dumps([self.words, self.revision, self.reads])
        return f"{self.words[0]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    @property
    def command(self):
        """What a user types, without the files of results."""
        words = ["ttpoe", *self.words]
        for name in (JSON, CSV):
            if name in words:
                at = words.index(name)
                del words[at - 1 : at + 1]
        return shlex.join(words)


def _dies_with_parent():
    """Words that end the job as `kill` does when its worker dies: nothing is left behind."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _environment():
    paths = os.pathsep.join(str(ROOT / name) for name in ("rtl", "verif", "sim"))
    return os.environ | {"PYTHONPATH": paths, "NO_COLOR": "1"}


def _read(path):
    try:
        return json.loads(path.read_text()), None
    except FileNotFoundError:
        return None, None
    except ValueError as error:
        return None, f"its JSON cannot be read: {error}"


def _process(words, output):
    """Exit code of `ttpoe`, with its own session: Ctrl-C at a terminal is for the campaign."""
    return subprocess.Popen(
        [*_dies_with_parent(), sys.executable, "-P", "-m", "ttpverif.cli", *words],
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ).wait()


def run_job(job):
    """Do it, in a worker; the record. A worker with other sources does nothing, and says so in
    `refused`."""
    here = revision()
    record = {"key": job.key, "command": job.command, "seed": job.seed, "revision": job.revision}
    if here != job.revision:
        return record | {"refused": f"{platform.node()} has revision {here}, not {job.revision}"}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ttpoe-job-") as folder:
        path, printed = Path(folder) / "result.json", Path(folder) / "output.txt"
        table = Path(folder) / "table.csv"
        files = {JSON: str(path), CSV: str(table)}
        words = [files.get(word, word) for word in job.words]
        with open(printed, "wb") as output:
            code = _process(words, output)
        result, wrong = _read(path)
        rows = table.read_text() if table.exists() else None
        text = printed.read_text(errors="replace")[-_KEPT:]
    return record | {
        "point": dict(job.point),
        "code": code,
        "seconds": round(time.monotonic() - begun, 3),
        "host": platform.node(),
        "result": result,
        "table": rows,
        "output": text + (f"\n{wrong}" if wrong else ""),
    }
