"""A component of the MAC under cocotb: emitted, compiled with Verilator, run; its own process."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ttpoe.verilog.emit import emit_verilog
from ttpsim.build import builds
from ttpsim.build.cxx import BUILD, QUICK, hash_of, once

ROOT = Path(__file__).resolve().parents[2]
_PORT = re.compile(r"^(  (?:input|output)\b[^;]*);$", re.MULTILINE)


def built(component, name):
    """The simulator of `component`, compiled if that has not been done yet."""
    text = emit_verilog(component, "pair")  # what `builds.simulate` calls every top
    top = re.search(r"^module pair\(.*?^endmodule", text, re.MULTILINE | re.DOTALL)[0]
    text = text.replace(top, _PORT.sub(r"\1 /*verilator public_flat_rw*/;", top))

    def make(folder):
        (folder / "core.v").write_text(text)
        builds._compile_verilator(
            folder, name, [folder / "core.v"], False, builds.Processes(), None, QUICK, 0
        )

    folder = once(BUILD / f"verilator-mac-{name}-{hash_of(text)}", make)
    return builds.Build("verilator", folder, False)


def run(component, name, module, folder, seed=1, **params):
    """Run all tests of tests/mac/`module`.py; they find `params` by `xgmii_bench.params()`."""
    build = built(component, name)
    code = builds.simulate(
        build, f"tests.mac.{module}", folder, seed, params, builds.Processes(), python_path=[ROOT]
    )
    log = (folder / "log.txt").read_text()
    results = folder / "results.xml"
    assert not code and results.exists(), log[-6000:]
    tags = [entry.tag for entry in ElementTree.parse(results).iter()]
    assert "failure" not in tags and "error" not in tags, log[-6000:]
    assert tags.count("testcase") >= 1
    said = folder / "said.json"
    return json.loads(said.read_text()) if said.exists() else {}
