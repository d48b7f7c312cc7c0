"""Verilator's line and toggle coverage: reads `coverage.dat`, adds runs up, says what is missing.

The format, one point per line: `C '\\1key\\2value\\1key\\2value...' count`. Keys: `page` is
`v_line/module`, `v_branch/module` or `v_toggle/module`; `f` file; `l` line; `n` column; `o` comment
(of a toggle: signal, bit and direction); `S` the lines that a line point stands for.

Every block is in several tops. It is reported from the smallest one that has it: engine, NIC, NIC
with registers.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

__all__ = ["add", "summary", "REASONS"]

ROOT = Path(__file__).resolve().parent.parent
REASONS = ROOT / "verif" / "ttpverif" / "coverage_reasons.toml"
_TOPS = ("engine", "nic", "managed_nic")
_ENGINE = {"engine": "ttp_engine_core", "nic": "ttp_nic_core_engine",
           "managed_nic": "ttp_managed_nic_core_nic_engine"}
_NIC = {"nic": "ttp_nic_core", "managed_nic": "ttp_managed_nic_core_nic"}


def block_of(module, top):
    """The block's name without the names of what is around it, or None: not the hardware's."""
    for prefix, name in ((_ENGINE[top], "engine"), (_NIC.get(top), "nic"),
                         (f"ttp_{top}_core", "managed"), (f"ttp_{top}", f"top_{top}")):
        if prefix and (module == prefix or module.startswith(prefix + "_")):
            return (name + module.removeprefix(prefix).replace("_", "/", 1))
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
        if _TOPS.index(found["top"]) < _TOPS.index(top):
            continue
        if found["top"] != top:
            found = modules[block] = {"top": top, "file": keys["f"], "points": {}}
        point = kind, int(keys["l"]), int(keys["n"]), keys.get("o", ""), keys.get("S", "")
        found["points"][point] = found["points"].get(point, 0) + count


@cache
def _reasons():
    return tomllib.loads(REASONS.read_text())


def reason(kind, block, text):
    """`(why, unreachable)` of what is not covered, from the list of reasons; why: None if nobody
    says."""
    for entry in _reasons().get(kind, []):
        if re.search(entry.get("block", ""), block) and re.search(entry["pattern"], text):
            return entry["reason"], entry.get("unreachable", False)
    return None, False


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
    blocks, missed, quiet = [], [], {}
    for block, found in sorted(modules.items()):
        source = Path(found["file"]).read_text().splitlines()
        lines = _block_lines(found)
        toggles = {key[3]: count for key, count in found["points"].items()
                   if key[0] == "v_toggle"}
        blocks.append({"block": block, "top": found["top"], "lines": len(lines),
                       "lines_hit": sum(lines.values()), "toggles": len(toggles),
                       "toggles_hit": sum(map(bool, toggles.values()))})
        for number, hit in sorted(lines.items()):
            if not hit:
                text = source[number - 1].strip()
                why, unreachable = reason("lines", block, text)
                missed.append({"block": block, "line": number, "text": text, "reason": why,
                               "unreachable": unreachable})
        for comment, count in toggles.items():
            if not count:
                entry = quiet.setdefault((block, _signal(comment)), [])
                entry.append(comment)
    signals = [{"block": block, "signal": name, "missed": len(bits),
                "reason": reason("toggles", block, name)[0]}
               for (block, name), bits in sorted(quiet.items())]

    def percent(what):
        total = sum(entry[what] for entry in blocks)
        return 100 * sum(entry[f"{what}_hit"] for entry in blocks) / total if total else 0.0
    unreachable = sum(entry["unreachable"] for entry in missed)
    lines = sum(entry["lines"] for entry in blocks)
    reached = sum(entry["lines_hit"] for entry in blocks)
    return {"blocks": blocks, "lines": lines, "unreachable_lines": unreachable,
            "reachable_percent": 100 * reached / (lines - unreachable) if reached else 0.0,
            "toggles": sum(entry["toggles"] for entry in blocks),
            "lines_percent": percent("lines"), "toggles_percent": percent("toggles"),
            "uncovered_lines": missed, "quiet_signals": signals}
