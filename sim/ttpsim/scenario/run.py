"""Runs scenarios on simulators: `make sim`, with SIM=, TEST=, SEED=, PRESET=, WAVES=1 (the first 5,000 clocks)
or WAVES=all, TRACE=1.

A scenario is a file `sim/scenarios/<name>.py` with a cocotb test and `RUNS`, the runs of it that a
plain `make sim` does: a list of dicts with the keys

    sim      verilator or icarus
    preset   a preset of `ttpoe.config`; `config` may override fields of it
    top      what there are two of: engine (default) or nic
    name     tells runs of one scenario apart (TEST=loss.5pct); may be missing
    params   what the scenario finds in `bench.params`; `short` overrides it with --short
    seed     default 1
    needs    files of the project that must be there
"""

import argparse
import contextlib
import importlib
import json
import os
import re
import signal
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ttpoe.config import ConfigError, preset
from ttpsim import scenarios
from ttpsim.build import builds, cxx
from ttpsim.build.builds import BUILD, SIMULATORS, BuildError, SetupError
from ttpsim.paths import ROOT
from ttpsim.scenario.estimate import build_key, build_seconds
from ttpsim.scenario.report import Report
from ttpsim.views import save_views

SCENARIOS = Path(scenarios.__file__).parent
# Bytes of a clock with traffic: measured for tiny (docs/evidence/run-times.md), guessed from it.
_VCD_BYTES = {"tiny": 15_000, "default": 20_000, "full": 60_000}
WINDOW = 5_000             # clocks of a waveform, unless all are asked for


@dataclass
class Run:
    """One run of one scenario, and what came of it."""

    scenario: str
    test: str
    simulator: str
    config: object
    seed: int
    params: dict
    waves: bool | str               # "all": of the whole run
    trace: bool = False
    top: str = "engine"
    package: str = "ttpsim.scenarios"
    state: str = "waiting"
    message: str = ""
    summary: dict = field(default_factory=dict)
    seconds: float = 0.0
    place: str = "runs"             # folder below build/sim
    log: Path | None = None         # of a build that failed

    @property
    def waves_clocks(self):
        """Clocks that the waveform has; None: there is none, or it has all of them."""
        return WINDOW if self.waves and self.waves != "all" else None

    @property
    def folder(self):
        return BUILD / self.place / f"{self.test}-{self.simulator}-{self.config.name}-{self.seed}"

    @property
    def passed(self):
        return self.state == "passed"

    def again(self):
        """The command that repeats this run and records waves."""
        return (f"make sim TEST={self.test} SIM={self.simulator} PRESET={self.config.name} "
                f"SEED={self.seed} WAVES=1")

    def to_dict(self):
        return {"scenario": self.scenario, "test": self.test, "simulator": self.simulator,
                "preset": self.config.name, "seed": self.seed, "params": self.params,
                "result": self.state, "message": self.message, "seconds": round(self.seconds, 2),
                "folder": str(self.folder.relative_to(ROOT)), **self.summary}


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise SetupError(message)


def _arguments(argv):
    env = os.environ
    parser = _Parser(prog="sim/ttpsim/scenario/run.py", allow_abbrev=False, description="Run the scenarios.")
    parser.add_argument("--sim", default=env.get("SIM") or None, help="verilator or icarus")
    parser.add_argument("--test", default=env.get("TEST") or None,
                        help="scenarios, or runs of one (loss.5pct), separated by commas")
    parser.add_argument("--seed", default=env.get("SEED") or None)
    parser.add_argument("--preset", default=env.get("PRESET") or None)
    parser.add_argument("--waves", default=env.get("WAVES") or "0",
                        help="1: record the first 5,000 clocks; all")
    parser.add_argument("--trace", nargs="?", const="1", default=env.get("TRACE") or "0",
                        help="1: write each run's events as a story, trace.txt")
    parser.add_argument("--short", action="store_true", help="the shortened runs")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args(argv)
    if arguments.sim not in (None, *SIMULATORS):
        raise SetupError(f"SIM must be {' or '.join(SIMULATORS)}; got {arguments.sim!r}")
    if arguments.waves not in ("0", "1", "all"):
        raise SetupError(f"WAVES must be 0, 1 or all; got {arguments.waves!r}")
    if arguments.trace not in ("0", "1"):
        raise SetupError(f"TRACE must be 0 or 1; got {arguments.trace!r}")
    if arguments.seed is not None and not re.fullmatch(r"[0-9]{1,18}", arguments.seed):
        raise SetupError(f"SEED must be a whole number, 0 or more; got {arguments.seed!r}")
    if arguments.jobs < 1:
        raise SetupError(f"--jobs must be at least 1; got {arguments.jobs}")
    if arguments.preset is not None:
        preset(arguments.preset)
    return arguments


