"""`make lint`: Verilator's lint with all warnings on the Verilog of presets; any warning fails.

`<preset>_secded` is the preset with protected memories, its largest top alone.

What is waived, and why, is in `rtl/ttpoe/verilog/lint.vlt`.
"""

import subprocess
import sys
from pathlib import Path



from ttpsim.build import builds
from ttpoe.config import ConfigError, preset
from ttpoe.verilog.emit import TOPS, top_verilog
from ttpsim.paths import ROOT


def lint(verilog, top):
    """Warnings and errors of Verilator about the file `verilog`; empty if there are none."""
    tool = builds.verilator() / "bin" / "verilator"
    run = subprocess.run([tool, "--lint-only", "-Wall", "--top-module", top,
                          ROOT / "rtl" / "ttpoe" / "verilog" / "lint.vlt", verilog], capture_output=True, text=True)
    return (run.stdout + run.stderr).strip() if run.returncode else ""


def _config(name):
    plain = name.removesuffix("_secded")
    return preset(plain).replace(name=name, protect="none" if plain == name else "secded")


def main(names):
    """Command line; exit code 0 clean, 1 warnings, 2 bad input or setup."""
    try:
        builds.verilator()
        configs = [_config(name) for name in names]
    except (builds.SetupError, ConfigError) as error:
        print(f"lint: {error}", file=sys.stderr)
        return 2
    failed = 0
    for config, top in ((config, top) for config in configs for top in (
            TOPS if config.protect == "none" else ["managed_nic"])):
        path = ROOT / "build" / "lint" / config.name / f"ttp_{top}.v"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(top_verilog(top, config))
        problems = lint(path, f"ttp_{top}")
        print(f"[lint] {config.name} {top}: {'warnings' if problems else 'clean'}")
        if problems:
            print(problems)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
