"""Hardware with one line changed that the scenarios of epochs (section 6) and of Z7 must notice."""

import shutil
from pathlib import Path

import pytest

from tests.long import long
from tests.ttpoe_process import ttpoe
from ttpformal.source import changed

ROOT = Path(__file__).resolve().parents[2]


def mutated(tmp_path, name_of_file, old, new):
    """A copy of the project in which one line of the hardware differs; its folder."""
    for name in ("rtl", "sim", "verif"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".tools").symlink_to(ROOT / ".tools")
    file = tmp_path / "rtl" / "ttpoe" / name_of_file
    file.write_text(changed(file.read_text(), old, new))
    return tmp_path


@long
@pytest.mark.icarus
@pytest.mark.parametrize(
    "old, new, caught",
    [
        (
            '"STALE": (tag.peer_epoch != 0) & ~same_epoch,',
            '"STALE": 0,',
            "an old PAYLOAD was delivered",
        ),
        (
            '"OWN_EPOCH": (event.epoch == tag.epoch) | both_zero,',
            '"OWN_EPOCH": 1,',
            "the host was told of an old NACK_NOLINK",
        ),
        (
            '"OLDER": (event.epoch != 0) & (tag.peer_epoch != 0) & self.younger_open[15],',
            '"OLDER": 0,',
            "the host was told of an old OPEN",
        ),
    ],
)
def test_a_missing_check_is_seen(tmp_path, old, new, caught):
    """Without the epoch check an old frame is accepted."""
    root = mutated(tmp_path, "pipeline/q2_guards.py", old, new)
    run = ttpoe("sim", "epoch.bare", "--simulator", "icarus", "--jobs", 1, root=root)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "epoch.bare failed on icarus" in run.stdout and caught in run.stdout, run.stdout


@long
@pytest.mark.parametrize(
    "name_of_file, old, new",
    [
        ("congestion/control.py", "o_links >= CROWD", "o_links > CROWD"),
        ("pipeline/q2_guards.py", "_WAKES = 8", "_WAKES = 0"),
    ],
)
def test_a_wake_too_many_or_none_is_seen(tmp_path, name_of_file, old, new):
    """Z7: sixteen links are a crowd, and in none the timer wakes a silent peer."""
    root = mutated(tmp_path, name_of_file, old, new)
    run = ttpoe("sim", "crowd", "--jobs", 1, root=root)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "crowd failed on verilator" in run.stdout, run.stdout