def _scenario_names():
    return sorted(path.stem for path in SCENARIOS.glob("*.py") if not path.stem.startswith("_"))


def _declared(scenario):
    runs = importlib.import_module(f"ttpsim.scenarios.{scenario}").RUNS
    for run in runs:
        yield {"seed": 1, "params": {}, "config": {}, "needs": [], "top": "engine", **run,
               "test": scenario + (f".{run['name']}" if "name" in run else "")}


def plan(arguments):
    """The `Run`s that these arguments ask for, in order, each once."""
    names = _scenario_names()
    wanted = arguments.test.split(",") if arguments.test else names
    tests, runs = set(), {}
    for want in wanted:
        scenario = want.split(".")[0]
        if scenario not in names:
            raise SetupError(f"TEST must be one of {', '.join(names)}; got {want!r}")
        declared = list(_declared(scenario))
        tests.update(run["test"] for run in declared)
        chosen = [run for run in declared if want in (scenario, run["test"])]
        if not chosen:
            known = ", ".join(dict.fromkeys(run["test"] for run in declared))
            raise SetupError(f"TEST must be one of {scenario}, {known}; got {want!r}")
        if arguments.sim:
            here = [run for run in chosen if run["sim"] == arguments.sim]
            if not here and arguments.test:     # asked for by name: any run will do
                here = [dict(run, sim=arguments.sim) for run in chosen]
            chosen = here
        for run in chosen:
            for needed in run["needs"]:
                if not (ROOT / needed).exists():
                    raise SetupError(f"{scenario} needs {needed}, which is missing: "
                                     "restore it with `git checkout`")
            config = preset(arguments.preset or run["preset"]).replace(**run["config"])
            params = dict(run["params"], **(run.get("short", {}) if arguments.short else {}))
            seed = int(arguments.seed if arguments.seed is not None else run["seed"])
            new = Run(scenario, run["test"], run["sim"], config, seed, params,
                      {"0": False, "1": True}.get(arguments.waves, "all"),
                      arguments.trace == "1", run["top"])
            runs.setdefault(new.folder, new)
    return list(runs.values())


def _verdict(run, code):
    """Set state, message and summary from what the simulator left behind."""
    results = run.folder / "results.xml"
    try:
        run.summary = json.loads((run.folder / "summary.json").read_text())
        cases = list(ElementTree.parse(results).iter("testcase"))
    except (OSError, ValueError, ElementTree.ParseError):
        run.state = "failed"
        run.message = f"the simulator stopped early (exit code {code}); see the log"
        return
    broken = [case.find(kind) for case in cases for kind in ("failure", "error")
              if case.find(kind) is not None]
    if code == 0 and cases and not broken:
        run.state = "passed"
        return
    run.state = "failed"
    texts = [(entry.get("error_msg") or entry.get("message") or "failed") for entry in broken]
    run.message = (texts or [f"exit code {code}"])[0].strip().splitlines()[0]


