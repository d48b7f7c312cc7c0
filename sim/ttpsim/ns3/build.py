"""The program that runs TCP in ns-3: where PyPI's package `ns3` is, and how it is linked with."""

import importlib.util
from importlib import metadata
from pathlib import Path

from ttpsim.build import cxx
from ttpsim.build.processes import SetupError
from ttpsim.native import compile as native
from ttpsim.packet.build import FABRIC, PACKET, shape_header, shared_headers

__all__ = ["HERE", "compile_tcp", "library_words", "ns3_folder", "ns3_version"]

HERE = Path(__file__).resolve().parent
_MODULES = (
    "core",
    "network",
    "stats",
    "bridge",
    "traffic-control",
    "internet",
    "point-to-point",
    "applications",
)


def ns3_version():
    """Of the package that is installed; `SetupError` without it."""
    try:
        return metadata.version("ns3")
    except metadata.PackageNotFoundError:
        raise SetupError("the Python package ns3 is missing: run `make setup WITH=ns3`") from None


def ns3_folder():
    """The package's folder, which has `include` and `lib64`. It is not imported."""
    version = ns3_version()
    found = importlib.util.find_spec("ns3")
    for folder in map(Path, (found and found.submodule_search_locations) or ()):
        if (folder / "include" / "ns3" / "core-module.h").is_file():
            return folder
    raise SetupError(
        f"the Python package ns3 {version} has no C++ headers: run `make setup WITH=ns3`"
    )


def library_words(folder, modules=_MODULES):
    """Options for the linker."""
    release = ".".join(ns3_version().split(".")[:2])
    libraries = folder / "lib64"
    names = [f"-lns{release}-{module}" for module in modules]
    return [f"-L{libraries}", f"-Wl,-rpath,{libraries}", *names]


def compile_tcp(config, processes):
    """Path of the program, which is compiled if it is not there yet."""
    folder = ns3_folder()
    return cxx.plain(
        "tcp",
        config.name,
        {"shape.h": shape_header(config)},
        [HERE / "tcp.cpp", *sorted(HERE.glob("*.h")), *shared_headers()],
        processes,
        include=[PACKET, FABRIC, native.HERE],
        libraries=library_words(folder),
        system=[folder / "include"],
    )
