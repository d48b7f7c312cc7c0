"""Where the checkout is. Everything that is made lands in `build/`."""

from pathlib import Path

__all__ = ["BUILD", "ROOT"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
