"""The pages that are made: blocks for the site alone; states, configuration, performance.

The last three lie in docs/, too, so that they can be read where the repository is: `make
docs-tables` writes them.
"""

import ast
import json
import re
from pathlib import Path

from ttpoe.config import PRESETS
from ttpoe.link.fsm import Event, LinkState

from . import states
from .contents import BLOCKS
from .docstrings import blocks_of, markdown, module_text

__all__ = ["ROOT", "committed", "generated", "write"]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
RTL = ROOT / "rtl" / "ttpoe"
BASELINE = ROOT / "sim" / "benches" / "baseline.json"


def _definition(name, text, source):
    return f"### `{name}`\n\n[{source}](../../../{source})\n\n{text}\n"


def block_page(block):
    """A block's page: what its sources' docstrings say, and its pictures."""
    out, others = [f"# {block.title}\n"], []
    for source in block.sources:
        path, shown = RTL / f"{source}.py", f"rtl/ttpoe/{source}.py"
        out.append(f"## {module_text(path)[1].rstrip('.')}\n")
        text = module_text(path)[0].split("\n\n", 1)
        if len(text) > 1:
            out.append(text[1] + "\n")
        components, helpers = blocks_of(path)
        out += [_definition(name, text, shown) for name, text in components]
        others += [_definition(name, text, shown) for name, text in helpers]
    pictures = [f"![{block.title}, {name}](../../pictures/{name}.svg)\n" for name in block.pictures
                if (ROOT / "docs" / "pictures" / f"{name}.svg").exists()]
    if pictures:
        out.insert(1, "".join(pictures) + "\nFrom the waveform of a run of the preset `tiny` (64 "
                   "bits), by `make docs-pictures`; a column is one clock. Pictures of more than "
                   "one block are in [the walk-through](../../start/walk-through.md).\n")
    if others:
        out += ["## Layouts and helpers\n", *others]
    return "\n".join(out)


def states_page():
    """The diagram, and how many rows there are."""
    rows = sum(len(rows) for cells in states.TABLE.values() for rows in cells.values())
    return f"""# States of a link

Drawn from the table in [rtl/ttpoe/link/fsm.py](../../rtl/ttpoe/link/fsm.py), which is
also what the hardware is built from: {len(Event)} events x {len(LinkState)} states, {rows} rows
with their conditions in [the state table](../reference/state-table.md). Each line shows the rows
that change the state: the event, and below it the action. Rows that stay are not shown. CLOSED is
there twice, so that fewer lines cross; a tag in it is free. There is no TIME_WAIT.

![State diagram of a link](../pictures/states.svg)
"""


def _parameters(docstring):
    """`[(name, meaning as Markdown)]` of a "Parameters" section."""
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", markdown(docstring), re.MULTILINE)
    return rows


def configuration_page():
    """`Config`'s docstring as a table, with the presets' values."""
    tree = ast.parse((RTL / "config.py").read_text())
    config = next(node for node in tree.body
                  if isinstance(node, ast.ClassDef) and node.name == "Config")
    head = " | ".join(f"`{name}`" for name in PRESETS)
    out = ["# Configuration\n", "Made from the docstring of `Config` in "
           "[rtl/ttpoe/config.py](../../rtl/ttpoe/config.py) and its "
           "presets. `ttpoe generate` takes each number as an option; a combination that cannot work is "
           "refused with the rule and the value. What can be changed at run time is in the "
           "[registers](registers.md).\n",
           f"| parameter | meaning | {head} |", "|---|---|" + "---:|" * len(PRESETS)]
    for name, meaning in _parameters(ast.get_docstring(config)):
        values = " | ".join(_number(getattr(preset, name)) for preset in PRESETS.values())
        out.append(f"| `{name}` | {meaning} | {values} |")
    out += ["\n## What follows from them\n", f"| figure | meaning | {head} |",
            "|---|---|" + "---:|" * len(PRESETS)]
    for node in config.body:
        if (isinstance(node, ast.FunctionDef) and node.decorator_list
                and ast.unparse(node.decorator_list[0]) == "property"):
            values = " | ".join(_number(getattr(preset, node.name)) for preset in PRESETS.values())
            out.append(f"| `{node.name}` | {ast.get_docstring(node)} | {values} |")
    return "\n".join(out) + "\n"


