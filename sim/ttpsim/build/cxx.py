"""From Verilog and C++ to a program: Verilator, then g++ for each file.

Everything lies in `build/sim` under a hash of all that it was made of, and is made once:

    runtime-<hash>/   a part of Verilator's own run time, or its headers precompiled; all designs
                      that are compiled with the same options share it
    model-<name>-<hash>/   what Verilator wrote for one design, and its library
    <program>-<name>-<hash>/   a program around a model

Programs about the same hardware share its model; another line of C++ does not compile it again.
No shell, no make and no Perl is between us and the compiler, so that a path may have spaces.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from ttpsim.build.processes import BuildError, SetupError, killed
from ttpsim.paths import BUILD as _BUILD
from ttpsim.paths import ROOT

__all__ = [
    "BUILD",
    "Model",
    "Optimise",
    "QUICK",
    "SPEED",
    "UNOPTIMISED",
    "Unit",
    "hash_of",
    "model",
    "fst_possible",
    "once",
    "plain",
    "prepare",
    "program",
    "shown",
    "trace_flag",
    "verilator",
]

BUILD = _BUILD / "sim"

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

_STANDARD = ("-std=gnu++20", "-faligned-new")
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
class Optimise:
    """Options of g++: for the code of each clock, and for Verilator's run time. Code of the start
    alone is never optimised."""

    fast: tuple
    rest: tuple


# Passes that take a third of g++'s time and that what Verilator writes has no need of: the code
# is as small without them.
_SOON = ("-O1", "-fno-tree-fre", "-fno-tree-pre", "-fno-tree-dominator-opts", "-fno-tree-ccp")

QUICK = Optimise(_SOON, _SOON)
"""Compiled soon: for runs of minutes."""
SPEED = Optimise(("-O3", "-march=native"), ("-O3", "-march=native"))
"""For long runs, and one machine."""
UNOPTIMISED = Optimise(("-O0",), ("-O0",))
"""Compiled soonest."""


def hash_of(*parts):
    """Twelve hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def verilator():
    """The Verilator that `make setup` prepared; `SetupError` if there is none."""
    root = Path(os.environ.get("TTP_VERILATOR_ROOT", ROOT / ".tools" / "verilator"))
    if not (root / "bin" / "verilator_bin").exists():
        raise SetupError("Verilator is not set up: run `make setup`")
    if shutil.which("g++") is None:
        raise SetupError("g++ is missing: apt-get install g++")
    return root


def verilator_command(root):
    """What starts it: with all the stack that it may have, for large designs."""
    return [
        "sh",
        "-c",
        'ulimit -s unlimited 2>/dev/null; exec "$@"',
        "verilator",
        root / "bin" / "verilator_bin",
    ]


