"""Native programs around Verilated hardware: Verilog and C++ in, a compiled program out, once.

`build/cxx.py` does the work; here is what all of them share: the C++ library of this folder, and
the model of one engine, which `abuse` and `fabric` have in common.
"""

from pathlib import Path

from ttpsim.build import cxx, verilated
from ttpsim.build.tools import QUICK, SPEED
from ttpsim.native import batch, engine_ports

__all__ = ["HERE", "QUICK", "SPEED", "compiled", "compiled_engine", "engine_model"]

HERE = Path(__file__).resolve().parent
_FLAGS = ("--no-assert", "--output-split", "20000")


def compiled(
    name, config, verilog, top, prefix, headers, sources, processes, optimise, flags=(), include=()
):
    """Path of the program `name` for `config`; it is compiled if it is not there yet.

    Parameters
    ----------
    verilog, top, prefix : the text of the hardware, its top module, and its class in C++.
    headers : `{file name: text}` of the C++ headers made for this configuration; the text may be
    a function of the folder of the model's C++.
    sources : C++ files, the program's main file first; the others are what it includes.
    optimise : `QUICK`, `SPEED` or another `tools.Optimise`, for the model.
    flags : for Verilator, waveforms for example. include : more folders of headers.
    Raises `SetupError` without Verilator, `BuildError` if a compiler refuses.
    """
    design = verilated.model(
        config.name,
        {f"{top}.v": verilog},
        top,
        prefix,
        (*_FLAGS, *flags),
        optimise,
        processes,
        what=f"compiling the model for {name}, {config.name}",
    )
    return cxx.program(
        name,
        config.name,
        design,
        {file: text(design.headers) if callable(text) else text for file, text in headers.items()},
        [*sources, *sorted(HERE.glob("*.h"))],
        processes,
        include=[HERE, *include],
    )


def engine_model(program, config, verilog, processes, optimise, prefix="Vengine"):
    """`(Model, {file name: text of a header})` of `ttp_engine`, for a program with
    `native/engine.h`; `prefix` is the model's class, another one for each in a program."""
    design = verilated.model(
        config.name,
        {"ttp_engine.v": engine_ports.readable(verilog)},
        "ttp_engine",
        prefix,
        (*_FLAGS, *batch.SPLIT),
        optimise,
        processes,
        what=f"compiling the model for {program}, {config.name}",
    )
    return design, {
        engine_ports.NAME: engine_ports.ports_header(verilog, config),
        engine_ports.MODEL_NAME: engine_ports.model_header(prefix),
        batch.NAME: batch.batch_header(design.headers),
    }


def compiled_engine(name, config, verilog, headers, sources, processes, optimise):
    """Path of the program `name` around engines: `native/engine.h` is what it includes."""
    design, own = engine_model(name, config, verilog, processes, optimise)
    return cxx.program(
        name,
        config.name,
        design,
        {**own, **headers},
        [*sources, *sorted(HERE.glob("*.h"))],
        processes,
        include=[HERE],
    )
