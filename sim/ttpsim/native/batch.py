"""The clock edge of many engines in C++: one part of it for all engines, then the next part.

What Verilator writes for one edge of an engine is more code than the processor's innermost cache
holds, and each engine would fetch all of it again. Split into functions of a few KB
(`SPLIT`), a group of them serves all engines before the next group is fetched.
"""

import re

__all__ = ["NAME", "SPLIT", "batch_header"]

NAME = "engine_batch.h"
SPLIT = ("--output-split-cfuncs", "300", "--inline-cfuncs", "0", "--inline-cfuncs-product", "0")
"""For Verilator: functions of so many nodes, none of which is put into another."""

_GROUP = 10  # functions, about 16 KB
_EDGE = re.compile(
    r"void (?P<root>\w+___024root)___eval_nba\((?P=root)\* vlSelf\) \{.*?"
    r"// Body\s+if \(\(1ULL & vlSelfRef\.__VnbaTriggered\[0U\]\)\) \{(?P<calls>[^{}]*)\}\s*\}",
    re.DOTALL,
)
_CALL = re.compile(r"\s*(\w+___024root___nba_\w+)\(vlSelf\);")


def _parts(folder):
    """`(class of the model's root, names of the functions that are the edge, in order)`; no names
    if it is made in another way."""
    for path in sorted(folder.glob("*.cpp")):
        found = _EDGE.search(path.read_text())
        if found:
            calls = found["calls"].rstrip()
            return found["root"], _CALL.findall(calls) if not _CALL.sub("", calls) else []
    return "", []


def batch_header(folder):
    """The C++ header for the model in `folder`. `BATCH` is not defined if this Verilator makes the
    edge in another way: then every engine is evaluated by itself."""
    root, parts = _parts(folder)
    lines = ["// Generated from the model; do not edit.", "#pragma once"]
    if parts:
        lines += [f"void {part}({root} *);" for part in parts]
        lines += [
            f"bool {root}___eval_phase__act({root} *);",
            f"void {root}___trigger_clear__act(VlUnpacked<QData, 1> &);",
            "#define BATCH",
            f"#define BATCH_TRIGGERS {root}___eval_phase__act",
            f"#define BATCH_CLEAR {root}___trigger_clear__act",
        ]
    groups = [parts[at : at + _GROUP] for at in range(0, len(parts), _GROUP)]
    for number, group in enumerate(groups):
        calls = " ".join(f"{part}(r);" for part in group)
        lines.append(f"static inline void batch_{number}({root} *r) {{ {calls} }}")
    names = ", ".join(f"batch_{number}" for number in range(len(groups)))
    if parts:
        lines.append(f"static void (*const BATCH_GROUPS[])({root} *) = {{{names}}};")
    return "\n".join([*lines, ""])
