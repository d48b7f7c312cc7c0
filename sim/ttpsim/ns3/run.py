"""`ttpoe compare`: the same traffic over TTP and over TCP. `docs/evidence/ns3.md` says how."""

import json
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.campaign.revision import revision
from ttpsim.cli.compare import PROTOCOLS, TCP
from ttpsim.cli.compare import SETTINGS as SWITCHES
from ttpsim.fabric.asked import PLOTS, program_words
from ttpsim.ns3.build import compile_tcp, ns3_version
from ttpsim.ns3.record import figures, flow_count, of_ttp
from ttpsim.packet.build import compile_packet
from ttpsim.packet.refusals import refusals
from ttpsim.packet.run import SETTINGS as PACKET
from ttpsim.packet.run import run_packet
from ttpverif.cli.options import SEEDS

__all__ = ["NETWORK", "TCP_SETTINGS", "command", "compared", "programs", "run_tcp"]


def _limits(switches):
    return {name.upper().replace("-", "_"): found[:3] for name, found in switches.items()}


NETWORK = {"SEED": (*SEEDS, 1)} | _limits(SWITCHES)
"""Setting of traffic and network -> (smallest, largest, default)."""
TCP_SETTINGS = _limits(TCP)
"""The same of TCP alone."""


def command(protocols, traffic, settings, seeds):
    """What a user types to repeat a comparison."""
    known = NETWORK | TCP_SETTINGS
    words = ["ttpoe", "compare", *protocols, "--traffic", traffic]
    for name, value in settings.items():
        if value != known[name][2]:
            words += [f"--{name.lower().replace('_', '-')}", str(value)]
    return " ".join([*words, "--seeds", str(seeds)])


def programs(protocols, processes):
    """`{protocol: program}`, compiled if they are not there yet."""
    config = preset("default")
    made = {}
    if tcp := set(protocols) - {"ttp"}:
        made |= dict.fromkeys(tcp, compile_tcp(config, processes))
    if "ttp" in protocols:
        made["ttp"] = compile_packet(config, processes)
    return made


def _finished(name, code, result):
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise builds.BuildError(f"{name}: {result.get('failure') or 'it broke off'}")


