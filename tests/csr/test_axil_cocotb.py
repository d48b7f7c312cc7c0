"""The emitted Verilog of the block under cocotbext-axi's AXI4-Lite master (Icarus)."""

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from cocotb_tools.runner import get_runner

from tests.csr.csr_flat import FlatCsr
from ttpoe.config import preset
from ttpoe.verilog.emit import emit_verilog

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TESTS = 4


@pytest.mark.icarus
def test_under_cocotbext_axi(tmp_path, monkeypatch):
    source = tmp_path / "csr.v"
    source.write_text(emit_verilog(FlatCsr(preset("tiny")), "csr"))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(map(str, (HERE, ROOT, ROOT / "rtl", ROOT / "verif")))
    )
    runner = get_runner("icarus")
    runner.build(
        sources=[source],
        hdl_toplevel="csr",
        build_dir=tmp_path / "build",
        timescale=("1ns", "1ps"),
        log_file=tmp_path / "build.log",
    )
    results = tmp_path / "results.xml"
    log = tmp_path / "run.log"
    try:
        runner.test(
            hdl_toplevel="csr",
            test_module="tests.csr.axil_cocotb",
            seed=11,
            build_dir=tmp_path / "build",
            test_dir=tmp_path,
            results_xml=str(results),
            timescale=("1ns", "1ps"),
            log_file=log,
        )
    except SystemExit:
        raise AssertionError(log.read_text()[-6000:]) from None
    entries = [entry.tag for entry in ElementTree.parse(results).iter()]
    assert "failure" not in entries and "error" not in entries, log
    assert entries.count("testcase") == TESTS
