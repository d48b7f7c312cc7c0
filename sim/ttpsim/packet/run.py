"""`ttpoe packet`: many nodes as a model of packets. `docs/evidence/packet.md` says how near it is."""

import json
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.cli.packet import SETTINGS as SWITCHES
from ttpsim.fabric.asked import asked, check_files, limits, program_words, shown_words
from ttpsim.fabric.plot import draw
from ttpsim.fabric.words import several, shown
from ttpsim.packet.build import compile_packet
from ttpsim.packet.refusals import refusals

__all__ = ["SETTINGS", "command", "run_packet"]

SETTINGS = limits(SWITCHES)
"""Setting -> (smallest, largest, default), as in `ttpsim.fabric.run`."""
_FILES = ("samples", "plot", "order", "json")


def command(name, settings, traffic):
    """What a user types to repeat a run."""
    words = ["ttpoe", "packet", "--preset", name, "--traffic", traffic]
    return " ".join([*words, *shown_words(settings, SETTINGS)])


def run_packet(program, traffic, settings, output=None, plus=()):
    """`(exit code, results)`; the settings are those of `SETTINGS`, defaults for the others."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "packet.json"
        words = [program, "--traffic", traffic, "--json", path, *plus]
        words += program_words(settings, SETTINGS)
        process = subprocess.Popen(list(map(str, words)), stdout=output)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        return code, json.loads(path.read_text()) if path.exists() else {}


def _settings(arguments):
    """The settings that are asked for."""
    found = asked(arguments, SWITCHES)
    for bad, words in refusals(found, arguments.traffic):
        if bad:
            raise builds.SetupError(words)
    return found


def _one(arguments, program, settings):
    """A run, with its files if they are wanted; `(exit code, results)`."""
    with tempfile.TemporaryDirectory() as folder:
        table = arguments.samples or (Path(folder) / "samples.csv" if arguments.plot else None)
        plus = ["--samples", table] if table else []
        plus += ["--order", arguments.order] if arguments.order else []
        code, result = run_packet(program, arguments.traffic, settings, plus=plus)
        if code == 0 and arguments.plot:
            draw(table, arguments.plot, settings["BUFFER"])
    if result and arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    return code, result


def _all(arguments, program, settings):
    """A run of each seed, as many at a time as jobs are allowed: `[(exit code, results)]`."""

    def one(seed):
        return run_packet(program, arguments.traffic, settings | {"SEED": seed}, subprocess.DEVNULL)

    first = arguments.seed
    with ThreadPoolExecutor(arguments.jobs) as pool:
        return list(pool.map(one, range(first, first + arguments.seeds)))


def _told(results):
    """What is printed of runs that passed."""
    if len(results) > 1:
        return several(results)
    result = results[0]
    return (
        f"{shown(result)}\n[fabric] {result['events']:,} events in {result['cpu_seconds']:.1f} s, "
        f"{result['memory_kib'] / 1024:,.0f} MiB"
    ).replace("[fabric]", "[packet]")


def main(arguments):
    """What `ttpoe packet` does; exit code 0 passed, 1 failed, 130 interrupted."""
    if arguments.evidence:
        from ttpsim.packet.compare import evidence

        evidence(builds.Processes(arguments.jobs))
        return 0
    config = preset(arguments.preset)
    settings = _settings(arguments)
    check_files(arguments, _FILES)
    program = compile_packet(config, builds.Processes(arguments.jobs))
    if arguments.seeds == 1:
        found = [_one(arguments, program, settings)]
    else:
        found = _all(arguments, program, settings)
    worst = 0
    for seed, (code, _result) in enumerate(found, arguments.seed):
        if code == 130:
            raise KeyboardInterrupt
        if code == 1:
            again = command(config.name, settings | {"SEED": seed}, arguments.traffic)
            print(f"[packet] again: {again}")
        worst = max(worst, code)
    if worst == 0:
        print(_told([result for _code, result in found]))
    return worst
