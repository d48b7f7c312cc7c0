"""`ttpoe bench`: measures the engine in simulation and compares with the baseline.

It writes build/bench/metrics.json and build/bench/report.html. The clock is an assumption of the
simulation and stands in each metric's configuration: the design clock of the preset
(constraints/README.md). What place and route reached is a metric of its own, taken from the
last `ttpoe synth`.
"""

import json
import sys
from pathlib import Path

from ttpoe.verilog.emit import write
from ttpsim.bench import congestion as bench_congestion
from ttpsim.bench import fabric as bench_fabric
from ttpsim.bench import fabric_speed as bench_speed
from ttpsim.bench import first_use as bench_first_use
from ttpsim.bench import goodput as bench_goodput
from ttpsim.bench import host as bench_host
from ttpsim.bench import links as bench_links
from ttpsim.bench import path as bench_path
from ttpsim.bench import ports as bench_ports
from ttpsim.bench import readme as bench_readme
from ttpsim.bench import report as bench_report
from ttpsim.bench.common import SIMULATED, Metrics, run_of
from ttpsim.bench.origins import group, renewed
from ttpsim.build.builds import check_simulator
from ttpsim.paths import ROOT
from ttpsim.scenario import run as runner
from ttpsim.scenario.report import Report
from ttpsim.synth import run as synth
from ttpverif.cli.errors import Interrupted

BUILD = ROOT / "build" / "bench"
BASELINE = Path(__file__).with_name("baseline.json")
ORIGINS = BASELINE.with_name("baseline_origin.json")
SIZES = (1, 64, 256, 1024)


# ---- latency, events, opening, replay ----------------------------------------------------------


def latency_runs(short):
    return [
        run_of("ttpsim.scenarios", "latency", name, repeats=8 if short else 25)
        for name in (("default",) if short else ("tiny", "default", "full"))
    ]


