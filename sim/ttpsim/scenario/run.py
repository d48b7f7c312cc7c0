"""Runs scenarios on simulators: `ttpoe sim`.

A scenario is a file `sim/ttpsim/scenarios/<name>.py` with a cocotb test and `RUNS`, the runs of it
that a plain `ttpoe sim` does: a list of dicts with the keys

    sim      verilator or icarus
    preset   a preset of `ttpoe.config`; `config` may override fields of it
    top      what there are two of: engine (default) or nic
    name     tells runs of one scenario apart (`loss.5pct`); may be missing
    params   what the scenario finds in `bench.params`; `short` overrides it with --short, and None
             leaves the run out of it, if another run of the scenario is in it
    seed     default 1
    needs    files of the project that must be there
"""

import contextlib
import importlib
import json
import os
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ttpoe.config import Config, preset
from ttpsim import scenarios
from ttpsim.build import builds, tools
from ttpsim.build.builds import BUILD, BuildError, SetupError
from ttpsim.paths import ROOT
from ttpsim.scenario.estimate import build_key, build_seconds
from ttpsim.scenario.report import Report
from ttpsim.views import save_views
from ttpverif.cli.errors import Interrupted

SCENARIOS = Path(scenarios.__file__).parent
# Bytes of a clock with traffic: measured for tiny (docs/evidence/log.md), guessed from it.
_VCD_BYTES = {"tiny": 15_000, "default": 20_000, "full": 60_000}
WINDOW = 5_000  # clocks of a waveform, unless all are asked for
_BEHIND = 100  # clocks that it goes on behind a failure


@dataclass
class Run:
    """One run of one scenario, and what came of it."""

    scenario: str
    test: str
    simulator: str
    config: Config
    seed: int
    params: dict
    waves: bool | str  # "all": of the whole run
    trace: bool = False
    top: str = "engine"
    package: str = "ttpsim.scenarios"
    state: str = "waiting"
    message: str = ""
    summary: dict = field(default_factory=dict)
    seconds: float = 0.0
    place: str = "runs"  # folder below build/sim
    log: Path | None = None  # of a build that failed
    failed_at: int | None = None  # the clock; the waveform shows what led to it
    preset: str = ""  # of which `config` is made, if it has another name
    short: bool = False

    @property
    def window(self):
        """First and last clock of the waveform; None: there is none, or it is of the whole run."""
        if not self.waves or self.waves == "all":
            return None
        last = WINDOW if self.failed_at is None else self.failed_at + _BEHIND
        return max(0, last - WINDOW), last

    @property
    def folder(self):
        return BUILD / self.place / f"{self.test}-{self.simulator}-{self.config.name}-{self.seed}"

    @property
    def passed(self):
        return self.state == "passed"

    def again(self):
        """The command that repeats this run and records waves."""
        return (
            f"ttpoe sim {self.test} --simulator {self.simulator} "
            f"--preset {self.preset or self.config.name} --seed {self.seed}"
            f"{' --short' * self.short} --waves"
        )

    def to_dict(self):
        return {
            "scenario": self.scenario,
            "test": self.test,
            "simulator": self.simulator,
            "preset": self.config.name,
            "seed": self.seed,
            "params": self.params,
            "result": self.state,
            "message": self.message,
            "seconds": round(self.seconds, 2),
            "folder": str(self.folder.relative_to(ROOT)),
            **self.summary,
        }


@dataclass
class Wanted:
    """What is asked for, as `ttpoe sim` has it; `test`: scenarios, or runs of one (loss.5pct)."""

    test: list = field(default_factory=list)
    simulator: str | None = None
    seed: int | None = None
    preset: str | None = None
    waves: bool | str = False  # True: WINDOW clocks; "all"
    trace: bool = False
    short: bool = False


def _scenario_names():
    return sorted(path.stem for path in SCENARIOS.glob("*.py") if not path.stem.startswith("_"))


