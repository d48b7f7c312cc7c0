"""What C++ must know of one engine: its ports, its tags, and memories that can be looked into."""

import re

from ttpoe.link.table import tag_layout
from ttpoe.pipeline.q3_commit import STATS as LINK_STATS
from ttpoe.rx.parser import DROP_CAUSES
from ttpverif.bench.pair import parse_ports

__all__ = [
    "CAUSES",
    "LINK_STAT_NAMES",
    "MODEL_NAME",
    "NAME",
    "c_names",
    "model_header",
    "ports_header",
    "readable",
    "timer_tick",
]

NAME = "engine_ports.h"
MODEL_NAME = "engine_model.h"
LINK_STAT_NAMES = [name.removeprefix("stat_") for name in LINK_STATS]
CAUSES = list(DROP_CAUSES)

# Memories that are looked at from outside: macro -> (module, name in it, path of the instance).
_MEMORIES = {
    "TAG_WAY0": ("pipeline_table_cells", "way0", "core.pipeline.table.cells"),
    "TAG_WAY1": ("pipeline_table_cells", "way1", "core.pipeline.table.cells"),
    "NEXT_SLOTS": ("slot_lists", "next_memory", "core.slot_lists"),
    "KEPT_PLACES": ("pipeline_reorder", "places", "core.pipeline.reorder"),
}


# The engine's random bits (`ttpoe.congestion.control`): the one register of its module that has so
# many bits and begins with 1.
_RANDOM = re.compile(r"(?m)^  reg \[23:0\] (\S+) ( = 24'h000001;)")
_RANDOM_IN = re.compile(r"(?ms)^module ttp_engine_core_congestion\(.*?^endmodule")


def readable(verilog):
    """The Verilog with the memories of `_MEMORIES`, and the random bits, readable from C++."""
    for module, name, _path in _MEMORIES.values():
        verilog, found = re.subn(
            rf"(^module ttp_engine_core_{module}\(.*?\n  reg \[\d+:0\] {name} \[\d+:0\]);",
            r"\1 /*verilator public_flat_rd*/;",
            verilog,
            count=1,
            flags=re.DOTALL | re.MULTILINE,
        )
        assert found, f"no memory {name} in ttp_engine_core_{module}"
    return _RANDOM_IN.sub(
        lambda module: _RANDOM.sub(
            r"  reg [23:0] \1 /*verilator public_flat_rd*/\2", module[0], count=1
        ),
        verilog,
    )


def _random_bits(verilog):
    """The macro with the name of the random bits; none without congestion control."""
    module = _RANDOM_IN.search(verilog)
    if not module:
        return []
    name = _RANDOM.findall(module[0])[0][0].removeprefix("\\").replace("$", "__024")
    return [f"#define RANDOM_BITS ttp_engine__DOT__core__DOT__congestion__DOT__{name}"]


def _masks(layout, width, may_change):
    """C initializers: the bits of a tag that a frame must leave alone."""
    keep = sum(
        (1 << field.width) - 1 << field.offset for name, field in layout if name not in may_change
    )
    return "{" + ", ".join(f"{keep >> 32 * word & 0xFFFFFFFF:#x}u" for word in range(width)) + "}"


def c_names(names):
    """C initializer of strings."""
    return "{" + ", ".join(f'"{name}"' for name in names) + "}"


def _options(ports):
    """Macros of what not every engine has: congestion control, the record of its law, the IPv4
    form."""
    if "cfg_congestion" in ports:
        yield "#define TTP_HAS_CONGESTION"
    if "law_valid" in ports:
        yield "#define TTP_HAS_LAW"
    if "cfg_ipv4" in ports:
        yield "#define TTP_HAS_IPV4"


