"""Where the tools that are WebAssembly (Yosys, nextpnr) keep what they have compiled."""

import os
import tempfile
from pathlib import Path

__all__ = ["writable_cache"]


def writable_cache(env=os.environ):
    """See to it that the cache can be written: without a HOME, or with one that cannot be
    written, these tools end with a traceback. A folder for temporary files takes its place then.

    `env` is changed: XDG_CACHE_HOME, which wasmtime and the YoWASP tools ask first.
    """
    home = env.get("XDG_CACHE_HOME") or os.path.join(env.get("HOME") or "~", ".cache")
    if _can_write(Path(home).expanduser()):
        return
    folder = Path(tempfile.gettempdir()) / f"ttpoe-cache-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():  # somebody else's: one of this process alone
        folder = Path(tempfile.mkdtemp(prefix="ttpoe-cache-"))
    env["XDG_CACHE_HOME"] = str(folder)


def _can_write(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except (OSError, RuntimeError):
        return False
