"""Builds, runs and shows: `ttpoe demo`."""

import os
import threading
import time
from xml.etree import ElementTree

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.build.builds import SetupError
from ttpverif.cli.errors import Failed

from .display import Display, duration
from .samples import Samples, quantile

_OUT = builds.ROOT / "build" / "demo"
_GRACE_SECONDS = 60  # without a sign of life, while what is under way is delivered


class _Simulation(threading.Thread):
    """The simulator, in the background."""

    def __init__(self, build, config, arguments, folder, processes):
        super().__init__(daemon=True)
        params = {"loss": arguments.loss / 100, "folder": str(folder), "seconds": arguments.seconds}
        if arguments.clocks:
            params["clocks"] = arguments.clocks
        self._run = lambda: builds.simulate(
            build, "ttpsim.scenarios._demo", folder, arguments.seed, params, processes, config
        )
        self.folder, self.code, self.error = folder, None, None
        self.over = threading.Event()  # `join` and Ctrl-C do not go together

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
    return builds.compile_pair(arguments.simulator, core, config.name, False, processes, "nic")


def _watch(simulation, samples, display, arguments):
    """Show the samples until the simulator has ended; Ctrl-C asks it to come to an end."""
    interrupted, until = False, None
    while not simulation.over.is_set():
        try:
            simulation.over.wait(0.1)
            if samples.poll():
                until = until and time.monotonic() + _GRACE_SECONDS
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
    display.say(
        "{:.2f} Gbit/s a to b, {:.2f} Gbit/s b to a, over {} at 125 MHz".format(
            *rates.goodput, duration(last["cycle"])
        )
    )
    display.say(
        f"{sum(bins.values()):,} packets, every one delivered once, in order; of "
        f"{last['frames']:,} frames the wire lost or broke {last['lost']:,}; "
        f"{last['replays']:,} packets were sent again"
    )
    display.say(
        f"latency, host to host: half within {duration(quantile(bins, 0.5))}, 99 % within "
        f"{duration(quantile(bins, 0.99))}"
    )


def _demo(arguments, processes):
    config = preset(arguments.preset)
    title = (
        f"two {config.name} NICs, {config.width_bits} bits at 125 MHz, a wire that loses "
        f"{arguments.loss:g} % of the frames, and breaks, doubles and delays others"
    )
    folder = builds.BUILD / "runs" / f"demo-{arguments.simulator}-{config.name}-{arguments.seed}"
    with Display(title) as display:
        processes.tell(display.step)
        build = _build(arguments, config, display, processes)
        display.step("starting the simulator")
        simulation = _Simulation(build, config, arguments, folder, processes)
        samples = Samples(folder / "samples.jsonl")
        (folder / "samples.jsonl").unlink(missing_ok=True)  # of an earlier demo
        simulation.start()
        interrupted = _watch(simulation, samples, display, arguments)
    failure = simulation.failure()
    if failure or len(samples.all) < 2:
        if interrupted and not failure:
            raise KeyboardInterrupt
        raise Failed(failure or "ended before the first samples")
    _summary(samples, display)
    from .picture import draw

    folder = arguments.output or _OUT
    folder.mkdir(parents=True, exist_ok=True)
    for path in draw(samples, title, folder):
        display.say(f"picture: {os.path.relpath(path)}")
    return 130 if interrupted else 0


def main(arguments):
    """What `ttpoe demo` does; exit code 0, 1 a failure, 130 interrupted, after its summary."""
    builds.check_simulator(arguments.simulator)
    processes = builds.Processes(say=None)
    try:
        return _demo(arguments, processes)
    finally:
        processes.stop()
