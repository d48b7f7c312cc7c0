"""Part `fabric_speed` of `ttpoe bench`: what an engine-clock of `ttpoe fabric` costs, in processor
time of this machine and in bytes.

Every run is made with each way of evaluating engines in turn, and all must deliver the same.
docs/evidence/fabric.md shows the figures.
"""

import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.native import lanes

__all__ = ["LEAVES", "PERMUTATION", "RING", "SPREAD", "THOUSAND", "speed_part", "speed_runs"]

WAYS = {"one_by_one": ("--lanes", 0, "--batch", 0), "parts": ("--lanes", 0), "lanes": ()}
"""How engines are evaluated -> words for the program."""
NODES, SHORT_NODES = (2, 4, 8, 16, 32, 64), (2, 4)
ROUNDS = 3


@dataclass(frozen=True)
class Run:
    """A run that is timed: its traffic, its settings, and those of its short form."""

    traffic: str
    settings: dict
    short: dict

    def chosen(self, short):
        """The settings, all of them."""
        return {"SEED": 1} | self.settings | (self.short if short else {})


RING = Run("ring", {"NODES": 128, "CLOCKS": 10_000}, {"NODES": 8, "CLOCKS": 1000})
LEAVES = Run(
    "ring",
    {"NODES": 96, "CLOCKS": 6000, "LEAF_HOSTS": 8, "SPINES": 4, "LOSS_PPM": 3000, "SEED": 5},
    {"NODES": 12, "CLOCKS": 1000},
)
SPREAD = Run(
    "incast",
    {"NODES": 8, "CLOCKS": 60_000, "SPREAD": 50_000, "SEED": 3},
    {"CLOCKS": 6000, "SPREAD": 5000},
)
PERMUTATION = Run(
    "permutation",
    {"NODES": 128, "CLOCKS": 12_000, "LEAF_HOSTS": 8, "SPINES": 8, "SPREAD": 120_000, "SEED": 2},
    {"NODES": 16, "CLOCKS": 2000, "SPREAD": 20_000},
)
THOUSAND = Run("ring", {"NODES": 1024, "CLOCKS": 1024}, {"NODES": 32, "CLOCKS": 128})
PAIR = Run("ring", {"NODES": 2, "CLOCKS": 100_000}, {"CLOCKS": 5000})


