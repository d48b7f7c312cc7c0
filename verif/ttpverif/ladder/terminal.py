"""The ladder as text: one line per frame, a column per node.

Written to a terminal it has colour (with the package `rich`) and the terminal's width; written to
a pipe or a file it is plain and 100 columns wide.
"""

import os
import shutil

__all__ = ["draw", "format_time", "time_unit"]

_PIPE_WIDTH = 100
_LEFT = 20                      # number and time
_RIGHT = 24                     # marks
_LEAST_SPAN = 22                # between two columns; if less, each line names its nodes
_UNICODE = {"rail": "│", "line": "─", "again": "═", "right": "▶", "left": "◀", "lost": "✗"}
_ASCII = {"rail": "|", "line": "-", "again": "=", "right": ">", "left": "<", "lost": "x"}
_STYLES = {"lost": "red", "discarded": "magenta", "refused": "red", "unanswered": "red",
           "replay": "yellow", "duplicate": "cyan", "retry": "yellow", "again": "cyan",
           "malformed": "bold red", "changed": "bold red", "stray": "bold red",
           "late": "magenta", "gap": "magenta"}


def time_unit(span_ns):
    """(unit, nanoseconds in it, decimals) in which times up to `span_ns` read well."""
    for unit, size, decimals in (("s", 10**9, 6), ("ms", 10**6, 6)):
        if span_ns >= size:
            return unit, size, decimals
    return "us", 10**3, 3


def format_time(nanoseconds, unit):
    """A time in the unit that `time_unit` chose, without its name."""
    return f"{nanoseconds / unit[1]:.{unit[2]}f}"


def _label(record):
    text = f"{record.name} vc{record.vc}"
    if record.name in ("OPEN", "OPEN_ACK", "CLOSE", "CLOSE_NACK") or record.name == "PAYLOAD":
        text += f" tx {record.tx_id:x}"
    elif record.name == "NACK" and record.tx_id:
        return text + f" rx {record.rx_id:x}..{record.tx_id:x}"
    if record.name == "PAYLOAD":
        return text + f" {len(record.payload)} B"
    return text + f" rx {record.rx_id:x}"


class _Canvas:
    """One line under construction; says how wide it may be, and in which characters."""

    def __init__(self, nodes, width, signs):
        self.signs, self.nodes = signs, nodes
        room = width - _LEFT - _RIGHT
        span = room // max(1, len(nodes) - 1) if len(nodes) > 1 else room
        self.columns = None
        if span >= _LEAST_SPAN:
            span = min(span, 70)
            self.columns = {node: 3 + index * (span - 1) for index, node in enumerate(nodes)}
            self.width = 6 + (len(nodes) - 1) * (span - 1) + 1

    def header(self):
        if self.columns is None:
            return "from -> to"
        line = [" "] * (self.width + 16)
        for node, column in self.columns.items():
            start = max(0, column - len(node) // 2)
            line[start:start + len(node)] = node
        return "".join(line).rstrip()

    def arrow(self, event, lost, again):
        """[(text, is the arrow)] of one frame."""
        signs, label = self.signs, _label(event.record)
        line = signs["again"] if again else signs["line"]
        if self.columns is None:
            head = signs["lost"] if lost else signs["right"]
            return [(f"{event.src} {line}{head} {event.dst}  {label}", True)]
        start, end = self.columns[event.src], self.columns[event.dst]
        cells = [" "] * self.width
        for column in self.columns.values():
            cells[column] = signs["rail"]
        low, high = min(start, end) + 1, max(start, end)
        if low > high:                  # a frame to its own sender
            return [("".join(cells), False), (f" {label} to itself", True)]
        body = list(line * (high - low))
        text = f" {label} "[:max(0, len(body) - 3)]
        offset = 2 if end > start else max(1, len(body) - len(text) - 2)
        body[offset:offset + len(text)] = text
        if end > start:
            body[-1] = signs["right"]
            if lost:
                body[-4:] = signs["lost"] + "   "
        else:
            body[0] = signs["left"]
            if lost:
                body[:4] = "   " + signs["lost"]
        return [("".join(cells[:low]), False), ("".join(body[:high - low]), True),
                ("".join(cells[high:]), False)]


def _marks(event):
    parts = []
    for mark in event.marks:
        if mark in ("replay", "duplicate", "retry") and event.replay_of:
            parts.append(f"{mark} of {event.replay_of}")
        elif mark == "malformed":
            parts.append(f"malformed: {event.record.cause}")
        else:
            parts.append(mark)
    return ", ".join(parts)


def _style(event):
    return next((_STYLES[mark] for mark in _STYLES if mark in event.marks), "green"
                if event.record.name == "PAYLOAD" else "")


def _lines(analysis, events, width, signs):
    """[(text, style)] pieces of each line."""
    nodes = [node for node in analysis.nodes
             if any(node in (event.src, event.dst) for event in events)]
    canvas = _Canvas(nodes, width, signs)
    unit = time_unit(max(event.record.time_ns for event in events) - analysis.start_ns)
    yield [(f"{'frame':>6} {'time/' + unit[0]:>12} {canvas.header()}".rstrip(), "bold")]
    for event in events:
        record, style = event.record, _style(event)
        lost = "lost" in event.marks
        again = bool({"replay", "duplicate", "retry"} & set(event.marks))
        time = format_time(record.time_ns - analysis.start_ns, unit)
        line = [(f"{record.number:>6} {time:>12} ", "dim")]
        line += [(text, style if arrow else "dim")
                 for text, arrow in canvas.arrow(event, lost, again)]
        yield line + [(" " + _marks(event), style)]


def draw(analysis, events, stream):
    """Write the ladder of `events` (all of `analysis`, or a choice) to a text stream."""
    terminal = stream.isatty()
    width = shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns if terminal else _PIPE_WIDTH
    try:
        "".join(_UNICODE.values()).encode(stream.encoding or "ascii")
        signs = _UNICODE
    except (UnicodeEncodeError, LookupError):
        signs = _ASCII
    console = _console(stream, width) if terminal and "NO_COLOR" not in os.environ else None
    for pieces in _lines(analysis, events, width, signs):
        if console is None:
            stream.write("".join(text for text, _ in pieces).rstrip() + "\n")
        else:
            from rich.text import Text
            console.print(Text.assemble(*pieces), soft_wrap=True)


def _console(stream, width):
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        return None
    return Console(file=stream, width=width, highlight=False)
