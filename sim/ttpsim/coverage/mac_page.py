"""Writes docs/reference/coverage-mac.md from the results of `ttpoe coverage --macs`."""

from ttpsim.campaign.origin import sentence
from ttpsim.paths import ROOT
from ttpverif.coverage.mac_points import KINDS

__all__ = ["PAGE", "page"]

PAGE = ROOT / "docs" / "reference" / "coverage-mac.md"
_TITLES = {"gmii": "GMII, MII and RGMII", "xgmii": "XGMII", "cmac": "a hard MAC"}

_HEAD = """# Coverage of the MACs

{made} Do not edit this page. It says which lengths, lanes, gaps, faults and resets the benches of the MACs
have seen. It is for people who change a MAC or a bench.

| MAC | points hit | of |
|---|---|---|
{totals}

What has a count was seen in a simulated MAC, in a bench that passed, so with its checks: every
frame once, in order, unchanged, and every counter. A condition is asked in every clock of its
domain by a module beside the MAC, which reads the MAC's own signals and follows the bytes on wire
and streams. The conditions are in [the plan](../../verif/ttpverif/coverage/mac_plan.toml) and in
`ttpverif.coverage.mac_points`. A point that is not hit and has no reason fails
`ttpoe coverage --macs`. Not in these figures: the proofs, and the tests in Amaranth's simulator.
"""


def _table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def _total(points):
    hit = sum(bool(point["count"]) for point in points)
    other = sum(not point["count"] and bool(point["reason"]) for point in points)
    missed = len(points) - hit - other
    remark = f" ({other} by other tests)" if other else ""
    return f"{hit}{remark}" + (f" (**{missed} open**)" if missed else "")


def page(results):
    """Text of docs/reference/coverage-mac.md."""
    by_kind = {
        kind: {
            name.partition("/")[2]: point
            for name, point in results["points"].items()
            if name.startswith(f"{kind}/")
        }
        for kind in KINDS
    }
    totals = [
        f"| {_TITLES[kind]} | {_total(list(points.values()))} | {len(points)} |"
        for kind, points in by_kind.items()
    ]
    parts = [_HEAD.format(made=sentence(results["origin"]), totals="\n".join(totals))]
    for kind, points in by_kind.items():
        rows = [
            [
                f"`{name}`",
                point["what"],
                f"{point['count']:,}" if point["count"] else point["reason"] or "**open**",
                ", ".join(point["benches"]),
            ]
            for name, point in points.items()
        ]
        parts.append(f"## {_TITLES[kind][0].upper()}{_TITLES[kind][1:]}\n")
        parts.append(_table(["point", "meaning", "clocks", "benches"], rows) + "\n")
    parts.append("## Benches\n")
    parts.append(
        _table(
            ["bench", "test", "result"],
            [
                [", ".join(row["names"]), f"`{row['test']}`", row["result"]]
                for row in results["benches"]
            ],
        )
    )
    return "\n".join(parts).rstrip() + "\n"
