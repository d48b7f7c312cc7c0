"""The tables of `docs/evidence/mutation.md`: what was killed by what, and every survivor with its
reason.

`survivors.toml` has one entry for each survivor of one netlist and seed: `verdict` is `equivalent`
(no port of the design can ever show it), `harmless` (ports may differ in what nobody may use, or
in clocks that nobody promised) or `gap`; `why` says it in a sentence.
"""

import tomllib
from collections import Counter
from pathlib import Path

from ttpsim.campaign.origin import sentence
from ttpsim.mutation.netlist import mutant_of
from ttpsim.paths import ROOT

__all__ = ["PAGE", "SURVIVORS", "equivalent", "explanations", "page", "parts_page", "survivors"]

PAGE = ROOT / "docs" / "evidence" / "mutation.md"
SURVIVORS = Path(__file__).with_name("survivors.toml")
BEGIN, END = "<!-- from build/verify/mutate.json -->", "<!-- end -->"
BEGIN_PARTS = "<!-- from build/verify/mutate-parts.json -->"

PROVEN = {
    "verdict": "equivalent",
    "why": "Proven by Yosys: its block, or the gates near it, give the same.",
}


def explanations(results, path=SURVIVORS):
    """`{(top, number): entry}` for these results; nothing if they are of another netlist."""
    known = tomllib.loads(path.read_text())
    if known["netlist"] != results["netlist"]:
        return {}
    return {(entry["top"], entry["number"]): entry for entry in known["survivor"]}


def survivors(results):
    return [mutant for mutant in results["mutants"] if mutant["state"] == "survived"]


def equivalent(results, path=SURVIVORS):
    """The survivors that are proven, or explained, to be equivalent."""
    known = explanations(results, path)
    return [
        mutant
        for mutant in survivors(results)
        if mutant.get("proven_equal")
        or known.get((mutant["top"], mutant["number"]), {}).get("verdict") == "equivalent"
    ]


def _by(mutants, key):
    groups = {}
    for mutant in mutants:
        groups.setdefault(key(mutant), []).append(mutant)
    return dict(sorted(groups.items()))


def _killed(mutants):
    return sum(mutant["state"] == "killed" for mutant in mutants)


def _place(mutant):
    source = mutant_of(mutant).source
    if source.startswith("amaranth/"):  # no file of this repository
        source = (
            f"Amaranth's {source.removeprefix('amaranth/').split('/__init__')[0].replace('/', '.')}"
        )
    return f"`{mutant['block']}`, {source}"


def page(text, results, path=SURVIVORS):
    """`text` with the tables of these results between its markers."""
    mutants, known = results["mutants"], explanations(results, path)
    same = {id(mutant) for mutant in equivalent(results, path)}
    harmless = len(same)
    killed = _killed(mutants)
    left = sum(mutant["state"] == "left" for mutant in mutants)
    possible = len(mutants) - harmless
    score = f"**{100 * killed / possible:.1f} %**"
    if left:  # those that are left are the hard ones: nothing is said as if they were not
        score = f"{score} so far, and {100 * (killed + left) / possible:.1f} % at most"
    benches = sum(mutant.get("by", "").startswith("tests/") for mutant in mutants)
    lines = [
        f"Preset `{results['preset']}`, netlist `{results['netlist']}`: "
        f"**{killed} of {len(mutants)}** mutants killed ({100 * killed / len(mutants):.1f} %); "
        f"{harmless} survivors are equivalent, without them {score}. "
        f"Of the killed ones {killed - benches} were seen in a whole engine or NIC, {benches} only "
        f"by the bench of their block; {sum(bool(m.get('hung')) for m in mutants)} hung. "
        + sentence(results["origin"]),
        "",
        "| blocks | mutants | killed | equivalent | other survivors | not decided |",
        "|---|---|---|---|---|---|",
    ]
    for name, group in _by(mutants, lambda mutant: mutant["top"] + ": " + mutant["block"]).items():
        alike = sum(id(mutant) in same for mutant in group)
        open_ = sum(mutant["state"] == "left" for mutant in group)
        lines.append(
            f"| {name} | {len(group)} | {_killed(group)} | {alike} | "
            f"{len(group) - _killed(group) - alike - open_} | {open_} |"
        )
    lines += ["", "| killed by | mutants |", "|---|---|"]
    by = Counter(mutant["by"].split("::")[0] for mutant in mutants if mutant["state"] == "killed")
    lines += [f"| `{name}` | {count} |" for name, count in by.most_common()]
    lines += ["", "| survivor | where | mutation | verdict | why |", "|---|---|---|---|---|"]
    for mutant in survivors(results):
        entry = known.get(
            (mutant["top"], mutant["number"]),
            PROVEN if mutant.get("proven_equal") else {"verdict": "not yet looked at", "why": ""},
        )
        lines.append(
            f"| {mutant['top']}.{mutant['number']} | {_place(mutant)} | "
            f"`{mutant['signal']}` {mutant['meaning']} | {entry['verdict']} | "
            f"{entry['why']} |"
        )
    waiting = [mutant for mutant in mutants if mutant["state"] == "left"]
    if waiting:
        lines += [
            "",
            f"**{len(waiting)} mutants are not decided**: the run was ended before all "
            "scenarios had been shown to them. Those that have met some:",
            "",
            "| mutant | where | mutation | not seen by |",
            "|---|---|---|---|",
        ]
    for mutant in waiting:
        met = ", ".join(f"`{name.split()[0]}`" for name in mutant["runs"])
        if met:
            lines.append(
                f"| {mutant['top']}.{mutant['number']} | {_place(mutant)} | "
                f"`{mutant['signal']}` {mutant['meaning']} | {met} |"
            )
    return _filled(text, BEGIN, lines)


def _filled(text, begin, lines):
    """`text` with these lines between `begin` and the next end."""
    head, rest = text.split(begin)
    return f"{head}{begin}\n\n" + "\n".join(lines) + f"\n\n{END}" + rest.split(END, 1)[1]


def parts_page(text, results):
    """`text` with the tables of a campaign of `parts` between its markers."""
    mutants = results["mutants"]
    killed, equal = _killed(mutants), sum(bool(m.get("proven_equal")) for m in mutants)
    lines = [
        f"**{killed} of {len(mutants)}** mutants killed by the bench of their block; {equal} of the "
        "others are proven to change nothing. " + sentence(results["origin"]),
        "",
        "| block | mutants | killed | equivalent | other survivors | not decided |",
        "|---|---|---|---|---|---|",
    ]
    for name, group in _by(mutants, lambda mutant: mutant["top"]).items():
        alike = sum(bool(mutant.get("proven_equal")) for mutant in group)
        open_ = sum(mutant["state"] == "left" for mutant in group)
        rest = len(group) - _killed(group) - alike - open_
        lines.append(f"| `{name}` | {len(group)} | {_killed(group)} | {alike} | {rest} | {open_} |")
    lines += ["", "| survivor, not proven to change nothing | where | mutation |", "|---|---|---|"]
    lines += [
        f"| {mutant['top']}.{mutant['number']} | {_place(mutant)} | `{mutant['signal']}` "
        f"{mutant['meaning']} |"
        for mutant in survivors(results)
        if not mutant.get("proven_equal")
    ]
    return _filled(text, BEGIN_PARTS, lines)
