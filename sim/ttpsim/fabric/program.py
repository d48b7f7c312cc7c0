"""How the program of `ttpoe fabric` is compiled: for one configuration of the engine or several,
for one process or for many."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from ttpsim.build import builds, cxx
from ttpsim.native import compile as native
from ttpsim.native import lanes as lane_code
from ttpsim.native.engine_ports import timer_tick

__all__ = ["compile_fabric", "mpi_tool"]

_HERE = Path(__file__).parent
_SOURCES = [_HERE / "main.cpp", _HERE / "engines.cpp", *sorted(_HERE.glob("*.h"))]
_NAMESPACE = "namespace ttp::fabric {"
_LANES = 64  # a byte of each is one vector
_VECTORS = ("-O3", "-march=native", "-mprefer-vector-width=512")
_SOON = ("-O0",)  # for what is compiled for a short test of lanes


def mpi_tool(name):
    """Path of a program of Open MPI; `SetupError` if it is not installed."""
    own = Path(sys.executable).with_name(name)
    found = str(own) if own.exists() else shutil.which(name)
    if not found:
        raise builds.SetupError(
            f"{name} is missing, which --processes needs: run `make setup WITH=mpi`"
        )
    return found


@cache
def _mpi_options(what):
    """Options for the compiler or the linker, as Open MPI has them."""
    done = subprocess.run(
        [mpi_tool("mpicxx"), f"--showme:{what}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise builds.SetupError("mpicxx is not Open MPI's: run `make setup WITH=mpi`")
    return tuple(done.stdout.split())


def _kinds(configs, verilog, options):
    """The C++ header with the kinds of engines that the program has; `options` for what is theirs,
    by which programs are told apart."""
    names = [f"engines_{number}" for number in range(len(configs))]
    kinds = ", ".join(
        f"{{{config.links}, {timer_tick(config)}, {name}}}" for config, name in zip(configs, names)
    )
    return "\n".join(
        [
            "// Generated from the configurations of the engines; do not edit.",
            "#pragma once",
            f"// {' '.join(options)}",
            _NAMESPACE,
            *(f"std::unique_ptr<Engines> {name}(const Settings &);" for name in names),
            f"inline constexpr bool HAS_CONGESTION = {str('cfg_congestion' in verilog).lower()};",
            f"inline const Kind KINDS[] = {{{kinds}}};",
            "}",
            "",
        ]
    )


def compile_fabric(
    config, processes, verilog=None, optimise=native.SPEED, others=(), mpi=False, lanes=None
):
    """Path of the program, which is compiled if it is not there yet.

    `verilog` takes the place of the engine's own, for tests with a defect in it; `others` are the
    configurations of engines of the kinds 1, 2 and so on; `lanes`: engines that go through a clock
    together, 0: none, else as many as are fastest.
    """
    if lanes is None:
        lanes = _LANES if optimise == native.SPEED else 0
    vectors = () if not lanes else _VECTORS if optimise == native.SPEED else _SOON
    texts = [verilog or builds.emitted(config, processes).read_text()]
    texts += [builds.emitted(other, processes).read_text() for other in others]
    configs = [config, *others]
    kinds = [
        native.engine_model(
            "fabric", kind, text, processes, optimise, f"V{kind.name}" if number else "Vengine"
        )
        for number, (kind, text) in enumerate(zip(configs, texts))
    ]
    units = [
        cxx.Unit(
            f"kind{number}",
            _HERE / "engines.cpp",
            model,
            headers | {lane_code.NAME: lane_code.kept_header(model.headers, lanes)},
            (f"-DMAKE_ENGINES=engines_{number}", *vectors),
        )
        for number, (model, headers) in enumerate(kinds)
    ]
    model, headers = kinds[0]
    return cxx.program(
        "fabric-mpi" if mpi else "fabric",
        "-".join(kind.name for kind in configs),
        model,
        {**headers, "kinds.h": _kinds(configs, texts[0], vectors)},
        [*_SOURCES, *sorted(native.HERE.glob("*.h"))],
        processes,
        include=[native.HERE],
        libraries=_mpi_options("link") if mpi else (),
        units=units,
        defines=("-DTTP_MPI", *_mpi_options("compile")) if mpi else (),
    )
