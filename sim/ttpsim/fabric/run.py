"""`make fabric`: many engines behind switches, as one native program.

    make fabric                                     an incast of 16 into one host
    make fabric TRAFFIC=all_to_all NODES=32 COUNT=4
    make fabric NODES=64 LINK_SLOTS=1 LOSS_PPM=1000 SEED=7

`docs/evidence/fabric.md` says what is checked and what came of it. Settings come from the
environment: PRESET, and those of `SETTINGS`.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from ttpoe.config import ConfigError, preset
from ttpsim.abuse.build import ports_header, readable
from ttpsim.build import builds
from ttpsim.native import compile as native

__all__ = ["SETTINGS", "command", "compile_fabric", "most_nodes", "run_fabric"]

_SOURCES = [*(Path(__file__).with_name(name) for name in ("main.cpp", "run.h", "host.h", "switch.h")),
            native.HERE / "engine.h"]
TRAFFIC = ("incast", "all_to_all")
DEFECTS = ("swap", "port", "node", "number")

# Name in the environment -> (smallest, largest, default). The program calls them --like-this.
SETTINGS = {
    "SEED": (0, 2**63, 1),
    "NODES": (2, 64, 17),
    "COUNT": (1, 100_000, 64),          # packets of each sender; of each pair in all_to_all
    "BYTES": (0, 1024, 1024),           # of a packet; 0: 1 to 1024
    "BUFFER": (2048, 2**40, 65536),     # bytes of each output port of a switch
    "CUT_THROUGH": (0, 1, 0),
    "LOSS_PPM": (0, 1_000_000, 0),
    "DELAY": (1, 100_000, 32),          # clocks of each cable
    "LEAF_HOSTS": (0, 64, 0),           # hosts of a leaf switch; 0: one switch for all
    "SPINES": (1, 64, 1),
    "LINK_SLOTS": (0, 65536, 0),        # 0: no limit
    "TICK": (0, 2**24 - 1, 0),          # clocks between two visits of the link timer; 0: as the
                                        # register after reset, a round of 8192 clocks
    "SELECTIVE": (0, 1, 1),
    "PING_EVERY": (0, 2**31 - 1, 0),    # clocks; 0: no urgent packets
    "PING_BYTES": (1, 1024, 64),
    "STOP": (0, 2**31 - 1, 0),          # the reader of DATA stops for so many clocks ...
    "STOP_PERIOD": (0, 2**31 - 1, 0),   # ... of so many
    "CLOCKS": (0, 2**40, 0),            # of incast without an end; 0: COUNT packets of each
    "LIMIT": (0, 2**62, 0),             # clocks after which a run is given up
}


def compile_fabric(config, processes, verilog=None, optimise=native.SPEED):
    """Path of the program, which is compiled if it is not there yet.

    `verilog` takes the place of the engine's own, for tests with a defect in it.
    """
    text = verilog or builds.emitted(config, processes).read_text()
    return native.compiled("fabric", config, readable(text), "ttp_engine",
                           ("abuse_ports.h", ports_header(text, config)), _SOURCES, processes,
                           optimise)


def most_nodes(config):
    """How many nodes may be joined so that nobody's link table can be full: DATA and REQ_HI with
    everybody else, two links to a set."""
    return min(config.sets, SETTINGS["NODES"][1])


def command(name, settings, traffic):
    """What a user types to repeat a run."""
    return " ".join(["make fabric", f"PRESET={name}", f"TRAFFIC={traffic}"]
                    + [f"{key}={value}" for key, value in settings.items()
                       if value != SETTINGS[key][2] or key in ("SEED", "NODES", "COUNT")])


def run_fabric(program, traffic, settings, output=None, defect=None, plus=()):
    """`(exit code, results)`; the settings are those of `SETTINGS`, defaults for the others."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fabric.json"
        values = {key: settings.get(key, default) for key, (_, _, default) in SETTINGS.items()}
        words = [program, "--traffic", traffic, "--json", path, *plus,
                 *(["--defect", defect] if defect else [])]
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


def _settings():
    """`(preset, traffic, settings)` from the environment."""
    config = preset(os.environ.get("PRESET") or "default")
    traffic = os.environ.get("TRAFFIC") or TRAFFIC[0]
    if traffic not in TRAFFIC:
        raise builds.SetupError(f"TRAFFIC must be {' or '.join(TRAFFIC)}; got {traffic!r}")
    found = {}
    for name, (low, high, default) in SETTINGS.items():
        text = os.environ.get(name) or str(default)
        if not re.fullmatch(r"\d[\d_]*", text) or not low <= int(text) <= high:
            raise builds.SetupError(f"{name} must be a number from {low} to {high}; got {text!r}")
        found[name] = int(text)
    if found["NODES"] > most_nodes(config):
        raise builds.SetupError(f"NODES must be at most {most_nodes(config)}, the sets of the link "
                                f"table of {config.name}; got {found['NODES']}")
    if found["STOP_PERIOD"] and found["STOP"] >= found["STOP_PERIOD"]:
        raise builds.SetupError("STOP must be less than STOP_PERIOD; got "
                                f"{found['STOP']} and {found['STOP_PERIOD']}")
    if found["CLOCKS"] and traffic != "incast":
        raise builds.SetupError("CLOCKS is for TRAFFIC=incast, which goes on without an end then")
    return config, traffic, found


def _shown(result):
    """The result in a few lines."""
    stats = result["stats"]
    took = (f"in {result['completed']:,} clocks, ideal {result['ideal']:,}"
            if result["completed"] else f"in {result['clocks']:,} clocks, and more under way")
    lines = [f"{result['packets']} packets {took}: {100 * result['goodput']:.1f} % of what headers "
             "allow",
             f"fairness {result['fairness']:.3f}; dropped by full buffers "
             f"{result['dropped_full']:,}, lost {result['lost']:,}; fullest buffer "
             f"{result['peak_bytes']:,} bytes",
             f"replays {stats.get('payload_replayed', 0):,}; {result['clocks']:,} clocks, "
             f"{result['clocks'] / max(result['cpu_seconds'], 0.01):,.0f} clocks/s"]
    if result["pings"]:
        lines.insert(2, f"{result['pings']} urgent packets: {result['ping_p50']:,} / "
                     f"{result['ping_p99']:,} / {result['ping_max']:,} clocks (p50 / p99 / max)")
    return "\n".join(f"[fabric] {line}" for line in lines)


def main():
    """Command line; exit code 0 passed, 1 failed, 2 bad input or setup, 130 interrupted."""
    try:
        config, traffic, settings = _settings()
        print(f"[fabric] building {config.name}", flush=True)
        program = compile_fabric(config, builds.Processes())
        code, result = run_fabric(program, traffic, settings)
    except (builds.SetupError, ConfigError) as error:
        print(f"fabric: {error}", file=sys.stderr)
        return 2
    except builds.BuildError as error:
        print(f"fabric: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nfabric: interrupted", file=sys.stderr)
        return 130
    if code == 0:
        print(_shown(result))
    elif code == 1:
        print(f"[fabric] again: {command(config.name, settings, traffic)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
