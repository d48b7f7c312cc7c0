"""FuseSoC takes the repository's core and the one that `ttpoe generate` writes, and lints them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.long import long
from ttpoe.config import preset
from ttpoe.verilog.generate import package, write_package

ROOT = Path(__file__).resolve().parents[2]
VERILATOR = Path(os.environ.get("TTP_VERILATOR_ROOT", ROOT / ".tools" / "verilator"))

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("fusesoc") is None,
        reason="FuseSoC is missing: pip install fusesoc",
    ),
    pytest.mark.skipif(
        not (VERILATOR / "bin" / "verilator").exists(), reason="Verilator is not set up: make setup"
    ),
]


def fusesoc(folder, cores, *arguments):
    """Run it with this Python, this Verilator, and nothing of the user's own settings."""
    tools = folder / "bin"
    if not tools.exists():
        tools.mkdir()
        (tools / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (tools / "python3").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {
        f"XDG_{name}_HOME": str(folder / "home") for name in ("CONFIG", "DATA", "CACHE")
    }
    environment["PATH"] = os.pathsep.join(map(str, (tools, VERILATOR / "bin", environment["PATH"])))
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from fusesoc.main import main; sys.exit(main())",
            "--cores-root",
            cores,
            *arguments,
        ],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
    )


def repository(folder, core):
    """The files of the repository that the core needs."""
    cores = folder / "cores"
    cores.mkdir()
    (cores / "ttpoe.core").write_text(core)
    (cores / "rtl").symlink_to(ROOT / "rtl")
    return cores


CORE = (ROOT / "ttpoe.core").read_text()


@long
def test_the_core_of_the_repository(tmp_path):
    cores = repository(tmp_path, CORE)
    run = fusesoc(tmp_path, cores, "run", "--target=lint", "ttpoe:ttpoe:nic")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    (commands,) = tmp_path.glob("build/*/lint/*.vc")
    text = commands.read_text().split()
    assert "--lint-only" in text and "-Wall" in text
    assert any(word.endswith("/ttp_managed_nic.v") for word in text)
    assert "lint_off" in next(tmp_path.glob("build/*/lint/src/*/*.vlt")).read_text()


@long
def test_parameters_reach_the_generator(tmp_path):
    cores = repository(
        tmp_path,
        CORE.replace(
            "{preset: default}", "{preset: tiny, top: engine, links: 16, width_bits: 128}"
        ).replace("toplevel: ttp_managed_nic", "toplevel: ttp_engine"),
    )
    run = fusesoc(tmp_path, cores, "run", "--target=lint", "--setup", "ttpoe:ttpoe:nic")
    assert run.returncode == 0, run.stderr[-2000:]
    text = next(tmp_path.glob("build/*/lint/src/*/ttp_engine.v")).read_text()
    assert "//   width_bits = 128\n" in text and "// 16 links" in text


@long
def test_the_port_of_the_repository(tmp_path):
    """`tiny` here, for the time that it takes."""
    cores = repository(
        tmp_path, CORE.replace("preset: default, top: port", "preset: tiny, top: port")
    )
    run = fusesoc(tmp_path, cores, "run", "--target=lint_port", "ttpoe:ttpoe:nic")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    (text,) = (path.read_text() for path in tmp_path.glob("build/*/lint_port/src/*/ttp_port.v"))
    assert "module ttp_port(" in text and "MAC rgmii" in text


@pytest.mark.parametrize(
    "parameters, part",
    [
        ("{preset: full, links: 1000}", "got 1000, possible: 768 or 1536"),
        ("{top: switch}", "top must be one of engine, nic, managed_nic, port; got 'switch'"),
        ("{colour: blue}", "colour"),
        ("{top: port}", "--top port needs --mac, one of rgmii, gmii, xgmii, cmac"),
    ],
)
def test_bad_parameters_are_one_line(tmp_path, parameters, part):
    cores = repository(tmp_path, CORE.replace("{preset: default}", parameters))
    run = fusesoc(tmp_path, cores, "run", "--target=lint", "--setup", "ttpoe:ttpoe:nic")
    assert run.returncode != 0
    said = [line for line in (run.stdout + run.stderr).splitlines() if "ttpoe generator: " in line]
    assert len(said) == 1 and part in said[0], run.stdout + run.stderr
    assert "Traceback" not in run.stderr


@pytest.fixture(scope="module")
def generated():
    return package("managed_nic", preset("tiny"))


def test_the_core_that_is_generated(tmp_path, generated):
    write_package(tmp_path / "cores", generated)
    run = fusesoc(tmp_path, "cores", "run", "--target=lint", "ttp_managed_nic")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]


@long
def test_the_core_of_a_port(tmp_path):
    """The cells of an ECP5 are there for the linter, and for a simulator."""
    write_package(tmp_path / "cores", package("port", preset("tiny"), mac="rgmii"))
    run = fusesoc(tmp_path, "cores", "run", "--target=lint", "ttp_port")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]


def test_lint_would_complain(tmp_path, generated):
    """The waivers are few: a loop in the same file is found."""
    bad = dict(generated)
    bad["ttp_managed_nic.v"] += (
        "\nmodule loop(input a, output y);\n  wire z = y & a;\n  assign y = z | a;\nendmodule\n"
    )
    bad["ttp_managed_nic.core"] = bad["ttp_managed_nic.core"].replace(
        "toplevel: ttp_managed_nic", "toplevel: loop"
    )
    write_package(tmp_path / "cores", bad)
    run = fusesoc(tmp_path, "cores", "run", "--target=lint", "ttp_managed_nic")
    assert run.returncode != 0 and "UNOPTFLAT" in run.stdout + run.stderr
