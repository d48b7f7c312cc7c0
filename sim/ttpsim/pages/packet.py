"""Tables of docs/evidence/packet.md: what `ttpoe packet --evidence` kept."""

import json

from ttpsim.campaign.origin import sentence
from ttpsim.packet.compare import EVIDENCE

from . import figures

__all__ = ["TABLES"]


def _kept():
    return json.loads(EVIDENCE.read_text())


def _percent(value, places=1):
    return f"{100 * value:.{places}f} %"


def _both(run, name, form):
    one, other = (form(run[side][name]) for side in ("fabric", "packet"))
    return one if one == other else f"{one} / {other}"


def _clocks(run):
    if "ping_p99" not in run["fabric"]:
        return ""
    return _both(run, "ping_p99", lambda value: f"{value:,}")


def compared():
    """A row for each run; two figures in a cell are those of fabric and model."""
    rows = [
        [
            run["words"],
            _both(run, "goodput", lambda value: _percent(value, 2)),
            _both(run, "fairness", lambda value: f"{value:.3f}"),
            _both(run, "dropped_full", lambda value: f"{value:,}"),
            _both(run, "peak_bytes", lambda value: f"{value:,}"),
            _clocks(run),
            _percent(run["same_places"] / run["places"]),
            f"{run['fabric']['cpu_seconds'] / max(run['packet']['cpu_seconds'], 0.01):,.0f}",
        ]
        for run in _kept()["runs"]
    ]
    head = ["run", "goodput", "fairness", "dropped", "fullest buffer, bytes"]
    head += ["urgent p99, clocks", "order the same", "times faster"]
    return figures.table(head, rows)


def large():
    """A row for each run of thousands of nodes."""
    rows = [
        [
            run["words"],
            f"{run['clocks']:,}",
            f"{run['packets']:,}",
            _percent(run["goodput"]),
            f"{run['dropped_full']:,}",
            f"{run['events']:,}",
            f"{run['cpu_seconds']:,.1f}",
            f"{run['memory_kib'] / 1024:,.0f}",
        ]
        for run in _kept()["large"]
    ]
    head = ["run", "clocks", "packets", "goodput", "dropped", "events", "CPU seconds", "MiB"]
    return figures.table(head, rows)


def where_from():
    """Of both tables."""
    return sentence(_kept()["origin"])


TABLES = {"packet": compared, "packet-large": large, "packet-origin": where_from}
