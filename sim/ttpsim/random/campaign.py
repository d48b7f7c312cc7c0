"""`ttpoe random`: constrained random against the reference model, with shrinking.

Everything follows from the seed. docs/evidence/random.md says what is drawn and checked, and how to read it.
"""

import dataclasses
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from ttpoe.config import Config
from ttpsim.build import builds
from ttpsim.paths import ROOT
from ttpsim.random.script_server import ScriptServer
from ttpsim.scenario.failures import report_failure, shown, with_model
from ttpverif.cli.errors import Failed, Interrupted
from ttpverif.randomised.draw import draw_config, draw_script
from ttpverif.randomised.script import Script, ScriptError

RESULTS = ROOT / "build" / "verify" / "random.json"
BULK_PACKETS = 1000  # of one case of the long form
LOCKSTEP_EVERY = 4  # of its cases, for each configuration, with the model in lockstep
WIDTHS = (512, 128, 256, 64)
SAVE_SECONDS = 60  # between two writes of the results while it runs
_SUMS = ("delivered", "excused", "refused", "replays", "frames", "clocks")
_FORMS = {False: "cases", True: "long"}


class CaseFailed(Failed):
    """A case failed; the text is the report, of several lines."""


@dataclasses.dataclass
class Plan:
    """What a campaign does: all of it follows from `seed`."""

    seed: int = 1
    cases: int = 60
    configs: int = 4
    long: bool = False
    packets: int = 1_000_000

    def config(self, number):
        """`(Config, top)` of one of the pool."""
        if self.long:
            rng = random.Random(f"{self.seed}/long/{number}")
            fields, _top = draw_config(
                rng, f"long_{self.seed}_{number}", WIDTHS[number % len(WIDTHS)]
            )
            return Config(**fields), "engine"
        rng = random.Random(f"{self.seed}/config/{number}")
        fields, top = draw_config(rng, f"random_{self.seed}_{number}")
        return Config(**fields), top

    def script(self, case):
        """The script of one case."""
        config, top = self.config(case % self.configs)
        rng = random.Random(f"{self.seed}/{'bulk' if self.long else 'case'}/{case}")
        kind = "bulk" if self.long else rng.choice(("mixed", "mixed", "harsh"))
        script = draw_script(rng, dataclasses.asdict(config), top, kind, BULK_PACKETS)
        script.lockstep = not (self.long and case // self.configs % LOCKSTEP_EVERY)
        script.origin = f"seed {self.seed}, case {case}, {kind}"
        return script


class Progress:
    """One line that says how far it is, and the sums."""

    def __init__(self, plan, done, sums, cells, seconds):
        self.plan, self.done, self.sums, self.cells = plan, done, sums, cells
        self._lock, self._started, self._before = threading.Lock(), time.monotonic(), seconds
        self._live = sys.stdout.isatty()
        self._told = 0.0

    @property
    def seconds(self):
        return self._before + time.monotonic() - self._started

    def finished(self, result, lockstep):
        with self._lock:
            self.sums.update({name: result[name] for name in _SUMS})
            if lockstep:
                self.sums.update(lockstep_cases=1, lockstep_delivered=result["delivered"])
            self.sums.update({f"fault_{name}": count for name, count in result["faults"].items()})
            self.cells.update(map(tuple, result["cells"]))
            self.say()

    def say(self, last=False):
        now = time.monotonic()
        if not last and now - self._told < (0.2 if self._live else 10):
            return
        self._told = now
        rate = self.sums["delivered"] / max(self.seconds, 0.1)
        text = (
            f"[random] seed {self.plan.seed}: {sum(self.done)} cases, "
            f"{self.sums['delivered']:,} packets delivered ({rate:,.0f}/s), "
            f"{self.sums['replays']:,} replays, {self.sums['clocks']:,} clocks"
        )
        print(
            f"\r{text}\033[K" if self._live else text,
            end="" if self._live and not last else "\n",
            flush=True,
        )


class Campaign:
    """Plays the cases of a plan, `jobs` configurations at a time."""

    def __init__(self, plan, jobs, earlier):
        self.plan, self.jobs = plan, jobs
        done = earlier.get("done", [0] * plan.configs)
        self.progress = Progress(
            plan,
            done,
            Counter(earlier.get("sums", {})),
            set(map(tuple, earlier.get("cells", []))),
            earlier.get("seconds", 0.0),
        )
        self.hardware = builds.sources_hash()
        self.stopped = threading.Event()
        self._saving, self._saved = threading.Lock(), time.monotonic()
        self.processes = builds.Processes()
        self._building = threading.Lock()

    def run(self):
        """To the end, or to the first failure (raised as `CaseFailed`)."""
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                for future in [pool.submit(self._work, worker) for worker in range(self.jobs)]:
                    future.result()
            except BaseException:
                self.stopped.set()
                self.processes.stop()
                raise
        self.progress.say(last=True)

    def _over(self, number):
        plan, progress = self.plan, self.progress
        if plan.long:
            return progress.sums["delivered"] >= plan.packets
        return progress.done[number] >= len(range(number, plan.cases, plan.configs))

    def _work(self, worker):
        """Every `jobs`th configuration of the pool: some cases of each in turn."""
        servers = {}
        mine = range(worker, self.plan.configs, self.jobs)
        try:
            while not self.stopped.is_set() and not all(map(self._over, mine)):
                for number in mine:
                    if self.stopped.is_set() or self._over(number):
                        continue
                    if number not in servers:
                        with self._building:
                            config, top = self.plan.config(number)
                            servers[number] = ScriptServer(config, top, self.processes)
                    self._case(number, servers[number])
        finally:
            for server in servers.values():
                server.close()

    def _case(self, number, server):
        progress, plan = self.progress, self.plan
        case = number + progress.done[number] * plan.configs
        script = plan.script(case)
        result = server.play(script)
        if self.stopped.is_set():
            return
        if result["failure"]:
            self.stopped.set()
            script, result = with_model(server, script, result)
            raise CaseFailed(report_failure(server, script, result, plan.seed, case))
        progress.done[number] += 1
        progress.finished(result, script.lockstep)
        with self._saving:
            if time.monotonic() - self._saved > SAVE_SECONDS:
                self._saved = time.monotonic()
                _save(self, "running")


def play_script(path, waves, trace):
    """One script in a simulator of its own; the exit code."""
    script = Script.load(path)
    server = ScriptServer(Config(**script.config), script.top, builds.Processes(), waves, trace)
    try:
        result = server.play(script)
    finally:
        server.close()
    print(
        f"[random] {script.lines} lines, {result['clocks']:,} clocks, "
        f"{result['delivered']} packets delivered"
    )
    if waves:
        print(f"waveform: {shown(server.waves)}")
    if trace:
        print(f"what the pipelines did: {shown(server.story)}")
    if result["failure"]:
        print(f"failed at clock {result['clock']}: {result['kind']}: {result['failure']}")
        return 1
    print("passed")
    return 0


# ---- command line ------------------------------------------------------------------------------


def _earlier(plan):
    """What an interrupted campaign with the same seed left behind."""
    results = _results().get(_FORMS[plan.long], {})
    if (results.get("seed"), results.get("configs")) != (plan.seed, plan.configs):
        raise builds.SetupError(
            f"there is nothing to resume for --seed {plan.seed} --configs {plan.configs}"
        )
    if results.get("hardware") != builds.sources_hash():
        raise builds.SetupError(
            "the hardware has changed since this campaign began: start it anew, without --resume"
        )
    return results


def _results():
    try:
        return json.loads(RESULTS.read_text())
    except (OSError, ValueError):
        return {}


def _save(campaign, state):
    progress, plan = campaign.progress, campaign.plan
    sums = progress.sums
    entry = {
        "seed": plan.seed,
        "configs": plan.configs,
        "result": state,
        "hardware": campaign.hardware,
        "cases": sum(progress.done),
        "done": progress.done,
        "sums": dict(sums),
        "cells_taken": len(progress.cells),
        "cells": sorted(progress.cells),
        "seconds": round(progress.seconds, 1),
        "packets_per_second": round(sums["delivered"] / max(progress.seconds, 0.1), 1),
        "lost_doubled_altered_or_out_of_order": 0 if state != "failed" else None,
        "pool": [
            dict(dataclasses.asdict(config), top=top)
            for config, top in map(plan.config, range(plan.configs))
        ],
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    partial = RESULTS.with_suffix(f".{os.getpid()}.part")  # others may run at the same time
    partial.write_text(json.dumps(_results() | {_FORMS[plan.long]: entry}, indent=1) + "\n")
    os.replace(partial, RESULTS)


def _play(arguments):
    try:
        return play_script(arguments.script, arguments.waves, arguments.trace)
    except ScriptError as error:
        raise builds.SetupError(str(error)) from None


def main(arguments):
    """What `ttpoe random` does; exit code 0 all right, 1 a failure."""
    builds.check_simulator("verilator")
    if arguments.script:
        return _play(arguments)
    plan = Plan(
        arguments.seed, arguments.cases, arguments.configs, arguments.long, arguments.packets
    )
    campaign = Campaign(
        plan, min(arguments.jobs, plan.configs), _earlier(plan) if arguments.resume else {}
    )
    state = "failed"
    try:
        campaign.run()
        state = "passed"
    except KeyboardInterrupt:
        state = "interrupted"
        campaign.progress.say(last=True)
        raise Interrupted("the same command with --resume goes on") from None
    except CaseFailed as error:
        print(f"[random] {error}")
        return 1
    finally:
        _save(campaign, state)
    print(f"results: {shown(RESULTS)}")
    return 0
