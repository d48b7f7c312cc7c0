"""The ladder as one HTML page that needs nothing else: data, style and script are in it."""

import html
import json
from importlib.resources import files

from ..frames.frame import Opcode
from .analysis import MARKS
from .decode import EXTENSIONS, FIELDS, KEPT_BYTES, VC_NAMES
from .terminal import format_time, time_unit

__all__ = ["MOST_FRAMES", "page", "page_data"]

MOST_FRAMES = 100_000
"""Frames of a page at most: 40 MB, which a browser still opens."""


def page_data(analysis, events):
    """What the page's script draws, as plain data.

    `fields[form]` names each field with offset, length and, for part of a byte, shift and bits;
    a frame carries its first bytes as hexadecimal, and the script cuts the fields from them.
    """
    links = sorted({event.link for event in events})
    nodes = [
        node for node in analysis.nodes if any(node in (event.src, event.dst) for event in events)
    ]
    unit = time_unit(max(event.record.time_ns for event in events) - analysis.start_ns)
    place = {name: index for index, name in enumerate(nodes)}
    link_index = {name: index for index, name in enumerate(links)}
    frames = []
    for event in events:
        record = event.record
        frames.append(
            {
                "n": record.number,
                "t": record.time_ns - analysis.start_ns,
                "time": format_time(record.time_ns - analysis.start_ns, unit),
                "form": record.form,
                "src": place[event.src],
                "dst": place[event.dst],
                "link": link_index[event.link],
                "op": record.name,
                "vc": record.vc,
                "tx": record.tx_id,
                "rx": record.rx_id,
                "len": record.payload_size,
                "size": record.size,
                "marks": event.marks,
                "answers": event.answers,
                "answered": event.answered_by,
                "of": event.replay_of,
                "attempt": event.attempt,
                "hex": record.data[:KEPT_BYTES].hex(),
                **({"cooked": 1} if record.cooked else {}),
                **({"keeps": 1} if record.echo else {}),
                **({"says": record.says} if record.says else {}),
            }
        )
    return {
        "nodes": nodes,
        "links": links,
        "frames": frames,
        "fields": FIELDS,
        "unit": unit[0],
        "marks": [mark for mark in MARKS if any(mark in f["marks"] for f in frames)],
        "opcodes": {opcode.value: opcode.name for opcode in Opcode},
        "vcs": VC_NAMES,
        "extensions": dict(EXTENSIONS.items()),
    }


def page(analysis, events, title, notes):
    """The text of the page. `notes`: lines shown under the title."""
    parts = files("ttpverif.ladder")
    data = json.dumps(page_data(analysis, events), separators=(",", ":"))
    text = (parts / "page.html").read_text(encoding="utf-8")
    for name, value in (
        ("STYLE", (parts / "page.css").read_text(encoding="utf-8")),
        ("SCRIPT", (parts / "page.js").read_text(encoding="utf-8")),
        ("TITLE", html.escape(title)),
        ("NOTES", " · ".join(html.escape(note) for note in notes)),
        ("DATA", data.replace("<", "\\u003c")),
    ):
        text = text.replace(f"@@{name}@@", value)
    return text
