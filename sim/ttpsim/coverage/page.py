"""Writes docs/reference/coverage.md from the results of `sim/ttpsim/coverage/run.py`."""

from collections import Counter

from ttpsim.campaign.origin import sentence
from ttpsim.paths import ROOT
from ttpverif.check.trace import EVENTS
from ttpverif.coverage import points as plan
from ttpverif.coverage.state_plan import BLOCK_TESTS, load_plan
from ttpverif.frames.frame import Opcode
from ttpverif.model.states import State

__all__ = ["PAGE", "page", "block_tests"]


PAGE = ROOT / "docs" / "reference" / "coverage.md"
_STATES = [state.name for state in State]

_HEAD = """# Coverage

{made} Do not edit this page. {runs} runs of {scenarios} scenarios, {clocks:,} clocks of
two engines, {form}. Every count is the sum over all runs and both engines.

| what | covered | of |
|---|---|---|
{totals}
What has a count was seen in a simulated engine, in a scenario that passed, so with its checks:
reference model, deliveries, counters. A condition is asked in every clock by a module beside the
pair of engines that reads the hardware's own signals (`ttpverif.coverage.counting`); the conditions
are in [the plan](../../verif/ttpverif/coverage/plan.toml) under the names below. A combination that
the plan calls impossible is an error when it is hit; a point that is not hit and has no reason
fails `ttpoe coverage`. Not in these figures: `ttpoe random`, `ttpoe abuse` and `ttpoe faults`,
which reach more, and the block tests.
"""


def block_tests():
    """`{row point: reason}` of the rows that a block test claims."""
    return {
        f"row/{event}/{state}/{number}": f"block test {BLOCK_TESTS[name]}"
        for event, cells in load_plan().items()
        for state, rows in cells.items()
        for number, names in enumerate(rows)
        for name in names
        if name in BLOCK_TESTS
    }


def _table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]) + "\n"


def _family(points, family):
    return {
        name.partition("/")[2]: point
        for name, point in points.items()
        if name.startswith(family + "/")
    }


def _covered(points):
    """(hit, possible, elsewhere, without a reason)."""
    possible = [point for point in points.values() if not point["impossible"]]
    hit = sum(bool(point["count"]) for point in possible)
    other = sum(not point["count"] and bool(point["reason"]) for point in possible)
    return hit, len(possible), other, len(possible) - hit - other


def _totals(results):
    points, rows = results["points"], []
    for title, families in (
        ("rows of the state table", ["row"]),
        ("opcode x state x direction", list(plan.MATRICES)),
        ("counters", ["counter"]),
        ("stalls", ["stall"]),
        ("payload lengths", ["length"]),
        ("registers read and written", ["read", "written"]),
        (
            "notices, results, interrupts, sources of Q0",
            ["notice", "result", "interrupt", "admitted"],
        ),
        ("functional points", ["point"]),
    ):
        chosen = {
            name: point for name, point in points.items() if name.partition("/")[0] in families
        }
        hit, total, other, open_ = _covered(chosen)
        remark = f" ({other} by other tests)" if other else ""
        remark += f" (**{open_} open**)" if open_ else ""
        rows.append(f"| {title} | {hit}{remark} | {total} |")
    code = results["code"]
    if code["lines"]:
        rows.append(
            f"| lines of the generated Verilog | {code['lines_percent']:.2f} % | "
            f"{code['lines']:,} |"
        )
        rows.append(
            f"| of these, lines that can be reached | {code['reachable_percent']:.2f} % | "
            f"{code['lines'] - code['unreachable_lines']:,} |"
        )
        rows.append(
            f"| toggles of its signals | {code['toggles_percent']:.2f} % | {code['toggles']:,} |"
        )
    return "\n".join(rows) + "\n"


def _cells(points):
    """(state x event): the sum of each cell's rows, and the rows that were not hit."""
    counts, of_row = Counter(), _family(points, "row")
    for name, point in of_row.items():
        event, state, _number = name.split("/")
        counts[event, state] += point["count"]
    table = _table(
        ["event", *_STATES],
        [
            [
                event,
                *(
                    f"{counts[event, state]:,}" if counts[event, state] else "hole"
                    for state in _STATES
                ),
            ]
            for event in EVENTS
        ],
    )
    holes = [
        [name.replace("/", " "), point["what"].partition(": ")[2], point["reason"] or "**open**"]
        for name, point in of_row.items()
        if not point["count"]
    ]
    return table + (
        "\nRows (alternatives of a cell, counted from 0) without a count:\n\n"
        + _table(["row", "action", "why, or where it is tested"], holes)
        if holes
        else "\nEvery alternative of every cell has a count.\n"
    )


def _matrix(points, matrix):
    found = _family(points, matrix)

    def cell(opcode, state):
        point = found[f"{opcode.name}/{state}"]
        if point["impossible"]:
            return f"**{point['count']:,}, impossible**" if point["count"] else "-"
        return f"{point['count']:,}" if point["count"] else point["reason"] or "**open**"

    return _table(
        ["opcode", *_STATES],
        [[opcode.name, *(cell(opcode, state) for state in _STATES)] for opcode in Opcode],
    )


def _opcodes(points):
    lines = []
    for matrix, title in zip(
        plan.MATRICES,
        (
            "Received, by the state of the link before",
            "Sent, by the state before the event",
            "Sent, by the state after the event",
        ),
    ):
        lines += [f"### {title}\n", _matrix(points, matrix)]
        reasons = [
            f"- `-` in {', '.join(entry['states'])}: {entry['reason']}"
            for entry in plan.load()["impossible"]
            if entry["matrix"] == matrix
        ]
        lines.append("\n".join(reasons) + "\n" if reasons else "")
    return "\n".join(lines)


