"""The pages that are made: blocks for the site alone; states, configuration, performance.

The last three lie in docs/, too, so that they can be read where the repository is: `make
docs-tables` writes them.
"""

import ast
import re

from ttpoe.config import PRESETS
from ttpoe.link.fsm import Event, LinkState
from ttpoe.verilog.emit import parameter_text
from ttpsim.paths import ROOT

from . import ns3, states
from .contents import BLOCKS
from .diagrams import diagrams
from .docstrings import blocks_of, markdown, module_text
from .performance import performance_page

__all__ = ["ROOT", "committed", "generated"]

DOCS = ROOT / "docs"
RTL = ROOT / "rtl" / "ttpoe"


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
    pictures = [
        f"![{block.title}, {name}](../../pictures/{name}.svg)\n"
        for name in block.pictures
        if (ROOT / "docs" / "pictures" / f"{name}.svg").exists()
    ]
    if pictures:
        out.insert(
            1,
            "".join(pictures) + "\nFrom the waveform of a run of the preset `tiny` (64 "
            "bits), by `ttpoe pages pictures`; a column is one clock. Pictures of more than "
            "one block are in [the walk-through](../../start/walk-through.md).\n",
        )
    if others:
        out += ["## Layouts and helpers\n", *others]
    return "\n".join(out)


def states_page():
    """The diagram, and how many rows there are."""
    rows = sum(len(rows) for cells in states.TABLE.values() for rows in cells.values())
    return f"""# States of a link

This diagram shows what opens, closes and ends a link. It is drawn from the table in
[rtl/ttpoe/link/state_table.py](../../rtl/ttpoe/link/state_table.py), which is
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
    config = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Config"
    )
    head = " | ".join(f"`{name}`" for name in PRESETS)
    out = [
        "# Configuration\n",
        "What can be chosen when the hardware is made, and what the presets "
        "choose. Made from the "
        "docstring of `Config` in "
        "[rtl/ttpoe/config.py](../../rtl/ttpoe/config.py) and its "
        "presets. `ttpoe generate` takes each number as an option; a combination that cannot work is "
        "refused with the rule and the value. What can be changed at run time is in the "
        "[registers](registers.md).\n",
        f"| parameter | meaning | {head} |",
        "|---|---|" + "---:|" * len(PRESETS),
    ]
    for name, meaning in _parameters(ast.get_docstring(config)):
        values = " | ".join(_value(name, getattr(preset, name)) for preset in PRESETS.values())
        out.append(f"| `{name}` | {meaning} | {values} |")
    out += [
        "\n## What follows from them\n",
        f"| figure | meaning | {head} |",
        "|---|---|" + "---:|" * len(PRESETS),
    ]
    for node in config.body:
        if (
            isinstance(node, ast.FunctionDef)
            and node.decorator_list
            and ast.unparse(node.decorator_list[0]) == "property"
        ):
            values = (_value(node.name, getattr(preset, node.name)) for preset in PRESETS.values())
            out.append(f"| `{node.name}` | {ast.get_docstring(node)} | {' | '.join(values)} |")
    return "\n".join(out) + "\n"


def _value(name, value):
    text = parameter_text(name, value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if text.isdigit() else text


def generated():
    """`{path below docs/: text}` of the pages that only the site has."""
    return {f"design/blocks/{block.page}.md": block_page(block) for block in BLOCKS}


def committed():
    """`{path below docs/: text}` of the files that are made and lie in the repository."""
    return {
        "design/states.md": states_page(),
        "pictures/states.svg": states.svg() + "\n",
        "reference/configuration.md": configuration_page(),
        "evidence/performance.md": performance_page(),
        **diagrams(),
        **ns3.picture(),
    }
