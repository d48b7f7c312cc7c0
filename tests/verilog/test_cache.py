"""`writable_cache`: a folder for the WebAssembly tools that can be written, whatever HOME is."""

import os
import tempfile
from pathlib import Path

import pytest

from ttpoe.verilog.cache import writable_cache


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Folders for temporary files are made here."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def asked(env):
    """What becomes of XDG_CACHE_HOME."""
    writable_cache(env)
    return env.get("XDG_CACHE_HOME")


def test_a_home_that_can_be_written_is_left_alone(tmp_path, temporary):
    home = tmp_path / "home"
    home.mkdir()
    assert asked({"HOME": str(home)}) is None
    assert (home / ".cache").is_dir() and not list(temporary.iterdir())


def test_a_cache_that_was_chosen_comes_first(tmp_path, temporary):
    chosen = str(tmp_path / "chosen")
    assert asked({"HOME": "/proc/nobody", "XDG_CACHE_HOME": chosen}) == chosen
    assert Path(chosen).is_dir() and not list(temporary.iterdir())


@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME"])
def test_a_folder_of_this_user_takes_the_place_of_one_that_cannot_be_made(
    name, tmp_path, temporary
):
    """A file stands where the folder would be: that holds for root, too."""
    (tmp_path / "file").write_text("")
    found = asked({name: str(tmp_path / "file" / "below")})
    assert found == str(temporary / f"ttpoe-cache-{os.getuid()}")
    assert Path(found).stat().st_mode & 0o777 == 0o700
    assert asked({name: str(tmp_path / "file" / "below")}) == found  # made once, used again


def test_somebody_elses_folder_is_not_used(temporary, monkeypatch):
    """Its owner could put code there that the tools would run."""
    theirs = temporary / f"ttpoe-cache-{os.getuid() + 1}"
    theirs.mkdir()  # ours, and so not theirs
    monkeypatch.setattr(os, "getuid", lambda: theirs.stat().st_uid + 1)
    found = Path(asked({"HOME": "/proc/nobody"}))
    assert found != theirs and found.parent == temporary and found.is_dir()
    assert asked({"HOME": "/proc/nobody"}) != str(found)