def run_tcp(program, name, traffic, settings):
    """The record of a run of ns-3; the settings are those of `NETWORK` and `TCP_SETTINGS`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tcp.json"
        words = [program, "--traffic", traffic, "--tcp", name, "--json", path]
        words += program_words(settings, NETWORK | TCP_SETTINGS)
        process = subprocess.Popen(
            list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            _out, said = process.communicate()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        result = json.loads(path.read_text()) if path.exists() else {"failure": _why(said)}
    _finished(f"{name}, seed {settings.get('SEED', 1)}", process.returncode, result)
    return result


def _why(said):
    """The line in which ns-3 says what its own checks have found; they end the program."""
    lines = said.splitlines()
    return next((f"ns-3 stopped: {line}" for line in lines if "failed" in line), "it broke off")


def _run_ttp(program, traffic, settings):
    settings = {name: limits[2] for name, limits in NETWORK.items()} | settings
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "order.csv"
        only = {name: value for name, value in settings.items() if name in PACKET}
        code, result = run_packet(
            program, traffic, only, subprocess.DEVNULL, plus=["--order", path]
        )
        _finished("ttp", code, result)
        with open(path, newline="") as order:
            return of_ttp(result, order, settings)


class _Progress:
    """A line now and then, with the time that is left."""

    _EVERY = 10  # seconds

    def __init__(self, runs):
        self._lock, self._runs, self._done = threading.Lock(), runs, 0
        self._began = self._shown = time.monotonic()

    def done(self):
        """A run more is over."""
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if now - self._shown < self._EVERY or self._done == self._runs:
                return
            self._shown = now
            left = (now - self._began) * (self._runs - self._done) / self._done
            print(
                f"[compare] {self._done} of {self._runs} runs, about {left:.0f} s left", flush=True
            )


def compared(made, traffic, settings, seeds, jobs):
    """`{protocol: figures}` of runs with so many seeds; `made`: as `programs` gives them."""
    first = settings.get("SEED", 1)
    nodes = settings.get("NODES", NETWORK["NODES"][2])

    def one(job):
        name, seed = job
        asked = settings | {"SEED": seed}
        if name == "ttp":
            record = _run_ttp(made[name], traffic, asked)
        else:
            record = run_tcp(made[name], name, traffic, asked)
        progress.done()
        return record

    wanted = [(name, seed) for name in made for seed in range(first, first + seeds)]
    progress = _Progress(len(wanted))
    with ThreadPoolExecutor(jobs) as pool:
        records = list(pool.map(one, wanted))
    return {
        name: figures(
            [record for (other, _seed), record in zip(wanted, records) if other == name],
            settings.get("CLOCKS", 0),
            flow_count(traffic, nodes),
        )
        for name in made
    }


def _settings(arguments):
    """The settings that are asked for; refused if they do not fit each other."""
    names = [*SWITCHES, *TCP]
    found = {
        name.upper().replace("-", "_"): getattr(arguments, name.replace("-", "_")) for name in names
    }
    found["SEED"] = arguments.seed
    others = {name: limits[2] for name, limits in PACKET.items()}
    for bad, words in refusals(others | found, arguments.traffic):
        if bad:
            raise builds.SetupError(words)
    if arguments.seed + arguments.seeds - 1 > SEEDS[1]:
        raise builds.SetupError(f"the last seed must be at most {SEEDS[1]}")
    if found["MARK_AT"] >= found["BUFFER"]:
        raise builds.SetupError(
            f"--mark-at must be less than --buffer; got {found['MARK_AT']} and {found['BUFFER']}"
        )
    for switch in ("json", "plot"):
        path = getattr(arguments, switch)
        if path and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise builds.SetupError(f"--{switch} {path}: there is no such folder for a file")
    if arguments.plot and found["CLOCKS"]:
        raise builds.SetupError("--plot shows completion times, which a run with --clocks has not")
    if arguments.plot and arguments.plot.suffix not in PLOTS:
        raise builds.SetupError(f"--plot must end in {' or '.join(PLOTS)}")
    return found


def _shown(found):
    """A table, for a terminal."""
    head = ["", "p50 us", "p99 us", "longest", "goodput", "fairness", "dropped", "sent again"]
    rows = [head]
    for name, f in found.items():
        times = [f"{f[key]:,.0f}" if key in f else "" for key in ("p50", "p99", "longest")]
        rows.append(
            [
                name,
                *times,
                f"{100 * f['goodput']:.1f} %",
                f"{f['fairness']:.3f}",
                f"{f['dropped_full']:,.0f}",
                f"{f['sent_again']:,.0f}",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)
    return "\n".join(f"[compare] {line}" for line in lines)


def main(arguments):
    """What `ttpoe compare` does; exit code 0, or 1 if a run did not end."""
    processes = builds.Processes(arguments.jobs)
    if arguments.evidence:
        from ttpsim.ns3.evidence import evidence

        evidence(processes, arguments.jobs)
        return 0
    if arguments.ns3_module:
        from ttpsim.ns3.module import told, write_module

        write_module(arguments.ns3_module)
        print(told(arguments.ns3_module))
        return 0
    protocols = arguments.protocol or list(PROTOCOLS)
    settings = _settings(arguments)
    made = programs(protocols, processes)
    found = compared(made, arguments.traffic, settings, arguments.seeds, arguments.jobs)
    print(_shown(found))
    if arguments.json:
        words = command(protocols, arguments.traffic, settings, arguments.seeds)
        text = {
            "command": words,
            "revision": revision(),
            "date": time.strftime("%Y-%m-%d"),
            "ns3": ns3_version() if set(protocols) - {"ttp"} else None,
            "settings": settings,
            "seeds": arguments.seeds,
            "figures": found,
        }
        arguments.json.write_text(json.dumps(text, indent=1) + "\n")
    if arguments.plot:
        from ttpsim.ns3.plot import draw

        draw([(arguments.traffic, found)], arguments.plot)
    return 0
