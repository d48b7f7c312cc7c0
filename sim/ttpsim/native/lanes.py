"""The clock of many engines in C++: each statement of it for all engines, then the next statement.

What Verilator writes for a clock is some thousand assignments, with hardly a branch. Here each of
them becomes a loop over `LANES` engines, whose members lie side by side: the compiler makes vector
instructions of it, and the code is fetched once for all of them. Memories stay where they are, in
each engine's model. `rst` is 0: lanes are for engines after reset.
"""

import re
from pathlib import Path

from ttpsim.build.tools import BUILD, hash_of, once
from ttpsim.native.lane_code import Function, Unknown

__all__ = ["NAME", "kept_header", "lane_header"]

NAME = "engine_lanes.h"

_PORT = re.compile(r"VL_(IN|OUT)(8|16|64|W|)\((\w+),\d+,\d+(?:,(\d+))?\);")
_SCALAR = re.compile(r"([CSIQ]Data)/\*[\d:]*\*/ (\w+);")
_WIDE = re.compile(r"VlWide<(\d+)>/\*[\d:]*\*/ (\w+);")
_MEMORY = re.compile(r"VlUnpacked<(.+?)(?:/\*[\d:]*\*/)?, \d+> (\w+);")
_PORT_TYPES = {"8": "CData", "16": "SData", "": "IData", "64": "QData"}
_OWN = re.compile(r"__V(stl|ico|act|nba)\w*Triggered|__V\w+(Count|Result|Iteration)")


class Members:
    """What a model consists of, by name: `scalars` and their types, `wide` and their words,
    `memories` and the types of their elements, `ports` in their order; a wide port is kept as one
    piece for each engine."""

    def __init__(self, header):
        self.scalars, self.wide, self.memories, self.ports = {}, {}, {}, []
        for line in map(str.strip, header.splitlines()):
            if found := _PORT.fullmatch(line):
                self._port(*found.groups()[1:])
            elif found := _SCALAR.fullmatch(line):
                self.scalars[found[2]] = found[1]
            elif found := _WIDE.fullmatch(line):
                self.wide[found[2]] = int(found[1])
            elif found := _MEMORY.fullmatch(line):
                self.memories[found[2]] = found[1]
        for kind in (self.scalars, self.wide, self.memories):
            for name in [name for name in kind if _OWN.fullmatch(name)]:
                del kind[name]

    def _port(self, size, name, words):
        self.ports.append(name)
        if size == "W":
            self.wide[name] = int(words)
        else:
            self.scalars[name] = _PORT_TYPES[size]

    def whole(self, name):
        """Whether each engine's words lie together."""
        return name in self.wide and name in self.ports

    def declarations(self):
        """Members of the lanes."""
        for name, kind in self.scalars.items():
            yield f"    alignas(64) {kind} {name}[LANES];"
        for name, words in self.wide.items():
            if self.whole(name):
                yield f"    VlWide<{words}> {name}[LANES];"
            else:
                yield f"    alignas(64) IData {name}[{words}][LANES];"

    def pairs(self):
        """`(place of lane l, place in the model r)` of each word."""
        for name in self.scalars:
            yield f"{name}[l]", f"r.{name}"
        for name, words in self.wide.items():
            for word in range(words):
                lane = f"{name}[l][{word}]" if self.whole(name) else f"{name}[{word}][l]"
                yield lane, f"r.{name}[{word}]"


def _calls(text, root, region):
    """Names of the functions that `region` (ico, nba) consists of, in order; `Unknown` if it is
    made in another way."""
    found = re.search(
        rf"void {root}___eval_{region}\({root}\* vlSelf\) \{{.*?// Body\s+"
        rf"if \(\(1ULL & vlSelfRef\.__V{region}Triggered\[0U\]\)\) \{{([^{{}}]*)\}}\s*\}}",
        text,
        re.DOTALL,
    )
    call = re.compile(rf"\s*{root}___({region}_\w+)\(vlSelf\);")
    if not found or call.sub("", found[1].rstrip()):
        raise Unknown(f"the {region} region")
    return call.findall(found[1])


