"""`ttpoe fabric`: many engines behind switches, as one native program.

`docs/evidence/fabric.md` says what is checked and what came of it.
"""

import json
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.cli.fabric import SETTINGS as SWITCHES
from ttpsim.fabric.plot import draw
from ttpsim.fabric.refusals import refusals
from ttpsim.fabric.words import several, shown
from ttpsim.native import compile as native
from ttpverif.cli.options import SEEDS

__all__ = ["SETTINGS", "command", "compile_fabric", "most_nodes", "run_fabric"]

_HEADERS = sorted(Path(__file__).parent.glob("*.h"))
_SOURCES = [Path(__file__).with_name("main.cpp"), *_HEADERS]
PLOTS = (".svg", ".png", ".pdf")
DEFECTS = ("swap", "port", "node", "number")

SETTINGS = {
    "SEED": (*SEEDS, 1),
    "CUT_THROUGH": (0, 1, 0),
    "LOSS_PPM": (0, 1_000_000, 0),
    "SELECTIVE": (0, 1, 1),
    "CONGESTION": (0, 1, 1),
} | {name.upper().replace("-", "_"): limits[:3] for name, limits in SWITCHES.items()}
"""Setting -> (smallest, largest, default). The program calls them --like-this; `ttpoe fabric` has
`--loss` in percent for LOSS_PPM, `--gbn` for no SELECTIVE, `--congestion off` for no CONGESTION,
and the others likewise."""
_FLAGS = {
    "CUT_THROUGH": ["--cut-through"],
    "SELECTIVE": ["--gbn"],
    "CONGESTION": ["--congestion", "off"],
}


def compile_fabric(config, processes, verilog=None, optimise=native.SPEED):
    """Path of the program, which is compiled if it is not there yet.

    `verilog` takes the place of the engine's own, for tests with a defect in it.
    """
    text = verilog or builds.emitted(config, processes).read_text()
    return native.compiled_engine("fabric", config, text, {}, _SOURCES, processes, optimise)


def most_nodes(config):
    """How many nodes may be joined so that nobody's link table can be full: DATA and REQ_HI with
    everybody else, two links to a set."""
    return min(config.sets, SETTINGS["NODES"][1])


def _words(key, value):
    """A setting as `ttpoe fabric` has it."""
    if key in _FLAGS:
        return _FLAGS[key]
    if key == "LOSS_PPM":
        return ["--loss", f"{value / 10_000:.10g}"]
    return [f"--{key.lower().replace('_', '-')}", str(value)]


def command(name, settings, traffic):
    """What a user types to repeat a run."""
    words = ["ttpoe", "fabric", "--preset", name, "--traffic", traffic]
    for key, value in settings.items():
        if value != SETTINGS[key][2] or key in ("SEED", "NODES", "COUNT"):
            words += _words(key, value)
    return " ".join(words)


def run_fabric(program, traffic, settings, output=None, defect=None, plus=()):
    """`(exit code, results)`; the settings are those of `SETTINGS`, defaults for the others."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fabric.json"
        values = {key: settings.get(key, default) for key, (_, _, default) in SETTINGS.items()}
        words = [
            program,
            "--traffic",
            traffic,
            "--json",
            path,
            *plus,
            *(["--defect", defect] if defect else []),
        ]
        for key, value in values.items():
            words += [f"--{key.lower().replace('_', '-')}", value]
        process = subprocess.Popen(list(map(str, words)), stdout=output)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        return code, json.loads(path.read_text()) if path.exists() else {}


def _settings(arguments, config):
    """The settings that are asked for."""
    found = {
        name.upper().replace("-", "_"): getattr(arguments, name.replace("-", "_"))
        for name in SWITCHES
    }
    found |= {
        "SEED": arguments.seed,
        "CUT_THROUGH": int(arguments.cut_through),
        "LOSS_PPM": round(arguments.loss * 10_000),
        "SELECTIVE": int(not arguments.gbn),
        "CONGESTION": int(arguments.congestion == "on"),
    }
    for bad, words in refusals(found, arguments.traffic, config.name, most_nodes(config)):
        if bad:
            raise builds.SetupError(words)
    return found


def _folders(arguments):
    """Refuses files that cannot be written and more seeds than there are, before anything runs."""
    for name in ("samples", "plot", "order"):
        path = getattr(arguments, name)
        if path and arguments.seeds > 1:
            raise builds.SetupError(f"--{name} is of one run: leave out --seeds")
        if path and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise builds.SetupError(f"--{name} {path}: there is no such folder for a file")
    if arguments.plot and arguments.plot.suffix not in PLOTS:
        raise builds.SetupError(
            f"--plot must end in {' or '.join(PLOTS)}; got {arguments.plot.name!r}"
        )
    last = arguments.seed + arguments.seeds - 1
    if last > SEEDS[1]:
        raise builds.SetupError(f"the last seed must be at most {SEEDS[1]}; got {last}")


def _one(arguments, program, settings):
    """A run, with its table and picture if they are wanted; `(exit code, results)`."""
    with tempfile.TemporaryDirectory() as folder:
        table = arguments.samples or (Path(folder) / "samples.csv" if arguments.plot else None)
        plus = ["--samples", table] if table else []
        plus += ["--order", arguments.order] if arguments.order else []
        code, result = run_fabric(program, arguments.traffic, settings, plus=plus)
        if code == 0 and arguments.plot:
            draw(table, arguments.plot, settings["BUFFER"])
    return code, result


def _all(arguments, program, settings):
    """A run of each seed, as many at a time as jobs are allowed: `[(exit code, results)]`."""

    def one(seed):
        return run_fabric(program, arguments.traffic, settings | {"SEED": seed}, subprocess.DEVNULL)

    first = arguments.seed
    with ThreadPoolExecutor(arguments.jobs) as pool:
        return list(pool.map(one, range(first, first + arguments.seeds)))


def main(arguments):
    """What `ttpoe fabric` does; exit code 0 passed, 1 failed, 130 interrupted."""
    config = preset(arguments.preset)
    settings = _settings(arguments, config)
    _folders(arguments)
    print(f"[fabric] building {config.name}", flush=True)
    program = compile_fabric(config, builds.Processes(arguments.jobs))
    if arguments.seeds == 1:
        found = [_one(arguments, program, settings)]
    else:
        found = _all(arguments, program, settings)
    worst = 0
    for seed, (code, result) in enumerate(found, arguments.seed):
        if code == 130:
            raise KeyboardInterrupt
        if code == 1:
            if arguments.seeds > 1:
                print(f"[fabric] seed {seed} FAILED: {result['failure']}")
            again = command(config.name, settings | {"SEED": seed}, arguments.traffic)
            print(f"[fabric] again: {again}")
        worst = max(worst, code)
    if worst == 0:
        results = [result for _code, result in found]
        print(shown(results[0]) if len(results) == 1 else several(results))
    return worst