def _lengths(points):
    found = _family(points, "length")
    rows = []
    for width, sizes in plan.LENGTHS.items():
        for port in plan.HOST_PORTS:
            rows.append(
                [
                    width,
                    f"`{port}`",
                    *(
                        f"{size}: "
                        + (
                            f"{point['count']:,}"
                            if point["count"]
                            else point["reason"] or "**open**"
                        )
                        for size in sizes
                        for point in [found[f"{port}/{width}/{size}"]]
                    ),
                ]
            )
    return _table(["bits", "port", "1", "width - 1", "width", "width + 1", "1023", "1024"], rows)


def _list(points, families):
    rows = []
    for family in families:
        for name, point in _family(points, family).items():
            count = f"{point['count']:,}" if point["count"] else point["reason"] or "**open**"
            rows.append(
                [
                    f"`{family}/{name}`" if len(families) > 1 else f"`{name}`",
                    point["what"].replace("|", "\\|"),
                    count,
                    point["runs"],
                ]
            )
    return _table(["point", "meaning", "clocks", "runs"], rows)


def _grouped(entries, text):
    """{reason: (how many, examples)}."""
    groups = {}
    for entry in entries:
        groups.setdefault(entry["reason"] or "**nobody has said why**", []).append(entry)
    rows = []
    for why, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        examples = ", ".join(dict.fromkeys(f"`{text(entry)}`" for entry in members[:60]))
        if len(examples) > 400:
            examples = examples[:400].rpartition(", ")[0] + ", ..."
        rows.append([why, sum(entry.get("missed", 1) for entry in members), examples])
    return _table(["why", "how many", "which"], rows)


def _code(code):
    def rows(entries):
        return [
            [
                f"`{entry['block']}`",
                entry["top"],
                entry["lines"],
                entry["lines"] - entry["lines_hit"],
                entry["toggles"],
                f"{100 * entry['toggles_hit'] / (entry['toggles'] or 1):.1f} %",
            ]
            for entry in entries
        ]

    head = ["block", "from", "lines", "uncovered", "toggles", "toggled"]
    own = [entry for entry in code["blocks"] if entry["apart"]]
    lines = [
        "Engine, NIC and NIC with registers of preset `tiny`, by block, each from the "
        "smallest of them that has it. A line counts as covered if every branch on it was "
        "taken; toggles are both directions of every bit of every named signal of up to 72 "
        "bits (wider ones are structures, whose fields have names, too). Out of reach is a "
        "branch for a value that its signal cannot have, and nothing else: "
        "`sim/ttpsim/coverage/cases.py` works it out for each one from the text, and it is an error "
        "if one is hit.\n",
        _table(head, rows(entry for entry in code["blocks"] if not entry["apart"])),
    ]
    if own:
        lines += [
            "\nIn no total, with the reason:\n",
            _table([*head, "why"], [[*row, entry["apart"]] for row, entry in zip(rows(own), own)]),
        ]
    lines.append("\n### Uncovered lines\n")
    lines.append(
        _grouped(
            code["uncovered_lines"],
            lambda entry: f"{entry['block']}: " + entry["text"].replace("|", "\\|")[:70],
        )
        if code["uncovered_lines"]
        else "None.\n"
    )
    lines += [
        "\n### Signals that do not toggle in full\n",
        _grouped(code["quiet_signals"], lambda entry: f"{entry['block']}.{entry['signal']}"),
    ]
    return "\n".join(lines)


def page(results):
    """Text of docs/reference/coverage.md."""
    runs, points = results["runs"], results["points"]
    presets = Counter(run["preset"] for run in runs)
    lines = [
        _HEAD.format(
            made=sentence(results["origin"]),
            runs=len(runs),
            scenarios=len({run["scenario"] for run in runs}),
            clocks=sum(run.get("clocks", 0) for run in runs),
            totals=_totals(results),
            form="presets " + ", ".join(f"{name} ({count})" for name, count in presets.items()),
        )
    ]
    lines += [
        "\n## Events by state\n",
        _cells(points),
        "\n## Opcodes by state and direction\n",
        _opcodes(points),
        "\n## Functional points\n",
        _list(points, ["point"]),
        "\n## Counters\n",
        _list(points, ["counter"]),
        "\n## Stalls\n",
        _list(points, ["stall"]),
        "\n## Payload lengths\n",
        _lengths(points),
        "\n## Notices, results, interrupts, sources of Q0\n",
        _list(points, ["notice", "result", "interrupt", "admitted"]),
        "\n## Registers\n",
        _list(points, ["read", "written"]),
    ]
    if results["code"]["lines"]:
        lines += ["\n## Code\n", _code(results["code"])]
    lines += [
        "\n## Runs\n",
        _table(
            ["run", "top", "preset", "simulator", "seed", "clocks"],
            [
                [
                    f"`{run['test']}`",
                    run["top"],
                    run["preset"],
                    run["simulator"],
                    run["seed"],
                    f"{run.get('clocks', 0):,}",
                ]
                for run in sorted(runs, key=lambda run: (run["top"], run["preset"], run["test"]))
            ],
        ),
    ]
    return "\n".join(line for line in lines if line).rstrip() + "\n"
