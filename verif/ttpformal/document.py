"""`ttpoe pages formal`: the table of docs/evidence/formal.md, from build/verify/formal.json.

A run is of some proofs, on one machine. So the results that the page has are kept in results.json,
and a run replaces those of its proofs.
"""

import json
from pathlib import Path

from .run import RESULT, ROOT
from .table import load

KEPT = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "evidence" / "formal.md"
BEGIN, END = "<!-- table: ttpoe pages formal -->", "<!-- end of table -->"


UNBOUNDED = ("pdr", "induction")


def _not_run(name, proof):
    """The row of a proof that has no result yet."""
    return {
        "proof": name,
        "shows": proof.shows,
        "config": proof.config,
        "mode": proof.mode,
        "depth": proof.depth,
        "why_enough": proof.why,
        "result": "not run",
        "ok": False,
        "seconds": None,
        "defects": [{"found": False} for _ in proof.defects],
    }


def _kept(row):
    """What is kept of a row: what does not follow from the proof."""
    found = [defect["found"] for defect in row["defects"]]
    kept = {name: row[name] for name in ("date", "revision", "result", "ok", "seconds")}
    return kept | {"found": sum(found), "defects": len(found)}


def _row(name, proof, kept):
    """The row of a proof; one that has more or fewer defects now has no result."""
    row = _not_run(name, proof)
    if kept is None or kept["defects"] != len(proof.defects):
        return row
    found = [{"found": n < kept["found"]} for n in range(kept["defects"])]
    return row | kept | {"defects": found}


def _how(row):
    if row["mode"] == "pdr":
        return "unbounded (PDR)"
    if row["mode"] == "induction":
        return f"unbounded (induction, {row['depth']})"
    return f"{row['depth']} clocks"


def _runs(rows):
    """When and of which revision the results are, and how far they go."""
    runs = {}
    for row in rows:
        if row["result"] != "not run":
            runs.setdefault((row["date"], row["revision"]), []).append(row["proof"])
    lines = [
        f"- {day}, revision {revision} of `rtl/`: {len(names)} {'proof' if len(names) == 1 else 'proofs'}."
        for (day, revision), names in sorted(runs.items())
    ]
    good = [row for row in rows if row["ok"]]
    unbounded = sum(row["mode"] in UNBOUNDED for row in good)
    lines.append(
        f"- {len(good)} of {len(rows)} proofs hold with covers reached and defects found: {unbounded}"
        f" unbounded, {len(good) - unbounded} for runs of so many clocks."
    )
    for what, names in (
        ("Not run at this revision", [r["proof"] for r in rows if r["result"] == "not run"]),
        ("Not as it should be", [r["proof"] for r in rows if not r["ok"] and r["seconds"]]),
    ):
        if names:
            lines.append(f"- {what}: {', '.join(f'`{name}`' for name in names)}.")
    return lines


def table(rows):
    """When, what holds, and one line per proof, in Markdown."""
    lines = [
        *_runs(rows),
        "",
        "| proof | what it shows | size | how | s | defects found |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        found = sum(defect["found"] for defect in row["defects"])
        run = row["result"] != "not run"
        result = "" if row["ok"] else f" **{row['result']}**"
        seconds = f"{row['seconds']:.0f}" if run else ""
        defects = f"{found} of {len(row['defects'])}" if run else ""
        lines.append(
            f"| {row['proof']}{result} | {row['shows']} | {row['config']} | {_how(row)} |"
            f" {seconds} | {defects} |"
        )
    bounded = [row for row in rows if row["mode"] not in UNBOUNDED]
    lines += ["", "Why the bounded ones are deep enough:", ""]
    lines += [f"- `{row['proof']}`: {row['why_enough']}." for row in bounded]
    return "\n".join(lines)


def made():
    """`{path: text}` of the page, and of the results that are kept, with those of the last run."""
    results = json.loads(KEPT.read_text())
    if RESULT.exists():
        results |= {row["proof"]: _kept(row) for row in json.loads(RESULT.read_text())["proofs"]}
    proofs = load()
    results = {name: results[name] for name in proofs if name in results}
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    rows = [_row(name, proof, results.get(name)) for name, proof in proofs.items()]
    return {
        PAGE: f"{before}{BEGIN}\n{table(rows)}\n{END}{after}",
        KEPT: json.dumps(results, indent=1) + "\n",
    }
