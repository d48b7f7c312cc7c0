"""Where the repository is, for the commands that need one."""

import importlib.util
import os
import sys
from pathlib import Path

from .errors import UsageError

__all__ = ["FOLDERS", "enter", "find"]

FOLDERS = ("rtl", "verif", "sim")
"""The folders of a checkout that hold packages."""
_PACKAGES = ("rtl/ttpoe", "verif/ttpverif", "sim/ttpsim")


def find(start):
    """The checkout in or below which `start` lies, or this file; None if there is none."""
    for folder in (*[start, *start.parents], *Path(__file__).resolve().parents):
        if all((folder / package).is_dir() for package in _PACKAGES):
            return folder
    return None


def enter(words):
    """Return if this process has a checkout's packages and their environment.

    If not, the command with the arguments `words` becomes one of the checkout's own Python: in the
    same process, so that signals and exit code are its own. `UsageError` if there is no checkout,
    or if it has not been set up.
    """
    root = find(Path.cwd())
    if root is None:
        raise UsageError("it needs a checkout of the repository: start it in one")
    python = root / ".venv" / "bin" / "python"
    complete = importlib.util.find_spec("cocotb_tools") is not None
    if Path(__file__).absolute().parents[3].samefile(root):
        if complete:
            return
        if python.exists() and python.parent.parent.samefile(sys.prefix):
            raise UsageError(f"its environment is not complete: run `make setup` in {root}")
    if not complete and not python.exists():
        raise UsageError(f"its environment is missing: run `make setup` in {root}")
    python = sys.executable if complete else str(python)
    paths = os.pathsep.join(str(root / folder) for folder in FOLDERS)
    if os.environ.get("PYTHONPATH") == paths:
        raise UsageError(f"its packages are not those in {root}: run `make setup` there")
    sys.stdout.flush()
    os.execve(
        python, [python, "-P", "-m", "ttpverif.cli", *words], os.environ | {"PYTHONPATH": paths}
    )
