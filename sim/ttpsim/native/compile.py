"""Native programs around Verilated hardware: Verilog and C++ in, a compiled program out, once.

The model (`Vengine`, a library) is kept apart from the program around it: programs about the same
hardware share it, and another line of C++ does not compile it again. Both lie in `build/sim`,
under a hash of all that they were made of.
"""

import os
import shutil
from pathlib import Path

from ttpsim.build import builds

__all__ = ["HERE", "QUICK", "SPEED", "compiled"]

HERE = Path(__file__).resolve().parent

_FLAGS = ["-O3", "--x-assign", "fast", "--x-initial", "unique", "--no-timing", "--no-assert",
          "-Wno-fatal", "-Wno-WIDTH", "-Wno-UNOPTFLAT", "--output-split", "20000"]
_PROGRAM_FLAGS = ["-std=c++17", "-O2", "-faligned-new", "-DVERILATOR=1", "-DVM_COVERAGE=0",
                  "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE=0", "-pthread"]
QUICK = ("OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
"""Compiled soon."""
SPEED = ("OPT_FAST=-O3 -march=native", "OPT_SLOW=-O0", "OPT_GLOBAL=-O2")
"""For long runs, and one machine."""


def _once(folder, make):
    """`make(folder)` fills the folder if that has not been done yet."""
    with builds._alone(folder.name):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            (folder / "done").touch()
    return folder


def _run(command, folder, log, processes, root):
    env = dict(os.environ, VERILATOR_ROOT=str(root), MAKEFLAGS="",
               PATH=f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if processes.run(list(map(str, command)), folder / log, env=env):
        raise builds.BuildError("a native program could not be built; see "
                                f"{(folder / log).relative_to(builds.ROOT)}")


def _model(config, verilog, top, processes, optimise, root):
    """Folder of the model's headers and libraries."""
    def make(folder):
        (folder / "engine.v").write_text(verilog)
        _run([root / "bin" / "verilator", "-cc", "-Mdir", folder / "obj", "--top-module", top,
              "--prefix", "Vengine", *_FLAGS, folder / "engine.v"],
             folder, "verilate.log", processes, root)
        _run(["make", "-j", os.environ.get("JOBS") or "2", "-C", folder / "obj", "-f",
              "Vengine.mk", *optimise], folder, "compile.log", processes, root)
    key = builds._hash(verilog, top, _FLAGS, optimise, root)
    return _once(builds.BUILD / f"model-{config.name}-{key}", make) / "obj"


def compiled(name, config, verilog, top, header, sources, processes, optimise):
    """Path of the program `name` for `config`; it is compiled if it is not there yet.

    Parameters
    ----------
    verilog, top : the text of the hardware and its top module; the class is `Vengine`.
    header : `(file name, text)` of the C++ header made for this configuration.
    sources : C++ files, the program's main file first; the others are what it includes.
    optimise : `QUICK` or `SPEED`, variables of Verilator's makefile for the model.
    Raises `builds.SetupError` without Verilator, `builds.BuildError` if a compiler refuses.
    """
    root = builds.verilator()
    model = _model(config, verilog, top, processes, optimise, root)

    def make(folder):
        (folder / header[0]).write_text(header[1])
        _run(["g++", *_PROGRAM_FLAGS, f"-I{folder}", f"-I{sources[0].parent}", f"-I{HERE}", f"-I{model}",
              f"-isystem{root / 'include'}", f"-isystem{root / 'include' / 'vltstd'}", sources[0],
              model / "libVengine.a", model / "libverilated.a", "-o", folder / name],
             folder, "compile.log", processes, root)
    key = builds._hash(model, *header, *(path.read_bytes() for path in sources), _PROGRAM_FLAGS)
    return _once(builds.BUILD / f"{name}-{config.name}-{key}", make) / name
