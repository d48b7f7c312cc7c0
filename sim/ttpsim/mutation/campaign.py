"""Runs the killers on every mutant, keeps what came of it, goes on where it was interrupted."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from ttpoe.verilog.emit import write
from ttpsim.build import builds
from ttpsim.mutation.benches import benches_of, quick_first, run_bench
from ttpsim.mutation.equivalence import proven_equal
from ttpsim.mutation.killers import KILLERS, Selected, run_killer
from ttpsim.mutation.netlist import mutant_of
from ttpsim.synth.targets.tools import source_hash
from ttpverif.cli.errors import Failed

__all__ = ["Campaign", "ControlFailed", "summary"]

SHORT = 7  # killers before anything is proven, and before benches
LIMIT_TIMES, LIMIT_MORE = 2, 10_000  # clocks of a run, against the same run without mutant


class ControlFailed(Failed):
    """The netlist without a mutant fails: nothing can be said about mutants."""


def summary(results):
    """`{killed, survived, left}` of the mutants in the results."""
    states = [mutant["state"] for mutant in results["mutants"]]
    return {state: states.count(state) for state in ("killed", "survived", "left")}


def _likeness(mutant):
    """What is the same when only the rest of the hardware has changed."""
    return tuple(
        mutant[name] for name in ("top", "module", "cell", "port", "portbit", "ctrlbit", "mode")
    )


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
    killers, benches, prove
        Scenarios by top; benches of a block; whether a mutant changes nothing: others for tests.
    """

    def __init__(
        self,
        config,
        drawn,
        verilog,
        path,
        settings,
        say=print,
        killers=KILLERS,
        benches=benches_of,
        prove=proven_equal,
    ):
        self.config, self.drawn, self.verilog, self.path = config, drawn, verilog, path
        self.say, self.killers, self.benches, self.prove = say, killers, benches, prove
        self.processes = builds.Processes()
        self.folder = path.parent / "mutate"
        self._lock = threading.Lock()
        self._free, self._built = [], {}
        netlist = source_hash("".join(verilog.values()))
        self.results = {
            **settings,
            "preset": config.name,
            "netlist": netlist,
            "control": {},
            "mutants": [
                {
                    **mutant.to_dict(),
                    "block": mutant.block,
                    "source": mutant.source,
                    "signal": mutant.signal,
                    "meaning": mutant.meaning,
                    "state": "left",
                    "runs": {},
                }
                for mutants in drawn.values()
                for mutant in mutants
            ],
        }
        try:
            earlier = json.loads(path.read_text())
        except (OSError, ValueError):
            earlier = {}
        if earlier.get("netlist") == netlist:
            self.results["control"] = earlier["control"]
            self.results["mutants"] = earlier["mutants"]
        else:  # what killed a mutant of another netlist meets its like first
            killed = {
                _likeness(mutant): mutant["by"]
                for mutant in earlier.get("mutants", ())
                if "by" in mutant
            }
            for mutant in self.results["mutants"]:
                if _likeness(mutant) in killed:
                    mutant["first"] = killed[_likeness(mutant)]

    def save(self):
        """Write the results."""
        with self._lock:
            self.results["summary"] = summary(self.results)
            write(self.path, json.dumps(self.results, indent=1) + "\n")

    def compiled(self, top):
        """The `Build` of two of these."""
        if top in self._built:
            return self._built[top]
        self.say(f"[mutate] building {top} with {len(self.drawn[top])} mutants")
        core = self.folder / f"{top}.v"
        write(core, self.verilog[top])
        self._built[top] = builds.compile_pair(
            "verilator", core, f"mutants-{self.config.name}", False, self.processes, top
        )
        return self._built[top]

    def _run(self, top, build, killer, number, limit=0):
        with self._lock:
            place = self._free.pop()
        try:
            return run_killer(
                Selected(build, number, limit),
                killer,
                self.config,
                top,
                self.folder / f"run{place}",
                self.processes,
            )
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
            self.say(
                f"[mutate] {top} without a mutant: {killer.test} passed, "
                f"{outcome.clocks:,} clocks, {outcome.seconds:.1f} s"
            )
        return known["figures"]

    def _one(self, build, mutant, killer):
        top = mutant["top"]
        control = self._control(top, build, killer)
        outcome = self._run(
            top, build, killer, mutant["number"], LIMIT_TIMES * control["clocks"] + LIMIT_MORE
        )
        if self.processes.stopped:
            return
        mutant["runs"][f"{killer.test} {killer.key()}"] = {
            "seconds": outcome.seconds,
            "clocks": outcome.clocks,
            "differs": sorted(
                name for name in control if outcome.figures.get(name) != control[name]
            ),
        }
        if outcome.state != "passed":
            mutant.update(
                state="killed", by=killer.test, message=outcome.message, hung=outcome.hung
            )
            self._tell(mutant)
        self.save()

    def _tell(self, mutant):
        counted = summary(self.results)
        by = (
            f"killed by {mutant['by']}: {mutant['message'][:100]}"
            if mutant["state"] == "killed"
            else "proven to change nothing"
            if mutant.get("proven_equal")
            else "SURVIVED"
        )
        self.say(
            f"[mutate] {counted['killed']} killed, {counted['survived']} survived, "
            f"{counted['left']} left: {mutant['top']} {mutant['number']}, "
            f"{mutant['source']} {mutant['signal']} {mutant['meaning']}: {by}"
        )

    def execute(self, jobs, only=None):
        """Decide every mutant that is left, and show survivors to new killers. `only`: (top,
        number) of one, from the beginning. `KeyboardInterrupt` leaves everything kept.

        Each killer meets all mutants that are left, before the next killer: first those whose
        like it killed before. After `SHORT` killers comes the question which of the others can
        matter, and the benches of their blocks: both take long for each mutant.
        """
        for mutant in self.results["mutants"]:
            if only == (mutant["top"], mutant["number"]):
                mutant.update(state="left", runs={})
                mutant.pop("proven_equal", None)
        asked = [
            mutant
            for mutant in self.results["mutants"]
            if only in (None, (mutant["top"], mutant["number"]))
        ]
        self._each(
            1,
            self._benches,
            [
                mutant
                for mutant in asked
                if self._alive(mutant) and mutant.get("first", "").startswith("tests/")
            ],
        )
        tops = {top: [mutant for mutant in asked if mutant["top"] == top] for top in self.drawn}
        tops = dict(sorted(tops.items(), key=lambda item: len(item[1])))
        for top, mutants in tops.items():
            for killer in self.killers[top]:
                self._show(
                    top,
                    jobs,
                    killer,
                    [mutant for mutant in mutants if mutant.get("first") == killer.test],
                )
        for top, mutants in tops.items():
            for killer in self.killers[top][:SHORT]:
                self._show(top, jobs, killer, mutants)
        for mutant in asked:
            if self._alive(mutant) and "proven_equal" not in mutant:
                self._prove(mutant)
        self._each(1, self._benches, sorted(filter(self._alive, asked), key=quick_first))
        for top, mutants in tops.items():
            for killer in self.killers[top][SHORT:]:
                self._show(top, jobs, killer, mutants)
        for mutant in asked:
            if mutant["state"] == "left":
                mutant["state"] = "survived"
                self._tell(mutant)
        self.save()

    @staticmethod
    def _alive(mutant):
        return mutant["state"] != "killed" and not mutant.get("proven_equal")

    def _show(self, top, jobs, killer, mutants):
        """A killer on those of the mutants that are left and have not met it."""
        name = f"{killer.test} {killer.key()}"
        waiting = [
            mutant for mutant in mutants if self._alive(mutant) and name not in mutant["runs"]
        ]
        if waiting:
            build = self.compiled(top)
            self._each(1, lambda _none: self._control(top, build, killer), [None])
            self._each(jobs, lambda mutant: self._one(build, mutant, killer), waiting)

    def _each(self, jobs, action, mutants):
        """`action` of every mutant, `jobs` at a time."""
        self._free = list(range(jobs))
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for future in [pool.submit(action, mutant) for mutant in mutants]:
                    future.result()
            except BaseException:
                self.processes.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _prove(self, result):
        mutant = mutant_of(result)
        result["proven_equal"] = self.prove(self.folder / mutant.top, mutant)
        if result["proven_equal"]:
            result["state"] = "survived"
            self._tell(result)
        self.save()

    def _benches(self, result):
        """The benches of its block, on the block's netlist (`mutation.benches`)."""
        mutant = mutant_of(result)
        for bench in self.benches(mutant.block):
            key = f"{bench.name} {bench.key()}"
            if key in result["runs"] or self.processes.stopped:
                continue
            folder = self.folder / "benches" / bench.component.split(":")[1]
            name = f"bench {key}"
            if name not in self.results["control"]:
                tests = run_bench(bench, folder, self.processes)
                self.results["control"][name] = {"tests": tests or []}
                self.say(f"[mutate] {bench.name}: {len(tests or [])} tests pass without a mutant")
                self.save()
            if not self.results["control"][name]["tests"]:
                continue  # nothing of this bench passes on a netlist: it cannot say
            test, words = run_bench(
                bench,
                folder,
                self.processes,
                self.results["control"][name]["tests"],
                mutant,
                self.folder / mutant.top / "clean.json",
            )
            if self.processes.stopped:
                return
            result["runs"][key] = {"said": words}
            if test:
                result.update(
                    state="killed",
                    by=test,
                    message=words,
                    hung=words.startswith("ttpsim.mutation.bench_plugin.Hung"),
                )
                self._tell(result)
            self.save()
            if test:
                return
