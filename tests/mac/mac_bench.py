"""A component of the MAC under cocotb: emitted, compiled with Verilator, run in a process."""

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ttpoe.verilog.emit import emit_verilog
from ttpsim.build import builds
from ttpsim.coverage import macs

__all__ = ["description", "run", "run_text"]

ROOT = Path(__file__).resolve().parents[2]
LONG_SECONDS = 10_800
"""For a simulation that takes every length."""


def run(component, name, module, folder, models=(), **params):
    """Run all cocotb tests of tests/mac/`module`.py, which must pass; what they said.

    `models`: Verilog files of cells that the component contains. `params`: what the tests find in
    `description()`.
    """
    text = emit_verilog(component, "pair")
    return run_text(text, f"mac-{name}", f"tests.mac.{module}", folder, models, **params)


def run_text(
    text, name, module, folder, models=(), config=None, seconds=builds.SECONDS_LIMIT, **params
):
    """The same for the module `pair` of a Verilog text and all tests of the Python module, which
    have so many seconds in all.

    `ttpoe coverage --macs` has what they see counted.
    """
    processes, text = builds.Processes(), macs.counted(name, text)
    build = builds.compile_alone(text, name, processes, models)
    code = builds.simulate(
        build, module, folder, 11, params, processes, config, [ROOT], seconds=seconds
    )
    log, results = (folder / "log.txt").read_text(), folder / "results.xml"
    assert not code and results.exists(), log[-6000:]
    tags = [entry.tag for entry in ElementTree.parse(results).iter()]
    assert "failure" not in tags and "error" not in tags, log[-6000:]
    assert tags.count("testcase") >= 1
    macs.kept(name, folder)
    said = folder / "said.json"
    return json.loads(said.read_text()) if said.exists() else {}


def description():
    """Inside the simulator: what it was started with; its `params`, its `folder`."""
    return json.loads(Path(os.environ["TTP_RUN"]).read_text())
