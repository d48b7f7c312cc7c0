"""The Verilog of every preset and top: Verilator's lint with all warnings on (`ttpoe lint`), and
Icarus Verilog and Yosys read it without a word."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.long import long, long_case
from tests.ttpoe_process import ttpoe
from ttpoe.config import PRESETS
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog.generate import ECP5_CELLS
from ttpsim.build.lint import emitted, tops

ROOT = Path(__file__).resolve().parents[2]
ALL = [
    *((name, top) for name, config in PRESETS.items() for top in tops(config)),
    ("tiny_secded", "managed_nic"),
]
READ = ("engine", "managed_nic", "port_rgmii")
CASES = [one if one[0] == "tiny" and one[1] in READ else long_case(*one) for one in ALL]


def test_every_mac_is_linted():
    assert {top.removeprefix("port_") for _name, top in ALL if "port_" in top} == set(KINDS)


def module(top):
    return f"ttp_{top.partition('_')[0] if top.startswith('port') else top}"


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


@long
def test_no_warnings():
    linted = ttpoe("lint", *PRESETS, "tiny_secded")
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert linted.stdout.count(": clean") == len(ALL)


@pytest.mark.icarus
@pytest.mark.parametrize("name, top", CASES)
def test_icarus_reads_it(tmp_path, name, top):
    run = icarus(emitted(name, top), module(top), tmp_path / "sim.vvp")
    assert run.returncode == 0 and not run.stderr, run.stderr


needs_yosys = pytest.mark.skipif(
    importlib.util.find_spec("pyosys") is None,
    reason="pyosys is missing: pip install 'ttpoe[formal]'",
)


@needs_yosys
@pytest.mark.parametrize("name, top", CASES)
def test_yosys_reads_it(name, top):
    run = yosys(emitted(name, top), module(top))
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert "Warning" not in run.stdout + run.stderr


@needs_yosys
def test_yosys_would_complain(tmp_path):
    """`check -assert` finds a loop and a wire without driver."""
    for body in ("assign y = y & a;", "wire z; assign y = z;"):
        path = tmp_path / "bad.v"
        path.write_text(f"module bad(input a, output y);\n{body}\nendmodule\n")
        assert yosys(path, "bad").returncode != 0, body
