"""A MAC's Verilog in Verilator, with the models of cocotbext-eth around it."""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cocotb_tools.config as cocotb_config
import find_libpython

from ttpoe.verilog.emit import emit_verilog
from ttpsim.build import cxx
from ttpsim.build.builds import Processes

ROOT = Path(__file__).resolve().parents[2]
MAIN = cocotb_config.share_dir / "lib" / "verilator" / "verilator.cpp"


def _with_visible_ports(verilog, top):
    """The ports of the module `top` can be reached from outside, and nothing else."""
    before, module, rest = re.split(rf"^(module {top}\()", verilog, flags=re.MULTILINE)
    return (
        before
        + module
        + re.sub(
            r"^(  (?:input|output) [^;]*);",
            r"\1 /*verilator public_flat_rw*/;",
            rest,
            flags=re.MULTILINE,
        )
    )


def verilated(component, name, models=()):
    """Path of a simulator of `component`, compiled if it is not there yet.

    `models`: Verilog files of cells that it contains.
    """
    processes = Processes()
    verilog = _with_visible_ports(emit_verilog(component, name), name)
    design = cxx.model(
        name,
        {f"{name}.v": verilog} | {path.name: path.read_text() for path in models},
        name,
        "Vtop",
        ("--vpi", "--timescale", "1ns/1ps"),
        cxx.QUICK,
        processes,
    )
    libraries = cocotb_config.libs_dir
    return cxx.program(
        "mac",
        name,
        design,
        {},
        [MAIN],
        processes,
        level=cxx.QUICK.rest,
        libraries=[f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator"],
    )


def run(program, top, module, folder, parameters=None, tests=()):
    """Runs the cocotb tests of `tests.mac.<module>`, or those named; all must pass."""
    results, log = folder / "results.xml", folder / "log.txt"
    env = dict(
        os.environ,
        GPI_USERS=f"{find_libpython.find_libpython()};{cocotb_config.pygpi_entry_point()}",
        PYGPI_PYTHON_BIN=sys.executable,
        COCOTB_TOPLEVEL=top,
        TOPLEVEL_LANG="verilog",
        COCOTB_TEST_MODULES=f"tests.mac.{module}",
        COCOTB_RANDOM_SEED="11",
        COCOTB_ANSI_OUTPUT="0",
        COCOTB_RESULTS_FILE=str(results),
        COCOTB_TEST_FILTER="|".join(f"{test}$" for test in tests),
        COCOTB_LOG_LEVEL="WARNING",
        PYTHONPATH=os.pathsep.join(map(str, (ROOT, ROOT / "rtl", ROOT / "verif", ROOT / "sim"))),
        **{f"MAC_{name.upper()}": str(value) for name, value in (parameters or {}).items()},
    )
    code = Processes().run(
        [program, "+verilator+rand+reset+2", "+verilator+seed+7"], log, env=env, cwd=folder
    )
    assert not code and results.exists(), log.read_text()[-6000:]
    tags = [entry.tag for entry in ElementTree.parse(results).iter()]
    assert "failure" not in tags and "error" not in tags, log.read_text()[-6000:]
    cases = tags.count("testcase") - tags.count("skipped")
    assert cases == len(tests) if tests else cases, log.read_text()[-3000:]
