"""`make bench`: measures the engine in simulation and compares with sim/benches/baseline.json.

    make bench                all parts, about a quarter of an hour
    make bench PART=goodput   one part (PARTS below); SHORT=1: fewer points; SAVE=1: new baseline

It writes build/bench/metrics.json and build/bench/report.html. The clock is an assumption of the
simulation and stands in each metric's configuration: the design clock of the preset
(constraints/README.md). What place and route reached is a metric of its own, taken from the
last `make synth`.
"""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for _folder in ("sim", "verif", "rtl"):
    sys.path.insert(0, str(ROOT / _folder))

import bench_report  # noqa: E402
import run as runner  # noqa: E402
import synth  # noqa: E402
from builds import SetupError, check_simulator  # noqa: E402
from ttpoe.config import preset  # noqa: E402
from ttpoe.emit import write  # noqa: E402

BUILD = ROOT / "build" / "bench"
BASELINE = ROOT / "sim" / "benches" / "baseline.json"
CLOCK_MHZ = {"tiny": 125.0, "default": 125.0, "full": 195.3125}
SIZES = (1, 64, 256, 1024)
SIMULATED = "two engines in Verilator, seeded"
RARE = (1e-5, 1e-4)         # losses too rare to wait for: computed from what one loss costs


def run_of(package, name, preset_name, label="", **params):
    """One run of a scenario or bench; the label tells runs of one bench apart."""
    return runner.Run(name, f"bench.{name}{label}", "verilator", preset(preset_name), 1, params,
                      False, package=package)


class Metrics(list):
    """`add` one figure after another."""

    def add(self, name, value, unit, configuration, method, better, goal=None):
        if value is None:
            return
        met = None if goal is None else value <= goal if better == "lower" else value >= goal
        self.append({"name": name, "value": round(value, 4) if isinstance(value, float) else value,
                     "unit": unit, "configuration": configuration, "method": method,
                     "better": better, "goal": goal, "met": met})


# ---- latency, events, opening, replay ----------------------------------------------------------

def latency_runs(short):
    return [run_of("scenarios", "latency", name, repeats=8 if short else 25)
            for name in (("default",) if short else ("tiny", "default", "full"))]


