"""Coverage of the regression: `ttpoe coverage`; --long: every run of `ttpoe sim` in full length.

Each run of each scenario is simulated with a module beside the pair that counts the points of the
coverage plan (`ttpverif.coverage`); engine, NIC and NIC with registers of preset tiny are
compiled with Verilator's line and toggle coverage besides. Counts are added up over all runs and
both engines.
Results: build/verify/coverage.json; page: docs/reference/coverage.md. Exit code 1: a run failed, a
point of the plan was not hit and is not covered elsewhere, an impossible combination or a line
that is left out as out of reach was hit, or too few lines were.
"""

import json
from collections import Counter

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.build.builds import Extra, SetupError
from ttpsim.build.tools import QUICK, UNOPTIMISED
from ttpsim.campaign.origin import origin
from ttpsim.coverage import lines as coverage_lines
from ttpsim.coverage import page as coverage_page
from ttpsim.paths import ROOT
from ttpsim.scenario import run as sim_run
from ttpsim.scenario.report import Report
from ttpverif.cli.errors import Interrupted
from ttpverif.coverage import counting
from ttpverif.coverage import points as plan

RESULTS = ROOT / "build" / "verify" / "coverage.json"
CODE = "tiny"
"""The preset whose tops are compiled with line and toggle coverage, too."""
LINES_GOAL = 98.0
_CODE_FLAGS = ("--coverage-line", "--coverage-toggle", "--coverage-max-width", "72")


def extra_of(run):
    """What this run is compiled with."""
    verilog, _names = counting.counting_verilog(run.top, run.config)
    code = (run.config.name, run.simulator) == (CODE, "verilator")
    outputs = (("+points=", "points.hex"),)
    if code:
        outputs += (("+verilator+coverage+file+", "coverage.dat"),)
    return Extra(
        "code" if code else "points",
        verilog,
        "ttp_points points();",
        _CODE_FLAGS if code else (),
        UNOPTIMISED if code else QUICK,
        outputs,
    )


def _builds_first(runs):
    """The same runs, the first one of each build in front, of the largest tops first: a run that
    waits for the build of another one keeps a core idle."""
    groups = {}
    for run in runs:
        groups.setdefault((run.simulator, run.top, run.config.name), []).append(run)
    ordered = sorted(
        groups.values(),
        key=lambda group: (
            group[0].simulator != "verilator",
            -coverage_lines.TOPS.index(group[0].top),
        ),
    )
    return [group[0] for group in ordered] + [run for group in ordered for run in group[1:]]


def regression(long, test=()):
    """The runs: all that `ttpoe sim` does with Verilator, or the short form.

    The short form has every scenario shortened on `tiny`, and each other width once, in a `tiny`
    of that width, and the IPv4 form by `router`. Those that need no line coverage run on Icarus,
    which saves the C++ compiler's minute; not at 512 bits, where a beat has lanes without a byte
    that Icarus shows as X.
    """
    if long:
        return sim_run.plan(sim_run.Wanted(list(test), "verilator"))
    runs = sim_run.plan(sim_run.Wanted(list(test), "verilator", short=True))
    tiny = [run for run in runs if run.config.name == CODE]
    widths = {
        run.config.width_bits: run
        for run in sim_run.plan(sim_run.Wanted(list(test), "verilator"))
        if run.scenario == "lengths" and run.config.width_bits > 64
    }
    for width, run in widths.items():
        run.test = f"lengths.{width}bit"
        run.config = preset("tiny").replace(name=f"tiny{width}", width_bits=width)
        run.simulator = "verilator" if width == 512 else "icarus"
    ipv4 = [run for run in runs if run.scenario == "router"]
    for run in ipv4:
        run.simulator = "icarus"
    return _builds_first([*tiny, *widths.values(), *ipv4])


