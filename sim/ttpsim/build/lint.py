"""`ttpoe lint`: Verilator's lint with all warnings on the Verilog of presets; any warning fails.

`<preset>_secded` is the preset with protected memories, its largest top alone.

What is waived, and why, is in `rtl/ttpoe/verilog/lint.vlt`.
"""

import os
import subprocess

from ttpoe.config import preset
from ttpoe.verilog.emit import TOPS, top_verilog
from ttpsim.build import builds
from ttpsim.build.cxx import verilator_command
from ttpsim.paths import ROOT


def lint(verilog, top):
    """Warnings and errors of Verilator about the file `verilog`; empty if there are none."""
    root = builds.verilator()
    run = subprocess.run(
        [
            *verilator_command(root),
            "--lint-only",
            "-Wall",
            "--top-module",
            top,
            ROOT / "rtl" / "ttpoe" / "verilog" / "lint.vlt",
            verilog,
        ],
        capture_output=True,
        text=True,
        env=dict(os.environ, VERILATOR_ROOT=str(root)),
    )
    return (run.stdout + run.stderr).strip() if run.returncode else ""


def _config(name):
    plain = name.removesuffix("_secded")
    return preset(plain).replace(name=name, protect="none" if plain == name else "secded")


def _clean(config, top):
    """Whether one top has no warnings; they are printed."""
    path = ROOT / "build" / "lint" / config.name / f"ttp_{top}.v"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(top_verilog(top, config))
    problems = lint(path, f"ttp_{top}")
    print(f"[lint] {config.name} {top}: {'warnings' if problems else 'clean'}")
    if problems:
        print(problems)
    return not problems


def main(names):
    """What `ttpoe lint` does; exit code 0 clean, 1 warnings."""
    builds.verilator()
    results = []
    for config in map(_config, names):
        tops = TOPS if config.protect == "none" else ["managed_nic"]
        results += [_clean(config, top) for top in tops]
    return 0 if all(results) else 1
