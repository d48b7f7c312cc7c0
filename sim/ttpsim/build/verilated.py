"""A design through Verilator: its C++, compiled to a library, and Verilator's own run time."""

import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ttpsim.build import tools
from ttpsim.build.tools import (
    STANDARD,
    Job,
    Optimise,
    compiler,
    hash_of,
    once,
    verilator,
    verilator_command,
)

__all__ = ["FLAGS", "Model", "model", "options", "precompiled", "prepare", "runtime_object"]

FLAGS = (
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "unique",
    "--no-timing",
    "-Wno-fatal",
    "-Wno-WIDTH",
    "-Wno-UNOPTFLAT",
)
"""For Verilator, whatever it is about."""

# The switches in the makefile that Verilator writes, which its headers ask for.
_SWITCHES = (
    "VM_COVERAGE",
    "VM_SC",
    "VM_TIMING",
    "VM_TRACE",
    "VM_TRACE_FST",
    "VM_TRACE_VCD",
    "VM_TRACE_SAIF",
)
_HEADERS = '#include "verilated.h"\n#include "verilated_dpi.h"\n'
# Included last, so that what is precompiled fits files that are optimised and files that are not.
_SLOW = '#pragma GCC optimize ("O0")\n'


@dataclasses.dataclass(frozen=True)
class Model:
    """A Verilated design: `headers` (a folder), `library`, and what it wants to be linked with."""

    folder: Path
    root: Path
    optimise: Optimise
    defines: tuple
    runtime: tuple
    libraries: tuple

    @property
    def headers(self):
        return self.folder / "obj"

    @property
    def library(self):
        return self.folder / "model.a"

    def includes(self):
        """Options for what includes its headers."""
        return [
            f"-I{self.headers}",
            f"-I{self.root / 'include'}",
            f"-I{self.root / 'include' / 'vltstd'}",
        ]


def _units(obj, found, slow):
    """What is given to g++: `[(C++ file, options)]`, the largest first.

    Each file that Verilator writes costs half a second for its headers and templates, whatever is
    in it. So they are included in three: the code of each clock in two, for two cores, and what
    runs once at the start in one that is not optimised (`slow`: the header that says so).
    """
    halves: list[list[str]] = [[], []]
    sizes = {
        name: (obj / f"{name}.cpp").stat().st_size
        for name in found["VM_CLASSES_FAST"] + found["VM_SUPPORT_FAST"]
    }
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        min(halves, key=lambda half: sum(sizes[one] for one in half)).append(name)
    once_only = found["VM_CLASSES_SLOW"] + found["VM_SUPPORT_SLOW"]
    units = []
    for name, files, words in (
        ("fast_0", halves[0], []),
        ("fast_1", halves[1], []),
        ("slow", once_only, ["-include", slow]),
    ):
        if files:
            (obj / f"{name}.cc").write_text("".join(f'#include "{file}.cpp"\n' for file in files))
            units.append((obj / f"{name}.cc", words))
    return units


def _makefile(obj, prefix):
    """`{variable: words}` of what Verilator wrote for make."""
    text = "".join((obj / name).read_text() for name in (f"{prefix}.mk", f"{prefix}_classes.mk"))
    text = text.replace("\\\n", " ")
    return {name: words.split() for name, words in re.findall(r"(?m)^(VM_\w+) *\+?= *(.*)$", text)}


def options(root, defines, level):
    include = root / "include"
    return [*level, *STANDARD, "-DVERILATOR=1", *defines, f"-I{include}", f"-I{include / 'vltstd'}"]


def _runtime_key(root, defines, level, *more):
    return hash_of(compiler(), root, defines, level, STANDARD, *more)


def runtime_object(job, root, name, defines, level):
    """Verilator's own `name`.cpp, compiled."""

    def make(folder):
        job.compile(
            folder,
            [
                (
                    folder / f"{name}.o",
                    [*options(root, defines, level), "-c", root / "include" / f"{name}.cpp"],
                )
            ],
        )

    key = _runtime_key(root, defines, level, name)
    return once(tools.BUILD / f"runtime-{key}", make) / f"{name}.o"