def _number(value):
    return f"{value:,}" if isinstance(value, int) else str(value)


_GOODPUT = re.compile(r"goodput\.(selective|gbn)_([\d.e-]+)pct_([\d.]+us)(?:\.(\w+))?$")
_PARTS = {
    "latency": "Latency of an idle engine, in clocks; every sample is the same",
    "open": "Opening: clocks beyond the round trip of the wires",
    "close": "Closing: clocks until tag and slots serve another link",
    "pipeline": "Pipeline under full load",
    "replay": "From the last beat of a NACK to the replay's first beat, in clocks",
    "goodput": "Goodput: share of what the headers allow",
    "window": "Window law: share of the wire's rate with so much replay memory and round trip",
    "synth": "Synthesis (Yosys), and place and route for ECP5 (nextpnr)",
}


def _goodput_table(rows):
    """Loss against kind, round trip and preset; the rows that do not fit are left."""
    table, columns, left = {}, [], []
    for name, entry in rows:
        match = _GOODPUT.match(name)
        if not match:
            left.append((name, entry))
            continue
        kind, loss, rtt, preset = match.groups()
        column = (preset or "full", {"gbn": "go-back-N"}.get(kind, kind), rtt)
        columns += [column] * (column not in columns)
        table.setdefault(float(loss), {})[column] = entry["value"]
    if not table:
        return [], left
    columns.sort(key=lambda column: (column[0], float(column[2][:-2]), column[1]))
    head = " | ".join(f"`{preset}`, {rtt}, {kind}" for preset, kind, rtt in columns)
    return [f"| loss | {head} |", "|---:|" + "---:|" * len(columns),
            *("| " + " | ".join([f"{loss:g} %"] + [
                f"{100 * table[loss][column]:.1f} %" if column in table[loss] else ""
                for column in columns]) + " |" for loss in sorted(table)), ""], left


def performance_page():
    """The committed baseline, which `make bench SAVE=1` writes."""
    metrics = {name: {"value": value} for name, value in json.loads(BASELINE.read_text()).items()}
    said = ("The baseline that `make bench` compares with "
            "([sim/benches/baseline.json](../../sim/benches/baseline.json)).")
    out = [f"# Performance\n\n{said} All in simulation or by the tools of synthesis, nothing on a "
           "board; rates in Gb/s would be a clock times these, so none are given. How each is "
           "measured is in [sim/bench.py](../../sim/bench.py), and a report with plots is "
           "build/bench/report.html after `make bench`.\n"]
    parts = {}
    for name, entry in metrics.items():
        parts.setdefault(name.split(".")[0], []).append((name, entry))
    for part in sorted(parts, key=lambda part: ([*_PARTS].index(part) if part in _PARTS
                                                else len(_PARTS), part)):
        rows, pivot = parts[part], []
        if part == "goodput":
            pivot, rows = _goodput_table(rows)
        columns = [key for key in ("unit", "configuration") if any(key in row for _n, row in rows)]
        out += [f"## {_PARTS.get(part, part)}\n", *pivot, "| name | value | " + "".join(
            f"{column} | " for column in columns), "|---|---:|" + "---|" * len(columns)]
        out += [f"| `{name}` | {row['value']} | " + "".join(f"{row.get(column, '')} | "
                                                           for column in columns)
                for name, row in rows]
        out.append("")
    return "\n".join(out)


def generated():
    """`{path below docs/: text}` of the pages that only the site has."""
    return {f"design/blocks/{block.page}.md": block_page(block) for block in BLOCKS}


def committed():
    """`{path below docs/: text}` of the files that are made and lie in the repository."""
    return {"design/states.md": states_page(), "pictures/states.svg": states.svg() + "\n",
            "reference/configuration.md": configuration_page(),
            "evidence/performance.md": performance_page()}


def write():
    """Write the files of `committed` that are not up to date; returns their names."""
    stale = [name for name, text in committed().items()
             if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    for name in stale:
        (DOCS / name).write_text(committed()[name])
    return stale
