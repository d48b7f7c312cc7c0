"""Every code block of docs/guides/integration.md: the commands run, the sources compile."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.long import long

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guides" / "integration.md").read_text()
VERILATOR = Path(os.environ.get("TTP_VERILATOR_ROOT", ROOT / ".tools" / "verilator"))
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.M | re.S)


def block(language):
    (text,) = [text for name, text in BLOCKS if name == language]
    return text


def shell(line, folder):
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    for name, command in (
        ("ttpoe", "-m ttpverif.cli"),
        ("python3", ""),
        ("fusesoc", "-c 'import sys; from fusesoc.main import main; sys.exit(main())'"),
    ):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        (tools / name).chmod(0o755)
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT / 'rtl'}{os.pathsep}{ROOT / 'verif'}",
        "PATH": f"{tools}{os.pathsep}{VERILATOR / 'bin'}{os.pathsep}{os.environ['PATH']}",
        **{f"XDG_{name}_HOME": str(folder / "home") for name in ("CONFIG", "DATA", "CACHE")},
    }
    run = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment, text=True, capture_output=True
    )
    assert run.returncode == 0, f"{line}\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
    return run.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder in which the first command has run."""
    folder = tmp_path_factory.mktemp("integration")
    first = [text for name, text in BLOCKS if name == "sh"][0]
    shell(first, folder)
    return folder


def test_no_block_is_forgotten():
    assert [name for name, _text in BLOCKS] == ["sh", "verilog", "python", "c", "sh"]


def test_the_table_of_files(made):
    listed = set()
    for row in re.findall(r"^\| (`.*?) \|", PAGE[: PAGE.index("There are four tops")], re.M):
        first, *others = re.findall(r"`(.+?)`", row)
        listed |= {first, *(first.rpartition(".")[0] + other for other in others)}
    assert listed == {path.name for path in (made / "build" / "nic").iterdir()}


def test_the_table_of_streams():
    """Every stream of the managed NIC has a row."""
    from ttpoe.config import preset
    from ttpoe.verilog.emit import wrapped

    streams = {
        re.sub(r"\d$", "V", name.removesuffix("_tvalid"))
        for name in wrapped("managed_nic", preset("tiny")).signature.members
        if name.endswith("_tvalid")
    }
    rows = re.findall(r"^\| (`[sm]_.*?) \|", PAGE, re.M)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == streams


@pytest.mark.icarus
def test_verilog(made, tmp_path):
    (tmp_path / "my_port.v").write_text(block("verilog"))
    nic = made / "build" / "nic" / "ttp_managed_nic.v"
    run = subprocess.run(
        ["iverilog", "-g2005", "-s", "my_port", "-o", tmp_path / "x", nic, tmp_path / "my_port.v"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0 and "error" not in run.stderr, run.stderr
    # Every port that it names is there, with its width.
    assert "warning" not in run.stderr.replace("Instantiating", ""), run.stderr


@long
def test_python():
    from amaranth.back import rtlil

    names = {}
    exec(compile(block("python"), "integration.md", "exec"), names)
    text = rtlil.convert(names["m"], ports=[])
    assert r"\top.nic.nic.engine" in text


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: apt-get install gcc")
def test_c(made, tmp_path):
    (tmp_path / "set_up.c").write_text(block("c"))
    run = subprocess.run(
        [
            "gcc",
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-c",
            "-o",
            tmp_path / "x.o",
            f"-I{made / 'build' / 'nic'}",
            tmp_path / "set_up.c",
        ],
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")


@long
@pytest.mark.skipif(
    importlib.util.find_spec("fusesoc") is None, reason="FuseSoC is missing: pip install fusesoc"
)
@pytest.mark.skipif(
    not (VERILATOR / "bin" / "verilator").exists(), reason="Verilator is not set up: make setup"
)
def test_fusesoc(made):
    (made / "cores").mkdir()
    for name in ("ttpoe.core", "rtl"):
        (made / "cores" / name).symlink_to(ROOT / name)
    for line in [text for name, text in BLOCKS if name == "sh"][1].splitlines():
        shell(line, made)
