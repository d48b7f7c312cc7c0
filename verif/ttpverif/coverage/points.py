"""The points of the coverage plan, and the Verilog that counts them in the simulated pair.

A point is a condition on one engine, asked in every clock. `points` makes them from the code's own
lists (state table, opcodes, counters, streams, lengths, registers) and from `plan.toml`;
`counting_verilog` writes a module `ttp_points` that counts each beside the pair, by reading the
hardware's signals, and writes the counts to a file when the simulation ends. Nothing of it is in
the hardware, and it works in Verilator and Icarus.

Names: `row/EVENT/STATE/n`, `received/OPCODE/STATE`, `sent before/...`, `sent after/...`,
`admitted/SOURCE`, `counter/NAME`, `stall/PORT`, `length/PORT/WIDTH/BYTES`, `notice/KIND`,
`result/KIND`, `interrupt/CAUSE`, `read/REGISTER`, `written/REGISTER`, `point/NAME`.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..check.trace import ACTIONS, EVENTS, NOTICES, OPCODES, RESULTS, STATES
from ..frames.frame import Opcode
from ..model.states import State

__all__ = [
    "Point",
    "PLAN",
    "SOURCES",
    "LENGTHS",
    "load",
    "points",
    "universe",
    "counting_verilog",
    "impossible",
    "read_counts",
]

PLAN = Path(__file__).with_name("plan.toml")
SOURCES = (
    "sent",
    "rx",
    "look",
    "replay",
    "visit1",
    "host1",
    "visit0",
    "host0",
    "visit2",
    "host2",
    "retire",
    "ask",
    "victim",
    "command",
    "timer",
)
"""What Q0 chooses from, in the order of its grants."""
WIDTHS = (64, 128, 256, 512)
MATRICES = ("received", "sent before", "sent after")
HOST_PORTS = tuple(f"{port}{vc}" for port in ("s_host_tx", "m_host_rx") for vc in range(3))
_STALLS = (*HOST_PORTS, "m_mac_tx", "s_cmd", "s_os_tx", "m_os_rx")
_TRACE = "E.commit.{o_trace__payload.%s}"
_LEFT = "E.commit.i_done__valid"  # an event leaves Q3
_PATHS = {
    "engine": {"E": "core"},
    "nic": {"E": "core.engine", "N": "core"},
    "managed_nic": {"E": "core.nic.engine", "N": "core.nic", "C": "core"},
}


@dataclass(frozen=True)
class Point:
    """`when`: its condition, as in the plan; `in_reset`: it counts while the engine is reset."""

    name: str
    what: str
    when: str
    in_reset: bool = False


def lengths(width_bits):
    """Payload lengths that matter to a datapath of that many bits."""
    width = width_bits // 8
    return 1, width - 1, width, width + 1, 1023, 1024


LENGTHS = {width: lengths(width) for width in WIDTHS}


@cache
def load():
    """The plan as a dict."""
    return tomllib.loads(PLAN.read_text())


def impossible():
    """`{point: reason}` of the combinations that must never be hit."""
    return {
        f"{entry['matrix']}/{opcode}/{state}": entry["reason"]
        for entry in load()["impossible"]
        for state in entry["states"]
        for opcode in entry["opcodes"]
    }


# ---- points from the code's own lists -----------------------------------------------------------


def _rows():
    from ttpoe.link.fsm import TABLE

    decide = "E.pipeline.decide."
    for event, cells in TABLE.items():
        for state, rows in cells.items():
            passed_over = []
            for number, (guards, action, _to) in enumerate(rows):
                holds = (
                    " & ".join(
                        f"{'~' * (guard[0] == '!')}{decide}guard_{guard.lstrip('!').lower()}"
                        for guard in guards
                    )
                    or "1'b1"
                )
                when = " & ".join(
                    [
                        "E.pipeline.q2_valid",
                        f"{decide}{{i_event.event}} == {event.value}",
                        f"{decide}{{i_tag.state}} == {state.value}",
                        *(f"~({earlier})" for earlier in passed_over),
                        f"({holds})",
                    ]
                )
                passed_over.append(holds)
                yield Point(
                    f"row/{event.name}/{state.name}/{number}",
                    f"{event.name} in {state.name}: {action.name}",
                    when,
                )


def _opcodes():
    for opcode in Opcode:
        for state in State:
            where = f"{opcode.name}/{state.name}"
            yield Point(
                f"received/{where}",
                f"{opcode.name} received in {state.name}",
                f"{_LEFT} & {_TRACE % 'event'} == {EVENTS.index('RX_' + opcode.name)}"
                f" & {_TRACE % 'old_state'} == {state.value}",
            )
            for matrix, field in (("sent before", "old_state"), ("sent after", "new_state")):
                yield Point(
                    f"{matrix}/{where}",
                    f"{opcode.name} sent, {matrix[5:]}: {state.name}",
                    f"{_LEFT} & {_TRACE % 'frame'} & {_TRACE % 'frame_opcode'} =="
                    f" {opcode.value} & {_TRACE % field} == {state.value}",
                )


def _outcomes():
    for number, kind in enumerate(NOTICES):
        yield Point(
            f"notice/{kind}",
            f"the host is told {kind}",
            f"{_LEFT} & {_TRACE % 'noticed'} & {_TRACE % 'notice'} == {number}",
        )
    for number, kind in enumerate(RESULTS):
        yield Point(
            f"result/{kind}",
            f"a payload of the host: {kind}",
            f"{_LEFT} & {_TRACE % 'event'} == {EVENTS.index('HOST_PAYLOAD')}"
            f" & {_TRACE % 'result'} == {number}",
        )
    for number, source in enumerate(SOURCES):
        yield Point(
            f"admitted/{source}",
            f"Q0 admits an event of {source}",
            f"E.arbitrate.o_event__valid & E.arbitrate.grant[{number}]",
        )


def _ports(width_bits):
    for port in _STALLS:
        valid, ready = (
            ("tvalid_core", "tready") if port.startswith("s_") else ("tvalid", "tready_core")
        )
        yield Point(
            f"stall/{port}",
            f"{port} waits: valid and not ready",
            f"S_{port}_{valid} & ~S_{port}_{ready}",
        )
    width = width_bits // 8
    for port in HOST_PORTS:
        side = ("_core", "") if port.startswith("s_") else ("", "_core")
        for size in LENGTHS[width_bits]:
            beats, rest = divmod(size - 1, width)
            keep = f"{width}'h{(1 << rest + 1) - 1:x}"
            yield Point(
                f"length/{port}/{width_bits}/{size}",
                f"{size} bytes on {port}, {width_bits} bits",
                f"S_{port}_tvalid{side[0]} & S_{port}_tready{side[1]} & S_{port}_tlast{side[0]}"
                f" & S_{port}_beats == {beats} & S_{port}_tkeep{side[0]} == {keep}",
            )


def _counters():
    from ttpoe.csr.registers import COUNTERS

    for name, meaning in COUNTERS.items():
        when = "C.csr.notices.o_lost" if name == "stat_notice_lost" else f"S_{name}"
        yield Point(f"counter/{name.removeprefix('stat_')}", meaning, when)


def _registers():
    from ttpoe.config import preset
    from ttpoe.csr.registers import INTERRUPTS, register_map

    for number, cause in enumerate(INTERRUPTS):
        yield Point(
            f"interrupt/{cause}",
            f"interrupt by {cause}",
            f"C.csr.notices.o_causes[{number}] & C.csr.notices.i_mask[{number}]",
        )
    for register in register_map(preset("tiny")).registers:
        done = (
            f"C.csr.axil.i_done & ~C.csr.axil.i_error & C.csr.axil.o_address == {register.address}"
        )
        name = register.name
        yield Point(f"read/{name}", f"{name} is read", f"{done} & ~C.csr.axil.o_write")
        if register.writable:
            yield Point(f"written/{name}", f"{name} is written", f"{done} & C.csr.axil.o_write")


@cache
def universe():
    """Every point of the plan, `{name: Point}`, whatever the top and the width."""
    ports = {point.name: point for width in WIDTHS for point in _ports(width)}
    found = {
        point.name: point
        for make in (_rows, _opcodes, _outcomes, _counters, _registers)
        for point in make()
    }
    own = {
        f"point/{name}": Point(
            f"point/{name}", entry["what"], entry["when"], entry.get("in_reset", False)
        )
        for name, entry in load()["points"].items()
    }
    return {**found, **ports, **own}


# ---- for one simulated pair ---------------------------------------------------------------------


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

    for signal, instead in load()["signals"].items():
        text = text.replace(signal, instead)
    text = re.sub(r"\{([a-z_]\w*(?:\.\w+)+)\}", lambda match: f"\\{match[1]} ", text)
    for letter, path in _PATHS[top].items():
        text = re.sub(rf"(?<![\w.]){letter}\.", f"pair.{side}.{path}.", text)
    text = re.sub(r"\bS_", f"pair.{side}_", text)
    for name, number in _numbers(config).items():
        text = re.sub(rf"(?<![\w.']){name}\b", str(number), text)
    # A block whose name is a word of Verilog's own (the link table) is written `\table `.
    return re.sub(rf"\.({'|'.join(sorted(KEYWORDS))})\.", r".\\\1 .", text)


def points(top, config):
    """The points that this top of this configuration has."""
    missing = [letter for letter in "NC" if letter not in _PATHS[top]]
    lost = [rf"(?<![\w.]){letter}\." for letter in missing]
    if top == "engine":
        lost.append(r"S_(s_os|m_os|stat_os|last_)")
    if top == "managed_nic":
        lost.append("S_s_cmd")  # commands come by registers
    found = []
    for name, point in universe().items():
        if name.startswith("length/") and f"/{config.width_bits}/" not in name:
            continue
        if not any(re.search(pattern, point.when) for pattern in lost):
            found.append(point)
    return found


def _helpers(side, top, config, lines):
    """Registers of what happened before, one set per engine; returns what to use for `S_name`."""
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
    for name, (bits, when, value) in load()["helpers"].items():
        if top == "engine":
            continue  # what they remember is the NIC's
        names[name] = f"ttp_points.{side}_{name}"
        when, value = (_verilog(text, side, top, config) for text in (when, value))
        lines.append(f"  reg [{bits - 1}:0] {side}_{name} = 0;")
        lines.append(
            f"  always @(posedge pair.clk) if (pair.{side}_reset) {side}_{name} <= 0;"
            f" else if ({when}) {side}_{name} <= {value};"
        )
    return names


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
                when = _verilog(point.when, side, top, config)
                for name, place in names.items():
                    when = re.sub(rf"pair\.{side}_{name}\b", place, when)
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
