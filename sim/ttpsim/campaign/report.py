"""The report of a sweep: one HTML file with its data in it, which asks nobody for anything."""

import html
import json
import math
import re
from pathlib import Path

from ttpsim.campaign.plots import x_axis
from ttpsim.campaign.tables import times

__all__ = ["page", "write"]

_HERE = Path(__file__).with_name("page")
_ROWS = 20_000
"""Of a table in the page; the CSV file has all."""
_DIGITS = 6
_EXACT = 2**53  # whole numbers that JavaScript has


def _value(value):
    """As JSON has it: a number that is none is absent, and no digit too many."""
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.{_DIGITS}g}")
    value = value.item() if hasattr(value, "item") else value
    return str(value) if type(value) is int and abs(value) > _EXACT else value


def _table(frame):
    """`{columns, rows, all}` of a DataFrame; `all`: how many rows there are."""
    rows = [[_value(value) for value in row] for row in frame.head(_ROWS).astype(object).values]
    return {"columns": list(frame.columns), "rows": rows, "all": len(frame)}


def page(sweep, found, series, revision):
    """The text of the report."""
    name = Path(sweep.what).stem
    data = {
        "title": sweep.title or name,
        "revision": revision,
        "axes": sweep.axes | {"seed": sweep.seeds},
        "fixed": sweep.fixed,
        "x": x_axis(sweep.axes) or "seed",
        "tables": {of: _table(frame) for of, frame in found.items() if not frame.empty},
        "times": times(found),
        "queues": {str(run): points for run, points in series.items()},
    }
    parts = {
        "TITLE": html.escape(data["title"]),
        "STYLE": (_HERE / "report.css").read_text(),
        # No end of the script can be within it.
        "DATA": json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "SCRIPT": "".join((_HERE / file).read_text() for file in ("charts.js", "report.js")),
    }
    text = (_HERE / "report.html").read_text()
    return re.sub(r"@([A-Z]+)@", lambda found: parts[found[1]], text)


def write(folder, sweep, found, series, revision):
    """report.html in the folder; its path."""
    path = folder / "report.html"
    path.write_text(page(sweep, found, series, revision))
    return path
