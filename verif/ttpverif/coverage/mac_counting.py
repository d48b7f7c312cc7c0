"""The Verilog that counts the points of the coverage plan of the MACs in a simulated bench.

`beside` puts a module `ttp_mac_points` into the bench's `pair`. It looks at the MAC's own signals
and, by `mac_lines.v`, at what passes on wire and streams; when the simulation ends it writes the
counts into `FILE` where the simulator runs. Nothing of it is in the hardware.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from .mac_points import load, universe

__all__ = ["FILE", "MacSide", "beside", "points_of", "read_counts"]

FILE = "mac_points.hex"
_LINES = Path(__file__).with_name("mac_lines.v")


@dataclass(frozen=True)
class MacSide:
    """A MAC of a bench: where it lies, as seen from `pair`, and what its words are there.

    Parameters
    ----------
    kind : str
        gmii, xgmii or cmac.
    clocks : dict
        sync, rx, tx -> the signal. A side without one has no point of that clock.
    blocks : dict
        R, RX, TX, G, S -> what stands in front of a block's signals.
    words : dict
        RST, RX_RST, TX_RST, MII, TX_MII, START -> a value.
    lines : dict
        L, W, I, O -> ports of the module of `mac_lines.v`, and their values.
    """

    kind: str
    clocks: dict
    blocks: dict
    words: dict
    lines: dict = field(default_factory=dict)
    width: int = 8


def _module(side, line):
    if line in "IO" or side.kind == "cmac":
        return f"ttp_beat_line #(.WIDTH({side.width}))"
    return f"ttp_{side.kind}_line"


def _clock_of(line):
    return {"L": "rx", "W": "tx"}.get(line, "sync")


def _needs(when):
    """The letters and words of a condition that a side must have."""
    letters = re.findall(r"(?<![\w.])(R|RX|TX|G|S|L|W|I|O)\.", when)
    return {*letters, *re.findall(r"\b(?:RST|RX_RST|TX_RST|MII|TX_MII|START)\b", when)}


def points_of(side):
    """The points that this side has."""
    there = {*side.blocks, *side.words, *side.lines}
    helpers = load()[side.kind].get("helpers", {})

    def possible(point):
        texts = [point.when, *(helpers[name][2] for name in re.findall(r"H\.(\w+)", point.when))]
        return point.clock in side.clocks and all(_needs(text) <= there for text in texts)

    return [
        point
        for name, point in universe().items()
        if name.startswith(f"{side.kind}/") and possible(point)
    ]


def _placed(text, side, number):
    """A condition of the plan in the Verilog of this side."""
    text = re.sub(r"\{([a-z_]\w*(?:\.\w+)*)\}", lambda match: f"\\{match[1]} ", text)
    text = re.sub(r"(?<![\w.])H\.(\w+)", rf"s{number}_\1", text)
    text = re.sub(r"(?<![\w.])([LWIO])\.(\w+)", rf"s{number}_\1.\2", text)
    for letter, place in side.blocks.items():
        text = re.sub(rf"(?<![\w.]){letter}\.", place, text)
    for word, value in side.words.items():
        text = re.sub(rf"(?<![\w.]){word}\b", f"({value})", text)
    return text


def _lines_of(side, number):
    for line, ports in side.lines.items():
        ports = {"clk": side.clocks[_clock_of(line)], **ports}
        joined = ", ".join(f".{name}({value})" for name, value in ports.items())
        yield f"  {_module(side, line)} s{number}_{line} ({joined});"


def _side_verilog(side, number, first):
    """Lines of `ttp_mac_points` for one side whose counts begin at `first`."""
    points, lines = points_of(side), list(_lines_of(side, number))
    used = {name for point in points for name in re.findall(r"H\.(\w+)", point.when)}
    helpers = load()[side.kind].get("helpers", {})
    for name in list(used):
        used |= set(re.findall(r"H\.(\w+)", helpers[name][2]))
    for name, (clock, bits, value) in helpers.items():
        if name in used:
            value = _placed(value, side, number)
            lines.append(f"  reg [{bits - 1}:0] s{number}_{name} = 0;")
            lines.append(f"  always @(posedge {side.clocks[clock]}) s{number}_{name} <= {value};")
    for clock, signal in side.clocks.items():
        mine = [(n, point) for n, point in enumerate(points) if point.clock == clock]
        if not mine:
            continue
        lines.append(f"  realtime s{number}_{clock}_last = 0, s{number}_{clock}_period = 0;")
        lines.append(f"  always @(posedge {signal}) begin")
        lines.append(f"    s{number}_{clock}_period = $realtime - s{number}_{clock}_last;")
        lines.append(f"    s{number}_{clock}_last = $realtime;")
        for n, point in mine:
            when = _placed(point.when, side, number)
            when = re.sub(r"\bSLOW\b", f"(s{number}_{clock}_period > 200.0)", when)
            lines.append(f"    if ({when}) hits[{first + n}] = hits[{first + n}] + 1;")
        lines.append("  end")
    return lines


def beside(text, sides):
    """The Verilog `text` of a bench with the counting module in its module `pair`."""
    total = sum(len(points_of(side)) for side in sides)
    lines = [
        "// Counts the points of the coverage plan of the MACs. Generated; do not edit.",
        "module ttp_mac_points;",
        f"  reg [31:0] hits [0:{total - 1}];",
        "  integer n;",
        f"  initial for (n = 0; n < {total}; n = n + 1) hits[n] = 0;",
    ]
    first = 0
    for number, side in enumerate(sides):
        lines += _side_verilog(side, number, first)
        first += len(points_of(side))
    lines += [f'  final $writememh("{FILE}", hits);', "endmodule", ""]
    changed, found = re.subn(
        r"(?ms)(^module pair\(.*?)(^endmodule)", r"\1  ttp_mac_points mac_points();\n\2", text
    )
    if found != 1:
        raise ValueError("there is no module `pair`")
    return "\n".join([changed, _LINES.read_text(), *lines])


def read_counts(text, sides):
    """`{point: count}`, all sides together, of what the simulation wrote."""
    names = [point.name for side in sides for point in points_of(side)]
    words = re.sub(r"//.*|@\w+", "", text).split()
    if len(words) != len(names):
        raise ValueError(f"{len(words)} counts for {len(names)} points")
    counts = {}
    for name, word in zip(names, words):
        counts[name] = counts.get(name, 0) + int(word, 16)
    return counts
