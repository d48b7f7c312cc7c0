"""docs/reference/state-table.md, and the code points in docs/reference/trace.md: `ttpoe pages tables`."""

import json

from ttpoe.layouts import HostResult, Notice
from ttpoe.link.fsm import GUARDS, Action, Event, LinkState
from ttpoe.link.state_table import TABLE
from ttpsim.paths import ROOT
from ttpverif.cli.errors import UsageError
from ttpverif.coverage.state_plan import BLOCK_TESTS, PLAN, load_plan

PAGE = ROOT / "docs" / "reference" / "state-table.md"
TRACE_PAGE = ROOT / "docs" / "reference" / "trace.md"
_OPENS, _ENDS = "<!-- generated: code points -->\n", "<!-- end -->\n"

_HEAD = """# The state table

Generated from `ttpoe.link.state_table` and the coverage plan by `ttpoe pages tables`; do not edit.

What the engine does with every event in every state of a link. The alternatives of a cell are
tried from top to bottom, and the first whose conditions all hold is taken (`!`: must not hold).
The last column names the scenarios (`ttpoe sim ...`) that take the row, and the block tests
(`make test`): {block_tests}. Each of them fails if it does not
take the row, and a row without one fails `make test`.

## Conditions

| condition | meaning |
|---|---|
"""


def uncovered(plan):
    """`EVENT in STATE, row n` of every alternative without a scenario."""
    return [
        f"{event.name} in {state.name}, row {number}"
        for event, cells in TABLE.items()
        for state, rows in cells.items()
        for number in range(len(rows))
        if not tests_of(plan, event, state, number)
    ]


def unknown(plan):
    """Rows of the plan that are not in the table."""
    sizes = {
        (event.name, state.name): len(rows)
        for event, cells in TABLE.items()
        for state, rows in cells.items()
    }
    return [
        f"{event} in {state}"
        for event, cells in plan.items()
        for state, rows in cells.items()
        if len(rows) != sizes.get((event, state))
    ]


def tests_of(plan, event, state, number):
    rows = plan.get(event.name, {}).get(state.name, [])
    return rows[number] if number < len(rows) else []


def state_page(plan):
    """Text of docs/reference/state-table.md."""
    block_tests = ", ".join(f"`{name}` is `{path}`" for name, path in BLOCK_TESTS.items())
    lines = [
        _HEAD.format(block_tests=block_tests)
        + "".join(f"| `{name}` | {text} |\n" for name, text in GUARDS.items())
    ]
    for event, cells in TABLE.items():
        lines += [
            f"\n## {event.name}\n\n",
            "| state | if | action | next state | tests |\n",
            "|---|---|---|---|---|\n",
        ]
        for state, rows in cells.items():
            for number, (guards, action, to) in enumerate(rows):
                condition = " ".join(f"`{guard}`" for guard in guards)
                condition = condition or ("else" if len(rows) > 1 else "always")
                tests = ", ".join(tests_of(plan, event, state, number))
                lines.append(
                    f"| {state.name} | {condition} | {action.name} | "
                    f"{'stays' if to == state else to.name} | {tests} |\n"
                )
    return "".join(lines)


def trace_page(text):
    """docs/reference/trace.md with its code points written anew."""
    before, _, rest = text.partition(_OPENS)
    after = rest.partition(_ENDS)[2]
    lines = []
    for title, names in (
        ("event", Event),
        ("state", LinkState),
        ("action", Action),
        ("result", HostResult),
        ("notice", Notice),
    ):
        points = ", ".join(
            f"{point.value} {point.name}" for point in sorted(names, key=lambda point: point.value)
        )
        lines.append(f"**{title}**: {points}.\n\n")
    return before + _OPENS + "".join(lines) + _ENDS + after


def collected(plan, runs):
    """The plan with every row that the runs' scenarios took, and no other of their claims.

    What the runs do not tell of is kept: scenarios that did not run, and block tests.
    """
    new_plan = {event: dict(cells) for event, cells in plan.items()}
    for event, cells in TABLE.items():
        for state, rows in cells.items():
            old = plan.get(event.name, {}).get(state.name, [])
            new = []
            for number in range(len(rows)):
                names = set(old[number]) if len(old) == len(rows) else set()
                for run in runs:
                    took = [event.name, state.name, number] in run["cells"]
                    names = names | {run["test"]} if took else names - {run["test"]}
                new.append(sorted(names))
            new_plan.setdefault(event.name, {})[state.name] = new
    return new_plan


def collect():
    """The plan from the results of the last `ttpoe sim`: every row that a scenario took."""
    path = ROOT / "build" / "sim" / "results.json"
    if not path.exists():
        raise UsageError("there are no results yet: run `ttpoe sim`")
    results = json.loads(path.read_text())["runs"]
    runs = [run for run in results if run["result"] == "passed" and "cells" in run]
    plan = collected(load_plan(), runs)
    PLAN.write_text(
        "{\n"
        + ",\n".join(
            f' "{event}": {{\n'
            + ",\n".join(f'  "{state}": {json.dumps(rows)}' for state, rows in cells.items())
            + "\n }"
            for event, cells in plan.items()
        )
        + "\n}\n"
    )


def made():
    """`{path: text}` of both pages."""
    return {PAGE: state_page(load_plan()), TRACE_PAGE: trace_page(TRACE_PAGE.read_text())}
