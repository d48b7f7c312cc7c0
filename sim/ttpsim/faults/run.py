"""`ttpoe faults`: one bit of one word of every memory of an engine turns over while traffic runs.

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
from ttpsim.paths import ROOT
from ttpsim.soak import run as soak

RESULTS = ROOT / "build" / "verify" / "faults.json"
MAIN = Path(__file__).with_name("main.cpp")
PAGE = ROOT / "docs" / "evidence" / "faults.md"
BEGIN, END = "<!-- results: ttpoe faults --save -->\n", "<!-- end of results -->"
UPSETS, UPSETS_LONG = 6, 60
FIRST, LAST = 1_000, 11_000  # clocks of an upset; traffic goes on to clock 12,000
_REGISTER = re.compile(r"(?m)^(\s*reg (?:\[\d+:0\] )?\w+ \[\d+:0\]);")

OUTCOMES = (
    ("wrong data", r"a wrong byte|a wrong length|another packet|a wrong source|a wrong ID"),
    ("packet lost", r"packet lost|packets received|refused a payload"),
    ("link ended", r"a notice that nobody"),
    ("stuck", r"no progress|not closed after"),
    ("slot lost", r"free replay slots|receive slots"),
)
"""What a failure of the bench means: the first that fits."""


_POOL = re.compile(r"(?ms)^(module ttp_soak_engine_[ab]_rx_pool\(.*?^)(endmodule)")
_OWNERS = """
  reg [{slots}-1:0] upset_held /*verilator public_flat_rd*/;
  reg upset_twice /*verilator public_flat_rd*/;
  wire [{bits}-1:0] dropped_slot = i_dropped__payload, delivered_slot = i_delivered__payload;
  always @(posedge clk) begin
    if (i_dropped__valid) begin
      upset_twice = upset_twice | ~upset_held[dropped_slot];
      upset_held[dropped_slot] = 0;
    end
    if (i_delivered__valid) begin
      upset_twice = upset_twice | ~upset_held[delivered_slot];
      upset_held[delivered_slot] = 0;
    end
    if (take) begin
      upset_twice = upset_twice | upset_held[slot];
      upset_held[slot] = 1;
    end
    if (rst) begin
      upset_held = 0;
      upset_twice = 0;
    end
  end
"""
"""Who has which receive slot, for the program: nothing of the engine reads it."""


def faults_verilog(config):
    """The Verilog of the soak's bench, the contents of its memories open to the program.

    The pool of receive slots of each engine also notes which of them are taken, and whether one
    was ever taken or given back twice.
    """
    verilog = _REGISTER.sub(r"\1 /*verilator public_flat_rw*/;", soak.soak_verilog(config))
    owners = _OWNERS.format(slots=config.rx_slots, bits=config.rx_slot_bits)
    verilog, pools = _POOL.subn(lambda module: module[1] + owners + module[2], verilog)
    assert pools == 2
    return verilog


def program(protect, processes):
    """The program for `tiny` with this protection; it is compiled if it is not there yet."""
    config = preset("tiny").replace(protect=protect)
    return soak.compile_soak(
        config, processes, verilog=faults_verilog(config), optimise=native.QUICK, main=MAIN
    )[0]


def plan(found, seed, upsets):
    """`upsets` for each of the memories `found`: dicts, in random order of their memories."""
    rng = random.Random(seed)
    chosen = [
        {
            "memory": name,
            "bit": rng.randrange(bits),
            "clock": rng.randrange(FIRST, LAST),
            "recent": int(rng.random() < 0.9),
            "choice": rng.getrandbits(32),
        }
        for _ in range(upsets)
        for name, (_words, bits) in found.items()
    ]
    return [{"number": number, **upset} for number, upset in enumerate(chosen)]


def outcome(failure):
    """A word or two for what the bench said."""
    return next(
        (name for name, words in OUTCOMES if re.search(words, failure)), "other" if failure else ""
    )


def _read(upset, line):
    """An upset with what the program's line says of it."""
    number, word, recent, passed, corrected, double, lost, clocks, failure = line.split("\t")
    return upset | {
        "number": int(number),
        "word": int(word),
        "recent": int(recent),
        "passed": passed == "1",
        "corrected": int(corrected),
        "uncorrectable": int(double),
        "links_lost": int(lost),
        "clocks": int(clocks),
        "failure": failure,
        "outcome": outcome(failure),
    }


def run(binary, seed, planned, done=lambda result: None, arguments=()):
    """The upsets with what became of each; `done` hears of them as they come."""
    line = "{number} {memory} {bit} {clock} {recent} {choice}\n"
    return upsets_of(
        binary, seed, planned, line, _read, done, lambda found: not found["passed"], arguments
    )


