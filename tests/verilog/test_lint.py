"""The Verilog of every preset and top: Verilator's lint with all warnings on (`ttpoe lint`), and
Icarus Verilog and Yosys read it without a word."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ttpoe_process import ttpoe
from ttpoe.config import PRESETS
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog.generate import ECP5_CELLS
from ttpsim.build.lint import tops

ROOT = Path(__file__).resolve().parents[2]
ALL = [
    *((name, top) for name, config in PRESETS.items() for top in tops(config)),
    ("tiny_secded", "managed_nic"),
]


def test_every_mac_is_linted():
    assert {top.removeprefix("port_") for _name, top in ALL if "port_" in top} == set(KINDS)


@pytest.fixture(scope="module")
def linted(request):
    """The finished `ttpoe lint` of what the tests that run ask for; its Verilog lies in build/lint."""
    here = [item for item in request.session.items if item.path == request.path]
    asked = [item for item in here if not item.get_closest_marker("skip")]
    if any(item.originalname == "test_no_warnings" for item in asked):
        return ttpoe("lint", *PRESETS, "tiny_secded")
    names = {item.callspec.params["name"] for item in asked if hasattr(item, "callspec")}
    return ttpoe("lint", *sorted(names))


def verilog(name, top):
    return ROOT / "build" / "lint" / name / f"ttp_{top}.v"


def cells(path):
    """Files of the cells of an FPGA that it contains."""
    return [ECP5_CELLS] if "ODDRX1F" in path.read_text() else []


def icarus(path, top, output):
    return subprocess.run(
        ["iverilog", "-g2005", "-Wall", "-s", top, "-o", output, path, *cells(path)],
        text=True,
        capture_output=True,
    )


def yosys(path, top):
    files = " ".join(map(str, [path, *cells(path)]))
    script = (
        "import sys, pyosys.libyosys as yosys\ndesign = yosys.Design()\n"
        f"for line in ('read_verilog {files}', 'hierarchy -check -top {top}', 'proc',"
        " 'check -assert'):\n    yosys.run_pass('tee -q ' + line, design)\n"
    )
    return subprocess.run([sys.executable, "-c", script], text=True, capture_output=True)


def test_no_warnings(linted):
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert linted.stdout.count(": clean") == len(ALL)


@pytest.mark.icarus
@pytest.mark.parametrize("name, top", ALL)
def test_icarus_reads_it(linted, tmp_path, name, top):
    run = icarus(verilog(name, top), f"ttp_{top}", tmp_path / "sim.vvp")
    assert run.returncode == 0 and not run.stderr, run.stderr


needs_yosys = pytest.mark.skipif(
    importlib.util.find_spec("pyosys") is None,
    reason="pyosys is missing: pip install 'ttpoe[formal]'",
)


@needs_yosys
@pytest.mark.parametrize("name, top", ALL)
def test_yosys_reads_it(linted, name, top):
    run = yosys(verilog(name, top), f"ttp_{top}")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert "Warning" not in run.stdout + run.stderr


@needs_yosys
def test_yosys_would_complain(tmp_path):
    """`check -assert` finds a loop and a wire without driver."""
    for body in ("assign y = y & a;", "wire z; assign y = z;"):
        path = tmp_path / "bad.v"
        path.write_text(f"module bad(input a, output y);\n{body}\nendmodule\n")
        assert yosys(path, "bad").returncode != 0, body
