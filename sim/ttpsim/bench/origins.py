"""Where each group of the baseline's figures is from, in baseline_origin.json.

Parts of `ttpoe bench` are saved one by one, so each group has a command, revision and day of its
own. Figures of synthesis have those of their `ttpoe synth`.
"""

import re

from ttpsim.campaign.origin import origin

__all__ = ["group", "renewed"]

_PATH = re.compile(r"latency\.one_way_(100g|ecp5)_")
_WIDTH = re.compile(r"_\d+_bits$")
_SEEDS = {
    "goodput": "1 to 3",
    "fabric_speed": "1, or as the command of a run says",
    "congestion": "1 to as many as a run has",
}
"""Of the figures that are of more than seed 1."""
_TIMED = {"host", "recycle", "simulation", "first_use", "fabric_speed"}
"""Those that depend on the machine."""


def group(name):
    """The group of a figure: what is measured in one go."""
    first, *others = name.split(".")
    if _PATH.match(name):
        return "path"
    if first == "synth":  # a comparison has several widths, and is one run
        return _WIDTH.sub("", ".".join([first, *others[:-1]]))
    if first == "congestion":  # each run by itself: congestion.RUN.FIGURE.COLUMN
        return ".".join([first, *others[:-2], others[-1]])
    if first == "scale":
        return "links" if others[0].startswith("time") else "sweep"
    return "latency.port" if name.startswith("latency.port.") else first


def renewed(before, metrics, baseline, ran, command, synthesised):
    """`{group: origin}` after these metrics are saved.

    Parameters
    ----------
    before, baseline : dict
        Origins and figures as they were saved last.
    ran : set
        Groups that were measured now. Another one is from elsewhere only if a value is another.
    synthesised : dict
        `{group: origin}` of what `ttpoe synth` made last.
    """
    changed = {
        group(metric["name"])
        for metric in metrics
        if baseline.get(metric["name"]) != metric["value"]
    }
    found = dict(before)
    for name in ran | changed:
        first = name.split(".")[0]
        made = origin(command, _SEEDS.get(first, "1"), timed=first in _TIMED)
        found[name] = synthesised.get(name) or made
    return dict(sorted(found.items()))
