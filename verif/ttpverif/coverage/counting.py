"""The Verilog that counts the points of the coverage plan in the simulated pair.

`counting_verilog` writes a module `ttp_points` that counts each point beside the pair, by reading
the hardware's signals, and writes the counts to a file when the simulation ends. Nothing of it is
in the hardware, and it works in Verilator and Icarus.
"""

import re

from ..check.trace import ACTIONS, EVENTS, OPCODES, STATES
from .points import HOST_PORTS, load, universe

__all__ = ["counting_verilog", "points", "read_counts"]

_Q2 = {
    "event": "event_c",
    "tag": "tag_c",
    "guard": "guards_c",
    "fact": "facts_c",
    "control": "control_c",
    "outcome": "o_outcome",
}
"""What `Q2.WORD.` of the plan is called in `pipeline.q2_decide`, in its third clock."""
_PATHS = {
    "engine": {"E": "core"},
    "nic": {"E": "core.engine", "N": "core"},
    "managed_nic": {"E": "core.nic.engine", "N": "core.nic", "C": "core"},
}


def _numbers(config):
    return {
        **{name: number for number, name in enumerate(EVENTS)},
        **{name: number for number, name in enumerate(OPCODES)},
        **{f"{name}_STATE": number for number, name in enumerate(STATES)},
        **{f"{name}_ACTION": number for number, name in enumerate(ACTIONS)},
        "SLOTS": config.slots,
        "LINKS": config.links,
        "WINDOW": config.reorder_window,
    }


def _verilog(text, side, top, config):
    """A condition of the plan in the Verilog of one engine of the pair."""
    from ttpoe.verilog.keywords import KEYWORDS

    # An event in Q2's third clock asks for the slot behind its own: that port says that it is there.
    text = text.replace("Q2.valid", "E.pipeline.successor__used")
    text = text.replace("Q3.valid", "E.commit.i_done__valid")
    text = re.sub(
        r"\bQ2\.(\w+)\.(\w+)",
        lambda match: f"E.pipeline.decide.{{{_Q2[match[1]]}.{match[2]}}}",
        text,
    )
    text = re.sub(r"\{([a-z_]\w*(?:\.\w+)+)\}", lambda match: f"\\{match[1]} ", text)
    for letter, path in _PATHS[top].items():
        text = re.sub(rf"(?<![\w.]){letter}\.", f"pair.{side}.{path}.", text)
    text = re.sub(r"\bS_", f"pair.{side}_", text)
    for name, number in _numbers(config).items():
        text = re.sub(rf"(?<![\w.']){name}\b", str(number), text)
    # A block whose name is a word of Verilog's own (the link table) is written `\table `.
    return re.sub(rf"\.({'|'.join(sorted(KEYWORDS))})\.", r".\\\1 .", text)


def _has(top, text):
    """Whether this top has all signals of a condition."""
    lost = [rf"(?<![\w.]){letter}\." for letter in "NC" if letter not in _PATHS[top]]
    if top == "engine":
        lost.append(r"S_(s_os|m_os|stat_os|last_)")
    if top == "managed_nic":
        lost.append("S_s_cmd")  # commands come by registers
    return not any(re.search(pattern, text) for pattern in lost)


def points(top, config):
    """The points that this top of this configuration has."""
    return [
        point
        for name, point in universe().items()
        if _has(top, point.when)
        and (config.ipv4 or not point.ipv4)
        and (not name.startswith("length/") or f"/{config.width_bits}/" in name)
    ]


def _helpers(side, top, config, lines):
    """Registers of what happened before, one set per engine: `{name: what to use for S_name}`."""
    names = {}
    for port in HOST_PORTS:
        core = ("_core", "") if port.startswith("s_") else ("", "_core")
        name = f"{port}_beats"
        names[name] = f"ttp_points.{side}_{name}"
        fires = f"pair.{side}_{port}_tvalid{core[0]} & pair.{side}_{port}_tready{core[1]}"
        lines.append(f"  reg [10:0] {side}_{name} = 0;")
        lines.append(
            f"  always @(posedge pair.clk) if (pair.{side}_reset) {side}_{name} <= 0;"
            f" else if ({fires}) {side}_{name} <="
            f" pair.{side}_{port}_tlast{core[0]} ? 0 : {side}_{name} + 1;"
        )
    plan = load()
    for name, (bits, when, value) in plan["helpers"].items():
        if not _has(top, when + value):
            continue
        names[name] = f"ttp_points.{side}_{name}"
        when, value = (_placed(text, side, top, config, names) for text in (when, value))
        lines.append(f"  reg [{bits - 1}:0] {side}_{name} = 0;")
        lines.append(
            f"  always @(posedge pair.clk) if (pair.{side}_reset) {side}_{name} <= 0;"
            f" else if ({when}) {side}_{name} <= {value};"
        )
    for name, (bits, clocks, value) in plan["earlier"].items():
        last = f"{side}_{name}"
        names[name] = f"ttp_points.{last}"
        steps = [f"{last}_{ago}" for ago in range(1, clocks)] + [last]
        lines.append(f"  reg [{bits - 1}:0] {', '.join(f'{step} = 0' for step in steps)};")
        values = [_placed(value, side, top, config, names), *steps]
        moves = " ".join(f"{after} <= {before};" for before, after in zip(values, steps))
        lines.append(f"  always @(posedge pair.clk) begin {moves} end")
    return names


def _placed(text, side, top, config, names):
    """`_verilog`, with the helpers `names` where they are."""
    text = _verilog(text, side, top, config)
    for name, place in names.items():
        text = re.sub(rf"pair\.{side}_{name}\b", place, text)
    return text


def counting_verilog(top, config):
    """`(module ttp_points, names)`: its counts are one per name for engine a, then for b."""
    found = points(top, config)
    lines = [
        "// Counts the points of the coverage plan. Generated; do not edit.",
        "module ttp_points;",
        f"  reg [31:0] hits [0:{2 * len(found) - 1}];",
        "  integer n;",
        "  reg [8*1024-1:0] file;",
        f"  initial for (n = 0; n < {2 * len(found)}; n = n + 1) hits[n] = 0;",
    ]
    body = []
    for number, side in enumerate("ab"):
        names = _helpers(side, top, config, lines)
        for group in (False, True):
            body.append(
                f"  always @(posedge pair.clk) if ({'' if group else '!'}pair.{side}_reset) begin"
            )
            for index, point in enumerate(found):
                if point.in_reset != group:
                    continue
                when = _placed(point.when, side, top, config, names)
                place = number * len(found) + index
                body.append(f"    if ({when}) hits[{place}] = hits[{place}] + 1;")
            body.append("  end")
    lines += body
    lines += [
        '  final if ($value$plusargs("points=%s", file)) $writememh(file, hits);',
        "endmodule",
        "",
    ]
    return "\n".join(lines), [point.name for point in found]


def read_counts(text, names):
    """`{name: count}` of both engines from the file that the simulation wrote."""
    words = re.sub(r"//.*|@\w+", "", text).split()
    if len(words) != 2 * len(names):
        raise ValueError(f"{len(words)} counts for {len(names)} points of two engines")
    counts = [int(word, 16) for word in words]
    return {name: counts[index] + counts[index + len(names)] for index, name in enumerate(names)}
