"""Verilator's line and toggle coverage: reads `coverage.dat`, adds runs up, says what is missing.

The format, one point per line: `C '\\1key\\2value\\1key\\2value...' count`. Keys: `page` is
`v_line/module`, `v_branch/module` or `v_toggle/module`; `f` file; `l` line; `n` column; `o` comment
(of a toggle: signal, bit and direction); `S` the lines that a line point stands for.

Every block is in several tops. It is reported from the smallest one that has it: engine, NIC, NIC
with registers.

A line is left out of the goal only if `coverage_cases` works out from the text that it is never
taken; one of those that is hit is an error. Every other line counts, whatever its reason.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

from ttpsim.coverage.cases import never_taken
from ttpsim.paths import ROOT

__all__ = ["add", "summary", "REASONS", "TOPS"]


REASONS = ROOT / "verif" / "ttpverif" / "coverage" / "reasons.toml"
TOPS = ("engine", "nic", "managed_nic")
"""What can be simulated, each with the one before it inside."""
_ENGINE = {
    "engine": "ttp_engine_core",
    "nic": "ttp_nic_core_engine",
    "managed_nic": "ttp_managed_nic_core_nic_engine",
}
_NIC = {"nic": "ttp_nic_core", "managed_nic": "ttp_managed_nic_core_nic"}


def block_of(module, top):
    """The block's name without the names of what is around it, or None: not the hardware's."""
    for prefix, name in (
        (_ENGINE[top], "engine"),
        (_NIC.get(top), "nic"),
        (f"ttp_{top}_core", "managed"),
        (f"ttp_{top}", f"top_{top}"),
    ):
        if prefix and (module == prefix or module.startswith(prefix + "_")):
            return name + module.removeprefix(prefix).replace("_", "/", 1)
    return None


def parse(text):
    """`(keys, count)` for each point of a coverage file."""
    for line in text.splitlines():
        if line.startswith("C '"):
            body, _, count = line[3:].rpartition("' ")
            fields = (field.partition("\2")[::2] for field in body.split("\1") if field)
            yield dict(fields), int(count)


def add(modules, text, top):
    """Add one run's file to `modules`: {block: {"top", "file", "points"}}."""
    for keys, count in parse(text):
        kind, _, module = keys.get("page", "").partition("/")
        block = block_of(module, top)
        if block is None or kind not in ("v_line", "v_branch", "v_toggle"):
            continue
        found = modules.setdefault(block, {"top": top, "file": keys["f"], "points": {}})
        if TOPS.index(found["top"]) < TOPS.index(top):
            continue
        if found["top"] != top:
            found = modules[block] = {"top": top, "file": keys["f"], "points": {}}
        point = kind, int(keys["l"]), int(keys["n"]), keys.get("o", ""), keys.get("S", "")
        found["points"][point] = found["points"].get(point, 0) + count


@cache
def _reasons():
    return tomllib.loads(REASONS.read_text())


def reason(kind, block, text):
    """Why something is not covered, from the list of reasons; None if nobody says."""
    for entry in _reasons().get(kind, []):
        if re.search(entry.get("block", ""), block) and re.search(entry["pattern"], text):
            return entry["reason"]
    return None


def apart(block):
    """Why this block has figures of its own and none in the totals; None: it is in them."""
    return next(
        (
            entry["reason"]
            for entry in _reasons().get("apart", [])
            if re.search(entry["block"], block)
        ),
        None,
    )


def unreachable(source, lines):
    """`{line: why}` of those `lines` of a Verilog text that can never be taken: a `default:` and
    the line behind it."""
    found = {}
    for number in lines:
        if source[number - 1].strip().startswith("default:"):
            why = never_taken(source, number, _reasons()["values"])
            if why:
                found |= {number: why, number + 1: why}
    return found


def _lines_of(line, span):
    """`12,14-16` as numbers."""
    numbers = {line}
    for part in filter(None, span.split(",")):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def _block_lines(found):
    """{line: hit}: hit only if every point on it is."""
    lines = {}
    for (kind, line, _column, _comment, span), count in found["points"].items():
        if kind != "v_toggle":
            for number in _lines_of(line, span):
                lines[number] = lines.get(number, True) and count > 0
    return lines


def _signal(comment):
    """`name[3]:0->1` -> `name`, as it is in the Verilog: Verilator writes `__02e` for a point."""
    name = re.sub(r"(\[\d+\])*(:\d->\d)?$", "", comment)
    return re.sub(r"__0([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), name)


def summary(modules):
    """What `coverage.json` holds: totals, per block, the uncovered lines and signals."""
    blocks, missed, quiet, wrong = [], [], {}, []
    sources = {
        file: tuple(Path(file).read_text().splitlines())
        for file in {found["file"] for found in modules.values()}
    }
    for block, found in sorted(modules.items()):
        source, lines = sources[found["file"]], _block_lines(found)
        never = unreachable(source, lines)
        toggles = {key[3]: count for key, count in found["points"].items() if key[0] == "v_toggle"}
        blocks.append(
            {
                "block": block,
                "top": found["top"],
                "lines": len(lines),
                "lines_hit": sum(lines.values()),
                "toggles": len(toggles),
                "toggles_hit": sum(map(bool, toggles.values())),
                "apart": apart(block),
            }
        )
        if apart(block):
            continue
        for number, hit in sorted(lines.items()):
            text = source[number - 1].strip()
            entry = {
                "block": block,
                "line": number,
                "text": text,
                "reason": never.get(number) or reason("lines", block, text),
                "unreachable": number in never,
            }
            if not hit:
                missed.append(entry)
            elif number in never:
                wrong.append(entry)
        for comment, count in toggles.items():
            if not count:
                entry = quiet.setdefault((block, _signal(comment)), [])
                entry.append(comment)
    signals = [
        {
            "block": block,
            "signal": name,
            "missed": len(bits),
            "reason": reason("toggles", block, name),
        }
        for (block, name), bits in sorted(quiet.items())
    ]

    counted = [entry for entry in blocks if not entry["apart"]]

    def percent(what):
        total = sum(entry[what] for entry in counted)
        return 100 * sum(entry[f"{what}_hit"] for entry in counted) / total if total else 0.0

    left_out = sum(entry["unreachable"] for entry in missed)
    lines = sum(entry["lines"] for entry in counted)
    reached = sum(entry["lines_hit"] for entry in counted)
    return {
        "blocks": blocks,
        "lines": lines,
        "unreachable_lines": left_out,
        "reachable_percent": 100 * reached / (lines - left_out) if reached else 0.0,
        "toggles": sum(entry["toggles"] for entry in counted),
        "lines_percent": percent("lines"),
        "toggles_percent": percent("toggles"),
        "uncovered_lines": missed,
        "wrongly_left_out": wrong,
        "quiet_signals": signals,
    }
