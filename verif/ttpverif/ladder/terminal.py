"""The ladder as text: one line per frame, a column per node.

Written to a terminal it has colour and the terminal's width; written to a pipe or a file it is
plain and 100 columns wide. Events are taken as they come, so that a long capture needs no memory.
"""

import os
import shutil
from itertools import islice

from .analysis import OTHER

__all__ = ["draw", "format_time", "time_unit"]

_PIPE_WIDTH = 100
_CHUNK = 2000  # events that choose columns and the unit of time together
_LEFT = 20  # number and time
_RIGHT = 24  # marks
_LEAST_SPAN = 22  # between two columns; if less, each line names its nodes
_UNICODE = {"rail": "│", "line": "─", "again": "═", "right": "▶", "left": "◀", "lost": "✗"}
_ASCII = {"rail": "|", "line": "-", "again": "=", "right": ">", "left": "<", "lost": "x"}
_STYLES = {
    "lost": "red",
    "discarded": "magenta",
    "refused": "red",
    "unanswered": "red",
    "replay": "yellow",
    "duplicate": "cyan",
    "retry": "yellow",
    "again": "cyan",
    "sent again": "magenta",
    "cut": "magenta",
    "malformed": "bold red",
    "changed": "bold red",
    "stray": "bold red",
    "late": "magenta",
    "gap": "magenta",
}
_SGR = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
    "bold red": "1;31",
    "bold": "1",
    "dim": "2",
}
_BOTH_IDS = ("OPEN", "OPEN_ACK", "CLOSE", "CLOSE_NACK")


def time_unit(span_ns: int) -> tuple[str, int, int]:
    """(unit, nanoseconds in it, decimals) in which times up to `span_ns` read well."""
    for unit, size, decimals in (("s", 10**9, 6), ("ms", 10**6, 6)):
        if span_ns >= size:
            return unit, size, decimals
    return "us", 10**3, 3


def format_time(nanoseconds: int, unit: tuple[str, int, int]) -> str:
    """A time in the unit that `time_unit` chose, without its name."""
    return f"{nanoseconds / unit[1]:.{unit[2]}f}"


def _label(record):
    """What was captured of it: opcode, VC, IDs as 0x and hexadecimal digits, length, whether it has
    the IPv4 form, and what it says about congestion."""
    text = _identity(record)
    if record.form == "ipv4":
        text += " IPv4"
    if record.congestion:
        meaning = record.says
        return f"{text} {meaning}" if meaning else text
    return text


def _identity(record):
    tx_id, rx_id = record.tx_id, record.rx_id
    if rx_id is not None:  # most of all frames
        if record.opcode == 6:
            return f"PAYLOAD vc{record.vc} tx {tx_id:#x} {record.payload_size} B"
        if record.opcode == 7:
            kept = f" keeps {tx_id:#x}" if record.echo else ""
            return f"ACK vc{record.vc} rx {rx_id:#x}{kept}"
    name = record.name
    text = name if record.vc is None else f"{name} vc{record.vc}"
    if name == "PAYLOAD":
        return (
            f"{text} tx {tx_id:#x} {record.payload_size} B"
            if tx_id is not None
            else f"{text} {record.payload_size} B"
        )
    if name == "NACK" and tx_id and rx_id is not None:
        return f"{text} rx {rx_id:#x}..{tx_id:#x}"
    if tx_id is not None and name in _BOTH_IDS:
        text += f" tx {tx_id:#x}"
    return text if rx_id is None else f"{text} rx {rx_id:#x}"


