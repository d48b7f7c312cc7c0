"""From Verilog and C++ to a program: Verilator, then g++ for each file.

Everything lies in `build/sim` under a hash of all that it was made of, and is made once:

    runtime-<hash>/   a part of Verilator's own run time, or its headers precompiled; all designs
                      that are compiled with the same options share it
    model-<name>-<hash>/   what Verilator wrote for one design, and its library
    <program>-<name>-<hash>/   a program around a model

Programs about the same hardware share its model; another line of C++ does not compile it again.
No shell, no make and no Perl is between us and the compiler, so that a path may have spaces.
"""

import dataclasses
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ttpsim.build import tools
from ttpsim.build.processes import SetupError
from ttpsim.build.tools import STANDARD, Job, compiler, hash_of, once
from ttpsim.build.verilated import Model, options, precompiled, runtime_object

__all__ = ["Unit", "plain", "program"]


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
            *options(self.design.root, self.design.defines, level),
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
    job = Job(processes, what or f"compiling {name} {config}", order)

    def make(folder):
        for file, text in headers.items():
            (folder / file).write_text(text)
        runtime, main = design.optimise.rest, folder / "main.o"
        common = precompiled(job, design.root, design.defines, level)
        more = [unit.command(folder, common, level, include) for unit in units]
        job.compile(
            folder,
            [
                *more,
                (
                    main,
                    [
                        *options(design.root, design.defines, level),
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
                    lambda one: runtime_object(job, design.root, one, design.defines, runtime),
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
    return once(tools.BUILD / f"{name}-{config}-{key}", make) / name


def plain(
    name, config, headers, sources, processes, include=(), level=("-O2",), libraries=(), system=()
):
    """As `program`, of C++ alone: there is no design in it, and no Verilator is needed.

    system : folders of headers that are not ours, of which no warnings are wanted.
    """
    if shutil.which("g++") is None:
        raise SetupError("g++ is missing: apt-get install g++")
    job = Job(processes, f"compiling {name} {config}", 0)

    def make(folder):
        for file, text in headers.items():
            (folder / file).write_text(text)
        folders = [f"-I{path}" for path in (folder, sources[0].parent, *include)]
        folders += [word for path in system for word in ("-isystem", path)]
        words = [*level, *STANDARD, *folders, sources[0], *libraries]
        job.compile(folder, [(folder / name, words)])

    read = (path.read_bytes() for path in sources)
    key = hash_of(compiler(), *headers.items(), level, *system, *libraries, *read)
    return once(tools.BUILD / f"{name}-{config}-{key}", make) / name
