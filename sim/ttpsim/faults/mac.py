"""`ttpoe faults --macs`: one bit of a register or memory of a MAC turns over while frames go round.

`docs/evidence/faults.md` says what is done and how to read it.
"""

import json
import os
import random
import re
from collections import Counter
from pathlib import Path

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.campaign.origin import origin, sentence
from ttpsim.faults.program import states_of, upsets_of
from ttpsim.native import compile as native
from ttpsim.native.mac_side import MACS, ports_header, side_verilog
from ttpsim.paths import ROOT

__all__ = ["MACS", "RESULTS", "main", "mac_verilog", "plan", "program", "run", "table", "wrong"]

RESULTS = ROOT / "build" / "verify" / "faults-mac.json"
MAIN = Path(__file__).with_name("mac.cpp")
PAGE = ROOT / "docs" / "evidence" / "faults.md"
BEGIN, END = "<!-- results: ttpoe faults --macs --save -->\n", "<!-- end of results of MACs -->"
UPSETS, UPSETS_LONG = 300, 3000  # of each MAC
FRAMES, FIRST, LAST = 64, 6, 20
"""Frames of an upset; the first and the last in which it may happen."""

_REGISTER = re.compile(r"^(\s*reg (?:\[\d+:0\] )?)(\\\S+ |\w+)( ?\[\d+:0\])?([^;\n]*);", re.M)
_WRITTEN = re.compile(r"^\s*(?:if \(.*?\) |else )*(\\\S+ |\w+)(?:\s*\[[^\]]*\])?\s*<=", re.M)

BEHIND_THE_FCS = {
    "gmii": ("tx_nibbles.", "rx_nibbles."),
    "xgmii": (
        "tx.xgmii_d",
        "tx.xgmii_c",
        "rx.align._octets",
        "rx.align._control",
        "rx.align._word",
    ),
}
"""Registers that hold a piece of a frame whose FCS is made and not yet checked: an upset there must
not give a frame that is taken for good and is wrong."""


def mac_verilog(kind):
    """The Verilog of a side of a port, its registers and memories open to the program."""

    def opened(module):
        written = {name.strip() for name in _WRITTEN.findall(module[0])}

        def open_one(found):
            start, name, size, rest = found.groups()
            if name.strip() not in written and not size:
                return found[0]
            return f"{start}{name}{size or ''} /*verilator public_flat_rw*/{rest};"

        return _REGISTER.sub(open_one, module[0])

    return re.sub(r"(?ms)^module .*?^endmodule", opened, side_verilog(kind))


def program(kind, processes):
    """The program for one kind of MAC; it is compiled if it is not there yet."""
    return native.compiled(
        "faults_mac",
        preset("tiny").replace(name=f"tiny_{kind}"),
        mac_verilog(kind),
        "ttp_side",
        "Vside",
        {"mac_ports.h": ports_header(kind)},
        [MAIN],
        processes,
        native.QUICK,
    )


