"""Part `congestion` of `ttpoe bench`: the runs of congestion_cases.py, without and with the law.

A run's result is kept in build/bench/congestion by its command and the Verilog's hash: the same
command goes on where it was broken off. An engine without congestion control has one column.
"""

import json
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor

from ttpoe.config import preset
from ttpoe.verilog.emit import write
from ttpsim.bench.congestion_cases import FIGURES, cases
from ttpsim.build import builds
from ttpsim.build.tools import hash_of
from ttpsim.fabric import run as fabric
from ttpsim.paths import BUILD
from ttpverif.cli.errors import Interrupted

__all__ = ["COLUMNS", "congestion_part", "congestion_runs", "figures_of", "measure"]

COLUMNS = {"none": 0, "law": 1}
"""What the engines offer -> CONGESTION of the fabric."""
FOLDER = BUILD / "bench" / "congestion"


class _Programs:
    """The program of each preset, and what its results depend on."""

    def __init__(self):
        self.found = {}

    def __getitem__(self, name):
        """`(program, hash of the Verilog, whether the engine has congestion control)`."""
        if name not in self.found:
            config, processes = preset(name), builds.Processes()
            verilog = builds.emitted(config, processes).read_text()
            program = fabric.compile_fabric(config, processes)
            self.found[name] = program, hash_of(verilog), "cfg_congestion" in verilog
        return self.found[name]


def _result(program, design, case, settings):
    """Of one run: kept, or made now; `BuildError` with the command if it failed."""
    again = fabric.command(case.preset, settings, case.traffic)
    path = FOLDER / f"{hash_of(design, again)}.json"
    if path.exists():
        return json.loads(path.read_text())["result"]
    code, result = fabric.run_fabric(program, case.traffic, settings, subprocess.DEVNULL)
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise builds.BuildError(f"{result.get('failure', 'it broke off')}; again: {again}")
    write(path, json.dumps({"command": again, "result": result}, indent=1) + "\n")
    goodput = 100 * result["goodput"]
    print(
        f"bench: {again.removeprefix('ttpoe ')}: {goodput:.1f} % ({result['cpu_seconds']:.0f} s)",
        flush=True,
    )
    return result


def _value(result, figure):
    """The number, None if it is not there: it never came to that."""
    value = (result | result.get("half", {})).get(figure.where)
    return value / result[figure.per] if figure.per and value is not None else value


def figures_of(case, results):
    """`{name: value}` of a case and the results of its seeds: mean, smallest, largest; how many
    seeds there were, and in how many a figure was never reached."""
    found = {"seeds": len(results)}
    for name in case.all_figures:
        values = [_value(result, FIGURES[name]) for result in results]
        there = [value for value in values if value is not None]
        if len(there) < len(values):
            found[f"{name}_never"] = len(values) - len(there)
        if there:
            found |= {
                name: statistics.mean(there),
                f"{name}_low": min(there),
                f"{name}_high": max(there),
            }
    return found


def measure(chosen, jobs, columns=COLUMNS):
    """`{case: {column: its figures}}`; an engine that has no congestion control has no "law"."""
    programs = _Programs()
    for case in chosen:
        programs[case.preset]  # all are compiled before the first run
    work = [
        (case, column, seed)
        for seed in range(1, max(case.seeds for case in chosen) + 1)
        for case in chosen
        for column in columns
        if seed <= case.seeds and (column == "none" or programs[case.preset][2])
    ]

    def one(case, column, seed):
        program, design, _has = programs[case.preset]
        settings = case.settings | {"SEED": seed, "CONGESTION": COLUMNS[column]}
        return _result(program, design, case, settings)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            results = list(pool.map(lambda words: one(*words), work))
    except KeyboardInterrupt:
        raise Interrupted(
            "congestion broken off; the same command goes on with the runs that are left"
        ) from None
    found = {}
    for case in chosen:
        by_column = found[case.name] = {}
        for column in columns:
            of = [
                result
                for words, result in zip(work, results, strict=True)
                if words[:2] == (case, column)
            ]
            if of:
                by_column[column] = figures_of(case, of)
    return found


def congestion_runs(_short):
    return []  # no cocotb: the program is run below


def _goal(case, name, column, found):
    """Goals are those of the law; "today" is what the same run reaches without it."""
    goal = case.goals.get(name) if column == "law" else None
    return found["none"].get(name) if goal == "today" else goal


def _unit(name):
    """`(unit, what is better)` of a name that `figures_of` gives."""
    if name == "seeds" or name.endswith("_never"):
        return "seeds", "higher" if name == "seeds" else "lower"
    figure = FIGURES[name.removesuffix("_low").removesuffix("_high")]
    return figure.unit, figure.better


def add(metrics, case, found):
    """The figures of a case as metrics."""
    half = "; second half" if case.settings.get("CLOCKS") else ""
    for column, values in found.items():
        for name, value in values.items():
            unit, better = _unit(name)
            metrics.add(
                f"congestion.{case.name}.{name}.{column}",
                value,
                unit,
                f"{case.preset}, {case.words}; congestion control: {column}",
                f"`ttpoe fabric`, seeds 1 to {values['seeds']}{half}",
                better,
                _goal(case, name, column, found),
            )


def congestion_part(_runs, metrics):
    """All runs; `builds.BuildError` if one of them fails."""
    print("bench: congestion, building", flush=True)
    chosen = cases(metrics.short)
    found = measure(chosen, metrics.jobs)
    for case in chosen:
        add(metrics, case, found[case.name])
