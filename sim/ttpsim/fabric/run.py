"""`ttpoe fabric`: many engines behind switches, as one native program.

`docs/evidence/fabric.md` says what is checked and what came of it.
"""

import json
import shlex
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ttpoe.config import preset
from ttpoe.verilog.emit import write
from ttpsim.build import builds
from ttpsim.campaign.origin import origin
from ttpsim.cli.fabric import SETTINGS as SWITCHES
from ttpsim.fabric import workload
from ttpsim.fabric.asked import asked, check_files, limits, program_words, shown_words
from ttpsim.fabric.kinds import kinds_of
from ttpsim.fabric.plot import draw
from ttpsim.fabric.program import compile_fabric, mpi_tool
from ttpsim.fabric.refusals import refusals
from ttpsim.fabric.words import several, shown

__all__ = ["SETTINGS", "command", "compile_fabric", "run_fabric"]

DEFECTS = ("swap", "port", "node", "number")

SETTINGS = limits(SWITCHES)
"""Setting -> (smallest, largest, default)."""


def command(name, settings, traffic, node_presets=(), processes=1, played=None):
    """What a user types to repeat a run; `played`: the file of its workload."""
    words = ["ttpoe", "fabric", "--preset", name]
    words += ["--workload", shlex.quote(str(played))] if played else ["--traffic", traffic]
    words += [word for text in node_presets for word in ("--node-preset", text)]
    words += ["--processes", str(processes)] if processes > 1 else []
    return " ".join([*words, *shown_words(settings, SETTINGS)])


def _again(arguments, settings):
    """The command that repeats a run that was asked for."""
    return command(
        arguments.preset,
        settings,
        arguments.traffic,
        arguments.node_preset,
        arguments.processes,
        arguments.workload,
    )