def _incast(nodes):
    """Of `default`, with a limit that the buffer has room for."""
    slots = max(1, 65536 // (1084 * (nodes - 1)))
    many = {"NODES": nodes, "CLOCKS": 20_000, "LINK_SLOTS": slots}
    return Run("incast", many, {"CLOCKS": 1000})


def speed_runs(_short):
    """None of a scenario: the program is run below."""
    return []


class _Bench:
    """Times runs of the program, and adds what they say."""

    def __init__(self, metrics):
        self.metrics, self.config = metrics, preset("tiny")
        print("bench: fabric_speed, building", flush=True)
        self.program = fabric.compile_fabric(self.config, builds.Processes())
        self.rounds = 1 if metrics.short else ROUNDS

    def one(self, run, words=(), program=None, **where):
        """The result of a run; `BuildError` if a check of it failed."""
        settings = run.chosen(self.metrics.short)
        code, found = fabric.run_fabric(
            program or self.program, run.traffic, settings, subprocess.DEVNULL, plus=words, **where
        )
        if code == 130:
            raise KeyboardInterrupt
        if code:
            raise builds.BuildError(f"fabric_speed: {found.get('failure', 'it broke off')}")
        return found

    def in_turn(self, run, ways, **where):
        """`{way: its results}`, one after the other in each round; all have delivered the same."""
        found = {way: [] for way in ways}
        for _round in range(self.rounds):
            for way, words in ways.items():
                found[way].append(self.one(run, words, **where))
        hashes = {result["deliveries"] for results in found.values() for result in results}
        if len(hashes) != 1:
            raise builds.BuildError(f"fabric_speed: {run.traffic} delivers {len(hashes)} results")
        return found

    def add(self, name, value, unit, where, method, better="lower"):
        """A figure of this part."""
        self.metrics.add(f"fabric_speed.{name}", value, unit, where, method, better)

    def rates(self, name, run, results, preset_name="tiny"):
        """Engine-clocks per second: the median of the runs, the lowest and the highest."""
        settings = run.chosen(self.metrics.short)
        clocks = settings["NODES"] * settings["CLOCKS"]
        found = [clocks / max(result["cpu_seconds"], 0.001) for result in results]
        again = fabric.command(preset_name, settings, run.traffic)
        for end, value in (
            ("", statistics.median(found)),
            ("_low", min(found)),
            ("_high", max(found)),
        ):
            self.add(
                f"{name}{end}",
                round(value),
                "engine-clocks/s",
                again,
                f"processor time, {len(found)} runs",
                "higher",
            )


def _median(results, of):
    return statistics.median(of(result) for result in results)


def _ways(bench):
    """Lanes, parts, one by one; and where the time goes in lanes."""
    for name, run in (("ring", RING), ("leaves", LEAVES)):
        found = bench.in_turn(run, WAYS)
        for way, results in found.items():
            bench.rates(f"{name}_{way}", run, results)
        share = found["lanes"][0]["cost"]["in_lanes"]
        settings = run.chosen(bench.metrics.short)
        clocks = settings["NODES"] * settings["CLOCKS"]
        method = "engine-clocks that were in lanes"
        bench.add(f"{name}_in_lanes", share / clocks, "share", name, method, "higher")
        if run is not RING:
            continue
        for what, of in (
            ("engine_ns", lambda cost: cost["work"] - cost["switches"]),
            ("switch_port_ns", lambda cost: cost["switches"]),
            ("measuring_ns", lambda cost: cost["between"]),
        ):
            value = _median(found["lanes"], lambda result, of=of: of(result["cost"]))
            bench.add(what, 1e9 * value / clocks, "ns", "ring, lanes", "processor time per clock")
    header = (Path(bench.program).parent / "kind0" / lanes.NAME).read_text()
    for what, text in (("loops", "EACH_LANE {"), ("memory_reads", "= b.roots[l]->")):
        bench.add(what, header.count(text), "", "tiny", f"`{text}` in {lanes.NAME}")


def _sleep(bench):
    """What it gives to skip engines that have had no input."""
    for name, run in (("spread", SPREAD), ("permutation", PERMUTATION)):
        found = bench.in_turn(run, {"skipping": (), "all": ("--skip", 0)})
        settings = run.chosen(bench.metrics.short)
        again = fabric.command("tiny", settings, run.traffic)
        clocks = settings["NODES"] * settings["CLOCKS"]
        share = found["skipping"][0]["cost"]["skipped"] / clocks
        bench.add(f"{name}_skipped", share, "share", again, "engine-clocks not evaluated", "higher")
        for way, results in found.items():
            value = _median(results, lambda result: result["cpu_seconds"])
            bench.add(f"{name}_{way}_seconds", value, "s", again, "processor time, median")


def _sizes(bench):
    """Bytes of an engine, of a run of 1,024, and of a checkpoint of it."""
    with tempfile.TemporaryDirectory() as folder:
        words = ("--checkpoint", Path(folder) / "state", "--checkpoint-seconds", 0)
        found = bench.one(THOUSAND, words)
        kept = sum(path.stat().st_size for path in Path(folder).iterdir())
    settings = THOUSAND.chosen(bench.metrics.short)
    again = fabric.command("tiny", settings, THOUSAND.traffic)
    state = found["cost"]["state_bytes"] / settings["NODES"]
    bench.add("state_bytes", state, "bytes", "tiny", "of an engine's model, memories included")
    bench.add("checkpoint_bytes", kept, "bytes", again, "the last checkpoint before the end")
    plain = bench.one(THOUSAND)  # a checkpoint is made in memory
    memory = plain["cost"]["memory_bytes"]
    bench.add("memory_bytes", memory, "bytes", again, "the most that the process had at a time")


def _processes(bench):
    """What it costs to share a run; nothing without Open MPI."""
    try:
        program = fabric.compile_fabric(bench.config, builds.Processes(), mpi=True)
    except builds.SetupError as error:
        print(f"bench: fabric_speed: no exchange and no balance: {error}", flush=True)
        return
    shared = {"program": program, "processes": 2}
    pair = PAIR.chosen(bench.metrics.short)
    alone = bench.in_turn(PAIR, {"alone": ()})["alone"]
    both = bench.in_turn(PAIR, {"both": ()}, **shared)["both"]
    windows = -(-pair["CLOCKS"] // fabric.SETTINGS["DELAY"][2])
    measuring = _median(alone, lambda result: result["cost"]["between"])
    costs = [1e6 * (one["cost"]["between"] - measuring) / (2 * windows) for one in both]
    again = fabric.command("tiny", pair, PAIR.traffic, processes=2)
    method = f"processor time of a process for a window, {len(costs)} runs"
    for end, value in (("", statistics.median(costs)), ("_low", min(costs)), ("_high", max(costs))):
        bench.add(f"exchange_us{end}", value, "us", again, method)
    ring = bench.in_turn(RING, {"both": ()}, **shared)["both"]
    share = _median(ring, lambda result: result["cost"]["busiest"] / result["cost"]["work"])
    again = fabric.command("tiny", RING.chosen(bench.metrics.short), RING.traffic, processes=2)
    bench.add("busiest_share", share, "share", again, "work of the busier of two processes")


def _nodes(bench):
    """How the cost of a clock grows with the number of engines of `default`."""
    program = fabric.compile_fabric(preset("default"), builds.Processes())
    for nodes in SHORT_NODES if bench.metrics.short else NODES:
        run = _incast(nodes)
        found = bench.in_turn(run, {"lanes": ()}, program=program)["lanes"]
        clocks = run.chosen(bench.metrics.short)["CLOCKS"]
        value = _median(found, lambda one, clocks=clocks: clocks / max(one["cpu_seconds"], 0.001))
        bench.add(
            f"clocks_per_second.{nodes}_nodes",
            round(value),
            "clocks/s",
            f"default, {nodes} engines, incast, switch and hosts",
            "processor time of this machine, one thread",
            "higher",
        )


def speed_part(_runs, metrics):
    """All runs, one after the other; `builds.BuildError` if one of them fails."""
    bench = _Bench(metrics)
    for part in (_ways, _sleep, _sizes, _processes, _nodes):
        part(bench)