def plan(found, seed, upsets):
    """`upsets` of the registers and memories `found`, {name: (words, bits)}: half of them in each,
    of registers by their bits, of memories each alike; in random order."""
    rng = random.Random(seed)
    memories = [name for name, (words, _bits) in found.items() if words > 1]
    registers = [name for name in found if name not in memories]
    bits = [found[name][1] for name in registers]
    chosen = [rng.choice(memories) for _ in range(upsets // 2)]
    chosen += rng.choices(registers, bits, k=upsets - len(chosen))
    rng.shuffle(chosen)
    return [
        {
            "number": number,
            "name": name,
            "bit": rng.randrange(found[name][1]),
            "frame": rng.randrange(FIRST, LAST),
            "delay": rng.randrange(40),
            "recent": int(rng.random() < 0.9),
            "choice": rng.getrandbits(32),
        }
        for number, name in enumerate(chosen)
    ]


_FIELDS = ("number", "word", "hit", "at", "wrong", "doubled", "missing", "bad", "last")
_FIELDS += ("lost", "good", "sent", "clean")
_LINE = "{number} {name} {bit} {frame} {delay} {recent} {choice}\n"


def run(binary, seed, planned, done=lambda result: None):
    """The upsets with what became of each; `done` hears of them as they come."""

    def read(upset, line):
        result = upset | dict(zip(_FIELDS, map(int, line.split("\t"))))
        result["outcome"] = _outcome(result)
        result["frames"] = max(0, result["last"] - result["at"] + 1) if result["last"] >= 0 else 0
        return result

    return upsets_of(
        binary, seed, planned, _LINE, read, done, lambda found: found["outcome"] != "nothing"
    )


def _outcome(result):
    """What the frames of an upset say, the worst first."""
    if result["last"] >= FRAMES - 1:
        return "until reset"
    if result["wrong"]:
        return "wrong data"
    if result["doubled"]:
        return "doubled"
    if result["missing"]:
        return "lost, counted" if result["lost"] >= result["missing"] else "lost, not counted"
    if result["bad"] or result["lost"] or result["sent"] != FRAMES or result["good"] != FRAMES:
        return "miscounted"
    return "nothing"


OUTCOMES = (
    "nothing",
    "miscounted",
    "lost, counted",
    "lost, not counted",
    "doubled",
    "wrong data",
    "until reset",
)
"""From the least to the worst; each upset has one."""


def block_of(name):
    """The block of a MAC that a register or memory belongs to, without `mac.`."""
    path = name.removeprefix("mac.").split(".")[:-1]
    if not path:
        return "top"
    first = path[0]
    return "counters" if first.startswith("count_") or first.endswith("_events") else first


def wrong(kind, results):
    """What must not be: one line for each upset that a reset does not put right, or that gives wrong
    data although an FCS is around it."""
    said = []
    for result in results:
        place = "{kind}, upset {number}: {name} word {word} bit {bit}".format(kind=kind, **result)
        if not result["clean"]:
            said.append(f"{place}: frames behind a reset are not as they should be")
        if result["wrong"] and _behind_the_fcs(kind, result):
            said.append(f"{place}: {result['wrong']} frames with wrong data, in spite of the FCS")
    return said


def table(kind, results, sizes):
    """Rows of one MAC: block, registers or memories, upsets, each outcome, the longest recovery."""
    rows = {}
    for result in results:
        memory = sizes[result["name"]][0] > 1
        key = (block_of(result["name"]), "memory" if memory else "registers")
        row = rows.setdefault(key, Counter())
        row["upsets"] += 1
        row[result["outcome"]] += 1
        if result["outcome"] not in ("nothing", "miscounted", "until reset"):
            row["frames"] = max(row["frames"], result["frames"])
    return [
        {"mac": kind, "block": block, "what": what, **{name: row[name] for name in _COLUMNS}}
        for (block, what), row in sorted(rows.items())
    ]


_COLUMNS = ("upsets", *OUTCOMES, "frames")


def markdown(rows):
    """The rows as the table of docs/evidence/faults.md."""
    head = ["MAC", "block", "of it", "upsets", *OUTCOMES, "frames until all is well"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in rows:
        values = [row["mac"], f"`{row['block']}`", row["what"], *(row[name] for name in _COLUMNS)]
        lines.append(f"| {' | '.join(map(str, values))} |")
    for mac in dict.fromkeys(row["mac"] for row in rows):
        mine = [row for row in rows if row["mac"] == mac]
        sums = [sum(row[name] for row in mine) for name in _COLUMNS[:-1]]
        sums.append(max(row["frames"] for row in mine))
        lines.append(f"| {mac} | all | | {' | '.join(map(str, sums))} |")
    return "\n".join(lines)


def summary(kind, results):
    """One line on how long trouble lasts, and on the registers around which there is an FCS."""
    hurt = [found for found in results if found["outcome"] not in ("nothing", "miscounted")]
    lasts = [found for found in hurt if found["outcome"] == "until reset"]
    soon = [found for found in hurt if found not in lasts and found["frames"] <= 1]
    wire = [found for found in results if _behind_the_fcs(kind, found)]
    return (
        f"- {kind}: {len(hurt):,} upsets hurt frames. {len(soon):,} hurt none behind the one that was"
        f" being given, {len(hurt) - len(soon) - len(lasts)} later ones, {len(lasts)} lasted until"
        f" reset. Of {len(wire)} upsets on the wire's side of the FCS"
        f" {sum(found['wrong'] > 0 for found in wire)} gave wrong data."
    )


def _behind_the_fcs(kind, result):
    return result["name"].removeprefix("mac.").startswith(BEHIND_THE_FCS[kind])


def documented(page, result):
    """The text of docs/evidence/faults.md with the table of this result between its markers."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    said = f"{result['upsets']:,} upsets of each MAC. {sentence(result['origin'])}"
    lines = "\n".join(summary(kind, found) for kind, found in result["results"].items())
    return f"{before}{BEGIN}{said}\n\n{lines}\n\n{markdown(result['rows'])}\n{END}{after}"


def main(arguments):
    """What `ttpoe faults --macs` does; exit code 0 passed, 1 something is not as the page claims."""
    seed = arguments.seed
    upsets = arguments.upsets or (UPSETS_LONG if arguments.long else UPSETS)
    made = origin(" ".join(["ttpoe faults --macs", *["--long"] * arguments.long, "--save"]), seed)
    builds.verilator()
    processes = builds.Processes(arguments.jobs)
    print("[faults] building the MACs", flush=True)
    rows, said, results = [], [], {}
    for kind in MACS:
        binary = program(kind, processes)
        sizes = states_of(binary)
        results[kind] = run(binary, seed, plan(sizes, seed, upsets))
        rows += table(kind, results[kind], sizes)
        said += wrong(kind, results[kind])
        print(f"[faults] {kind}: {len(results[kind])} upsets", flush=True)
    result = {
        "seed": seed,
        "origin": made,
        "upsets": upsets,
        "failed": said,
        "rows": rows,
        "results": results,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    partial = RESULTS.with_suffix(f".{os.getpid()}.part")  # others may run at the same time
    partial.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(partial, RESULTS)
    if arguments.save:
        PAGE.write_text(documented(PAGE.read_text(), result))
    print(markdown(rows))
    for line in said:
        print(f"[faults] {line}")
    total = sum(len(found) for found in results.values())
    print(f"[faults] {total} upsets, {len(said)} not as claimed; {RESULTS.relative_to(ROOT)}")
    return 1 if said else 0