def wrong(protected, plain):
    """What must not be: one line for each upset that was not corrected, counted and contained.

    The same bit of both engines is compared only if it was in the same word: the event queue, from
    LUT RAM without protection, has a register in front of its words with it, which are then
    written at other times.
    """
    said = []
    hurt = {result["number"]: result for result in plain if result["outcome"]}
    for result in protected:
        place = "upset {number}: {memory} word {word} bit {bit} clock {clock}".format(**result)
        if not result["passed"]:
            said.append(f"{place}: {result['failure']}")
        if result["uncorrectable"]:
            said.append(f"{place}: taken for two wrong bits")
        harm = hurt.get(result["number"])
        if (
            harm
            and not result["corrected"]
            and all(harm[name] == result[name] for name in ("word", "recent"))
        ):
            said.append(f"{place}: not counted, and without protection: {harm['outcome']}")
    return said


def table(protected, plain):
    """A row for each kind of memory: upsets, how many were read, harm without protection."""
    rows = {}
    for result in protected:
        row = rows.setdefault(result["memory"].split(".", 1)[1], Counter())
        row["upsets"] += 1
        row["read and corrected"] += result["corrected"] > 0
        row["harm with protection"] += not result["passed"]
    for result in plain:
        row = rows[result["memory"].split(".", 1)[1]]
        row["tried without"] += 1
        if result["outcome"]:
            row[result["outcome"]] += 1
    return rows


def markdown(rows):
    """The rows as the table of docs/evidence/faults.md."""
    harms = [name for name, _words in OUTCOMES] + ["other"]
    shown = [harm for harm in harms if any(row[harm] for row in rows.values())]
    columns = ["upsets", "read and corrected", "harm with protection", "tried without", *shown]
    lines = ["| memory | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    total = Counter()
    for name, row in rows.items():
        total.update(row)
        lines.append(f"| `{name}` | " + " | ".join(str(row[column]) for column in columns) + " |")
    lines.append("| all | " + " | ".join(str(total[column]) for column in columns) + " |")
    return "\n".join(lines)


def documented(page, rows, made, clocks):
    """The text of docs/evidence/faults.md with the table of these rows between its markers."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    total = sum(rows.values(), Counter())
    said = (
        f"Both engines of a pair taken together, {total['upsets']:,} upsets, {clocks:,} clocks. "
        + sentence(made)
    )
    return f"{before}{BEGIN}{said}\n\n{markdown(rows)}\n{END}{after}"


def _save(result):
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    partial = RESULTS.with_suffix(f".{os.getpid()}.part")  # others may run at the same time
    partial.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(partial, RESULTS)


def _show(name, total):
    """What `run` calls with each result: a line now and then."""
    seen = Counter()

    def done(result):
        seen["all"] += 1
        seen["corrected"] += result["corrected"] > 0
        seen["harm"] += not result["passed"]
        if seen["all"] % 25 == 0 or seen["all"] == total:
            print(
                f"[faults] {name}: {seen['all']} of {total} upsets, {seen['corrected']} "
                f"corrected, {seen['harm']} did harm",
                flush=True,
            )

    return done


def main(arguments):
    """What `ttpoe faults` does; exit code 0 passed, 1 an upset did harm with protection."""
    seed = arguments.seed
    made = origin(" ".join(["ttpoe faults", *["--long"] * arguments.long, "--save"]), seed)
    upsets = arguments.upsets or (UPSETS_LONG if arguments.long else UPSETS)
    builds.verilator()
    processes = builds.Processes(arguments.jobs)
    print("[faults] building the protected and the plain engines", flush=True)
    coded, bare = program("secded", processes), program("none", processes)
    planned = plan(states_of(coded), seed, upsets)
    sizes = states_of(bare)
    both = [upset for upset in planned if upset["bit"] < sizes[upset["memory"]][1]]
    protected = run(coded, seed, planned, _show("protected", len(planned)))
    plain = run(bare, seed, both, _show("plain", len(both)))
    said = wrong(protected, plain)
    rows = table(protected, plain)
    clocks = sum(result["clocks"] for result in protected)
    _save(
        {
            "seed": seed,
            "origin": made,
            "upsets": len(planned),
            "failed": said,
            "rows": rows,
            "clocks": clocks,
            "protected": protected,
            "plain": plain,
        }
    )
    if arguments.save:
        PAGE.write_text(documented(PAGE.read_text(), rows, made, clocks))
    print(markdown(rows))
    for line in said:
        print(f"[faults] {line}")
    if said:
        print(f"[faults] again: ttpoe faults --seed {seed} --upsets {upsets}")
    print(f"[faults] {len(planned)} upsets, {len(said)} not contained; {RESULTS.relative_to(ROOT)}")
    return 1 if said else 0
