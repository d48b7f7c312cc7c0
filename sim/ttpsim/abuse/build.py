"""Builds the program of the abuse runs: one engine's Verilog, and the C++ around it."""

from pathlib import Path

from ttpsim.build import builds
from ttpsim.native import compile as native
from ttpsim.native.engine_ports import CAUSES, LINK_STAT_NAMES, c_names
from ttpverif.frames.bad import CATEGORIES, RESERVED_BITS

__all__ = ["CAUSES", "LINK_STAT_NAMES", "compile_abuse"]

_SOURCES = [
    Path(__file__).with_name(name)
    for name in ("main.cpp", "flood.h", "frames.h", "reset.h", "pair.h", "hosts.h")
]


def _names_header():
    """What the frames are called; `ttpverif.frames.bad` has the lists."""
    return "\n".join(
        [
            "// Generated; do not edit.",
            "#pragma once",
            f"static const char *const CATEGORY_NAMES[] = {c_names(CATEGORIES)};",
            f"static const int CATEGORY_COUNT = {len(CATEGORIES)};",
            "static const int RESERVED_BITS[] = {" + ", ".join(map(str, RESERVED_BITS)) + "};",
            f"static const int RESERVED_COUNT = {len(RESERVED_BITS)};",
            "",
        ]
    )


def compile_abuse(config, processes, verilog=None, optimise=native.QUICK):
    """Path of the program, which is compiled if it is not there yet.

    `verilog` takes the place of the engine's own, for tests with a defect in it.
    """
    text = verilog or builds.emitted(config, processes).read_text()
    return native.compiled_engine(
        "abuse", config, text, {"abuse_names.h": _names_header()}, _SOURCES, processes, optimise
    )
