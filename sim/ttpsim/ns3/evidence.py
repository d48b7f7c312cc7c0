"""The runs of docs/evidence/ns3.md: made, and kept in `evidence.json`, of which the page is made."""

import json
import time
from pathlib import Path
from typing import Any

from ttpsim.campaign.revision import revision
from ttpsim.cli.compare import PROTOCOLS
from ttpsim.ns3.build import ns3_version
from ttpsim.ns3.cases import CASES, SEEDS, VARIANTS
from ttpsim.ns3.run import command, compared, programs

__all__ = ["EVIDENCE", "evidence"]

EVIDENCE = Path(__file__).with_name("evidence.json")
_TCP = PROTOCOLS[1:]


def _wanted():
    """`(part, words, protocols, traffic, settings)` of each comparison."""
    for case in CASES:
        yield "cases", case.words, PROTOCOLS, case.traffic, case.settings
    for case, words, changed in VARIANTS:
        tcp = ("dctcp",) if "MARK_AT" in changed else _TCP
        yield "variants", f"{case.words}: {words}", tcp, case.traffic, case.settings | changed


def evidence(processes, jobs, path=EVIDENCE):
    """Make the runs that are not there yet, and keep what each gave when it is over.

    Results of other programs than those that are compiled now do not count.
    """
    sources = revision()  # before the file that is written changes them
    made = programs(PROTOCOLS, processes)
    names = sorted({program.parent.name for program in made.values()})
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if kept.get("programs") != names:
        kept = {"programs": names}
    before = {row["command"]: row for part in ("cases", "variants") for row in kept.get(part, ())}
    kept |= {"command": "ttpoe compare --evidence", "ns3": ns3_version(), "seeds": SEEDS, "seed": 1}
    kept |= {"cases": [], "variants": []}
    for part, words, protocols, traffic, settings in _wanted():
        typed = command(protocols, traffic, settings, SEEDS)
        row = before.get(typed)
        if row is None:
            print(f"[compare] {typed}", flush=True)
            some = {name: made[name] for name in protocols}
            found = compared(some, traffic, settings, SEEDS, jobs)
            row = {"command": typed, "figures": found}
            kept |= {"revision": sources, "date": time.strftime("%Y-%m-%d")}
        kept[part].append(row | {"words": words})
        path.write_text(json.dumps(_rounded(kept), indent=1) + "\n")


def _rounded(value):
    """With figures of six digits."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
