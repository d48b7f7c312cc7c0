"""TTP as a module for ns-3: headers of C++ in one folder, which need nothing else of the project."""

import shlex

from ttpoe.config import preset
from ttpsim.build.processes import SetupError
from ttpsim.native import compile as native
from ttpsim.ns3.build import HERE, library_words, ns3_folder
from ttpsim.packet.build import FABRIC, PACKET, shape_header

__all__ = ["compile_words", "headers", "told", "write_module"]

_MODEL = (
    "answer",
    "door",
    "engine",
    "events",
    "host_port",
    "law",
    "lfsr",
    "link",
    "look_up",
    "receive",
    "replay",
    "send",
    "slots",
    "timer",
    "transmit",
)
_LIBRARIES = ("core", "network", "stats", "bridge")


def headers(config):
    """`{file name: text}` of all of it; `config`: what every engine is."""
    files = [
        *sorted((HERE / "ttp").glob("*.h")),
        *(PACKET / f"{name}.h" for name in _MODEL),
        FABRIC / "frame.h",
        native.HERE / "random.h",
    ]
    return {path.name: path.read_text() for path in files} | {"shape.h": shape_header(config)}


def write_module(folder, config=None):
    """Write the headers; `SetupError` if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise SetupError(f"--ns3-module {folder}: it is a file, not a folder") from None
    for name, text in headers(config or preset("default")).items():
        (folder / name).write_text(text)


def compile_words(folder, source, program, level="-O2"):
    """The command that compiles a program with the module; `SetupError` without ns-3."""
    ns3 = ns3_folder()
    words = ["g++", "-std=gnu++20", level, f"-I{folder}", "-isystem", ns3 / "include"]
    return [str(word) for word in (*words, source, "-o", program, *library_words(ns3, _LIBRARIES))]


def told(folder):
    """What is printed when it is written."""
    try:
        line = shlex.join(compile_words(folder, "examples/ns3/incast.cpp", folder / "incast"))
    except SetupError as error:
        line = str(error)
    return f"[compare] the module is in {folder}; the example is compiled by\n{line}"
