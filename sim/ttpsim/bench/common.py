"""What all parts of `ttpoe bench` use: runs, figures, clocks."""

from ttpoe.config import preset
from ttpsim.scenario import run as runner

CLOCK_MHZ = {"tiny": 125.0, "default": 125.0, "full": 195.3125}
SIMULATED = "two engines in Verilator, seeded"


def run_of(package, name, config, label="", **params):
    """One run of a scenario or bench, of a preset or a `Config`; the label tells runs apart."""
    config = preset(config) if isinstance(config, str) else config
    return runner.Run(
        name, f"bench.{name}{label}", "verilator", config, 1, params, False, package=package
    )


def tick_for(rtt, links):
    """Clocks per visit of the timer: a round takes at least 1.5 round trips, as far as there is a
    choice (a visit takes two clocks)."""
    return max(1, -(-3 * rtt // (2 * links)))


class Metrics(list):
    """`add` one figure after another; `value` finds one by name. `short`: as --short wants it;
    `jobs`: how many programs a part may run at a time."""

    def __init__(self, short=False, jobs=1):
        super().__init__()
        self.short, self.jobs = short, jobs

    def add(self, name, value, unit, configuration, method, better, goal=None):
        if value is None:
            return
        met = None if goal is None else value <= goal if better == "lower" else value >= goal
        self.append(
            {
                "name": name,
                "value": round(value, 4) if isinstance(value, float) else value,
                "unit": unit,
                "configuration": configuration,
                "method": method,
                "better": better,
                "goal": goal,
                "met": met,
            }
        )

    def value(self, name):
        return next((metric["value"] for metric in self if metric["name"] == name), None)
