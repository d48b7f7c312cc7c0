"""`ttpoe fabric`: many engines behind switches, as one native program.

`docs/evidence/fabric.md` says what is checked and what came of it.
"""

import json
import signal
import subprocess
import tempfile
from pathlib import Path

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.cli.fabric import SETTINGS as SWITCHES
from ttpsim.native import compile as native
from ttpverif.cli.options import SEEDS

__all__ = ["SETTINGS", "command", "compile_fabric", "most_nodes", "run_fabric"]

_HEADERS = sorted(Path(__file__).parent.glob("*.h"))
_SOURCES = [Path(__file__).with_name("main.cpp"), *_HEADERS]
DEFECTS = ("swap", "port", "node", "number")

SETTINGS = {
    "SEED": (*SEEDS, 1),
    "CUT_THROUGH": (0, 1, 0),
    "LOSS_PPM": (0, 1_000_000, 0),
    "SELECTIVE": (0, 1, 1),
} | {name.upper().replace("-", "_"): limits[:3] for name, limits in SWITCHES.items()}
"""Setting -> (smallest, largest, default). The program calls them --like-this; `ttpoe fabric` has
`--loss` in percent for LOSS_PPM, `--gbn` for no SELECTIVE, and the others likewise."""
_FLAGS = {"CUT_THROUGH": "--cut-through", "SELECTIVE": "--gbn"}


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
        return [_FLAGS[key]]
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


def _refusals(found, traffic, config):
    """`(whether it is so, what is said then)` of settings that do not fit each other."""
    nodes, limit = found["NODES"], most_nodes(config)
    yield (
        nodes > limit,
        f"--nodes must be at most {limit}, the sets of the link table of {config.name}; "
        f"got {nodes}",
    )
    stop, period = found["STOP"], found["STOP_PERIOD"]
    yield (
        period and stop >= period,
        f"--stop must be less than --stop-period; got {stop} and {period}",
    )
    leaf = found["LEAF_HOSTS"] or 1
    yield (
        traffic == "permutation" and 2 * min(leaf, nodes) > nodes,
        f"--traffic permutation needs two leaves of the same size at least; got {nodes} nodes, "
        f"--leaf-hosts {leaf}",
    )
    yield (
        found["MODULE"] and traffic != "incast",
        "--module is for --traffic incast: it only sends to host 0",
    )
    special = found["OLD"] + found["MODULE"] + found["JOIN"]
    yield (
        special >= nodes,
        f"--old, --module and --join must be less than --nodes together; got {special} of {nodes}",
    )
    yield (
        found["PING_EVERY"] and found["MODULE"] == nodes - 1,
        "--ping-every needs an engine among the senders: --module must be at most --nodes - 2",
    )
    clocks, joined, left = found["CLOCKS"], found["JOIN_AT"], found["LEAVE_AT"]
    yield (
        found["JOIN"] and (not clocks or traffic != "incast"),
        "--join is for --traffic incast with --clocks",
    )
    yield (
        found["JOIN"] and (joined >= clocks or (left and not joined < left <= clocks)),
        "--join-at must be before --leave-at, and that before --clocks; got "
        f"{joined}, {left} and {clocks}",
    )


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
    }
    for bad, words in _refusals(found, arguments.traffic, config):
        if bad:
            raise builds.SetupError(words)
    return found


def _shown(result):
    """The result in a few lines."""
    stats = result["stats"]
    took = (
        f"in {result['completed']:,} clocks, ideal {result['ideal']:,}"
        if result["completed"]
        else f"in {result['clocks']:,} clocks, and more under way"
    )
    lines = [
        f"{result['packets']} packets {took}: {100 * result['goodput']:.1f} % of what headers "
        "allow",
        f"fairness {result['fairness']:.3f}; dropped by full buffers "
        f"{result['dropped_full']:,}, lost {result['lost']:,}; fullest buffer "
        f"{result['peak_bytes']:,} bytes",
        f"replays {stats.get('payload_replayed', 0):,}; {result['clocks']:,} clocks, "
        f"{result['clocks'] / max(result['cpu_seconds'], 0.01):,.0f} clocks/s",
    ]
    if result["pings"]:
        lines.insert(
            2,
            f"{result['pings']} urgent packets: {result['ping_p50']:,} / "
            f"{result['ping_p99']:,} / {result['ping_max']:,} clocks (p50 / p99 / max)",
        )
    return "\n".join(f"[fabric] {line}" for line in lines)


def main(arguments):
    """What `ttpoe fabric` does; exit code 0 passed, 1 failed, 130 interrupted."""
    config = preset(arguments.preset)
    settings = _settings(arguments, config)
    print(f"[fabric] building {config.name}", flush=True)
    program = compile_fabric(config, builds.Processes(arguments.jobs))
    code, result = run_fabric(program, arguments.traffic, settings)
    if code == 130:
        raise KeyboardInterrupt
    if code == 0:
        print(_shown(result))
    elif code == 1:
        print(f"[fabric] again: {command(config.name, settings, arguments.traffic)}")
    return code
