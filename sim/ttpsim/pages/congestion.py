"""Tables of docs/evidence/congestion.md: what the runs of the bench gave, and their goals."""

from ttpsim.bench.congestion_cases import FIGURES, SENDERS, cases

from . import figures

__all__ = ["TABLES"]

_NOT_RUN = "not run"
_INCAST = ("goodput", "fairness", "dropped", "urgent_p50", "urgent_p99")


def _number(value, figure):
    """With as many digits as say something."""
    if figure.unit == "%":
        return f"{100 * value:.{2 if figure.where == 'dropped_share' else 1}f}"
    return f"{value:.2f}" if not figure.unit else f"{value:,.{1 if figure.per else 0}f}"


def _with_unit(text, figure):
    return f"{text} %" if figure.unit == "%" else text


def _cell(found, case, name, column, spread=True):
    """Mean, and smallest to largest of several seeds; "never" if no seed came to it."""

    def of(what):
        return found.get(f"congestion.{case.name}.{what}.{column}")

    figure, seeds, never = FIGURES[name], of("seeds"), of(f"{name}_never")
    if seeds is None:
        return _NOT_RUN
    if never == seeds:
        return "never"
    text = _with_unit(_number(of(name), figure), figure)
    if seeds > 1 and spread:
        low, high = (_number(of(f"{name}_{end}"), figure) for end in ("low", "high"))
        text += f" ({low} to {high})" if low != high else ""
    return f"{text}, never in {never} of {seeds}" if never else text


def _goal(case, name):
    goal, figure = case.goals.get(name), FIGURES[name]
    if goal is None:
        return ""
    sign = "≥" if figure.better == "higher" else "≤"
    text = "none's" if goal == "today" else _with_unit(_number(goal, figure), figure)
    return f"{sign} {text}"


def incast():
    """A column for each number of senders."""
    found = figures.baseline()
    by_name = {case.name: case for case in cases()}
    chosen = [by_name[f"incast.{senders}"] for senders in SENDERS]
    rows = []
    for name in _INCAST:
        for column in ("none", "law"):
            row = [_cell(found, case, name, column) for case in chosen if name in case.all_figures]
            row = ["" for _ in range(len(chosen) - len(row))] + row
            rows.append([f"{FIGURES[name].words}, {column}", *row, _goal(chosen[-1], name)])
    head = ["senders", *map(str, SENDERS), "goal"]
    return figures.table(head, rows)


def others():
    """A row for each figure of each other run."""
    found = figures.baseline()
    rows = []
    for case in cases():
        if case.name.startswith("incast."):
            continue
        for name in case.all_figures:
            cells = [_cell(found, case, name, column) for column in ("none", "law")]
            unit = FIGURES[name].unit
            unit = f", {unit}" if unit not in ("", "%") else ""
            rows.append([case.words, f"{FIGURES[name].words}{unit}", *cells, _goal(case, name)])
    return figures.table(["run", "figure", "none", "law", "goal"], rows, left=2)


def seeds():
    """How many seeds each column has, of how many."""
    found = figures.baseline()
    done = {
        column: sum(found.get(f"congestion.{case.name}.seeds.{column}", 0) for case in cases())
        for column in ("none", "law")
    }
    all_ = sum(case.seeds for case in cases())
    return (
        f"Of {all_} runs in each column these were made: {done['none']} of none, {done['law']} of "
        "law. A cell without a spread is of one seed, or of seeds that all gave the same."
    )


def where_from():
    """A row for each revision: the runs that were made with it."""
    found, rows = figures.origins(), {}
    for case in cases():
        for column in ("none", "law"):
            origin = found.get(f"congestion.{case.name}.{column}")
            if origin:
                key = origin["date"], origin["revision"], origin["command"]
                rows.setdefault(key, {}).setdefault(column, []).append(case.words)
    head = ["date", "revision", "made by", "runs of none", "runs of law"]
    return figures.table(
        head,
        [
            [
                date,
                revision,
                f"`{command}`",
                *("; ".join(runs.get(column, ())) for column in ("none", "law")),
            ]
            for (date, revision, command), runs in sorted(rows.items())
        ],
        left=5,
    )


TABLES = {
    "congestion-incast": incast,
    "congestion-others": others,
    "congestion-seeds": seeds,
    "congestion-origin": where_from,
}