def _launcher(processes, hostfile):
    """What starts so many processes; nothing for one."""
    if processes == 1 and not hostfile:
        return []
    words = [mpi_tool("mpirun"), "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
    # A process that waits for others leaves the processor to them.
    words += ["--mca", "mpi_yield_when_idle", "1", "-n", processes]
    return [*words, *(["--hostfile", hostfile] if hostfile else [])]


def run_fabric(
    program, traffic, settings, output=None, defect=None, plus=(), processes=1, hostfile=None
):
    """`(exit code, results)`; the settings are those of `SETTINGS`, defaults for the others.

    With several `processes`, or machines in `hostfile`, the program is the one for MPI.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fabric.json"
        words = [
            *_launcher(processes, hostfile),
            program,
            "--traffic",
            traffic,
            "--json",
            path,
            *plus,
            *(["--defect", defect] if defect else []),
            *program_words(settings, SETTINGS),
        ]
        code = _ended(list(map(str, words)), output, path)
        return code, json.loads(path.read_text()) if path.exists() else {}


def _ended(words, output, path):
    """The exit code. What mpirun says of one is not shown if the results are there."""
    with tempfile.TemporaryFile("w+") as errors:
        # Ctrl-C at the terminal is not for mpirun, which would end the run before it is kept.
        mpi = "--oversubscribe" in words
        more = {"stderr": errors, "start_new_session": True} if mpi else {}
        process = subprocess.Popen(words, stdout=output, **more)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGUSR1 if mpi else signal.SIGINT)
            process.wait()
            raise
        if code and not path.exists():
            errors.seek(0)
            sys.stderr.write(errors.read())
        return code


def _settings(arguments, config_of, messages):
    """The settings that are asked for."""
    found = asked(arguments, SWITCHES)
    peers = workload.peers(messages, found["NODES"]) if messages else None
    for bad, words in refusals(found, _traffic(arguments), config_of, peers):
        if bad:
            raise builds.SetupError(words)
    return found


def _traffic(arguments):
    """The name of the traffic, as the native program has it."""
    return "workload" if arguments.workload else arguments.traffic


def _folders(arguments):
    """Refuses files that cannot be written or do not go together, before anything runs."""
    check_files(arguments, ("samples", "results", "plot", "order", "checkpoint"))
    if arguments.order and arguments.resume:
        raise builds.SetupError("--order is of a whole run: leave out --resume")
    if arguments.hostfile and not arguments.hostfile.is_file():
        raise builds.SetupError(f"--hostfile {arguments.hostfile}: there is no such file")
    if arguments.resume and arguments.seeds > 1:
        raise builds.SetupError("--resume is of one run: leave out --seeds")
    if arguments.resume and not arguments.checkpoint:
        raise builds.SetupError("--resume goes on from --checkpoint FILE: say which")
    if arguments.resume and not Path(f"{arguments.checkpoint}.0").is_file():
        raise builds.SetupError(f"--checkpoint: there is no {arguments.checkpoint}.0 to go on from")
    if arguments.resume and arguments.plot and not arguments.samples:
        raise builds.SetupError("--plot needs --samples to go on with, if there is --resume")


def _complete(path, made, result, messages):
    """What the program has written of nodes and flows, with the results of the run, where they are
    from, and the names of its messages."""
    if not path.exists():
        return
    found = {"origin": made} | json.loads(path.read_text())
    if messages:
        found["messages"] = workload.named(messages, found["messages"])
    write(path, json.dumps(result | found, indent=1) + "\n")


def _config_of(node, configs, ranges):
    """A node's configuration: the first range that has it says which, else the first one."""
    return configs[next((kind for first, last, kind in ranges if first <= node <= last), 0)]


def _checkpoints(arguments):
    """Words for the program."""
    words = ["--resume", arguments.checkpoint] if arguments.resume else []
    if arguments.checkpoint:
        words += ["--checkpoint", arguments.checkpoint]
        words += ["--checkpoint-seconds", arguments.checkpoint_seconds]
    return words


def _one(arguments, program, settings, messages, plus, where):
    """A run, with its table and picture if they are wanted; `(exit code, results)`."""
    made = arguments.results and origin(_again(arguments, settings), arguments.seed, timed=True)
    with tempfile.TemporaryDirectory() as folder:
        table = arguments.samples or (Path(folder) / "samples.csv" if arguments.plot else None)
        plus = [*plus, *_checkpoints(arguments), *(["--samples", table] if table else [])]
        plus += ["--order", arguments.order] if arguments.order else []
        plus += ["--results", arguments.results] if arguments.results else []
        code, result = run_fabric(program, _traffic(arguments), settings, plus=plus, **where)
        if code == 0 and arguments.plot:
            draw(table, arguments.plot, settings["BUFFER"])
    if arguments.results and code in (0, 1):
        _complete(arguments.results, made, result, messages)
    return code, result


def _all(arguments, program, settings, plus, where):
    """A run of each seed, as many at a time as jobs are allowed: `[(exit code, results)]`."""

    def one(seed):
        seeded = settings | {"SEED": seed}
        return run_fabric(
            program, _traffic(arguments), seeded, subprocess.DEVNULL, plus=plus, **where
        )

    first = arguments.seed
    with ThreadPoolExecutor(arguments.jobs) as pool:
        return list(pool.map(one, range(first, first + arguments.seeds)))


def _found(arguments, program, settings, messages, plus, where):
    """`[(exit code, results)]` of the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        if messages:
            path = Path(folder) / "workload.txt"
            write(path, workload.native(messages))
            plus = [*plus, "--workload", path]
        if arguments.seeds == 1:
            return [_one(arguments, program, settings, messages, plus, where)]
        return _all(arguments, program, settings, plus, where)


def main(arguments):
    """What `ttpoe fabric` does; exit code 0 passed, 1 failed, 130 interrupted."""
    config = preset(arguments.preset)
    others, ranges = kinds_of(arguments.node_preset, config, arguments.nodes)
    played = arguments.workload
    messages = workload.read(played, arguments.nodes, arguments.bytes) if played else []
    settings = _settings(
        arguments, lambda node: _config_of(node, [config, *others], ranges), messages
    )
    _folders(arguments)
    mpi = arguments.processes > 1 or arguments.hostfile is not None
    if mpi:
        mpi_tool("mpirun")
    print(f"[fabric] building {', '.join(kind.name for kind in (config, *others))}", flush=True)
    jobs = builds.Processes(arguments.jobs)
    program = compile_fabric(config, jobs, others=others, mpi=mpi)
    plus = ["--partition", arguments.partition] if mpi else []
    if ranges:
        plus += ["--kinds", " ".join(f"{first}-{last}={kind}" for first, last, kind in ranges)]
    where = {"processes": arguments.processes, "hostfile": arguments.hostfile} if mpi else {}
    found = _found(arguments, program, settings, messages, plus, where)
    worst = 0
    for seed, (code, result) in enumerate(found, arguments.seed):
        if code == 130:
            raise KeyboardInterrupt
        if code == 1:
            if arguments.seeds > 1:
                print(f"[fabric] seed {seed} FAILED: {result.get('failure', 'it broke off')}")
            print(f"[fabric] again: {_again(arguments, settings | {'SEED': seed})}")
        worst = max(worst, code)
    if worst == 0:
        results = [result for _code, result in found]
        print(shown(results[0]) if len(results) == 1 else several(results))
    return worst