def precompiled(job, root, defines, level):
    """A header that includes Verilator's, precompiled: it is the larger part of every file."""

    def make(folder):
        header = folder / "common.h"
        header.write_text(_HEADERS)
        (folder / "slow.h").write_text(_SLOW)
        job.compile(
            folder,
            [
                (
                    folder / "common.h.gch",
                    [*options(root, defines, level), "-x", "c++-header", header],
                )
            ],
        )

    key = _runtime_key(root, defines, level, _HEADERS, _SLOW)
    return once(tools.BUILD / f"runtime-{key}", make) / "common.h"


def prepare(processes, optimise):
    """Compile what all designs without coverage and waveforms share, with the VPI."""
    root, job = verilator(), Job(processes, "compiling Verilator's run time", 0.5)
    defines = tuple(f"-D{name}=0" for name in _SWITCHES)
    levels = dict.fromkeys((optimise.fast, optimise.rest))
    work = [
        *((precompiled, level) for level in levels),
        *(
            (
                lambda job, root, defines, level, one=one: runtime_object(
                    job, root, one, defines, level
                ),
                optimise.rest,
            )
            for one in ("verilated", "verilated_vpi", "verilated_threads", "verilated_dpi")
        ),
    ]
    with ThreadPoolExecutor(len(work)) as pool:
        list(pool.map(lambda one: one[0](job, root, defines, one[1]), work))


def model(name, sources, top, prefix, flags, optimise, processes, order=0, what=""):
    """The `Model` of a design, made if it is not there yet.

    Parameters
    ----------
    name : of the configuration, for people.
    sources : `{file name: Verilog}`, in the order of reading.
    top, prefix : module, and C++ class.
    flags : for Verilator, besides `FLAGS`.
    optimise : `QUICK`, `SPEED` or another `Optimise`.
    processes : `Processes`, with `order` among those that wait for a slot.
    Raises `SetupError` without Verilator, `BuildError` if a compiler refuses.
    """
    root = verilator()
    job = Job(processes, what or f"compiling {name}", order)
    flags = (*FLAGS, *flags)
    key = hash_of(*sources.items(), top, prefix, flags, optimise, STANDARD, root, compiler())

    def make(folder):
        for file, text in sources.items():
            (folder / file).write_text(text)
        obj = folder / "obj"
        job.run(
            [
                *verilator_command(root),
                "-cc",
                "-Mdir",
                obj,
                "--top-module",
                top,
                "--prefix",
                prefix,
                *flags,
                *(folder / file for file in sources),
            ],
            folder / "verilate.log",
            f"Verilator refuses {name}",
        )
        found = _makefile(obj, prefix)
        objects, commands = [], []
        common = precompiled(job, root, _defines(found), optimise.fast)
        for unit, last in _units(obj, found, common.with_name("slow.h")):
            objects.append(unit.with_suffix(".o"))
            commands.append(
                (
                    objects[-1],
                    [
                        *options(root, _defines(found), optimise.fast),
                        f"-I{obj}",
                        "-include",
                        common,
                        "-include",
                        obj / f"{prefix}__pch.h",
                        *last,
                        "-c",
                        unit,
                    ],
                )
            )
        job.compile(folder, commands)
        job.run(
            ["ar", "rcs", folder / "model.a", *objects],
            folder / "archive.log",
            f"{name} could not be archived",
        )
        for file in objects:
            file.unlink()

    folder = once(tools.BUILD / f"model-{name}-{key}", make)
    found = _makefile(folder / "obj", prefix)
    runtime = tuple(found["VM_GLOBAL_FAST"] + found["VM_GLOBAL_SLOW"])
    fst = ("-llz4", "-lz") if found["VM_TRACE_FST"] == ["1"] else ()
    return Model(folder, root, optimise, _defines(found), runtime, fst)


def _defines(found):
    return tuple(f"-D{name}={found[name][0] if found.get(name) else 0}" for name in _SWITCHES)
