"""`ttpoe lint`: Verilator's lint with all warnings on the Verilog of presets; any warning fails.

`<preset>_secded` is the preset with protected memories, its largest top alone.

What is waived, and why, is in `rtl/ttpoe/verilog/lint.vlt`.
"""

import os
import subprocess

from ttpoe.config import preset
from ttpoe.verilog.emit import WITHOUT_MAC
from ttpoe.verilog.generate import ECP5_CELLS
from ttpsim.build import builds
from ttpsim.build.tools import verilator_command
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
            *([ECP5_CELLS] if "ODDRX1F" in verilog.read_text() else []),
        ],
        capture_output=True,
        text=True,
        env=dict(os.environ, VERILATOR_ROOT=str(root)),
    )
    return (run.stdout + run.stderr).strip() if run.returncode else ""


def _config(name):
    plain = name.removesuffix("_secded")
    return preset(plain).replace(name=name, protect="none" if plain == name else "secded")


_MACS = {"tiny": ("rgmii", "gmii", "xgmii"), "full": ("gmii", "cmac")}
"""Preset -> MACs of the port; `default` is as wide as `tiny`, and so are its MACs."""


def tops(config):
    """`{name: (top, its MAC)}` of what is looked at."""
    if config.protect != "none":
        return {"managed_nic": ("managed_nic", None)}
    return {top: (top, None) for top in WITHOUT_MAC} | {
        f"port_{mac}": ("port", mac) for mac in _MACS.get(config.name, ())
    }


def emitted(name, top):
    """Path of the Verilog of one of the `tops` of the configuration `name`."""
    config = _config(name)
    top, mac = tops(config)[top]
    return builds.emitted(config, builds.Processes(), top, mac=mac)


def _clean(config, name, top):
    """Whether one top has no warnings; they are printed."""
    problems = lint(emitted(config.name, name), f"ttp_{top}")
    print(f"[lint] {config.name} {name}: {'warnings' if problems else 'clean'}")
    if problems:
        print(problems)
    return not problems


def main(names):
    """What `ttpoe lint` does; exit code 0 clean, 1 warnings."""
    builds.verilator()
    results = []
    for config in map(_config, names):
        results += [_clean(config, name, top) for name, (top, _mac) in tops(config).items()]
    return 0 if all(results) else 1
