"""The points of the coverage plan.

A point is a condition on one engine, asked in every clock (`counting`). They are made from the
code's own lists (state table, opcodes, counters, streams, lengths, registers) and from `plan.toml`.

Names: `row/EVENT/STATE/n`, `received/OPCODE/STATE`, `sent before/...`, `sent after/...`,
`admitted/SOURCE`, `counter/NAME`, `stall/PORT`, `length/PORT/WIDTH/BYTES`, `notice/KIND`,
`result/KIND`, `interrupt/CAUSE`, `read/REGISTER`, `written/REGISTER`, `point/NAME`.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..check.trace import EVENTS, NOTICES, RESULTS
from ..frames.frame import Opcode
from ..model.states import State

__all__ = ["HOST_PORTS", "LENGTHS", "PLAN", "Point", "SOURCES", "impossible", "load", "universe"]

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
_TRACE = "E.commit.outcomes.{o_trace__payload.%s}"
_LEFT = "Q3.valid"  # an event leaves the pipeline


@dataclass(frozen=True)
class Point:
    """`when`: its condition, as in the plan; `in_reset`: it counts while the engine is reset;
    `ipv4`: only an engine that knows the IPv4 form has its signals."""

    name: str
    what: str
    when: str
    in_reset: bool = False
    ipv4: bool = False


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
    from ttpoe.link.state_table import TABLE

    for event, cells in TABLE.items():
        for state, rows in cells.items():
            passed_over = []
            for number, (guards, action, _to) in enumerate(rows):
                holds = (
                    " & ".join(
                        f"{'~' * (guard[0] == '!')}Q2.guard.{guard.lstrip('!')}" for guard in guards
                    )
                    or "1'b1"
                )
                when = " & ".join(
                    [
                        "Q2.valid",
                        f"Q2.event.event == {event.value}",
                        f"Q2.tag.state == {state.value}",
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
            f"E.arbitrate.advance & E.arbitrate.grant[{number}]",
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
            f"point/{name}",
            entry["what"],
            entry["when"],
            entry.get("in_reset", False),
            entry.get("ipv4", False),
        )
        for name, entry in load()["points"].items()
    }
    return {**found, **ports, **own}