def _declared(scenario):
    runs = importlib.import_module(f"ttpsim.scenarios.{scenario}").RUNS
    for run in runs:
        yield {
            "seed": 1,
            "params": {},
            "config": {},
            "needs": [],
            "top": "engine",
            **run,
            "test": scenario + (f".{run['name']}" if "name" in run else ""),
        }


def plan(wanted):
    """The `Run`s that a `Wanted` asks for, in order, each once."""
    names = _scenario_names()
    tests, runs = set(), {}
    for want in wanted.test or names:
        scenario = want.split(".")[0]
        if scenario not in names:
            raise SetupError(f"TEST must be one of {', '.join(names)}; got {want!r}")
        declared = list(_declared(scenario))
        tests.update(run["test"] for run in declared)
        chosen = [run for run in declared if want in (scenario, run["test"])]
        if not chosen:
            known = ", ".join(dict.fromkeys(run["test"] for run in declared))
            raise SetupError(f"TEST must be one of {scenario}, {known}; got {want!r}")
        if wanted.simulator:
            here = [run for run in chosen if run["sim"] == wanted.simulator]
            if not here and wanted.test:  # asked for by name: any run will do
                here = [dict(run, sim=wanted.simulator) for run in chosen]
            chosen = here
        if wanted.short:  # but for what is asked for, and nothing else does
            chosen = [run for run in chosen if run.get("short", {}) is not None] or chosen
        # Runs that are alike on the preset that is asked for: the one that is declared for it counts.
        for run in sorted(chosen, key=lambda run: run["preset"] != wanted.preset):
            for needed in run["needs"]:
                if not (ROOT / needed).exists():
                    raise SetupError(
                        f"{scenario} needs {needed}, which is missing: "
                        "restore it with `git checkout`"
                    )
            preset_name = wanted.preset or run["preset"]
            config = preset(preset_name).replace(**run["config"])
            params = run["params"] | ((wanted.short and run.get("short")) or {})
            seed = int(wanted.seed if wanted.seed is not None else run["seed"])
            new = Run(
                scenario,
                run["test"],
                run["sim"],
                config,
                seed,
                params,
                wanted.waves,
                wanted.trace,
                run["top"],
                preset=preset_name,
                short=wanted.short,
            )
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
    broken = [
        entry
        for case in cases
        for kind in ("failure", "error")
        if (entry := case.find(kind)) is not None
    ]
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
                futures = [
                    pool.submit(self._prepare),
                    *(pool.submit(self._one, number, run) for number, run in enumerate(self.runs)),
                ]
                for future in futures:
                    future.result()
            except BaseException:
                self.processes.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _prepare(self):
        if any(run.simulator == "verilator" for run in self.runs):
            with contextlib.suppress(BuildError):  # the builds say it themselves
                builds.prepare(self.processes)

    def _build(self, run):
        order, first = self._order[build_key(run)], self._order[run.config, run.top]
        with self._locks["emit", run.config, run.top]:
            core = builds.emitted(run.config, self.processes, run.top, first)
        with self._locks[build_key(run)]:
            began = time.monotonic()
            build = builds.compile_pair(
                run.simulator,
                core,
                run.config.name,
                bool(run.waves),
                self.processes,
                run.top,
                extra=self.extra(run),
                order=order,
            )
            seconds = time.monotonic() - began
        self.report.estimate.built(run, made=seconds > 0.5)
        return build

    def _one(self, number, run):
        try:
            self._change(run, "building")
            build = self._build(run)
            self._change(run, "ready")
            self._simulate(number, run, build)
            if run.state == "failed" and run.window and run.summary.get("clocks", 0) > WINDOW:
                # The same once more: what led to the failure is what one wants to see.
                run.failed_at = run.summary["clocks"]
                self._simulate(number, run, build)
            if run.waves:
                save_views(build.waves_file(run.folder), at_the_end=run.state == "failed")
        except BuildError as error:
            run.state, run.message = "failed", str(error)
            run.log = error.log
        self.report.estimate.ran(run)
        if self.processes.stopped:  # it was ended, or came to its end meanwhile
            run.state = "interrupted"
        self._change(run, run.state)

    def _simulate(self, number, run, build):
        began = []

        def started():
            began.append(time.monotonic())
            self._change(run, "running")

        code = builds.simulate(
            build,
            f"{run.package}.{run.scenario}",
            run.folder,
            run.seed,
            run.params,
            self.processes,
            run.config,
            trace=run.trace,
            kind="run",
            order=number,
            what=run.test,
            window=run.window,
            started=started,
        )
        run.seconds = time.monotonic() - (began or [time.monotonic()])[0]
        _verdict(run, code)

    def _change(self, run, state):
        if not self.processes.stopped:
            run.state = state
            self.report.changed(run)


