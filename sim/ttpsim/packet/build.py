"""The packet model as a program: a header with the shape of the engine, and a compiler."""

from pathlib import Path

from ttpsim.build import cxx
from ttpsim.native import compile as native
from ttpsim.native.engine_ports import timer_tick

__all__ = ["FABRIC", "PACKET", "compile_packet", "shape_header", "shared_headers"]

PACKET = Path(__file__).resolve().parent
FABRIC = PACKET.parent / "fabric"
_SHARED = (
    "content",
    "frame",
    "load",
    "log",
    "measure",
    "network_options",
    "order",
    "samples",
    "settings",
    "traffic",
    "workload",
)
"""Headers of `sim/ttpsim/fabric` that know nothing of Verilator."""


def shape_header(config):
    """The text of the header with what the model must know of a configuration."""
    numbers = {
        "SETS": config.sets,
        "VC_TABLES": config.vc_tables,
        "LINKS": config.links,
        "SLOTS": config.slots,
        "RX_SLOTS": config.rx_slots,
        "RX_RESERVED": config.rx_reserved,
        "REORDER_SLOTS": config.reorder_slots,
        "PAYLOAD_DEPTH": config.payload_depth,
        "TIMER_TICK": timer_tick(config),
        # From reset to the first event: the longest memory is swept.
        "RESET_CLOCKS": (sweep := max(config.rows, config.slots, config.reorder_window)),
        # The free list is there a clock after its own sweep.
        "FIRST_SLOT": max(0, config.slots + 1 - sweep),
    }
    return "\n".join(
        [
            f"// Generated from the configuration {config.name}; do not edit.",
            "#pragma once",
            "#include <cstdint>",
            "#define TTP_HAS_LAW",
            "namespace ttp {",
            f"inline constexpr int WB = {config.width_bytes};",
            "}",
            "namespace ttp::packet {",
            *(f"inline constexpr int {name} = {value};" for name, value in numbers.items()),
            "}",
            "",
        ]
    )


def shared_headers():
    """The headers of the model, and those of other folders that it includes."""
    return [
        *sorted(PACKET.glob("*.h")),
        *(FABRIC / f"{name}.h" for name in _SHARED),
        *sorted(native.HERE.glob("*.h")),
    ]


def compile_packet(config, processes):
    """Path of the program, which is compiled if it is not there yet."""
    return cxx.plain(
        "packet",
        config.name,
        {"shape.h": shape_header(config)},
        [PACKET / "main.cpp", *shared_headers()],
        processes,
        include=[FABRIC, native.HERE],
    )