class Runner:
    """Builds and runs, `jobs` at a time. `extra(run)`: see `builds.Extra`.

    Runs that need the same simulator wait for one build of it. The cheapest build goes first, so
    that there is a result soon, then the others, the longest one first; what is built is run
    meanwhile.
    """

    def __init__(self, runs, jobs, report, extra=lambda run: None):
        self.runs, self.report, self.extra = runs, report, extra
        self.processes = builds.Processes(jobs, say=None)
        self._locks = defaultdict(threading.Lock)
        self._order = _build_order(runs)

    def execute(self):
        self.report.follow(self.processes)
        with ThreadPoolExecutor(len(self.runs) + 1) as pool:
            try:
                futures = [pool.submit(self._prepare), *(
                    pool.submit(self._one, number, run) for number, run in enumerate(self.runs))]
                for future in futures:
                    future.result()
            except BaseException:
                self.processes.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _prepare(self):
        if any(run.simulator == "verilator" for run in self.runs):
            with contextlib.suppress(BuildError):       # the builds say it themselves
                builds.prepare(self.processes)

    def _build(self, run):
        order, first = self._order[build_key(run)], self._order[run.config, run.top]
        with self._locks["emit", run.config, run.top]:
            core = builds.emitted(run.config, self.processes, run.top, first)
        with self._locks[build_key(run)]:
            began = time.monotonic()
            build = builds.compile_pair(run.simulator, core, run.config.name, bool(run.waves),
                                        self.processes, run.top, extra=self.extra(run), order=order)
            seconds = time.monotonic() - began
        self.report.estimate.built(run, seconds if seconds > 0.5 else None)
        return build

    def _one(self, number, run):
        try:
            self._change(run, "building")
            build = self._build(run)
            self._change(run, "ready")
            began = []

            def started():
                began.append(time.monotonic())
                self._change(run, "running")
            code = builds.simulate(
                build, f"{run.package}.{run.scenario}", run.folder, run.seed, run.params,
                self.processes, run.config, trace=run.trace, kind="run", order=number,
                what=run.test, waves_clocks=run.waves_clocks, started=started)
            run.seconds = time.monotonic() - (began or [time.monotonic()])[0]
            _verdict(run, code)
            if run.waves:
                save_views(build.waves_file(run.folder))
        except BuildError as error:
            run.state, run.message = "failed", str(error)
            run.log = error.log
        self.report.estimate.ran(run)
        self._change(run, run.state)

    def _change(self, run, state):
        if not self.processes.stopped:
            run.state = state
            self.report.changed(run)


def _build_order(runs):
    """`{build key: its place}`, and `{(config, top): place}` of the Verilog that builds share."""
    cost = {build_key(run): build_seconds(run) for run in runs}
    keys = sorted(cost, key=lambda key: -cost[key])
    first = min(keys, key=lambda key: cost[key])
    order = {key: number for number, key in enumerate(
        [first, *(key for key in keys if key != first)])}
    for run in runs:
        emitted, place = (run.config, run.top), order[build_key(run)]
        order[emitted] = min(place, order.get(emitted, place))
    return order


def waves_sizes(runs):
    """Lines on the waveforms that these runs are going to write, before they do."""
    recorded = [run for run in runs if run.waves]
    if not recorded:
        return
    vcd = any(run.simulator == "verilator" for run in recorded) and not cxx.fst_possible()
    largest = max(recorded, key=lambda run: run.config.width_bits)
    each = _VCD_BYTES.get(largest.config.name, max(_VCD_BYTES.values())) / (1 if vcd else 25)
    if all(run.waves_clocks for run in recorded):
        yield (f"waveforms of the first {WINDOW:,} clocks, at most about "
               f"{each * WINDOW / 1e6:,.0f} MB each; WAVES=all records the whole of each run")
    else:
        yield f"waveforms of whole runs: about {each * 1e6 / 1e6:,.0f} MB for a million clocks"
    if vcd:
        yield ("Verilator writes VCD here, FST is 25 times smaller: "
               "apt-get install liblz4-dev zlib1g-dev")


def execute(runs, jobs):
    """Do these runs, print and write the results; returns `main`'s exit code."""
    for simulator in dict.fromkeys(run.simulator for run in runs):
        builds.check_simulator(simulator)
    BUILD.mkdir(parents=True, exist_ok=True)
    for line in waves_sizes(runs):
        print(f"[sim] {line}", flush=True)
    with Report(runs) as report:
        Runner(runs, jobs, report).execute()
    failed = sum(not run.passed for run in runs)
    results = {"passed": len(runs) - failed, "failed": failed,
               "runs": [run.to_dict() for run in runs]}
    path = BUILD / ("" if runs[0].place == "runs" else runs[0].place) / "results.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    report.finish(cxx.shown(path))
    return 1 if failed else 0


def main(argv=None):
    """Command line; exit code 0 all passed, 1 a failure, 2 bad input or setup, 130 Ctrl-C."""
    try:
        arguments = _arguments(argv)
        runs = plan(arguments)
        if not runs:
            raise SetupError(f"no scenario runs on {arguments.sim} by default; name one with TEST=")
        return execute(runs, arguments.jobs)
    except (SetupError, ConfigError) as error:
        print(f"sim: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsim: interrupted", file=sys.stderr)
        return 130


def _terminate(_signal, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main())
