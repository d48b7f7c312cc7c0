"""What the set-up refuses in its first second, and how it says what is wrong."""

import os
import subprocess
from pathlib import Path

import pytest

from ttpoe.config import preset
from ttpoe.verilog import component, emit
from ttpoe.verilog.cache import writable_cache
from ttpsim.paths import ROOT

SETUP = ROOT / "sim" / "tools" / "setup.sh"
NO_NAME = "WARNING: Failed to establish a new connection: [Errno -2] Name or service not known"


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def setup(folder, *arguments, **env):
    return subprocess.run(
        ["sh", SETUP, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"TTP_NO_APT": "1"} | env,
    )


@pytest.mark.parametrize(
    "fails, said",
    [
        ("*version_info*", "Python 3.11, 3.12 or 3.13 is needed, this is Python 3.9.1"),
        ("-", "has no shared library, which the simulators need"),
    ],
)
def test_a_python_that_cannot_do_is_refused_at_once(tmp_path, fails, said):
    """Before anything is installed or made."""
    python = script(
        tmp_path / "a b" / "python",
        f'case "$*" in --version) echo Python 3.9.1;; "-c "{fails}|{fails}) exit 1;; esac',
    )
    done = setup(tmp_path / "a b", "environment", python, "stamp")
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "a b" / ".venv").exists()


def test_no_network_is_named_as_that(tmp_path):
    """pip says that it found no such package; what it could not do is in the lines before."""
    script(
        tmp_path / ".venv" / "bin" / "python",
        f'''case "$*" in
  "- formal") [ -e asked ] && echo amaranth==0.5.10 && exit 0; touch asked; exit 1;;
  *"pip install"*) echo "{NO_NAME}"
    echo "ERROR: Could not find a version that satisfies the requirement amaranth"; exit 1;;
esac''',
    )
    (tmp_path / ".tools").mkdir()
    done = setup(tmp_path, "formal")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("setup: no network: PyPI cannot be reached (see .tools/pip.log)")
    assert (tmp_path / ".tools" / "pip.log").exists()


def test_the_cache_of_the_tools_needs_no_home(tmp_path):
    nowhere = {"HOME": "/proc/nobody"}
    writable_cache(nowhere)
    assert Path(nowhere["XDG_CACHE_HOME"]).is_dir()
    here = {"HOME": str(tmp_path)}
    writable_cache(here)
    assert here == {"HOME": str(tmp_path)}


def test_the_emitter_sees_to_its_cache(monkeypatch):
    class Asked(Exception):
        pass

    def asked():
        raise Asked

    monkeypatch.setattr(component, "writable_cache", asked)
    with pytest.raises(Asked):
        emit.top_verilog("engine", preset("tiny"))
