"""Which scenarios run on a mutant, in which order, and what they said."""

import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from ttpsim.build import builds
from ttpsim.scenario.run import SCENARIOS, Run, _declared, _verdict

__all__ = ["KILLERS", "Killer", "Outcome", "Selected", "run_killer"]


@dataclass(frozen=True)
class Killer:
    """One run of a scenario, on `tiny`; `params` override the shortened run's."""

    test: str
    params: dict = field(default_factory=dict, hash=False)
    seed: int = 1

    @property
    def scenario(self):
        return self.test.split(".")[0]

    def all_params(self):
        """The parameters of the scenario's run of that name, shortened, and ours."""
        run = next(run for run in _declared(self.scenario) if run["test"] == self.test)
        return {**run["params"], **(run.get("short") or {}), **self.params}

    def key(self):
        """Another one when the scenario or its parameters are others."""
        text = (SCENARIOS / f"{self.scenario}.py").read_bytes()
        text += json.dumps([self.all_params(), self.seed]).encode()
        return hashlib.sha256(text).hexdigest()[:12]


# By top, in the order of mutants found per second of processor time, as far as measured.
# fmt: off
KILLERS = {
    "engine": [Killer(test) for test in (
        "loss.20pct", "corners", "scripts.engine", "cells", "strangers", "selective.scripted",
        "bad_frames", "wrap.scripted", "selective.faults", "victim", "timeout", "urgency",
        "captures", "stall")],
    "nic": [Killer("nic"), Killer("scripts.nic")],
    "managed_nic": [Killer("register_walk"), Killer("registers"), Killer("scripts.nic")],
}
# fmt: on


@dataclass(frozen=True)
class Selected:
    """A compiled pair in which one mutant is switched on (0: none); see `builds.Build`."""

    build: builds.Build
    number: int
    limit_clocks: int = 0

    @property
    def folder(self):
        return self.build.folder

    def command(self, run_folder, seed):
        return [
            *self.build.command(run_folder, seed),
            f"+mutsel={self.number}",
            *([f"+clocks={self.limit_clocks}"] if self.limit_clocks else []),
        ]


@dataclass
class _Run(Run):
    at: Path = Path()

    @property
    def folder(self):
        return self.at


@dataclass
class Outcome:
    """What a run came to; `figures` are exact and the same in every run of one design."""

    state: str  # passed, failed
    message: str
    hung: bool
    figures: dict
    seconds: float

    @property
    def clocks(self):
        return self.figures.get("clocks", 0)


def run_killer(selected, killer, config, top, folder, processes):
    """Run it; the `Outcome`. The seconds are those of the wall, to tell progress only."""
    params = killer.all_params()
    run = _Run(
        killer.scenario,
        killer.test,
        "verilator",
        config,
        killer.seed,
        params,
        False,
        top=top,
        at=folder,
    )
    started = time.monotonic()
    code = builds.simulate(
        selected,
        f"ttpsim.scenarios.{killer.scenario}",
        folder,
        killer.seed,
        params,
        processes,
        config,
    )
    seconds = time.monotonic() - started
    _verdict(run, code)
    text = (folder / "log.txt").read_text(errors="replace")
    # The wrapper's $finish names its file; cocotb's own end of a run does not.
    hung = run.state == "failed" and re.search(r"\.v:\d+: Verilog \$finish", text) is not None
    message = "no end after the limit of clocks" if hung else run.message
    figures = {
        name: run.summary[name] for name in ("clocks", "frames", "counts") if name in run.summary
    }
    return Outcome(run.state, message, hung, figures, round(seconds, 2))
