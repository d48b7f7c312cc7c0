"""`ttpoe soak`: two engines, traffic and a bad network as a native program, for billions of clocks.

`docs/evidence/soak.md` says what it checks and how to read it.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from ttpoe.config import preset
from ttpoe.rx.parser import DROP_CAUSES
from ttpoe.traffic.soak import Soak
from ttpoe.verilog.emit import emit_verilog
from ttpsim.build import builds, tools
from ttpsim.native import compile as native
from ttpsim.paths import ROOT
from ttpverif.bench.pair import parse_ports

RESULTS = ROOT / "build" / "verify" / "soak.json"
MAIN = Path(__file__).with_name("main.cpp")
CLOCKS = 1_000_000_000
ROUND_CLOCKS = 1_000_000

_NO_COUNTS = ("failed", "done", "clocks", "error")
_SUMS = (
    "clocks",
    "seconds",
    "cpu_seconds",
    "packets",
    "payload_bytes",
    "replays",
    "links_closed",
    "errors",
)


def soak_verilog(config):
    """The Verilog of the whole bench, module `ttp_soak`."""
    return builds.kept(
        f"soak-{tools.hash_of(config)}",
        lambda: emit_verilog(
            Soak(config),
            "ttp_soak",
            header=[
                f"Two TTP engines that are soaked, configuration "
                f"{config.name!r}. Generated; do not edit."
            ],
        ),
    )


def ports_header(verilog, config):
    """The C++ header with the names of the bench's settings and counts."""
    ports = parse_ports(verilog, "ttp_soak")
    settings = [name.removeprefix("cfg_") for name in ports if name.startswith("cfg_")]
    counts = [
        name.removeprefix("status_")
        for name in ports
        if name.startswith("status_") and not any(word in name for word in _NO_COUNTS)
    ]
    frames = [f"rx_{name}" for name in ("good", *DROP_CAUSES, "queue_full")]
    return "\n".join(
        [
            "// Generated from the ports of ttp_soak; do not edit.",
            "#pragma once",
            f"#define SOAK_LINKS {config.links}",
            f"#define SOAK_SLOTS {config.slots}",
            "#define SOAK_SETTINGS(X) " + " ".join(f"X({name})" for name in settings),
            "#define SOAK_COUNTS(X) " + " ".join(f"X({name})" for name in counts),
            "// Every frame that an engine receives adds one to exactly one of these.",
            "static const char *const SOAK_FRAME_COUNTS[] = {"
            + ", ".join(f'"{name}"' for name in frames)
            + "};",
            "",
        ]
    )


def compile_soak(config, processes, waves=False, verilog=None, optimise=native.SPEED, main=MAIN):
    """`(program, kind of waveform)`; the program is compiled if it is not there yet.

    `verilog` takes the place of the bench's own, for tests with a defect in it; `main` that of the
    program's C++.
    """
    text = verilog or soak_verilog(config)
    flags = (tools.trace_flag(),) if waves else ()
    program = native.compiled(
        main.parent.name,
        config,
        text,
        "ttp_soak",
        "Vsoak",
        {"soak_ports.h": ports_header(text, config)},
        [main, *sorted(MAIN.parent.glob("*.h"))],
        processes,
        optimise,
        flags,
        include=[MAIN.parent],
    )
    return program, ".fst" if "--trace-fst" in flags else ".vcd"


def run_soak(
    program,
    seed=1,
    first=0,
    rounds=0,
    clocks=0,
    round_clocks=ROUND_CLOCKS,
    waves=None,
    start=0,
    output=None,
):
    """`(exit code, results as a dict)` of the program; Ctrl-C ends it with its summary, code 130."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "soak.json"
        command = [
            program,
            "--seed",
            seed,
            "--first",
            first,
            "--rounds",
            rounds,
            "--clocks",
            clocks,
            "--round-clocks",
            round_clocks,
            "--json",
            path,
            "--from",
            start,
            *(["--waves", waves] if waves else []),
        ]
        process = subprocess.Popen(list(map(str, command)), stdout=output)
        interrupted = False
        while True:
            try:
                code = process.wait()
                break
            except KeyboardInterrupt:
                if not interrupted:  # of a terminal the program has the signal, too
                    process.send_signal(signal.SIGINT)
                interrupted = True
        if interrupted and not code:
            code = 130
        return code, json.loads(path.read_text()) if path.exists() else {}


def _merged(name, result, earlier):
    """This run's results, with those that it resumed."""
    result = dict(
        result,
        preset=name,
        clocks_per_second=round(result["clocks"] / max(result["cpu_seconds"], 0.01)),
    )
    if earlier:
        for key in _SUMS:
            result[key] += earlier[key]
        result["counts"] = {
            key: count + earlier["counts"].get(key, 0) for key, count in result["counts"].items()
        }
        result["first_round"] = earlier["first_round"]
    return result


def _results():
    try:
        return json.loads(RESULTS.read_text())
    except (OSError, ValueError):
        return {}


def _save(result):
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    partial = RESULTS.with_suffix(f".{os.getpid()}.part")  # others may run at the same time
    partial.write_text(json.dumps(_results() | {result["preset"]: result}, indent=1) + "\n")
    os.replace(partial, RESULTS)


def _resumed(arguments):
    """Results of the soak that goes on."""
    earlier = _results().get(arguments.preset, {})
    if (earlier.get("seed"), earlier.get("round_clocks")) != (
        arguments.seed,
        arguments.round_clocks,
    ):
        raise builds.SetupError(
            f"there is nothing to resume for --preset {arguments.preset} --seed {arguments.seed} "
            f"--round-clocks {arguments.round_clocks}"
        )
    return earlier


def main(arguments):
    """What `ttpoe soak` does; exit code 0 passed, 1 failed, 130 interrupted, after its summary."""
    config, seed, waves = preset(arguments.preset), arguments.seed, arguments.waves
    builds.verilator()
    earlier = _resumed(arguments) if arguments.resume else {}
    first = earlier["next_round"] if earlier else arguments.round
    rounds, clocks = 1 if waves else arguments.rounds, arguments.clocks
    if not clocks and not rounds:
        clocks = max(1, CLOCKS - earlier.get("clocks", 0))
    print(f"[soak] building {config.name}", flush=True)
    program, suffix = compile_soak(config, builds.Processes(arguments.jobs), waves)
    path = None
    if waves:
        path = RESULTS.parent / f"soak-{config.name}-{seed}-{first}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
    code, result = run_soak(
        program, seed, first, rounds, clocks, arguments.round_clocks, path, arguments.start
    )
    if result:
        result = _merged(config.name, result, earlier)
        if not waves:  # a repetition, not a result
            _save(result)
    if path:
        print(f"[soak] waveform: {path.relative_to(ROOT)}")
    if code == 1 and result:
        failed_at = re.match(r"clock (\d+)", result["failure"])
        start = max(0, int(failed_at[1]) - 20_000) if failed_at else 0
        print(
            f"[soak] again, with a waveform: ttpoe soak --preset {config.name} --seed {seed} "
            f"--round {result['next_round']} --rounds 1 --round-clocks {arguments.round_clocks} "
            f"--waves --from {start}"
        )
    return code
