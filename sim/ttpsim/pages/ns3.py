"""Tables and the picture of docs/evidence/ns3.md: what `ttpoe compare --evidence` kept."""

import json

from ttpsim.cli.compare import PROTOCOLS
from ttpsim.ns3.cases import CASES
from ttpsim.ns3.evidence import EVIDENCE
from ttpsim.ns3.plot import NAMES, svg

from . import figures

__all__ = ["TABLES", "picture"]


def _kept():
    return json.loads(EVIDENCE.read_text())


def _time(found, name):
    return f"{found[name]:,.0f}" if name in found else ""


def compared():
    """A row for each run and protocol."""
    rows = []
    for case in _kept()["cases"]:
        for name, found in case["figures"].items():
            rows.append(
                [
                    case["words"] if name == "ttp" else "",
                    NAMES[name],
                    *(_time(found, time) for time in ("p50", "p99", "longest")),
                    f"{100 * found['goodput']:.1f} %",
                    f"{found['fairness']:.3f}",
                    f"{found['dropped_full']:,.0f}",
                    f"{found['sent_again']:,.0f}",
                    f"{found['peak_bytes'] / 1024:,.0f}",
                ]
            )
    head = ["run", "protocol", "p50, µs", "p99, µs", "longest, µs", "goodput", "fairness"]
    return figures.table(head + ["dropped", "sent again", "fullest queue, KB"], rows, left=2)


_SHORT = ("incast of 8, 64 KB each", "incast of 32, 64 KB each", "incast of 63, 64 KB each")
_ALL = "all to all of 16, 64 KB each"


def short():
    """How long the slowest flow takes, in the runs that the page begins with."""
    found = {case["words"]: case["figures"] for case in _kept()["cases"]}
    rows = [
        [words, *(f"{found[words][name]['longest'] / 1000:.2f}" for name in PROTOCOLS)]
        for words in (*_SHORT, _ALL)
    ]
    return figures.table(["slowest flow, ms", *(NAMES[name] for name in PROTOCOLS)], rows)


def variants():
    """A row for each change of TCP's settings."""
    rows = [
        [
            variant["words"],
            *(
                f"{found['p50']:,.0f} / {found['p99']:,.0f}; {100 * found['goodput']:.1f} %"
                if (found := variant["figures"].get(name))
                else ""
                for name in PROTOCOLS[1:]
            ),
        ]
        for variant in _kept()["variants"]
    ]
    return figures.table(
        ["run, and what is changed", *(NAMES[name] for name in PROTOCOLS[1:])], rows
    )


def origin():
    """Where the figures are from, in one sentence."""
    found = _kept()
    return (
        f"Made by `{found['command']}`, revision {found['revision']}, {found['date']}, with ns-3 "
        f"{found['ns3']}; seeds {found['seed']} to {found['seed'] + found['seeds'] - 1}."
    )


def commands():
    """The command of each run."""
    kept = _kept()
    lines = [row["command"] for row in kept["cases"] + kept["variants"]]
    return "\n".join(["```sh", *dict.fromkeys(lines), "```"])


def picture():
    """`{path below docs/: SVG}`."""
    pictured = {case.words for case in CASES if case.pictured}
    cases = [(row["words"], row["figures"]) for row in _kept()["cases"] if row["words"] in pictured]
    return {"pictures/compare.svg": svg(cases)}


TABLES = {
    "compare": compared,
    "compare-short": short,
    "compare-variants": variants,
    "compare-origin": origin,
    "compare-commands": commands,
}
