"""Runs a campaign: what is not there yet, with a line that says how far it is."""

import time
from collections import Counter

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ttpsim.build.processes import SetupError
from ttpsim.build.tools import shown
from ttpsim.campaign import cluster
from ttpsim.campaign.manifest import jobs_of
from ttpsim.campaign.revision import revision
from ttpsim.campaign.store import Store
from ttpsim.paths import BUILD
from ttpverif.cli.errors import Interrupted

__all__ = ["Shown", "campaign", "folder_of", "main", "merged"]

_SAY_SECONDS = 10  # between two lines, if the output is no terminal


class Shown:
    """Tells how far it is: a bar with the time left on a terminal, else a line now and then."""

    def __init__(self, name, total, there):
        self.name, self.total, self.counts = name, total, Counter(there=there)
        self.begun = self.told = time.monotonic()
        console = Console()
        self.live = console.is_terminal
        self.bar = Progress(
            TextColumn("[{task.fields[name]}]"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[wrong]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not self.live,
        )
        self.task = self.bar.add_task("", name=name, wrong="", total=total, completed=there)

    def __enter__(self):
        self.bar.start()
        return self

    def __exit__(self, *_error):
        self.bar.stop()

    def done(self, job, record):
        """A job has ended, in whatever way."""
        code = record.get("code")
        self.counts["passed" if code == 0 else "failed" if code == 1 else "lost"] += 1
        if code != 0:
            last = record.get("refused") or record.get("output", "").strip().rpartition("\n")[2]
            text = "FAILED" if code == 1 else f"not done, exit code {code}" if code else "not done"
            self.say(f"{text}: {job.command}: {last[:200]}")
        wrong = self.counts["failed"] + self.counts["lost"]
        self.bar.update(self.task, advance=1, wrong=f"{wrong} wrong" if wrong else "")
        self._now_and_then()

    def say(self, text):
        """A line of its own."""
        self.bar.console.print(
            f"[{self.name}] {text}", markup=False, highlight=False, soft_wrap=True
        )

    def _now_and_then(self):
        now = time.monotonic()
        ended = sum(self.counts.values()) - self.counts["there"]
        if self.live or now - self.told < _SAY_SECONDS:
            return
        self.told = now
        left = self.total - self.counts["there"] - ended
        seconds = left * (now - self.begun) / ended
        self.say(f"{self.total - left} of {self.total} jobs, about {seconds:.0f} s left")


def folder_of(arguments):
    """Where the records are: `--output`, or by the name of the file."""
    return arguments.output or BUILD / "campaign" / arguments.file.stem


def merged(store, folders):
    """Take the records of other folders."""
    for folder in folders:
        if not (folder / "records").is_dir():
            raise SetupError(f"--merge {folder}: it is no folder of a campaign")
        print(f"[campaign] {folder}: {store.merge(folder)} new records")


def campaign(name, jobs, store, workers=2, scheduler=None, retry=False):
    """Run what has no record yet; `[(Job, record or None)]` of all jobs, in their order.

    `retry`: also what failed. Ctrl-C raises `Interrupted`: what is done is kept.
    """
    found = {job.key: store.get(job.key) for job in jobs}
    left = [job for job in jobs if not found[job.key] or (retry and found[job.key]["code"] != 0)]
    with Shown(name, len(jobs), len(jobs) - len(left)) as progress:
        progress.say(f"{len(jobs)} jobs, {len(jobs) - len(left)} of them done already")
        if left:
            try:
                with cluster.connected(workers, scheduler) as client:
                    cluster.drive(client, left, store, progress.done)
            except KeyboardInterrupt:
                there = sum(store.get(job.key) is not None for job in jobs)
                raise Interrupted(
                    f"{there} of {len(jobs)} jobs are done; the same command goes on"
                ) from None
    return [(job, store.get(job.key)) for job in jobs]


def summary(name, found, store):
    """Say how it ended; the exit code: 1 if a job failed or could not be done."""
    codes = Counter(record["code"] if record else None for _job, record in found)
    words = [f"{codes[0]} passed", f"{codes[1]} failed"] + (
        [f"{codes[None]} not done"] if codes[None] else []
    )
    print(f"[{name}] {len(found)} jobs: {', '.join(words)}; records in {shown(store.records)}")
    return int(codes[0] != len(found))


def main(arguments):
    """What `ttpoe campaign` does."""
    cluster.need()
    jobs = jobs_of(arguments.file, revision())
    store = Store(folder_of(arguments))
    merged(store, arguments.merge)
    name = arguments.file.stem
    found = campaign(name, jobs, store, arguments.jobs, arguments.scheduler, arguments.retry)
    return summary(name, found, store)
