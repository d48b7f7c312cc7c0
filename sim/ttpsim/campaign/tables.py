"""Records of runs of `ttpoe fabric` as tables: of runs, nodes, flows and messages."""

# pandas is an extra: types are checked without it, too.
# pyright: reportMissingImports=false

import csv
import io

import pandas as pd

__all__ = ["LISTS", "queues", "tables", "times", "write"]

LISTS = ("nodes", "flows", "messages")
"""The parts of a result that have a row for each node, flow or message."""
_POINTS = 400  # of a queue over time


def _flat(result):
    """The numbers and words of a result; those of its objects as object_name."""
    found = {}
    for name, value in result.items():
        if isinstance(value, dict):
            found |= {f"{name}_{part}": inner for part, inner in _flat(value).items()}
        elif not isinstance(value, list):
            found[name] = value
    return found


def _judged(row):
    """Of a run without an end its second half is judged, of others all."""
    for name in ("goodput", "fairness"):
        if f"half_{name}" in row:
            row |= {f"{name}_all": row.get(name), name: row[f"half_{name}"]}
    return row


def _took(name, row, result):
    """The clocks that a message took, or a flow of a run with an end."""
    first, last = ("began", "completed") if name == "messages" else ("first", "last")
    ended = result.get("completed") and name in ("messages", "flows")
    return {"clocks": row[last] - row[first]} if ended and first in row and last in row else {}


def _behind(place, row, what):
    """The row behind the place; what both have is called what_name in the row."""
    return place | {f"{what}_{key}" if key in place else key: row[key] for key in row}


def tables(found):
    """`{"runs", "nodes", "flows", "messages": DataFrame}` of `[(Job, record)]`.

    Each row begins with the run's number and its place on the axes; a run that was not done is left
    out. One that failed has a row and its `failure`. Messages have the `clocks` that they took, and
    so have flows of runs with an end.
    """
    rows = {name: [] for name in ("runs", *LISTS)}
    for number, (job, record) in enumerate(found):
        if record is None:
            continue
        place = {"run": number} | dict(job.point) | {"seed": job.seed}
        result = record["result"] or {}
        own = {key: value for key, value in result.items() if key != "seed"}
        told = {"code": record["code"], "command": record["command"]}
        rows["runs"].append(_behind(place, _judged(_flat(own)) | told, "result"))
        for name in LISTS:
            for row in result.get(name, ()):
                whole = row | _took(name, row, result)
                rows[name].append(_behind(place, whole, name.removesuffix("s")))
    return {name: pd.DataFrame(lines) for name, lines in rows.items()}


def times(found):
    """`(table, column, title)` of the times that are told: of messages, else of flows, else of the
    packets of each flow; None without any."""
    for name, column, title in (
        ("messages", "clocks", "Completion times of messages"),
        ("flows", "clocks", "Completion times of flows"),
        ("flows", "p99", "Time that 99 of 100 packets of each flow took at most"),
    ):
        if column in found[name] and found[name][column].notna().any():
            return name, column, title
    return None


def queues(found):
    """`{run: [(clock, bytes)]}`: the queue of the port to host 0, thinned to its highest values."""
    series = {}
    for number, (_job, record) in enumerate(found):
        if not record or not record.get("table"):
            continue
        rows = csv.DictReader(io.StringIO(record["table"]))
        points = [(int(row["clock"]), int(row["queue"])) for row in rows]
        step = max(1, -(-len(points) // _POINTS))
        series[number] = [
            (points[at][0], max(queue for _clock, queue in points[at : at + step]))
            for at in range(0, len(points), step)
        ]
    return series


def write(folder, found):
    """Each table that has rows as CSV and as Parquet; the paths."""
    paths = []
    for name, table in found.items():
        for path in (folder / f"{name}.csv", folder / f"{name}.parquet"):
            path.unlink(missing_ok=True)  # of an earlier sweep
        if table.empty:
            continue
        # A column with words and numbers, an axis for example, is one of words.
        mixed = [column for column in table if table[column].map(type).nunique() > 1]
        words = [column for column in mixed if table[column].map(type).eq(str).any()]
        table = table.astype(dict.fromkeys(words, str))
        table.to_csv(folder / f"{name}.csv", index=False)
        table.to_parquet(folder / f"{name}.parquet", index=False)
        paths += [folder / f"{name}.csv", folder / f"{name}.parquet"]
    return paths