def ended(runs):
    """How far runs came that were interrupted, in a few words."""
    done = [run for run in runs if run.state in ("passed", "failed")]
    failed = sum(not run.passed for run in done)
    return f"{len(done)} of {len(runs)} runs had ended, {failed} of them failed"


def _build_order(runs):
    """`{build key: its place}`, and `{(config, top): place}` of the Verilog that builds share."""
    cost = {build_key(run): build_seconds(run) for run in runs}
    keys = sorted(cost, key=lambda key: -cost[key])
    first = min(keys, key=lambda key: cost[key])
    order: dict[Hashable, int] = {
        key: number for number, key in enumerate([first, *(key for key in keys if key != first)])
    }
    for run in runs:
        emitted, place = (run.config, run.top), order[build_key(run)]
        order[emitted] = min(place, order.get(emitted, place))
    return order


def waves_sizes(runs):
    """Lines on the waveforms that these runs are going to write, before they do."""
    recorded = [run for run in runs if run.waves]
    if not recorded:
        return
    vcd = any(run.simulator == "verilator" for run in recorded) and not tools.fst_possible()
    largest = max(recorded, key=lambda run: run.config.width_bits)
    each = _VCD_BYTES.get(largest.config.name, max(_VCD_BYTES.values())) / (1 if vcd else 25)
    if all(run.window for run in recorded):
        yield (
            f"waveforms of the first {WINDOW:,} clocks, or of the last ones before a failure, at "
            f"most about {each * WINDOW / 1e6:,.0f} MB each; WAVES=all records the whole of each run"
        )
    else:
        yield f"waveforms of whole runs: about {each * 1e6 / 1e6:,.0f} MB for a million clocks"
    if vcd:
        yield (
            "Verilator writes VCD here, FST is 25 times smaller: "
            "apt-get install liblz4-dev zlib1g-dev"
        )


def execute(runs, jobs):
    """Do these runs, print and write the results; returns `main`'s exit code."""
    for simulator in dict.fromkeys(run.simulator for run in runs):
        builds.check_simulator(simulator)
    BUILD.mkdir(parents=True, exist_ok=True)
    for line in waves_sizes(runs):
        print(f"[sim] {line}", flush=True)
    with Report(runs, jobs) as report:
        try:
            Runner(runs, jobs, report).execute()
        except KeyboardInterrupt:
            raise Interrupted(ended(runs)) from None
    failed = sum(not run.passed for run in runs)
    results = {
        "passed": len(runs) - failed,
        "failed": failed,
        "seconds": round(report.estimate.elapsed, 1),
        "first_seconds": round(report.first_seconds or 0, 1),
        "cores": os.cpu_count(),
        "runs": [run.to_dict() for run in runs],
    }
    path = BUILD / ("" if runs[0].place == "runs" else runs[0].place) / "results.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    report.finish(tools.shown(path))
    return 1 if failed else 0


def main(arguments):
    """What `ttpoe sim` does; exit code 0 all passed, 1 a failure."""
    runs = plan(arguments)
    if not runs:
        raise SetupError(f"no scenario runs on {arguments.simulator} by default; name one")
    return execute(runs, arguments.jobs)
