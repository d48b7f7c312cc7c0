"""`ttpoe fabric sweep`: the product of axes, a run of `ttpoe fabric` for each of its points."""

import itertools

from ttpsim.build.processes import SetupError
from ttpsim.build.tools import shown
from ttpsim.campaign import cluster
from ttpsim.campaign.job import CSV, JSON, Job
from ttpsim.campaign.manifest import MOST, checked, load, seeds_of
from ttpsim.campaign.revision import revision
from ttpsim.campaign.run import campaign, merged, summary
from ttpsim.campaign.store import Store
from ttpsim.paths import BUILD

__all__ = ["Sweep", "main", "read"]

_FLAGS = ("gbn", "cut-through")
_OURS = ("seed", "seeds", "samples", "plot", "jobs", "results", "help")
_KEYS = {"title", "seeds", "queue", "fixed", "axes"}


class Sweep:
    """A sweep's file: `title`, `fixed` settings, `axes` and `seeds`.

    `queue`: whether each run also writes its samples, for the queue over time.
    """

    def __init__(self, tables, what):
        if set(tables) - _KEYS:
            raise SetupError(f"{what}: it does not take {sorted(set(tables) - _KEYS)[0]!r}")
        self.what = what
        self.title = str(tables.get("title", ""))
        self.queue = tables.get("queue", True)
        self.seeds = seeds_of(tables.get("seeds", 1), what)
        self.fixed, self.axes = tables.get("fixed", {}), tables.get("axes", {})
        if not isinstance(self.fixed, dict) or not isinstance(self.axes, dict):
            raise SetupError(f"{what}: `fixed` and `axes` must be tables")
        if type(self.queue) is not bool:
            raise SetupError(f"{what}: queue must be true or false; got {self.queue!r}")
        self._check()

    def _check(self):
        for name in (*self.fixed, *self.axes):
            if name in _OURS:
                raise SetupError(f"{self.what}: {name} is set by the sweep itself")
        both = sorted(set(self.fixed) & set(self.axes))
        if both:
            raise SetupError(f"{self.what}: {both[0]} is fixed and an axis")
        for name, values in self.axes.items():
            if not isinstance(values, list) or not values:
                raise SetupError(f"{self.what}: axis {name} must be a list of values")
            if len(set(map(str, values))) < len(values):
                raise SetupError(f"{self.what}: axis {name} has a value twice")
        if self.runs > MOST:
            raise SetupError(f"{self.what}: {self.runs} runs are more than {MOST}")

    @property
    def runs(self):
        """How many runs there are."""
        count = len(self.seeds)
        for values in self.axes.values():
            count *= len(values)
        return count

    def points(self):
        """`{axis: value}` of each point, the last axis the fastest."""
        for values in itertools.product(*self.axes.values()):
            yield dict(zip(self.axes, values, strict=True))

    def words(self, point, seed):
        """Those of `ttpoe` for a run."""
        words = ["fabric", "--seed", str(seed), "--jobs", "1"]
        for name, value in (self.fixed | point).items():
            if name in _FLAGS:
                if type(value) is not bool:
                    raise SetupError(f"{self.what}: {name} must be true or false; got {value!r}")
                words += [f"--{name}"] * value
            elif type(value) not in (int, float, str):
                raise SetupError(f"{self.what}: {name} must be a number or a word; got {value!r}")
            else:
                words.append(f"--{name}={value}")
        words += ["--results", JSON]
        return words + (["--samples", CSV] if self.queue else [])

    def jobs(self, of_revision):
        """`[Job]`; `SetupError` if `ttpoe fabric` does not take a point."""
        found = []
        for point in self.points():
            for seed in self.seeds:
                words = self.words(point, seed)
                if seed == self.seeds[0]:
                    checked(words, self.what)
                found.append(Job.of(words, of_revision, seed, point.items()))
        return found


def read(path):
    """The `Sweep` of a file."""
    return Sweep(load(path), str(path))


def main(arguments):
    """What `ttpoe fabric sweep` does; exit code 1 if a run failed."""
    cluster.need()
    from ttpsim.campaign import outcome

    sweep = read(arguments.file)
    now = revision()
    jobs = sweep.jobs(now)
    name = arguments.file.stem
    folder = arguments.output or BUILD / "sweep" / name
    store = Store(folder)
    merged(store, arguments.merge)
    found = campaign(name, jobs, store, arguments.jobs, arguments.scheduler, arguments.retry)
    lines, paths = outcome.write(folder, sweep, found, now)
    for line in [*lines, *map(str, map(shown, paths))]:
        print(f"[{name}] {line}")
    return summary(name, found, store)
