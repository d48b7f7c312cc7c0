"""The wheel of the repository in an empty environment: what works with nothing, and with what.

Nothing is fetched: setuptools of this environment builds the wheel (`--no-build-isolation`), and
what it needs is lent to the empty environment from this one, afterwards and piece by piece.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CAPTURE = ROOT / "tests" / "data" / "pcap" / "08_payload_lost.pcap"

pytestmark = pytest.mark.skipif(
    tuple(map(int, importlib.metadata.version("setuptools").split(".")[:2])) < (70, 1),
    reason="setuptools is too old to build a wheel: pip install 'setuptools>=70.1'",
)


def call(*command, path=(), **options):
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment, **options
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that no build folder is left in the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("rtl", "verif", "sim"):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    run = call(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-q",
        "-w",
        folder,
        source,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def empty(wheel, tmp_path_factory):
    """An environment with the wheel and nothing else; its folder."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    run = call(
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder / "bin" / "python",
        "install",
        "--no-deps",
        "--no-index",
        "-q",
        wheel,
    )
    assert run.returncode == 0, run.stderr
    return folder


def site_packages():
    return [path for path in sys.path if path.endswith("site-packages")]


def test_what_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "ttpoe/verilog/lint.vlt",
        "ttpoe/verilog/ecp5_ddr.v",
        "ttpoe/verilog/generate.py",
        "ttpoe/link/fsm.py",
        "ttpverif/frames/scapy_ttp.py",
        "ttpverif/ladder/page.js",
        "ttpverif/coverage/state_plan.json",
        "ttpverif/bench/stream_check.v",
        "ttpverif/cli/generate.py",
    ):
        assert name in names, sorted(names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} <= {
        "ttpoe",
        "ttpverif",
        "ttpformal",
        "ttpsim",
    }
    assert any(name.endswith("LICENSE") for name in names)


def test_nothing_but_python(empty, tmp_path):
    """Help, model and ladder need no package at all; the others say what they need."""
    ttpoe = empty / "bin" / "ttpoe"
    run = call(ttpoe, "--help", cwd=tmp_path)
    assert run.returncode == 0
    for name in ("generate", "ladder", "model", "sim"):
        assert f"\n    {name} " in run.stdout
    run = call(ttpoe, "model", "--payloads", "20", cwd=tmp_path)
    assert run.returncode == 0 and "PASSED: 40 payloads" in run.stdout, run.stderr
    run = call(ttpoe, "ladder", CAPTURE, "-o", "page.html", cwd=tmp_path)
    assert run.returncode == 0 and (tmp_path / "page.html").stat().st_size > 10_000, run.stderr
    run = call(ttpoe, "generate", "-o", "nic", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (
        2,
        "",
        "ttpoe generate: the Python package amaranth is missing: pip install amaranth\n",
    )
    run = call(ttpoe, "sim", "hello", cwd=tmp_path)
    assert run.returncode == 2 and "needs a checkout of the repository" in run.stderr


def test_generate_with_what_the_wheel_asks_for(empty, tmp_path):
    run = call(
        empty / "bin" / "ttpoe",
        "generate",
        "--preset",
        "tiny",
        "--top",
        "engine",
        "-o",
        "engine",
        cwd=tmp_path,
        path=site_packages(),
    )
    assert run.returncode == 0 and run.stderr == "", run.stderr
    assert len(list((tmp_path / "engine").iterdir())) == 6
    assert (
        f"name: ttpoe:tiny:ttp_engine:{version()}\n"
        in (tmp_path / "engine" / "ttp_engine.core").read_text()
    )
    run = call(
        empty / "bin" / "python",
        "-c",
        "import ttpoe; print(ttpoe.__file__)",
        cwd=tmp_path,
        path=site_packages(),
    )
    assert run.stdout.startswith(str(empty))


def version():
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_scapy_layer_alone(empty, tmp_path):
    """Only Scapy is lent: no Amaranth, no cocotb; and nothing else of ours is loaded."""
    lent = tmp_path / "lent"
    lent.mkdir()
    (lent / "scapy").symlink_to(Path(importlib.util.find_spec("scapy").origin).parent)
    code = (
        "import sys; from scapy.layers.l2 import Ether; from ttpverif.frames.scapy_ttp import *; "
        "frame = ttp_frame(1, 2, 'PAYLOAD', tx_id=7, payload=b'hello'); "
        "print(Ether(bytes(frame))[TTP].tx_id, len(frame), "
        "sorted(m for m in sys.modules if m.startswith(('ttp', 'amaranth', 'cocotb'))))"
    )
    run = call(empty / "bin" / "python", "-c", code, cwd=tmp_path, path=[lent])
    wanted = "7 65 ['ttpverif', 'ttpverif.frames', 'ttpverif.frames.scapy_ttp']\n"
    assert run.stdout == wanted, run.stdout + run.stderr


def test_setup_makes_the_command(tmp_path):
    """`.venv/bin/ttpoe` of a checkout in a path with a space, from elsewhere and through links."""
    binaries = tmp_path / "a place" / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (binaries / "python").chmod(0o755)
    made = call("sh", ROOT / "sim" / "tools" / "setup.sh", "launcher", cwd=tmp_path / "a place")
    assert made.returncode == 0, made.stderr
    (tmp_path / "link").symlink_to(binaries / "ttpoe")
    (tmp_path / "of a link").symlink_to("link")
    for command in (binaries / "ttpoe", tmp_path / "link", tmp_path / "of a link"):
        run = call(command, "model", "--payloads", "5", cwd=tmp_path, path=[ROOT / "verif"])
        assert run.returncode == 0 and "PASSED: 10 payloads" in run.stdout, run.stderr


def test_one_version_everywhere():
    core = (ROOT / "ttpoe.core").read_text()
    assert f"\nname: ttpoe:ttpoe:nic:{version()}\n" in core
    releases = re.findall(r"(?m)^## (\S+)$", (ROOT / "CHANGELOG.md").read_text())
    assert version() in releases[:2] and releases[0] in ("Unreleased", version())
