"""The table of runs of 1,024 engines in docs/evidence/fabric.md, a row for each pattern of traffic.

`ttpoe pages tables --thousand FILE` keeps a run in thousand.json, from what
`ttpoe fabric --results FILE` wrote of it.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ttpverif.cli.errors import UsageError

from . import figures

__all__ = ["NODES", "PATTERNS", "TABLES", "keep"]

THOUSAND = Path(__file__).parents[1] / "bench" / "thousand.json"
NODES, CLOCKS = 1024, 1_000_000


@dataclass(frozen=True)
class Pattern:
    """Traffic and network, told by switches of `ttpoe fabric`.

    Attributes
    ----------
    words : what the table calls it. has : switches with their values, None: any value.
    lacks : switches that it must not have. more : what the run of the page has besides.
    """

    words: str
    has: dict
    lacks: tuple = ()
    more: str = ""

    def fits(self, command):
        """Whether this is a run of it."""
        said = {switch: _value(command, switch) for switch in (*self.has, *self.lacks)}
        return all(
            said[switch] == value if value else said[switch] is not None
            for switch, value in self.has.items()
        ) and not any(said[switch] for switch in self.lacks)

    def command(self):
        """What to type for the run of the page."""
        said = " ".join(f"--{switch} {value}" for switch, value in self.has.items() if value)
        words = f"--preset tiny --nodes {NODES} --clocks {CLOCKS} {said}{self.more}"
        return f"ttpoe fabric {words} --results FILE"


_LEAVES = {"traffic": "permutation", "leaf-hosts": "32", "spines": "16"}
_TREE = {"leaf-hosts": None, "spines": None, "pods": None, "cores": None}
PATTERNS = {
    "incast": Pattern(
        "incast of 1,023",
        {"traffic": "incast"},
        ("leaf-hosts",),
        " --node-preset 0=tiny:links=2048",
    ),
    "ring": Pattern("ring", {"traffic": "ring"}, ("leaf-hosts",)),
    "all_to_all": Pattern(
        "all to all in 64 groups of 16",
        {"traffic": "all_to_all", "groups": "64"},
        ("leaf-hosts",),
        f" --node-preset 0-{NODES - 1}=tiny:links=16",
    ),
    "leaves": Pattern(
        "permutation over leaves and spines, 32 hosts and 16 spines to a leaf", _LEAVES, ("pods",)
    ),
    "fat_tree": Pattern(
        "permutation over a fat tree",
        {"traffic": "permutation"} | _TREE,
        (),
        " --leaf-hosts 8 --spines 8 --pods 16 --cores 8",
    ),
}
"""The runs that the page has, or waits for."""


def _value(command, switch):
    """What a command gives a switch; None without it."""
    found = re.search(rf" --{switch} (\S+)", command)
    return found[1] if found else None


def _pattern(command):
    return next((name for name, pattern in PATTERNS.items() if pattern.fits(command)), None)


def _run(found):
    """What is kept of a file of `--results`; `UsageError` says why nothing is."""
    origin = found.get("origin")
    if not origin:
        raise UsageError(
            "it does not say where it is from: `ttpoe fabric --results FILE` writes that"
        )
    if found["failure"]:
        raise UsageError(f"the run failed: {found['failure']}")
    nodes = len(found["nodes"])
    if (nodes, found["clocks"]) != (NODES, CLOCKS) or "half" not in found:
        raise UsageError(
            f"it is of {nodes:,} nodes and {found['clocks']:,} clocks; the page has runs of "
            f"{NODES:,} with --clocks {CLOCKS}"
        )
    return {
        "origin": origin,
        "clocks": found["clocks"],
        "engine_clocks": nodes * found["clocks"],
        "skipped": found["cost"]["skipped"],
        "in_lanes": found["cost"]["in_lanes"],
        "goodput": found["half"]["goodput"],
        "fairness": found["half"]["fairness"],
        "dropped": found["dropped_full"],
        "replays": found["stats"].get("payload_replayed", 0),
        "packets": found["packets"],
        "deliveries": f"{found['deliveries']:016x}",
        "processes": found["cost"]["processes"],
        "cpu_seconds": round(found["cpu_seconds"], 1),
    }


def kept():
    """`{pattern: its run}` of those that were run."""
    return json.loads(THOUSAND.read_text()) if THOUSAND.exists() else {}


def keep(path):
    """Keep the run of this file of results in the place of an earlier one of its pattern."""
    try:
        run = _run(json.loads(path.read_text()))
    except (KeyError, ValueError, TypeError) as error:
        raise UsageError(f"--thousand {path}: not a file of --results: {error}") from None
    except UsageError as error:
        raise UsageError(f"--thousand {path}: {error}") from None
    name = _pattern(run["origin"]["command"])
    if name is None:
        raise UsageError(
            f"--thousand {path}: none of the page's patterns: {run['origin']['command']}"
        )
    found = kept() | {name: run}
    ordered = {name: found[name] for name in PATTERNS if name in found}
    THOUSAND.write_text(json.dumps(ordered, indent=1) + "\n")


def _missing():
    """The patterns that nobody has run yet, with their commands; nothing if there are none."""
    found = kept()
    rows = [
        f"- Not run yet: {pattern.words} (`{pattern.command()}`)."
        for name, pattern in PATTERNS.items()
        if name not in found
    ]
    return "\n".join(rows)


def runs():
    """A row for each pattern that was run, and what is missing."""
    rows = [
        [
            PATTERNS[name].words,
            f"{100 * run['goodput']:.1f} %",
            f"{run['fairness']:.3f}",
            f"{run['packets']:,}",
            f"{run['dropped']:,}",
            f"{run['replays']:,}",
            f"`{run['deliveries']}`",
        ]
        for name, run in kept().items()
    ]
    head = ["traffic", "goodput", "fairness", "packets delivered", "frames dropped", "replays"]
    head += ["hash of deliveries"]
    return "\n\n".join(filter(None, [figures.table(head, rows) if rows else "", _missing()]))


def speed():
    """What each of them took, and where it is from."""
    rows = [
        [
            PATTERNS[name].words,
            f"{run['engine_clocks']:,}",
            f"{100 * run['skipped'] / run['engine_clocks']:.1f} %",
            f"{100 * run['in_lanes'] / run['engine_clocks']:.1f} %",
            f"{run['cpu_seconds']:,.0f} s",
            f"{run['engine_clocks'] / run['cpu_seconds']:,.0f}",
        ]
        for name, run in kept().items()
    ]
    if not rows:
        return "There is no run yet."
    head = ["traffic", "engine-clocks", "of them skipped", "in lanes", "processor time"]
    return figures.table([*head, "engine-clocks per second"], rows)


def where_from():
    """A row for each run: its command, revision, day, seed and machine."""
    rows = []
    for name, run in kept().items():
        made = run["origin"]
        cells = [made["revision"], made["date"], made["seeds"], made.get("machine", "not said")]
        rows.append([PATTERNS[name].words, f"`{made['command']}`", *cells])
    if not rows:
        return "There is no run yet."
    head = ["traffic", "made by", "revision", "date", "seed", "machine"]
    return figures.table(head, rows, left=6)


TABLES = {"thousand": runs, "thousand-speed": speed, "thousand-origin": where_from}
