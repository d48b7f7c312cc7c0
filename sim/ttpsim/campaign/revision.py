"""Which revision of the project a result is of."""

import hashlib
import subprocess

from ttpsim.paths import ROOT

__all__ = ["revision"]

_SOURCES = ("rtl", "verif", "sim", "examples", "pyproject.toml")


def _git(*words):
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True)
    return done.stdout


def _untracked():
    names = _git("ls-files", "-z", "--others", "--exclude-standard", "--", *_SOURCES)
    return [ROOT / name for name in names.decode().split("\0") if name]


def _hash_of_files():
    """Of a checkout without git: every source."""
    known = hashlib.sha256()
    for top in _SOURCES:
        files = sorted((ROOT / top).rglob("*")) if (ROOT / top).is_dir() else [ROOT / top]
        for path in files:
            if path.is_file() and "__pycache__" not in path.parts:
                known.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return f"files-{known.hexdigest()[:12]}"


def revision():
    """The commit, 12 digits; behind it "+" and 8 digits of what the sources have besides.

    Two checkouts with the same revision run the same sources.
    """
    try:
        commit = _git("rev-parse", "HEAD").decode().strip()[:12]
        changed = _git("diff", "HEAD", "--", *_SOURCES)
        for path in _untracked():
            changed += f"\n{path.relative_to(ROOT)}\0".encode() + path.read_bytes()
    except (OSError, subprocess.CalledProcessError):
        return _hash_of_files()
    return f"{commit}+{hashlib.sha256(changed).hexdigest()[:8]}" if changed else commit