@cache
def _compiler():
    """The compiler's version; another one must not be given the files of this one."""
    return subprocess.run(
        ["g++", "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]


@contextlib.contextmanager
def alone(name):
    """Keep out other processes that would build the same thing at the same time."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def once(folder, make):
    """`make(folder)` fills the folder if that has not been done yet; the folder."""
    if not (folder / "done").exists():
        with alone(folder.name):
            if not (folder / "done").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                make(folder)
                (folder / "done").touch()
    return folder


def trace_flag():
    """Verilator's option for waveforms: FST if what it needs is installed, else VCD."""
    return "--trace-fst" if fst_possible() else "--trace"


@cache
def fst_possible():
    """The headers that Verilator's FST writer includes are there."""
    found = subprocess.run(
        ["g++", "-E", "-x", "c++", "-"],
        capture_output=True,
        text=True,
        input="#include <lz4.h>\n#include <zlib.h>\n",
    )
    return found.returncode == 0


def shown(path):
    """A path as a user would type it in the checkout."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


class _Job:
    """One piece of work for the compilers: who waits for it, and what it is called."""

    def __init__(self, processes, what, order):
        self.processes, self.what, self.order = processes, what, order

    def run(self, command, log, failed):
        """Run it in a slot; `BuildError` with the sentence `failed` and the log."""
        code = self.processes.run(
            command,
            log,
            kind="build",
            what=self.what,
            order=self.order,
            env=dict(os.environ, VERILATOR_ROOT=str(verilator()), LC_ALL="C"),
        )
        if code:
            raise BuildError(f"{failed}{killed(code)}; see {shown(log)}", log)

    def compile(self, folder, commands):
        """All of these g++ commands, side by side as slots allow: `[(output, command)]`."""

        def one(command):
            output, words = command
            self.run(
                ["g++", *words, "-o", output],
                folder / f"{Path(output).name}.log",
                f"{self.what} failed",
            )

        commands = list(commands)
        with ThreadPoolExecutor(max(1, len(commands))) as pool:
            list(pool.map(one, commands))


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


def _makefile(obj, prefix):
    """`{variable: words}` of what Verilator wrote for make."""
    text = "".join((obj / name).read_text() for name in (f"{prefix}.mk", f"{prefix}_classes.mk"))
    text = text.replace("\\\n", " ")
    return {name: words.split() for name, words in re.findall(r"(?m)^(VM_\w+) *\+?= *(.*)$", text)}


def _options(root, defines, level):
    include = root / "include"
    return [
        *level,
        *_STANDARD,
        "-DVERILATOR=1",
        *defines,
        f"-I{include}",
        f"-I{include / 'vltstd'}",
    ]


def _runtime_key(root, defines, level, *more):
    return hash_of(_compiler(), root, defines, level, _STANDARD, *more)


def _runtime_object(job, root, name, defines, level):
    """Verilator's own `name`.cpp, compiled."""

    def make(folder):
        job.compile(
            folder,
            [
                (
                    folder / f"{name}.o",
                    [*_options(root, defines, level), "-c", root / "include" / f"{name}.cpp"],
                )
            ],
        )

    key = _runtime_key(root, defines, level, name)
    return once(BUILD / f"runtime-{key}", make) / f"{name}.o"


def _precompiled(job, root, defines, level):
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
                    [*_options(root, defines, level), "-x", "c++-header", header],
                )
            ],
        )

    key = _runtime_key(root, defines, level, _HEADERS, _SLOW)
    return once(BUILD / f"runtime-{key}", make) / "common.h"


