"""`ttpoe pages formal`: the table of docs/evidence/formal.md, from build/verify/formal.json."""

import json

from ttpverif.cli.errors import UsageError

from .run import RESULT, ROOT

PAGE = ROOT / "docs" / "evidence" / "formal.md"
BEGIN, END = "<!-- table: ttpoe pages formal -->", "<!-- end of table -->"


def table(rows):
    """One line per proof, in Markdown."""
    lines = [
        "| proof | what it shows | size | how | s | defects found |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        how = {
            "pdr": "unbounded (PDR)",
            "induction": f"unbounded (induction, {row['depth']})",
            "bmc": f"{row['depth']} clocks",
            "sat": f"{row['depth']} clocks",
        }[row["mode"]]
        found = sum(defect["found"] for defect in row["defects"])
        result = "" if row["ok"] else f" **{row['result']}**"
        lines.append(
            f"| {row['proof']}{result} | {row['shows']} | {row['config']} | {how} |"
            f" {row['seconds']:.0f} | {found} of {len(row['defects'])} |"
        )
    bounded = [row for row in rows if row["mode"] in ("bmc", "sat")]
    lines += ["", "Why the bounded ones are deep enough:", ""]
    lines += [f"- `{row['proof']}`: {row['why_enough']}." for row in bounded]
    return "\n".join(lines)


def made():
    """`{path: text}` of the page with the table of the last results."""
    if not RESULT.exists():
        raise UsageError("there are no results yet: run `ttpoe formal`")
    rows = json.loads(RESULT.read_text())["proofs"]
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    return {PAGE: f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"}
