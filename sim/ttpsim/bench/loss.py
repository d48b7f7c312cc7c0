"""Goodput when frames are lost: native runs of two engines and a wire, in part `goodput` of `make
bench`. docs/evidence/goodput.md tells what came of it.

The two nodes of `sim/ttpsim/fabric/run.py` are joined by a switch that cuts through and never fills up: with
its cables it is a wire that delays, and loses frames of both directions alike. A run goes on
without an end; the second half of it is counted. The figure is the mean of several seeds: with a
lost NACK or a lost replay the time to recover is that of the link timer, so single runs differ.
"""

import subprocess
from concurrent.futures import ThreadPoolExecutor

from ttpoe.config import preset
from ttpsim.bench.common import CLOCK_MHZ, tick_for
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native

SIZE = 1024
ROUND_TRIPS = (2.6, 10, 80)
SEEDS = 3

# {preset: {loss: clocks of a run}} for the short round trips, and the factor for the longest.
_CLOCKS = {
    "full": {1e-3: 2_000_000, 1e-2: 1_000_000, 1e-1: 1_000_000},
    "default": {1e-2: 3_000_000, 1e-1: 1_500_000},
}
_LONGEST = {"full": 4, "default": 1}
SHORT = ("default", {5e-2: 300_000})

_WIRE = {"NODES": 2, "CUT_THROUGH": 1, "BUFFER": 1 << 30}


class Line:
    """Two engines of a preset, and the wire that gives a wanted round trip."""

    def __init__(self, config, optimise, jobs):
        self.config, self.clock, self.jobs = config, CLOCK_MHZ[config.name], jobs
        print(f"bench: goodput {config.name}, building", flush=True)
        self.program = fabric.compile_fabric(config, builds.Processes(), optimise=optimise)
        self.frame = -(-(60 + SIZE) // config.width_bytes)  # beats, and clocks
        # That of a lone packet over cables of one clock, engines and serialisation included.
        self.shortest = self.run({"COUNT": 1, "DELAY": 1, "SEED": 1})["round_trip"]

    def run(self, settings):
        """Results of one run; `builds.BuildError` if it found something wrong."""
        settings = _WIRE | settings
        code, found = fabric.run_fabric(self.program, "incast", settings, subprocess.DEVNULL)
        if code:
            again = fabric.command(self.config.name, settings, "incast")
            raise builds.BuildError(f"{found.get('failure', 'it broke off')}; again: {again}")
        return found

    def point(self, rtt_us, loss, selective, clocks, seeds):
        """`(round trip in clocks, results of each seed)`."""
        delay = max(1, 1 + round((rtt_us * self.clock - self.shortest) / 4))  # of four cables
        rtt = self.shortest + 4 * (delay - 1)
        settings = {
            "DELAY": delay,
            "LOSS_PPM": round(1e6 * loss),
            "SELECTIVE": selective,
            "CLOCKS": clocks,
            "TICK": tick_for(rtt, self.config.links),
        }
        with ThreadPoolExecutor(self.jobs) as pool:
            found = list(
                pool.map(lambda seed: self.run(settings | {"SEED": seed}), range(1, seeds + 1))
            )
        return rtt, found


def bound(config, window, loss, selective):
    """What is possible, by the formulas of the goals: `window` frames are under way in one round
    trip, and no more than the replay memory holds."""
    room = min(1.0, config.slots / window)
    return room * (1 - loss) / (1 if selective else 1 + loss * window)


def goal(config, rtt_us, window, loss, selective):
    """The least that is asked for; None where only "ahead of go-back-N" is."""
    if selective and (loss > 0.01 or rtt_us > 10):
        return None
    return round((0.97 if selective else 0.95) * bound(config, window, loss, selective), 4)


def name_of(config, kind, loss, rtt_us):
    """Name of the metric; of `full` it has no preset."""
    return f"goodput.{kind}_{100 * loss:g}pct_{rtt_us}us" + (
        "" if config.name == "full" else f".{config.name}"
    )


def where(config, rtt, loss):
    return f"{config.name}, RTT {rtt} clocks at {CLOCK_MHZ[config.name]} MHz, loss {100 * loss:g} %"


def loss_points(metrics):
    """Measures all points; `builds.BuildError` if a run finds anything lost or altered."""
    plan = [SHORT] if metrics.short else _CLOCKS.items()
    seeds = 1 if metrics.short else SEEDS
    for name, losses in plan:
        line = Line(preset(name), native.QUICK if metrics.short else native.SPEED, metrics.jobs)
        for rtt_us in ROUND_TRIPS[:1] if metrics.short else ROUND_TRIPS:
            longest = rtt_us == ROUND_TRIPS[-1]
            for loss, clocks in losses.items():
                clocks *= _LONGEST[name] if longest else 1
                for selective, kind in ((1, "selective"), (0, "gbn")):
                    rtt, found = line.point(rtt_us, loss, selective, clocks, seeds)
                    _add(metrics, line, kind, rtt_us, rtt, loss, found)


def _add(metrics, line, kind, rtt_us, rtt, loss, found):
    window, values = rtt / line.frame, sorted(run["goodput"] for run in found)
    metric = name_of(line.config, kind, loss, rtt_us)
    print(
        f"bench: {metric}: {sum(values) / len(values):.4f}, {values[0]:.4f} to "
        f"{values[-1]:.4f} ({sum(run['cpu_seconds'] for run in found):.0f} s)",
        flush=True,
    )
    metrics.add(
        metric,
        sum(values) / len(values),
        "of header limit",
        f"{where(line.config, rtt, loss)}, W {window:.1f}",
        f"mean of {len(values)} seeds, {values[0]:.4f} to {values[-1]:.4f}; the second half"
        f" of {found[0]['clocks']:,} clocks each, every byte, order and ID checked; "
        f"{sum(run['lost'] for run in found):,} of "
        f"{sum(run['lost'] + run['switch_frames'] for run in found):,} frames lost",
        "higher",
        goal(line.config, rtt_us, window, loss, kind == "selective"),
    )