def latency(runs, metrics):
    worst = {"tx": 0, "rx": 0}
    for run in runs:
        name, width = run.config.name, run.config.width_bytes
        for size in SIZES:
            figures = {
                way: run.summary["latency"][f"{way}_{size}_bytes"]
                for way in ("tx", "rx", "host_to_host")
            }
            through, beats = figures["host_to_host"], -(-(max(64, 60 + size)) // width)
            for way in worst:
                worst[way] = max(worst[way], figures[way]["clocks"])
            metrics.add(
                f"latency.one_way_{size}_bytes.{name}",
                through["clocks"],
                "clocks",
                f"{name}, idle",
                f"host's last beat in to host's first beat out,"
                f" the frame's {beats} beats included; {through['samples']} samples, "
                f"spread {through['spread']}",
                "lower",
                beats + 32,
            )
    names = ", ".join(run.config.name for run in runs)
    for way, text in (
        ("tx", "host's last beat to first beat on the wire"),
        ("rx", "last beat from the wire to first beat to the host"),
    ):
        metrics.add(
            f"latency.{way}_clocks",
            worst[way],
            "clocks",
            f"worst of {names}, idle",
            f"{text}, 1 to 1,024 bytes; {SIMULATED}; spread 0 is asserted",
            "lower",
            16,
        )


def events_runs(short):
    return [run_of("ttpsim.bench.scenarios", "events", "full", frames=500 if short else 5000)]


def events(runs, metrics):
    one, many = (
        runs[0].summary["events"][links] for links in ("one link", "links of different sets")
    )
    mixes = f"{', '.join(many)}; {many['mixed']['frames']} frames each"
    metrics.add(
        "pipeline.events_per_clock",
        min(e["events_per_clock"] for e in many.values()),
        "events",
        "full, 16 links of different sets in turn, received frames back to back",
        f"records of the trace port per clock; worst of {mixes}",
        "higher",
        1.0,
    )
    metrics.add(
        "pipeline.clocks_per_event_one_link",
        max(e["clocks_per_event"] for e in one.values()),
        "clocks",
        "full, one link, received frames back to back",
        f"clocks between its records on the trace port; worst of {mixes}",
        "lower",
    )
    metrics.add(
        "pipeline.lost_at_the_door",
        sum(e["lost_at_the_door"] for e in many.values()),
        "frames",
        "full, 16 links of different sets in turn",
        "the same run",
        "lower",
        0,
    )


def opening_runs(short):
    return [
        run_of("ttpsim.bench.scenarios", "opening", name)
        for name in (("default",) if short else ("default", "full"))
    ]


def opening(runs, metrics):
    found = {run.config.name: run.summary["opening"] for run in runs}
    names = ", ".join(found)
    metrics.add(
        "close.recycle_clocks",
        max(e["recycle_clocks"] for e in found.values()),
        "clocks",
        f"worst of {names}",
        "from the CLOSE_ACK's event to the first event "
        "that can open the same tag again; every offset tried",
        "lower",
        6,
    )
    for name, entry in found.items():
        metrics.add(
            f"open.beyond_round_trip_clocks.{name}",
            entry["open_beyond_round_trip_clocks"],
            "clocks",
            name,
            "host's request to "
            "LINK_UP, less the time from the OPEN's first beat out to the OPEN_ACK's last "
            "beat in (the peer's engine is in it)",
            "lower",
            28,
        )
        metrics.add(
            f"open.beyond_wires_clocks.{name}",
            entry["open_beyond_wires_clocks"],
            "clocks",
            name,
            "host's request to LINK_UP in both engines together, without frames and wires",
            "lower",
        )


def replay_runs(short):
    return [
        run_of("ttpsim.scenarios", "selective", name, label=".clocks", part="clocks")
        for name in (("tiny",) if short else ("default", "full"))
    ]


def replay(runs, metrics):
    metrics.add(
        "replay.nack_to_wire_clocks",
        max(run.summary["replay"]["nack_to_wire_clocks"] for run in runs),
        "clocks",
        "worst of " + ", ".join(run.config.name for run in runs),
        "NACK's last beat to the replay's first, oldest gap, 1 to "
        f"{max(run.summary['replay']['in_flight'] for run in runs)} in flight, "
        "constant is asserted",
        "lower",
        16,
    )


# ---- synthesis ---------------------------------------------------------------------------------

SYNTHESIS = {  # key of the summary -> unit, what is better, goal of the engine on ECP5
    "fmax_mhz": ("MHz", "higher", 135),  # the median
    "fmax_worst_mhz": ("MHz", "higher", 125),
    "fmax_best_mhz": ("MHz", "higher", None),
    "lut4": ("LUT4", "lower", 7300),
    "lut": ("LUT", "lower", None),
    "ff": ("FF", "lower", 8500),
    "trellis_comb": ("LUT4", "lower", None),
    "dp16kd": ("RAM", "lower", 128),
    "longest_path_cells": ("cells", "lower", None),
    "nand2_equivalents": ("NAND2", "lower", None),
    "path_mhz": ("MHz", "higher", None),
    "path_fo4": ("FO4", "lower", None),
}


def synthesis(metrics):
    """Figures of the last `ttpoe synth`, if there was one."""
    for entry in synth.summary().values():
        where, what = f"{entry['target']}, {entry['configuration']}", entry["configuration"]
        name = synth.name_of(entry)
        engine = (entry["target"], what) == ("ecp5", "default")
        for key, (unit, better, goal) in SYNTHESIS.items():
            metrics.add(
                f"{name}.{key}",
                entry.get(key),
                unit,
                where,
                entry["method"],
                better,
                goal if engine else None,
            )
        for width, figures in entry.get("widths", {}).items():
            for key in ("fmax_mhz", "lut4", "ff", "dp16kd"):
                unit, better, _ = SYNTHESIS[key]
                metrics.add(
                    f"synth.{entry['target']}.{what}_{width}_bits.{key}",
                    figures[key],
                    unit,
                    f"{where}, {width} bits",
                    figures["method"],
                    better,
                )
        for domain, mhz in entry.get("domains", {}).items():  # of a MAC
            metrics.add(f"{name}.{domain}_mhz", mhz, "MHz", where, entry["method"], "higher")
        if "domains" in entry:
            ram = entry["dpr16x4"]
            metrics.add(f"{name}.dpr16x4", ram, "cells", where, entry["method"], "lower")
        low = (entry.get("estimated_mhz") or [None])[0]
        metrics.add(f"{name}.estimated_mhz", low, "MHz", where, entry["method"], "higher")


PARTS = {
    "latency": (latency_runs, latency),
    "port": (bench_ports.port_runs, bench_ports.port),
    "events": (events_runs, events),
    "opening": (opening_runs, opening),
    "replay": (replay_runs, replay),
    "goodput": (bench_goodput.goodput_runs, bench_goodput.goodput),
    "window": (bench_goodput.window_runs, bench_goodput.window),
    "links": (bench_links.links_runs, bench_links.links_part),
    "host": (bench_host.host_runs, bench_host.host),
    "recycle": (bench_host.recycle_runs, bench_host.recycle),
    "simulation": (bench_host.simulation_runs, bench_host.simulation),
    "first_use": (bench_first_use.first_use_runs, bench_first_use.first_use_part),
    "fabric": (bench_fabric.fabric_runs, bench_fabric.fabric_part),
    "fabric_speed": (bench_speed.speed_runs, bench_speed.speed_part),
    "congestion": (bench_congestion.congestion_runs, bench_congestion.congestion_part),
}


# ---- the command -------------------------------------------------------------------------------


def measure(parts, short, jobs):
    """`(metrics, their groups that were measured, failed runs)` of these parts; of the last synthesis
    there are metrics, too."""
    metrics, failed = Metrics(short, jobs), []
    for part in parts:
        plan, evaluate = PARTS[part]
        runs = plan(short)
        try:
            if runs:  # a part may simulate by itself
                with Report(runs, jobs, f"bench {part}") as report:
                    runner.Runner(runs, jobs, report).execute()
        except KeyboardInterrupt:
            raise Interrupted(f"in {part}: {runner.ended(runs)}") from None
        failed += [run for run in runs if not run.passed]
        done = [run for run in runs if run.passed]
        if done or not runs:
            evaluate(done, metrics)
    ran = {group(metric["name"]) for metric in metrics}
    synthesis(metrics)
    bench_links.sweep(metrics)
    bench_path.path(metrics, metrics.value("synth.ecp5.fmax_mhz"))
    return metrics, ran, failed


def compared(metrics, baseline):
    """Each metric with `before` and `change`: better, worse, same or new."""
    for metric in metrics:
        before = baseline.get(metric["name"])
        metric["before"] = before
        metric["change"] = "new" if before is None else "same"
        if before is not None and abs(metric["value"] - before) > 0.005 * abs(before):
            less = metric["value"] < before
            metric["change"] = "better" if less == (metric["better"] == "lower") else "worse"
    return metrics


def table(metrics):
    """What is printed."""
    lines = [f"{'metric':48} {'value':>10} {'goal':>10} {'baseline':>10}"]
    for metric in metrics:

        def shown(value):
            return "" if value is None else f"{value:g}"

        goal = shown(metric["goal"]) and ("<=" if metric["better"] == "lower" else ">=") + shown(
            metric["goal"]
        )
        verdict = {True: "ok", False: "MISSED", None: ""}[metric["met"]]
        change = "" if metric["change"] == "same" else metric["change"]
        lines.append(
            f"{metric['name']:48} {shown(metric['value']):>10} {goal:>10} "
            f"{shown(metric['before']):>10} {verdict:6} {change}".rstrip()
        )
    return "\n".join(lines)


def _command(arguments):
    """What was typed, but for `--jobs` and `--output`."""
    words = ["ttpoe bench", *(arguments.part or []), "--short" * arguments.short, "--save"]
    return " ".join(filter(None, words))


def _synthesised():
    """`{group: origin}` of the last `ttpoe synth` of each target, and of the last sweep."""
    entries = synth.summary().values()
    swept = [entry["origin"] for entry in bench_links.links.results().values() if "origin" in entry]
    return {
        **{synth.name_of(entry): entry["origin"] for entry in entries if "origin" in entry},
        **({"sweep": swept[-1]} if swept else {}),
    }


def _save(arguments, metrics, ran, baseline):
    """The baseline, where its figures are from, and the table of the README."""
    origins = json.loads(ORIGINS.read_text()) if ORIGINS.exists() else {}
    origins = renewed(origins, metrics, baseline, ran, _command(arguments), _synthesised())
    new = baseline | {metric["name"]: metric["value"] for metric in metrics}
    write(BASELINE, json.dumps(dict(sorted(new.items())), indent=1) + "\n")
    bench_readme.rewrite(new)
    write(ORIGINS, json.dumps(origins, indent=1) + "\n")


def main(arguments):
    """What `ttpoe bench` does; exit code 0, or 1 if a run failed."""
    check_simulator("verilator")
    folder = arguments.output or BUILD
    metrics, ran, failed = measure(arguments.part or list(PARTS), arguments.short, arguments.jobs)
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    compared(metrics, baseline)
    write(folder / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    write(folder / "report.html", bench_report.page(metrics, synth.summary()))
    print(table(metrics))
    if arguments.save and not failed:
        _save(arguments, metrics, ran, baseline)
    for run in failed:
        print(f"bench: {run.test} failed: {run.message}", file=sys.stderr)
    return 1 if failed else 0
