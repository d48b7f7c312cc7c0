"""Constrained random as a scenario: cases drawn from the seed, on the engines that are built here.

`ttpoe random` draws the hardware, too, and shrinks what fails (docs/evidence/random.md). Here the hardware
is given, so that netlists with a fault in them can be put to the same checks (docs/evidence/mutation.md).
"""

import json
import random

from ttpverif.bench.bench import scenario
from ttpverif.bench.player import play
from ttpverif.randomised.draw import draw_script

# fmt: off
RUNS = [
    {"sim": "verilator", "preset": "tiny", "name": "engine", "params": {"cases": 12},
     "short": {"cases": 4}},
    {"sim": "verilator", "preset": "tiny", "top": "managed_nic", "name": "nic",
     "params": {"cases": 12}, "short": {"cases": 2}},
]
# fmt: on


def top_of(bench):
    """What there are two of, from its ports."""
    layout = bench.a.layout
    if "cfg_node" not in layout.inputs:
        return "managed_nic"
    has_os = any(stream.name.startswith("s_os_tx") for stream in layout.streams)
    return "nic" if has_os else "engine"


@scenario
async def scripts(bench):
    seed, totals = bench.seed, {"delivered": 0, "replays": 0}
    config = {name: value for name, value in bench.config.items() if name != "links"}
    for case in range(bench.params["cases"]):
        rng = random.Random(f"{seed}/scripts/{case}")
        kind = rng.choice(("mixed", "mixed", "harsh"))
        script = draw_script(rng, config, top_of(bench), kind)
        result = await play(bench, script)
        assert result["failure"] is None, (
            f"seed {seed}, case {case}: {result['kind']}: {result['failure']}\n"
            f"{json.dumps(script.to_dict())}"
        )
        for name in totals:
            totals[name] += result[name]
    bench.report(f"{totals['delivered']} packets, {totals['replays']} replays")
