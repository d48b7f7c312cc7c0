"""Runs the killers on every mutant, keeps what came of it, goes on where it was interrupted."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import builds
from mutation.killers import KILLERS, Selected, run_killer
from targets.tools import source_hash
from ttpoe.emit import write

__all__ = ["Campaign", "ControlFailed", "summary"]

LIMIT_TIMES, LIMIT_MORE = 2, 10_000     # clocks of a run, against the same run without mutant


class ControlFailed(Exception):
    """The netlist without a mutant fails: nothing can be said about mutants."""


def summary(results):
    """`{killed, survived, left}` of the mutants in the results."""
    states = [mutant["state"] for mutant in results["mutants"]]
    return {state: states.count(state) for state in ("killed", "survived", "left")}


class Campaign:
    """Mutants of all tops, their simulators, and the results in one JSON file.

    Parameters
    ----------
    drawn : dict
        `{top: [Mutant]}`.
    verilog : dict
        `{top: text}` with those mutants in it.
    path : Path
        The results; those of the same netlists are kept, and a survivor meets only killers that
        it has not met.
    say : function of str
        Takes each line of progress.
    """

    def __init__(self, config, drawn, verilog, path, settings, say=print, killers=KILLERS):
        self.config, self.drawn, self.verilog, self.path = config, drawn, verilog, path
        self.say, self.killers = say, killers
        self.processes = builds.Processes()
        self.folder = path.parent / "mutate"
        self._lock = threading.Lock()
        self._free = []
        netlist = source_hash("".join(verilog.values()))
        self.results = {**settings, "preset": config.name, "netlist": netlist, "control": {},
                        "mutants": [{**mutant.to_dict(), "block": mutant.block,
                                     "source": mutant.source, "signal": mutant.signal,
                                     "meaning": mutant.meaning, "state": "left", "runs": {}}
                                    for mutants in drawn.values() for mutant in mutants]}
        try:
            earlier = json.loads(path.read_text())
        except (OSError, ValueError):
            earlier = {}
        if earlier.get("netlist") == netlist:
            self.results["control"] = earlier["control"]
            self.results["mutants"] = earlier["mutants"]

    def save(self):
        """Write the results."""
        with self._lock:
            self.results["summary"] = summary(self.results)
            write(self.path, json.dumps(self.results, indent=1) + "\n")

    def compiled(self, top):
        """The `Build` of two of these."""
        self.say(f"[mutate] building {top} with {len(self.drawn[top])} mutants")
        core = self.folder / f"{top}.v"
        write(core, self.verilog[top])
        return builds.compile_pair("verilator", core, f"mutants-{self.config.name}", False,
                                   self.processes, top)

    def _run(self, top, build, killer, number, limit=0):
        with self._lock:
            place = self._free.pop()
        try:
            return run_killer(Selected(build, number, limit), killer, self.config, top,
                              self.folder / f"run{place}", self.processes)
        finally:
            self._free.append(place)

    def _control(self, top, build, killer):
        """Clocks and figures of the killer on the netlist without a mutant."""
        name = f"{top} {killer.test} {killer.key()}"
        known = self.results["control"].get(name)
        if known is None:
            outcome = self._run(top, build, killer, 0)
            if self.processes.stopped:
                raise KeyboardInterrupt
            if outcome.state != "passed":
                raise ControlFailed(f"{killer.test} fails without a mutant: {outcome.message}")
            known = {"figures": outcome.figures, "seconds": outcome.seconds}
            self.results["control"][name] = known
            self.say(f"[mutate] {top} without a mutant: {killer.test} passed, "
                     f"{outcome.clocks:,} clocks, {outcome.seconds:.1f} s")
        return known["figures"]

    def _one(self, build, mutant, killer, last):
        top = mutant["top"]
        control = self._control(top, build, killer)
        outcome = self._run(top, build, killer, mutant["number"],
                            LIMIT_TIMES * control["clocks"] + LIMIT_MORE)
        if self.processes.stopped:
            return
        mutant["runs"][f"{killer.test} {killer.key()}"] = {
            "seconds": outcome.seconds, "clocks": outcome.clocks,
            "differs": sorted(name for name in control
                              if outcome.figures.get(name) != control[name])}
        if outcome.state != "passed":
            mutant.update(state="killed", by=killer.test, message=outcome.message,
                          hung=outcome.hung)
        elif last:
            mutant["state"] = "survived"
        self.save()
        if mutant["state"] != "left":
            self._tell(mutant)

    def _tell(self, mutant):
        counted = summary(self.results)
        by = (f"killed by {mutant['by']}: {mutant['message']}" if mutant["state"] == "killed"
              else "SURVIVED")
        self.say(f"[mutate] {counted['killed']} killed, {counted['survived']} survived, "
                 f"{counted['left']} left: {mutant['top']} {mutant['number']}, "
                 f"{mutant['source']} {mutant['signal']} {mutant['meaning']}: {by}")

    def execute(self, jobs, only=None):
        """Decide every mutant that is left, and show survivors to new killers. `only`: (top,
        number) of one, from the beginning. `KeyboardInterrupt` leaves everything kept."""
        for mutant in self.results["mutants"]:
            if only == (mutant["top"], mutant["number"]):
                mutant.update(state="left", runs={})
        for top in self.drawn:
            self._top(top, jobs, only)
        self.save()

    def _top(self, top, jobs, only):
        """Each killer on all mutants that are left, before the next killer."""
        mutants = [mutant for mutant in self.results["mutants"] if mutant["top"] == top
                   and only in (None, (top, mutant["number"]))]
        build, self._free = None, list(range(jobs))
        for killer in self.killers[top]:
            name = f"{killer.test} {killer.key()}"
            waiting = [mutant for mutant in mutants if mutant["state"] != "killed"
                       and name not in mutant["runs"]]
            if not waiting:
                continue
            build = build or self.compiled(top)
            self._control(top, build, killer)
            last = killer == self.killers[top][-1]
            with ThreadPoolExecutor(jobs) as pool:
                try:
                    for future in [pool.submit(self._one, build, mutant, killer, last)
                                   for mutant in waiting]:
                        future.result()
                except BaseException:
                    self.processes.stop()
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