def latency(runs, metrics):
    worst = {"tx": 0, "rx": 0}
    for run in runs:
        name, width = run.config.name, run.config.width_bytes
        for size in SIZES:
            figures = {way: run.summary["latency"][f"{way}_{size}_bytes"]
                       for way in ("tx", "rx", "host_to_host")}
            through, beats = figures["host_to_host"], -(-(max(64, 60 + size)) // width)
            for way in worst:
                worst[way] = max(worst[way], figures[way]["clocks"])
            metrics.add(f"latency.one_way_{size}_bytes.{name}", through["clocks"],
                        "clocks", f"{name}, idle", f"host's last beat in to host's first beat out,"
                        f" the frame's {beats} beats included; {through['samples']} samples, "
                        f"spread {through['spread']}", "lower", beats + 16)
    names = ", ".join(run.config.name for run in runs)
    for way, text in (("tx", "host's last beat to first beat on the wire"),
                      ("rx", "last beat from the wire to first beat to the host")):
        metrics.add(f"latency.{way}_clocks", worst[way], "clocks", f"worst of {names}, idle",
                    f"{text}, 1 to 1,024 bytes; {SIMULATED}; spread 0 is asserted", "lower", 8)


def events_runs(short):
    return [run_of("benches", "events", "full", frames=500 if short else 5000)]


def events(runs, metrics):
    found = runs[0].summary["events"]
    metrics.add("pipeline.events_per_clock", min(e["events_per_clock"] for e in found.values()),
                "events", "full, one link, received frames back to back", "records of the trace "
                f"port per clock; worst of {', '.join(found)}; "
                f"{found['mixed']['frames']} frames each", "higher", 1.0)
    metrics.add("pipeline.lost_at_the_door", sum(e["lost_at_the_door"] for e in found.values()),
                "frames", "full", "the same run", "lower", 0)


def opening_runs(short):
    return [run_of("benches", "opening", name) for name in (("default",) if short else
                                                            ("default", "full"))]


def opening(runs, metrics):
    found = {run.config.name: run.summary["opening"] for run in runs}
    names = ", ".join(found)
    metrics.add("close.recycle_clocks", max(e["recycle_clocks"] for e in found.values()),
                "clocks", f"worst of {names}", "from the CLOSE_ACK's event to the first event "
                "that can open the same tag again; every offset tried", "lower", 2)
    for name, entry in found.items():
        metrics.add(f"open.beyond_round_trip_clocks.{name}", entry["open_beyond_wires_clocks"],
                    "clocks", name, "host's request to LINK_UP, less frames and wires", "lower", 12)


def replay_runs(short):
    return [run_of("scenarios", "selective", name, label=".clocks", part="clocks")
            for name in (("tiny",) if short else ("default", "full"))]


def replay(runs, metrics):
    metrics.add("replay.nack_to_wire_clocks",
                max(run.summary["replay"]["nack_to_wire_clocks"] for run in runs), "clocks",
                "worst of " + ", ".join(run.config.name for run in runs),
                "NACK's last beat to the replay's first, oldest gap, 1 to "
                f"{max(run.summary['replay']['in_flight'] for run in runs)} in flight, "
                "constant is asserted", "lower", 8)


# ---- goodput -----------------------------------------------------------------------------------

_COUNTS = {"full": {2.6: 4000, 10: 2000, 80: 1200}, "default": {2.6: 800, 10: 600, 80: 300}}


def _points(name, rtt, selective):
    """Points of one round trip; as many payloads as give some dozens of losses."""
    count = _COUNTS[name][rtt]
    losses = {1e-3: 2 * count, 1e-2: count, 1e-1: count // (4 if rtt == 2.6 else 8)}
    if name == "default":
        del losses[1e-3]
    return [{"rtt_us": rtt, "loss": loss, "selective": selective, "payloads": payloads}
            for loss, payloads in losses.items()]


def _isolated(rtt, selective, frame_cycles, clock):
    """Two losses far apart, and time enough behind them: what waited for the gap goes to the host
    in beats of payload only while headers come in, too, so that 1/17 of the time is left for it."""
    window = rtt * clock / frame_cycles
    spacing = int(4 * window) + 60
    return {"rtt_us": rtt, "selective": selective, "isolated": 2, "spacing": spacing,
            "payloads": 2 * spacing + int(18 * window if selective else 2 * window)}


def goodput_runs(short):
    if short:
        return [run_of("benches", "goodput", "default", label=".short", clock_mhz=125.0, points=[
            {"rtt_us": 2.6, "selective": 1, "payloads": 60},
            *({"rtt_us": 2.6, "loss": 0.05, "selective": s, "payloads": 120} for s in (1, 0))])]
    runs = [run_of("benches", "goodput", name, label=".no_loss", clock_mhz=CLOCK_MHZ[name],
                   points=[{"rtt_us": 2.6, "selective": 1, "payloads": payloads, "both": both}
                           for both in (False, True)])
            for name, payloads in (("full", 1500), ("default", 400))]
    for rtt in (2.6, 10, 80):
        for name, frame in (("full", 17), ("default", 136)):
            clock = CLOCK_MHZ[name]
            points = [point for selective in (1, 0) for point in
                      [*_points(name, rtt, selective), _isolated(rtt, selective, frame, clock)]]
            runs.append(run_of("benches", "goodput", name, label=f".rtt{rtt}", clock_mhz=clock,
                               points=points))
    return runs


def goodput(runs, metrics):
    no_loss = {}
    for run in runs:
        name, clock = run.config.name, run.params["clock_mhz"]
        for point in run.summary["points"]:
            where = (f"{name}, RTT {point['rtt_us']} us = {point['rtt_cycles']} clocks "
                     f"at {clock} MHz")
            if not point.get("loss") and "isolated" not in point:
                no_loss[name, bool(point.get("both"))] = point["ratio"]
                continue
            kind = "selective" if point["selective"] else "gbn"
            window = point["window_packets"]
            room = min(1.0, run.config.slots / window)      # the replay memory limits, too
            if "isolated" in point:
                if room < 1:
                    continue        # the rate is not that of the wire to begin with
                cost = point["lost_clocks"] / point["ideal_clocks"]
                metrics.add(f"goodput.loss_costs_frames.{kind}_{point['rtt_us']}us.{name}", cost,
                            "frames", where, f"{point['isolated']} losses far apart", "lower",
                            None if kind == "selective" else 1.05 * window + 1)
                values = [(loss, 1 / (1 + loss * cost), "computed from what one loss costs")
                          for loss in RARE]
            else:
                values = [(point["loss"], point["ratio"],
                           f"{point['delivered']} payloads in order, {point['clocks']} clocks, "
                           f"{100 * point['lost_share']:.2f} % of all frames really lost; what "
                           "waits for a gap at the end counts as lost time")]
            for loss, ratio, method in values:
                bound = room * (1 - loss) / (1 if kind == "selective" else 1 + loss * window)
                goal = (0.97 if kind == "selective" else 0.95) * bound
                if kind == "selective" and (loss > 0.01 or point["rtt_us"] > 10):
                    goal = None
                plain = name == "full"
                metrics.add(f"goodput.{kind}_{100 * loss:g}pct_{point['rtt_us']}us"
                            + ("" if plain else f".{name}"), ratio,
                            "of header limit", f"{where}, loss {100 * loss:g} %, W {window:.1f}",
                            f"{method}; {SIMULATED}", "higher", goal and round(goal, 4))
    if no_loss:
        for (name, both), ratio in no_loss.items():
            metrics.add(f"goodput.no_loss_{'both_ways' if both else 'one_way'}.{name}", ratio,
                        "of header limit", name, "1,024-byte payloads, beats of frames (and ACKs)"
                        f" at the MAC's port, no gaps; {SIMULATED}", "higher", 0.995)
        metrics.add("goodput.no_loss_ratio", min(no_loss.values()), "of header limit",
                    "worst of " + ", ".join(sorted({name for name, _ in no_loss})),
                    "one way and both ways, worst direction", "higher", 0.995)


# ---- window law --------------------------------------------------------------------------------

WINDOW = ((16, 1), (16, 2.6), (16, 10), (64, 2.6), (64, 10), (256, 10), (256, 40),
          (1024, 80), (1024, 120))


def window_runs(short):
    points = [{"rtt_us": rtt, "selective": 1, "slots": slots, "payloads": 3 * slots + 100,
               "periods": 3}
              for slots, rtt in (WINDOW[1:2] if short else WINDOW)]
    return [run_of("benches", "goodput", "full", label=".window", clock_mhz=195.3125,
                   points=points)]


def window(runs, metrics):
    worst = 0.0
    for point in runs[0].summary["points"]:
        law = min(1.0, point["slots"] / point["window_packets"])
        worst = max(worst, abs(point["ratio"] / law - 1))
        metrics.add(f"window.{point['slots']}KB_{point['rtt_us']}us", point["ratio"],
                    "of header limit", f"full, RTT {point['rtt_cycles']} clocks, law {law:.4f}",
                    "cfg_link_slots instead of a smaller memory", "higher")
    metrics.add("window.worst_deviation", worst, "share of the law", "full, 16 KB to 1 MB",
                "min(1, S / (rate x RTT))", "lower", 0.02)


# ---- synthesis ---------------------------------------------------------------------------------

def synthesis(metrics):
    """Figures of the last `make synth`, if there was one."""
    for entry in synth.summary().values():
        where, what = f"{entry['target']}, {entry['configuration']}", entry["configuration"]
        name = "synth." + entry["target"] + ("" if what == "default" else f".{what}")
        engine = (entry["target"], what) == ("ecp5", "default")
        for key, unit, better, goal in (
                ("fmax_mhz", "MHz", "higher", 125), ("lut4", "LUT4", "lower", 6000),
                ("lut", "LUT", "lower", None), ("ff", "FF", "lower", None),
                ("trellis_comb", "LUT4", "lower", None), ("dp16kd", "RAM", "lower", None),
                ("longest_path_cells", "cells", "lower", None)):
            metrics.add(f"{name}.{key}", entry.get(key), unit, where, entry["method"], better,
                        goal if engine else None)


PARTS = {"latency": (latency_runs, latency), "events": (events_runs, events),
         "opening": (opening_runs, opening), "replay": (replay_runs, replay),
         "goodput": (goodput_runs, goodput), "window": (window_runs, window)}


# ---- the command -------------------------------------------------------------------------------

class _Progress:
    def changed(self, run):
        if run.state not in ("building", "waiting"):
            print(f"bench: {run.test} {run.config.name} {run.state} {run.message}"
                  + (f" ({run.seconds:.0f} s)" if run.passed else ""), flush=True)


def measure(parts, short, jobs):
    """`(metrics, failed runs)` of these parts and of the last synthesis."""
    metrics, failed = Metrics(), []
    for part in parts:
        plan, evaluate = PARTS[part]
        runs = plan(short)
        runner.Runner(runs, jobs, _Progress()).execute()
        failed += [run for run in runs if not run.passed]
        done = [run for run in runs if run.passed]
        if done:
            evaluate(done, metrics)
    synthesis(metrics)
    return metrics, failed


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
        goal = shown(metric["goal"]) and ("<=" if metric["better"] == "lower" else ">=") \
            + shown(metric["goal"])
        verdict = {True: "ok", False: "MISSED", None: ""}[metric["met"]]
        change = "" if metric["change"] == "same" else metric["change"]
        lines.append(f"{metric['name']:48} {shown(metric['value']):>10} {goal:>10} "
                     f"{shown(metric['before']):>10} {verdict:6} {change}".rstrip())
    return "\n".join(lines)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise SetupError(message)


def main(argv=None):
    """Command line; exit code 0, 1 if a run failed, 2 after one line about bad input."""
    parser = _Parser(prog="sim/bench.py", allow_abbrev=False, description="Measure the engine.")
    parser.add_argument("--part", default=os.environ.get("PART") or ",".join(PARTS))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--save", action="store_true", help="make this the baseline")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=BUILD, help="folder of the results")
    try:
        arguments = parser.parse_args(argv)
        parts = arguments.part.split(",")
        for part in parts:
            if part not in PARTS:
                raise SetupError(f"PART must be one of {', '.join(PARTS)}; got {part!r}")
        check_simulator("verilator")
        metrics, failed = measure(parts, arguments.short, arguments.jobs)
    except SetupError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted", file=sys.stderr)
        return 130
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    compared(metrics, baseline)
    write(arguments.output / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    write(arguments.output / "report.html", bench_report.page(metrics, synth.summary()))
    print(table(metrics))
    if arguments.save and not failed:
        new = baseline | {metric["name"]: metric["value"] for metric in metrics}
        write(BASELINE, json.dumps(dict(sorted(new.items())), indent=1) + "\n")
    for run in failed:
        print(f"bench: {run.test} failed: {run.message}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
