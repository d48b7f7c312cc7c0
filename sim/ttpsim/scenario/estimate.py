"""How long builds and runs take: from earlier ones, else a guess; and what is left of a plan."""

import json
import os
import threading
import time

from ttpsim.build.builds import BUILD

__all__ = ["Estimate", "build_key", "build_seconds"]

_FILE = BUILD / "seconds.json"
_RUN_SECONDS = 4.0


def build_key(run):
    """One for all runs that need the same simulator."""
    return f"build {run.simulator} {run.config.name} {run.top}"


def build_seconds(run):
    """A guess, of processor time; what matters is which build takes longer."""
    if run.simulator == "icarus":
        return 2.0
    return (
        12.0
        + run.config.width_bits / 40
        + run.config.links / 200
        + {"nic": 5, "managed_nic": 10}.get(run.top, 0)
    )


def _run_key(run):
    return f"run {run.test} {run.simulator} {run.config.name} {sorted(run.params.items())}"


class Estimate:
    """Follows a plan of runs."""

    def __init__(self, runs):
        try:
            self._known = json.loads(_FILE.read_text())
        except (OSError, ValueError):
            self._known = {}
        self._began, self._lock = time.monotonic(), threading.Lock()
        self._work = {}
        for run in runs:
            for key, guess in ((build_key(run), build_seconds(run)), (_run_key(run), _RUN_SECONDS)):
                self._work.setdefault(key, self._known.get(key, guess))
        self._open = dict(self._work)

    @property
    def elapsed(self):
        """Seconds since the plan began."""
        return time.monotonic() - self._began

    def built(self, run, seconds):
        """A build is there; it took so long (None: it was there already)."""
        self._done(build_key(run), seconds)

    def ran(self, run):
        """A run has ended."""
        self._done(_run_key(run), run.seconds if run.passed else None)

    def left(self):
        """Seconds that are probably left, None as long as nothing can be said."""
        with self._lock:
            total, left = sum(self._work.values()), sum(self._open.values())
        if total - left < 0.05 * total:
            return None
        return self.elapsed * left / (total - left)

    def _done(self, key, seconds):
        with self._lock:
            if key not in self._open:
                return
            del self._open[key]
            if seconds is None:
                self._work.pop(key)
            else:
                self._known[key] = round(seconds, 1)

    def save(self):
        """For the next plan."""
        part = _FILE.with_suffix(".part")
        part.write_text(json.dumps(self._known, indent=1, sort_keys=True) + "\n")
        os.replace(part, _FILE)