def collect(runs):
    """The sum of what the runs left in their folders, as a dict for `coverage.json`."""
    counts, by_run, modules = Counter(), {}, {}
    for run in runs:
        if not run.passed:
            continue
        names = [point.name for point in counting.points(run.top, run.config)]
        found = counting.read_counts((run.folder / "points.hex").read_text(), names)
        counts.update(found)
        for name, count in found.items():
            if count:
                by_run.setdefault(name, []).append(f"{run.test} {run.config.name}")
        data = run.folder / "coverage.dat"
        if data.exists():
            coverage_lines.add(modules, data.read_text(errors="replace"), run.top)
    return {
        "runs": [dict(run.to_dict(), top=run.top) for run in runs],
        "points": verdicts(counts, by_run),
        "code": coverage_lines.summary(modules),
    }


def verdicts(counts, by_run):
    """`{point: {count, runs, reason}}` for every point of the plan; `reason` of a hole, or None."""
    impossible, elsewhere = plan.impossible(), plan.load()["elsewhere"]
    block_tests = coverage_page.block_tests()
    found = {}
    for name, point in plan.universe().items():
        reason = impossible.get(name)
        if reason is None and not counts[name]:
            reason = (
                elsewhere.get(name)
                or block_tests.get(name)
                or elsewhere.get(name.partition("/")[0] + "/")
            )
        found[name] = {
            "what": point.what,
            "count": counts[name],
            "runs": len(by_run.get(name, [])),
            "first": by_run.get(name, [None])[0],
            "reason": reason,
            "impossible": name in impossible,
        }
    return found


def problems(results):
    """One line for each thing that makes the coverage incomplete."""
    lines = [
        f"{run['test']} {run['preset']} failed: {run['message']}"
        for run in results["runs"]
        if run["result"] != "passed"
    ]
    for name, point in results["points"].items():
        if point["impossible"] and point["count"]:
            lines.append(
                f"{name} was hit {point['count']} times, but the plan says: {point['reason']}"
            )
        elif not point["count"] and not point["reason"]:
            lines.append(f"{name} was not hit: {point['what']}")
    code = results["code"]
    lines += [
        f"{entry['block']}: line {entry['line']} was hit, and is left out as out of reach: "
        f"{entry['text']}"
        for entry in code["wrongly_left_out"]
    ]
    if code["lines"] and code["reachable_percent"] < LINES_GOAL:
        lines.append(
            f"{code['reachable_percent']:.2f} % of the lines that can be reached, "
            f"less than {LINES_GOAL} %"
        )
    return lines


def execute(runs, jobs, made):
    """Simulate, collect, write the results; returns them. `made`: where they are from."""
    for simulator in {run.simulator for run in runs}:
        builds.check_simulator(simulator)
    with Report(runs, jobs) as report:
        try:
            sim_run.Runner(runs, jobs, report, extra_of).execute()
        except KeyboardInterrupt:
            raise Interrupted(sim_run.ended(runs)) from None
    report.finish(RESULTS.relative_to(ROOT))
    results = collect(runs) | {"origin": made}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    return results


def _finish(results, page):
    if page:
        coverage_page.PAGE.write_text(coverage_page.page(results))
    lines = problems(results)
    for line in lines:
        print(f"coverage: {line}")
    hit = sum(bool(point["count"]) for point in results["points"].values())
    code = results["code"]
    print(
        f"coverage: {hit} points hit, {len(lines)} problems; lines {code['lines_percent']:.2f} %,"
        f" of those that can be reached {code['reachable_percent']:.2f} %,"
        f" toggles {code['toggles_percent']:.2f} %; {RESULTS.relative_to(ROOT)}"
    )
    return 1 if lines else 0


def document():
    """docs/reference/coverage.md of the last results, `(page, text)`."""
    if not RESULTS.exists():
        raise SetupError("there are no results yet: run `ttpoe coverage`")
    return coverage_page.PAGE, coverage_page.page(json.loads(RESULTS.read_text()))


def main(arguments):
    """What `ttpoe coverage` does; exit code 0 complete, 1 not."""
    runs = regression(arguments.long, arguments.test)
    made = origin(" ".join(["ttpoe coverage", *["--long"] * arguments.long]), 1)
    return _finish(execute(runs, arguments.jobs, made), not arguments.test)