def _functions(text, root, members):
    """The C++ of both regions, functions and what calls them."""
    bodies = dict(
        re.findall(rf"(?s)void {root}___(\w+)\({root}\* vlSelf\) \{{\n(.*?)\n\}}\n", text)
    )
    for region, name in (("ico", "low"), ("nba", "edge")):
        calls = _calls(text, root, region)
        for call in calls:
            yield f"static __attribute__((noinline)) void lanes_{call}(LaneBank &b) {{"
            yield from Function(members, bodies[call]).lines
            yield "}"
        yield f"static inline void lanes_{name}(LaneBank &b) {{"
        yield from (f"    lanes_{call}(b);" for call in calls)
        yield "}"


def _constants(text, code):
    """Declarations of Verilator's constants that the code has."""
    for name in sorted(set(re.findall(r"\w+__ConstPool__\w+", code))):
        found = re.search(rf"extern const ([^;]*) {name};", text)
        if not found:
            raise Unknown(name)
        yield found[0]


def _view(members):
    """The ports of one lane, named as those of the model."""
    yield "struct LaneView {"
    yield "    LaneView(LaneBank &b, int l, LaneRoot *root) : rootp(root)"
    yield "".join(f"        , {name}(b.{name}[l])\n" for name in members.ports) + "    {}"
    yield "    LaneRoot *const rootp;           // for its memories"
    for name in members.ports:
        kind = members.scalars.get(name) or f"VlWide<{members.wide[name]}>"
        yield f"    {kind} &{name};"
    yield "};"


def _bank(members, root):
    yield f"using LaneRoot = {root};"
    yield "struct alignas(64) LaneBank {"
    yield from members.declarations()
    yield "    LaneRoot *roots[LANES];"
    yield "    void load(int l, const LaneRoot &r) {"
    yield from (f"        {lane} = {place};" for lane, place in members.pairs())
    yield "    }"
    yield "    void store(int l, LaneRoot &r) const {"
    yield from (f"        {place} = {lane};" for lane, place in members.pairs())
    yield "    }"
    yield "};"


def lane_header(folder, count):
    """The C++ header with `count` lanes for the model in `folder`.

    `LANES_KNOWN` is not defined if there are to be none, or if this Verilator writes what is not
    known here: then every engine is evaluated by itself.
    """
    lines = ["// Generated from the model; do not edit.", "#pragma once"]
    if not count:
        return "\n".join([*lines, ""])
    try:
        (header,) = folder.glob("*___024root.h")
        root = header.stem
        files = folder.glob(f"{root}__[0-9]*.cpp")
        text = "".join(path.read_text() for path in sorted(files) if "Slow" not in path.name)
        members = Members(header.read_text())
        code = list(_functions(text, root, members))
        constants = list(_constants(text, "\n".join(code)))
    except (Unknown, ValueError):
        return "\n".join([*lines, ""])
    lines += [
        *constants,
        "#define LANES_KNOWN",
        '#define EACH_LANE _Pragma("GCC ivdep") for (int l = 0; l < LANES; ++l)',
        "namespace ttp { inline namespace TTP_MODEL {",
        f"inline constexpr int LANES = {count};",
        *_bank(members, root),
        *_view(members),
    ]
    return "\n".join([*lines, *code, "} }", ""])


def kept_header(folder, count):
    """`lane_header`, made once for what Verilator wrote to a folder named by its content."""

    def make(place):
        (place / NAME).write_text(lane_header(folder, count))

    own = Path(__file__)
    code = (path.read_bytes() for path in (own, own.with_name("lane_code.py")))
    return (once(BUILD / f"lanes-{hash_of(folder, count, *code)}", make) / NAME).read_text()
