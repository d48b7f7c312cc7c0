"""`make formal-docs`: the table of docs/evidence/formal.md, from build/verify/formal.json."""

import json
import sys

from .run import RESULT, ROOT

PAGE = ROOT / "docs" / "evidence" / "formal.md"
BEGIN, END = "<!-- table: make formal-docs -->", "<!-- end of table -->"


def table(rows):
    """One line per proof, in Markdown."""
    lines = ["| proof | what it shows | size | how | s | defects found |",
             "|---|---|---|---|---|---|"]
    for row in rows:
        how = {"pdr": "unbounded (PDR)", "induction": f"unbounded (induction, {row['depth']})",
               "bmc": f"{row['depth']} clocks", "sat": f"{row['depth']} clocks"}[row["mode"]]
        found = sum(defect["found"] for defect in row["defects"])
        result = "" if row["ok"] else f" **{row['result']}**"
        lines.append(f"| {row['proof']}{result} | {row['shows']} | {row['config']} | {how} |"
                     f" {row['seconds']:.0f} | {found} of {len(row['defects'])} |")
    bounded = [row for row in rows if row["mode"] in ("bmc", "sat")]
    lines += ["", "Why the bounded ones are deep enough:", ""]
    lines += [f"- `{row['proof']}`: {row['why_enough']}." for row in bounded]
    return "\n".join(lines)


def main():
    if not RESULT.exists():
        print("formal-docs: no results yet: run `make formal`", file=sys.stderr)
        return 2
    rows = json.loads(RESULT.read_text())["proofs"]
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}")
    print(f"formal-docs: {len(rows)} proofs in {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
