"""Table of docs/evidence/random.md: the defects that constrained random found, kept by its test."""

import json
from pathlib import Path

from ttpsim import random
from ttpsim.campaign.origin import sentence

from . import figures

__all__ = ["DEFECTS_FOUND", "TABLES"]

DEFECTS_FOUND = Path(random.__file__).with_name("defects.json")


def defects():
    """A row for each defect."""
    kept = json.loads(DEFECTS_FOUND.read_text())
    rows = [
        [
            found["defect"],
            *(f"{found[name]:,}" for name in ("case", "packets")),
            f"{found['lines']} to {found['short']}",
            str(found["tries"]),
        ]
        for found in kept["defects"]
    ]
    head = ["defect", "found in case", "packets delivered before", "script, lines", "tries"]
    return f"{figures.table(head, rows)}\n\n{sentence(kept['origin'])}"


TABLES = {"random-defects": defects}
