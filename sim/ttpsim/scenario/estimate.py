"""How long builds and runs take: runs as the last time, builds by a guess; and what is left of a plan."""

import json
import os
import threading
import time

from ttpsim.build.builds import BUILD

__all__ = ["Estimate", "build_key", "build_seconds"]

_FILE = BUILD / "seconds.json"
_RUN_SECONDS = 6.0
_SURE = 60.0
"""Seconds of work after which what was seen counts as much as what was guessed."""


def build_key(run):
    """One for all runs that need the same simulator."""
    return f"build {run.simulator} {run.config.name} {run.top}"


def build_seconds(run):
    """A guess, of processor time; what matters is which build takes longer."""
    if run.simulator == "icarus":
        return 8.0
    return (
        26.0
        + run.config.width_bits / 40
        + run.config.links / 200
        + {"nic": 5, "managed_nic": 10}.get(run.top, 0)
    )


def _run_key(run):
    return f"run {run.test} {run.simulator} {run.config.name} {sorted(run.params.items())}"


class Estimate:
    """Follows a plan of runs, of which `jobs` builds and runs go on at a time."""

    def __init__(self, runs, jobs):
        try:
            self._known = json.loads(_FILE.read_text())
        except (OSError, ValueError):
            self._known = {}
        self._began, self._lock = time.monotonic(), threading.Lock()
        self._jobs, self._done_work, self._open = jobs, 0.0, {}
        for run in runs:
            self._open[build_key(run)] = build_seconds(run)
            self._open[_run_key(run)] = self._known.get(_run_key(run), _RUN_SECONDS)

    @property
    def elapsed(self):
        """Seconds since the plan began."""
        return time.monotonic() - self._began

    def built(self, run, made):
        """A build is there; `made`: it was not there before."""
        with self._lock:
            work = self._open.pop(build_key(run), 0.0)
            self._done_work += work if made else 0.0

    def ran(self, run):
        """A run has ended."""
        with self._lock:
            self._done_work += self._open.pop(_run_key(run), 0.0)
            if run.passed:
                self._known[_run_key(run)] = round(run.seconds, 1)

    def left(self, under_way=0.0):
        """Seconds that are probably left: the work that is left, at the pace so far.

        `under_way`: since when the builds and runs that go on have done so, in sum.
        """
        with self._lock:
            done, left = self._done_work, sum(self._open.values())
        under_way = min(under_way, left)
        pace = (self._jobs * self.elapsed + _SURE) / (done + under_way + _SURE)
        return pace * (left - under_way) / self._jobs

    def save(self):
        """For the next plan."""
        part = _FILE.with_suffix(".part")
        part.write_text(json.dumps(self._known, indent=1, sort_keys=True) + "\n")
        os.replace(part, _FILE)