def prepare(processes, optimise):
    """Compile what all designs without coverage and waveforms share, with the VPI."""
    root, job = verilator(), _Job(processes, "compiling Verilator's run time", 0.5)
    defines = tuple(f"-D{name}=0" for name in _SWITCHES)
    levels = dict.fromkeys((optimise.fast, optimise.rest))
    work = [
        *((_precompiled, level) for level in levels),
        *(
            (lambda *how, one=one: _runtime_object(*how[:2], one, *how[2:]), optimise.rest)
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
    job = _Job(processes, what or f"compiling {name}", order)
    flags = (*FLAGS, *flags)
    key = hash_of(*sources.items(), top, prefix, flags, optimise, _STANDARD, root, _compiler())

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
        common = _precompiled(job, root, _defines(found), optimise.fast)
        for speed, last in (("FAST", []), ("SLOW", ["-include", common.with_name("slow.h")])):
            for one in found[f"VM_CLASSES_{speed}"] + found[f"VM_SUPPORT_{speed}"]:
                objects.append(obj / f"{one}.o")
                commands.append(
                    (
                        objects[-1],
                        [
                            *_options(root, _defines(found), optimise.fast),
                            f"-I{obj}",
                            "-include",
                            common,
                            "-include",
                            obj / f"{prefix}__pch.h",
                            *last,
                            "-c",
                            obj / f"{one}.cpp",
                        ],
                    )
                )
        # The largest ones first.
        commands.sort(key=lambda command: -command[1][-1].stat().st_size)
        job.compile(folder, commands)
        job.run(
            ["ar", "rcs", folder / "model.a", *objects],
            folder / "archive.log",
            f"{name} could not be archived",
        )
        for file in objects:
            file.unlink()

    folder = once(BUILD / f"model-{name}-{key}", make)
    found = _makefile(folder / "obj", prefix)
    runtime = tuple(found["VM_GLOBAL_FAST"] + found["VM_GLOBAL_SLOW"])
    fst = ("-llz4", "-lz") if found["VM_TRACE_FST"] == ["1"] else ()
    return Model(folder, root, optimise, _defines(found), runtime, fst)


def _defines(found):
    return tuple(f"-D{name}={found[name][0] if found.get(name) else 0}" for name in _SWITCHES)


@dataclasses.dataclass(frozen=True)
class Unit:
    """A C++ file of a program that is compiled by itself, around a model of its own.

    headers : `{file name: text}` that are generated for it. defines : options like -DNAME=value.
    """

    name: str
    source: Path
    design: Model
    headers: dict
    defines: tuple = ()

    def command(self, folder, common, level, include):
        """`(object, options of g++)`; its headers are written to a folder in `folder`."""
        own = folder / self.name
        own.mkdir()
        for file, text in self.headers.items():
            (own / file).write_text(text)
        return own / "unit.o", [
            *_options(self.design.root, self.design.defines, level),
            *self.defines,
            "-include",
            common,
            f"-I{own}",
            f"-I{folder}",
            f"-I{self.source.parent}",
            *(f"-I{path}" for path in include),
            *self.design.includes(),
            "-c",
            self.source,
        ]


def program(
    name,
    config,
    design,
    headers,
    sources,
    processes,
    include=(),
    libraries=(),
    first=None,
    level=("-O2",),
    order=0,
    what="",
    units=(),
    defines=(),
):
    """Path of the program `name` around the `Model` `design`, made if it is not there yet.

    Parameters
    ----------
    config : name of the configuration, for people.
    headers : `{file name: text}` of headers that are generated for it.
    sources : C++ files, the main file first; the others are what it includes.
    include : folders of headers. libraries : options for the linker. first : a header that the
    main file is given before its own. units : `Unit`s that are linked with it.
    """
    job = _Job(processes, what or f"compiling {name} {config}", order)

    def make(folder):
        for file, text in headers.items():
            (folder / file).write_text(text)
        runtime, main = design.optimise.rest, folder / "main.o"
        common = _precompiled(job, design.root, design.defines, level)
        more = [unit.command(folder, common, level, include) for unit in units]
        job.compile(
            folder,
            [
                *more,
                (
                    main,
                    [
                        *_options(design.root, design.defines, level),
                        *defines,
                        "-include",
                        common,
                        f"-I{folder}",
                        f"-I{sources[0].parent}",
                        *(f"-I{path}" for path in include),
                        *design.includes(),
                        *(["-include", first] if first else []),
                        "-c",
                        sources[0],
                    ],
                ),
            ],
        )
        with ThreadPoolExecutor(len(design.runtime)) as pool:
            objects = list(
                pool.map(
                    lambda one: _runtime_object(job, design.root, one, design.defines, runtime),
                    design.runtime,
                )
            )
        job.compile(
            folder,
            [
                (
                    folder / name,
                    [
                        main,
                        *(file for file, _command in more),
                        *dict.fromkeys([design.library, *(unit.design.library for unit in units)]),
                        *objects,
                        *libraries,
                        *design.libraries,
                        "-pthread",
                    ],
                )
            ],
        )

    key = hash_of(
        design.folder.name,
        *headers.items(),
        *libraries,
        *defines,
        *(part for unit in units for part in (unit.design.folder.name, *unit.headers.items())),
        level,
        first.read_bytes() if first else b"",
        *(path.read_bytes() for path in sources),
    )
    return once(BUILD / f"{name}-{config}-{key}", make) / name


def plain(
    name, config, headers, sources, processes, include=(), level=("-O2",), libraries=(), system=()
):
    """As `program`, of C++ alone: there is no design in it, and no Verilator is needed.

    system : folders of headers that are not ours, of which no warnings are wanted.
    """
    if shutil.which("g++") is None:
        raise SetupError("g++ is missing: apt-get install g++")
    job = _Job(processes, f"compiling {name} {config}", 0)

    def make(folder):
        for file, text in headers.items():
            (folder / file).write_text(text)
        folders = [f"-I{path}" for path in (folder, sources[0].parent, *include)]
        folders += [word for path in system for word in ("-isystem", path)]
        words = [*level, *_STANDARD, *folders, sources[0], *libraries]
        job.compile(folder, [(folder / name, words)])

    read = (path.read_bytes() for path in sources)
    key = hash_of(_compiler(), *headers.items(), level, *system, *libraries, *read)
    return once(BUILD / f"{name}-{config}-{key}", make) / name
