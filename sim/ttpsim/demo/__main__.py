"""Builds, runs and shows: `python -m ttpsim.demo`; `make demo`. Exit codes as of `make sim`."""

import argparse
import os
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

from ttpoe.config import ConfigError, preset
from ttpsim.build import builds
from ttpsim.build.builds import BuildError, SetupError

from .display import Display, duration
from .samples import Samples, quantile

_OUT = builds.ROOT / "build" / "demo"
_GRACE_SECONDS = 15         # to deliver what is under way after the end


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise SetupError(message)


def _arguments(argv):
    env = os.environ
    parser = _Parser(prog="demo", allow_abbrev=False,
                     description="Two NICs on a bad wire, live, and a picture at the end.")
    parser.add_argument("--seconds", type=float, default=30.0,
                        help="how long to simulate, in seconds of yours")
    parser.add_argument("--clocks", type=int, help="how long, in clocks, instead")
    parser.add_argument("--loss", type=float, default=env.get("LOSS") or "0.03",
                        help="share of the frames that the wire loses")
    parser.add_argument("--preset", default=env.get("PRESET") or "default")
    parser.add_argument("--sim", default=env.get("SIM") or "verilator")
    parser.add_argument("--seed", type=int, default=env.get("SEED") or "1")
    parser.add_argument("--out", type=Path, default=_OUT, help="folder of the picture")
    arguments = parser.parse_args(argv)
    if not 0 <= arguments.loss <= 0.5:
        raise SetupError(f"LOSS must be from 0 to 0.5; got {arguments.loss}")
    if arguments.seconds <= 0:
        raise SetupError(f"SECONDS must be more than 0; got {arguments.seconds}")
    if arguments.sim not in builds.SIMULATORS:
        raise SetupError(f"SIM must be {' or '.join(builds.SIMULATORS)}; got {arguments.sim!r}")
    builds.check_simulator(arguments.sim)
    return arguments


class _Simulation(threading.Thread):
    """The simulator, in the background."""

    def __init__(self, build, config, arguments, folder, processes):
        super().__init__(daemon=True)
        params = {"loss": arguments.loss, "folder": str(folder), "seconds": arguments.seconds}
        if arguments.clocks:
            params["clocks"] = arguments.clocks
        self._run = lambda: builds.simulate(build, "ttpsim.scenarios._demo", folder, arguments.seed,
                                            params, processes, config)
        self.folder, self.code, self.error = folder, None, None
        self.over = threading.Event()       # `join` and Ctrl-C do not go together

    def run(self):
        try:
            self.code = self._run()
        except SetupError as error:
            self.error = error
        finally:
            self.over.set()

    def failure(self):
        """What went wrong, in a line, or None."""
        if self.error:
            return str(self.error)
        try:
            cases = list(ElementTree.parse(self.folder / "results.xml").iter("testcase"))
        except (OSError, ElementTree.ParseError):
            return f"the simulator stopped early; see {self.folder / 'log.txt'}"
        for case in cases:
            for kind in ("failure", "error"):
                found = case.find(kind)
                if found is not None:
                    text = found.get("error_msg") or found.get("message") or "failed"
                    return text.strip().splitlines()[0]
        return None if cases and self.code == 0 else f"exit code {self.code}"


def _build(arguments, config, display, processes):
    display.step(f"preparing the {arguments.preset} NIC (a minute or two, the first time only)")
    core = builds.emitted(config, processes, "nic")
    return builds.compile_pair(arguments.sim, core, config.name, False, processes, "nic")


def _watch(simulation, samples, display, arguments):
    """Show the samples until the simulator has ended; Ctrl-C asks it to come to an end."""
    interrupted, until = False, None
    while not simulation.over.is_set():
        try:
            simulation.over.wait(0.1)
            if samples.poll():
                last = samples.last
                if arguments.clocks:
                    total = arguments.clocks
                    left = max(0.0, total - last["cycle"]) * last["seconds"] / max(1, last["cycle"])
                    total *= last["seconds"] / max(1, last["cycle"])
                else:
                    total, left = arguments.seconds, max(0.0, arguments.seconds - last["seconds"])
                display.update(samples, left, max(total, 1e-9))
            if until and time.monotonic() > until:
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted, until = True, time.monotonic() + _GRACE_SECONDS
            (simulation.folder / "stop").touch()
            display.say("stopping: delivering what is under way (Ctrl-C again: at once)")
    samples.poll()
    return interrupted


def _summary(samples, display):
    first, last = samples.all[0], samples.last
    rates, bins = samples.rates(first, last), last["latency"]
    display.say("{:.2f} Gbit/s a to b, {:.2f} Gbit/s b to a, over {} at 125 MHz".format(
        *rates.goodput, duration(last["cycle"])))
    display.say(f"{sum(bins.values()):,} packets, every one delivered once, in order; of "
                f"{last['frames']:,} frames the wire lost or broke {last['lost']:,}; "
                f"{last['replays']:,} packets were sent again")
    display.say(f"latency, host to host: half within {duration(quantile(bins, 0.5))}, 99 % within "
                f"{duration(quantile(bins, 0.99))}")


def _demo(arguments, processes):
    config = preset(arguments.preset)
    title = (f"two {config.name} NICs, {config.width_bits} bits at 125 MHz, a wire that loses "
             f"{arguments.loss:.1%} of the frames, and breaks, doubles and delays others")
    folder = builds.BUILD / "runs" / f"demo-{arguments.sim}-{config.name}-{arguments.seed}"
    with Display(title) as display:
        build = _build(arguments, config, display, processes)
        display.step("starting the simulator")
        simulation = _Simulation(build, config, arguments, folder, processes)
        samples = Samples(folder / "samples.jsonl")
        (folder / "samples.jsonl").unlink(missing_ok=True)      # of an earlier demo
        simulation.start()
        interrupted = _watch(simulation, samples, display, arguments)
    failure = simulation.failure()
    if failure or len(samples.all) < 2:
        print(f"demo: {failure or 'ended before the first samples'}", file=sys.stderr)
        return 1
    _summary(samples, display)
    from .picture import draw
    arguments.out.mkdir(parents=True, exist_ok=True)
    for path in draw(samples, title, arguments.out):
        display.say(f"picture: {os.path.relpath(path)}")
    return 130 if interrupted else 0


def main(argv=None):
    processes = builds.Processes()
    try:
        return _demo(_arguments(argv), processes)
    except (SetupError, ConfigError, BuildError, ValueError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
        return 130
    finally:
        processes.stop()


if __name__ == "__main__":
    sys.exit(main())
