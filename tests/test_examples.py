"""The commands of the examples' READMEs, run as they stand there; what they must print."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.long import long

ROOT = Path(__file__).resolve().parents[1]
VERILATOR = Path(os.environ.get("TTP_VERILATOR_ROOT", ROOT / ".tools" / "verilator"))


def blocks(readme):
    """The lines of each ```sh block."""
    return [
        block.strip().splitlines()
        for block in re.findall(r"^```sh\n(.*?)^```$", readme.read_text(), re.M | re.S)
    ]


def place(folder):
    """An empty top folder with the examples, and an environment in which `ttpoe` is a command."""
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "build").mkdir()
    tools = folder / "bin"
    tools.mkdir()
    for name, command in (("ttpoe", "-m ttpverif.cli"), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        (tools / name).chmod(0o755)
    return dict(
        os.environ,
        PYTHONPATH=f"{ROOT / 'rtl'}{os.pathsep}{ROOT / 'verif'}",
        PATH=f"{tools}{os.pathsep}{VERILATOR / 'bin'}{os.pathsep}{os.environ['PATH']}",
    )


def run(line, folder, environment):
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def verilog(tmp_path_factory):
    """(folder, environment, the two blocks) with the NIC's Verilog generated."""
    folder = tmp_path_factory.mktemp("verilog")
    environment = place(folder)
    first, second = blocks(ROOT / "examples" / "verilog" / "README.md")
    assert first[0].startswith("ttpoe generate ")
    run(first[0], folder, environment)
    return folder, environment, first[1:], second


PASSED = re.compile(r"^PASSED: 50 packets in (\d+) clocks, (\d+) frames spoiled", re.M)


@pytest.fixture(scope="module")
def by_icarus(verilog):
    if not shutil.which("iverilog"):
        pytest.skip("Icarus Verilog is missing: apt-get install iverilog")
    folder, environment, lines, _ = verilog
    return "".join(run(line, folder, environment) for line in lines)


@pytest.mark.icarus
def test_verilog_in_icarus(by_icarus):
    assert PASSED.search(by_icarus), by_icarus


@long
def test_verilog_in_verilator(verilog, by_icarus):
    if not (VERILATOR / "bin" / "verilator").exists():
        pytest.skip("Verilator is not set up: make setup")
    folder, environment, _, lines = verilog
    out = "".join(run(line, folder, environment) for line in lines)
    assert PASSED.search(out), out
    # Both simulators saw the same clocks.
    assert PASSED.search(out).groups() == PASSED.search(by_icarus).groups()


@pytest.mark.icarus
def test_the_verilog_bench_can_fail(verilog, tmp_path):
    """A wire that changes a bit and says nothing: the sink sees it."""
    folder, environment, lines, _ = verilog
    source = (ROOT / "examples" / "verilog" / "two_nics.v").read_text()
    assert source.count("assign m_tdata = s_tdata;") == 1
    (tmp_path / "two_nics.v").write_text(
        source.replace(
            "assign m_tdata = s_tdata;", "assign m_tdata = s_tdata ^ (count == 5 && s_tlast);"
        )
    )
    compile_line, simulate = lines
    compile_line = compile_line.replace("examples/verilog/two_nics.v", f"{tmp_path}/two_nics.v")
    compile_line = compile_line.replace(
        "-o build/two_nics/bench.vvp", f"-P bench.PACKETS=12 -o {tmp_path}/bad.vvp"
    )
    run(compile_line, folder, environment)
    out = run(f"vvp {tmp_path}/bad.vvp", folder, environment)
    errors = re.match(r"FAILED: 12 packets in \d+ clocks, (\d+) errors", out)
    assert errors and int(errors[1]) > 0 and "PASSED" not in out, out


@long
def test_amaranth(tmp_path):
    environment = place(tmp_path)
    (lines,) = blocks(ROOT / "examples" / "amaranth" / "README.md")
    out = [run(line, tmp_path, environment) for line in lines]
    assert re.match(r"PASSED: 8 of 8 payloads came back in \d{3,4} clocks\n", out[0])
    text = (tmp_path / "build" / "echo.v").read_text()
    ports = re.search(r"^module ttp_echo\((.*?)\);", text, re.M)[1].split(", ")
    assert set(ports) == {
        "clk",
        "rst",
        "i_node",
        "i_mac__payload",
        "i_mac__valid",
        "o_mac__payload",
        "o_mac__valid",
        "o_mac__ready",
    }


@long
def test_litex(tmp_path):
    pytest.importorskip("liteeth", reason="LiteX is missing: pip install litex liteeth")
    environment = place(tmp_path)
    (lines,) = blocks(ROOT / "examples" / "litex" / "README.md")
    for line, kind, core in zip(lines, ("nic", "port"), ("managed_nic", "port")):
        run(line, tmp_path, environment)
        folder = tmp_path / "build" / "litex" / kind
        assert f"module ttp_soc_{kind} (" in (folder / f"ttp_soc_{kind}.v").read_text()
        assert f"module ttp_{core}(" in (folder / "gateware" / f"ttp_{core}.v").read_text()
        assert "csr_register,ttp_ev_status," in (folder / "csr.csv").read_text()
