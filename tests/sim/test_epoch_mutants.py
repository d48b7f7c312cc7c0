"""Without the epoch check an old frame is accepted: the scenario must see it (section 6)."""

import shutil
from pathlib import Path

import pytest

from tests.long import long
from tests.ttpoe_process import ttpoe
from ttpformal.source import changed

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.icarus


def mutated(tmp_path, old, new):
    """A copy of the project in which one line of the decision differs; its folder."""
    for name in ("rtl", "sim", "verif"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "rtl" / "ttpoe" / "pipeline" / "q2_guards.py"
    file.write_text(changed(file.read_text(), old, new))
    return tmp_path


@long
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
    run = ttpoe(
        "sim", "epoch.bare", "--simulator", "icarus", "--jobs", 1, root=mutated(tmp_path, old, new)
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert "epoch.bare failed on icarus" in run.stdout and caught in run.stdout, run.stdout