class _Canvas:
    """How a line is laid out for these nodes, and in which characters."""

    def __init__(self, nodes, width, signs):
        self.signs, self.nodes = signs, nodes
        room = width - _LEFT - _RIGHT
        span = room // max(1, len(nodes) - 1) if len(nodes) > 1 else room
        self.columns: dict[str, int] = {}  # none: each line names its nodes
        self._ends = {}  # (src, dst) -> (left of the arrow, its length, right)
        if span >= _LEAST_SPAN:
            span = min(span, 70)
            self.columns = {node: 3 + index * (span - 1) for index, node in enumerate(nodes)}
            self.width = 6 + (len(nodes) - 1) * (span - 1) + 1

    def header(self):
        if not self.columns:
            return "from -> to"
        line = [" "] * (self.width + 16)
        for node, column in self.columns.items():
            start = max(0, column - len(node) // 2)
            line[start : start + len(node)] = node
        return "".join(line).rstrip()

    def _place(self, src, dst):
        start, end = self.columns[src], self.columns[dst]
        cells = [" "] * self.width
        for column in self.columns.values():
            cells[column] = self.signs["rail"]
        low, high = min(start, end) + 1, max(start, end)
        rails = "".join(cells)
        self._ends[src, dst] = rails[:low], high - low, rails[high:]
        return self._ends[src, dst]

    def arrow(self, event, lost, again):
        """(left, the arrow, right) of one frame."""
        signs, label, src, dst = self.signs, _label(event.record), event.src, event.dst
        line = signs["again"] if again else signs["line"]
        if not self.columns:
            head = signs["lost"] if lost else signs["right"]
            return "", f"{src} {line}{head} {dst}  {label}", ""
        left, length, right = self._ends.get((src, dst)) or self._place(src, dst)
        if length < 0:  # a frame to its own sender
            return left + right[1:], f" {label} to itself", ""
        text = f" {label} "[: max(0, length - 3)]
        rest = length - 2 - len(text)
        if self.columns[dst] > self.columns[src]:
            body = line * 2 + text + line * rest
            return (
                left,
                body[:-4] + signs["lost"] + "   " if lost else body[:-1] + signs["right"],
                right,
            )
        body = line * rest + text + line * 2
        return left, "   " + signs["lost"] + body[4:] if lost else signs["left"] + body[1:], right


def _marks(event):
    parts = []
    for mark in event.marks:
        if event.replay_of and mark in ("replay", "duplicate", "retry"):
            parts.append(f"{mark} of {event.replay_of}")
        elif mark == "malformed":
            parts.append(f"malformed: {event.record.cause}")
        elif mark == "cut":
            parts.append(f"cut after {event.record.captured} B")
        else:
            parts.append(mark)
    return ", ".join(parts)


def _style(event):
    marks = event.marks
    if marks:
        return next((style for mark, style in _STYLES.items() if mark in marks), "")
    return "green" if event.record.opcode == 6 else ""


class _Lines:
    """The lines of a ladder as they come: a header first, and again where a node is new."""

    _canvas: _Canvas
    _unit: tuple[str, int, int]

    def __init__(self, analysis, width, signs, colour):
        self._analysis, self._width, self._signs, self._colour = analysis, width, signs, colour
        self._nodes = set()

    def chunk(self, events):
        """The text of the next events."""
        lines = []
        if not self._nodes:
            self._start_ns = self._analysis.start_ns
            self._unit = time_unit(max(e.record.time_ns for e in events) - self._start_ns)
            # That of `format_time`, with everything looked up once.
            self._time = f"{{:>6}} {{:>12.{self._unit[2]}f}} ".format
        new = {node for event in events for node in (event.src, event.dst)} - self._nodes
        if new:
            lines.append(self._header(new))
        for event in events:
            lines.append(self._line(event))
        return "\n".join(lines) + "\n"

    def _header(self, new):
        self._nodes |= new
        order = {node: place for place, node in enumerate(self._analysis.nodes)}
        order[OTHER] = len(order)  # always at the right
        nodes = sorted(self._nodes, key=lambda node: order.get(node, -1))
        self._canvas = _Canvas(nodes, self._width, self._signs)
        return self._painted(
            f"{'frame':>6} {'time/' + self._unit[0]:>12} {self._canvas.header()}".rstrip(), "bold"
        )

    def _line(self, event):
        record, marks = event.record, event.marks
        begin = self._time(record.number, (record.time_ns - self._start_ns) / self._unit[1])
        if not marks:
            left, arrow, right = self._canvas.arrow(event, False, False)
            if not self._colour:
                return f"{begin}{left}{arrow}{right}".rstrip()
            remarks = ""
        else:
            again = "replay" in marks or "duplicate" in marks or "retry" in marks
            left, arrow, right = self._canvas.arrow(event, "lost" in marks, again)
            remarks = f" {_marks(event)}"
        if not self._colour:
            return f"{begin}{left}{arrow}{right}{remarks}".rstrip()
        style = _style(event)
        return (
            self._painted(begin + left, "dim")
            + self._painted(arrow, style)
            + self._painted(right, "dim")
            + self._painted(remarks, style)
        ).rstrip()

    def _painted(self, text, style):
        if not self._colour or not style or not text:
            return text
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m"


def draw(analysis, events, stream):
    """Write the ladder of `events`, any iterable, to a text stream; returns how many they were.

    `analysis`: what gives them, an `Analysis` or an `Analyser`; its time of the first frame counts.
    """
    terminal = stream.isatty()
    width = shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns if terminal else _PIPE_WIDTH
    colour = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    try:
        "".join(_UNICODE.values()).encode(stream.encoding or "ascii")
        signs = _UNICODE
    except (UnicodeEncodeError, LookupError):
        signs = _ASCII
    lines, events, shown = _Lines(analysis, width, signs, colour), iter(events), 0
    while chunk := list(islice(events, _CHUNK)):
        shown += len(chunk)
        stream.write(lines.chunk(chunk))
    return shown
