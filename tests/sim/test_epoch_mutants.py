"""Without the epoch check an old frame is accepted: the scenario must see it (section 6)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.icarus


def mutated(tmp_path, old, new):
    """A copy of the project in which one line of the decision differs; path of its runner."""
    for name in ("rtl", "sim", "verif"):
        shutil.copytree(ROOT / name, tmp_path / name,
                        ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "rtl" / "ttpoe" / "link" / "decide.py"
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} is not in {file.name} once"
    file.write_text(text.replace(old, new))
    return tmp_path / "sim" / "run.py"


@pytest.mark.parametrize("old, new, caught", [
    ('"STALE": (tag.peer_epoch != 0) & ~same_epoch,', '"STALE": 0,',
     "an old PAYLOAD was delivered"),
    ('"OWN_EPOCH": (event.epoch == tag.epoch) | both_zero,', '"OWN_EPOCH": 1,',
     "the host was told of an old NACK_NOLINK"),
    ('"OLDER": (event.epoch != 0) & (tag.peer_epoch != 0) & self.younger_open[15],', '"OLDER": 0,',
     "the host was told of an old OPEN"),
])
def test_a_missing_check_is_seen(tmp_path, old, new, caught):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("SIM", "TEST", "SEED", "PRESET", "WAVES", "TRACE")}
    run = subprocess.run([sys.executable, mutated(tmp_path, old, new), "--jobs", "1", "--test",
                          "epoch.bare", "--sim", "icarus"], cwd=tmp_path, env=environment,
                         text=True, capture_output=True)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "epoch.bare failed on icarus" in run.stdout and caught in run.stdout, run.stdout