def model_header(prefix):
    """The C++ header with the model whose class Verilator calls `prefix`; here it is `Vengine`."""
    lines = [
        "// Generated from the model's name; do not edit.",
        "#pragma once",
        f'#include "{prefix}.h"',
        f'#include "{prefix}___024root.h"',
        f"#define TTP_MODEL model_{prefix}",
    ]
    if prefix != "Vengine":
        lines.append(f"#define Vengine {prefix}")
    return "\n".join([*lines, ""])


def timer_tick(config):
    """Clocks from one visit of the link timer to the next, so that a round has 8192."""
    return max(8, 8192 // config.links)


def ports_header(verilog, config):
    """The C++ header with what the program must know of this configuration."""
    ports = parse_ports(verilog, "ttp_engine")
    outputs = [name for name, (direction, _w) in ports.items() if direction == "output"]
    inputs = [
        name
        for name, (direction, _w) in ports.items()
        if direction == "input" and name not in ("clk", "rst")
    ]
    causes = [f"stat_rx_{name}" for name in CAUSES]
    compared = [
        name
        for name in outputs
        if name not in causes
        and (
            name.startswith("stat_")
            or name.endswith(("_tvalid", "_tready"))
            or name in ("ready", "free_slots", "trace_valid")
        )
    ]
    of_rx = [f"trace_{name}" for name in ("epoch", "tx_id", "rx_id", "congestion", "room")]
    trace = [
        name
        for name in outputs
        if name.startswith("trace_") and name not in ("trace_valid", *of_rx)
    ]
    layout, tag_bits = tag_layout(config), tag_layout(config).size
    words = (tag_bits + 31) // 32
    free = [name for name, _field in layout if name not in ("state", "queued", "purging", "lag")]
    paths = {
        macro: f"ttp_engine__DOT__{path.replace('.', '__DOT__')}__DOT__{name}"
        for macro, (_module, name, path) in _MEMORIES.items()
    }

    def each(macro, names):
        return f"#define {macro}(X) " + " ".join(f"X({name})" for name in names)

    return "\n".join(
        [
            "// Generated from the engine's configuration and ports; do not edit.",
            "#pragma once",
            f"#define WIDTH_BYTES {config.width_bytes}",
            f"#define LINKS {config.links}",
            f"#define SLOTS {config.slots}",
            f"#define RX_SLOTS {config.rx_slots}",
            f"#define SETS {config.sets}",
            f"#define SET_BITS {config.sets.bit_length() - 1}",
            f"#define VC_TABLES {config.vc_tables}",
            f"#define STALL_CLOCKS {3 * config.rx_slots * (320 // config.width_bytes + 4) + 2000}",
            f"#define TIMER_TICK {timer_tick(config)}",
            f"#define TAG_WORDS {words}",
            *_options(ports),
            *(f"#define {macro} {path}" for macro, path in paths.items()),
            *_random_bits(verilog),
            *(
                f"#define TAG_{name} {field.offset}\n#define TAG_{name}_bits {field.width}"
                for name, field in layout
            ),
            f"static const unsigned OPEN_MASK[] = {_masks(layout, words, ['touch'])};",
            f"static const unsigned FREE_MASK[] = {_masks(layout, words, free)};",
            "#define RX_LAST 10",
            each("LINK_STATS", LINK_STAT_NAMES),
            each("DROP_CAUSES", CAUSES),
            each("COMPARED", compared),
            each("COMPARED_CAUSES", causes),
            each("COMPARED_TRACE", trace),
            each("COMPARED_TRACE_RX", of_rx),
            each("INPUTS", inputs),
            f"static const char *const CAUSE_NAMES[] = {c_names(CAUSES)};",
            f"#define CAUSE_not_ours {CAUSES.index('not_ours')}",
            f"static const int CAUSE_COUNT = {len(CAUSES)};",
            f"static const char *const LINK_STAT_NAMES[] = {c_names(LINK_STAT_NAMES)};",
            f"static const int LINK_STAT_COUNT = {len(LINK_STAT_NAMES)};",
            "",
        ]
    )
