"""Timing diagrams from a waveform: WaveDrom's JSON, and SVG.

One column is one clock. A value is the one that the clock's end, the next rising edge, takes over.
Columns are numbered like the cycles in `trace.txt`.
"""

from bisect import bisect_left
from dataclasses import dataclass

from yowasp_wavedrom import render

from .names import names_of

__all__ = ["Lane", "diagram", "svg"]

_LETTERS = "font-size:8pt;paint-order:stroke;stroke:#fff;stroke-width:2.5px"
_BOX = {"": "=", "yellow": "3", "orange": "4", "blue": "5", "green": "7", "red": "9"}


@dataclass(frozen=True)
class Lane:
    """One line: a bit, or boxes with what `show` says.

    `show` is None (a bit), a kind of `names`, "number", "hex", or a list of (what stands in front, path,
    kind) whose values are written one after the other. `when` is a path whose bit says where the
    value counts. `each`: every clock is something of its own, the same value again included. `ago`:
    what all of this was so many clocks before, for registers that have lost their own names.
    """

    label: str
    path: str
    show: object = None
    when: str = ""
    colour: str = ""
    each: bool = False
    ago: int = 0


class _Reader:
    def __init__(self, dump, x):
        self._dump, self._x, self._samplers = dump, x, {}

    def at(self, path, time):
        if path not in self._samplers:
            name = self._dump.resolve(path, self._x)
            self._samplers[path] = self._dump.sampler(name)
        value = self._samplers[path](time)
        return value if isinstance(value, int) else None  # X is a text


def _text(value, kind):
    if value is None:
        return "?"
    if kind == "hex":
        return f"{value:x}"
    return str(value) if kind == "number" else names_of(kind)[1].get(value, f"{value}?")


def _cells(reader, lane, times):
    """What each column shows: 0 or 1 of a bit, a text of a box, None where nothing counts."""
    for time in times:
        if lane.when and not reader.at(lane.when, time):
            yield None
        elif lane.show is None:
            yield reader.at(lane.path, time)
        elif isinstance(lane.show, str):
            yield _text(reader.at(lane.path, time), lane.show)
        else:
            yield " ".join(
                prefix + _text(reader.at(path, time), kind) for prefix, path, kind in lane.show
            )


def _wave(lane, cells):
    wave, texts, before = "", [], object()
    for cell in cells:
        if cell == before and not (lane.each and cell is not None):
            wave += "."
        elif cell is None:
            wave += "z"
        elif lane.show is None:
            wave += str(cell)
        else:
            wave += _BOX[lane.colour]
            texts.append(cell)
        before = cell
    return {"name": lane.label, "wave": wave, **({"data": texts} if texts else {})}


def _clocks(dump, first, last):
    """The time just before each clock from `first` to `last` ends."""
    edges = [time for time, value in dump.changes("pair.clk") if value == 1]
    cycle_of = dump.sampler("pair.cycle")
    cycles = [cycle_of(time - 1) for time in edges]
    cycles = [cycle + 1 if isinstance(cycle, int) else 0 for cycle in cycles]
    return [
        edges[index] - 1
        for index in range(bisect_left(cycles, first), bisect_left(cycles, last + 1))
    ]


def diagram(dump, title, groups, first, last):
    """WaveDrom's source as a dict. `groups`: `[(name, engine, [Lane])]`; cycles inclusive."""
    signals = []
    for name, x, lanes in groups:
        reader = _Reader(dump, x)
        signals.append([name])
        for lane in lanes:
            times = _clocks(dump, first - lane.ago, last - lane.ago)
            signals[-1].append(_wave(lane, _cells(reader, lane, times)))
    return {"signal": signals, "head": {"text": title, "tick": first}}


def svg(source):
    """The picture of a WaveDrom source, in letters that (nearly) fit a clock's width."""
    return render(source).replace("font-size:11pt", _LETTERS)
