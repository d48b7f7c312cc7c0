"""`ttpoe lint`: Verilator's lint of the Verilog of every preset."""

from ttpverif.cli.options import PRESETS, add_names, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "check the Verilog of every preset with Verilator, all warnings on"
CHECKOUT = True
_NAMES = (*PRESETS, *(f"{name}_secded" for name in PRESETS))

_DESCRIPTION = """Check the Verilog of presets with Verilator, all warnings on; any warning is
exit code 1. `<preset>_secded` is the preset with protected memories, its largest top alone."""
_EXAMPLES = """examples:
  ttpoe lint
  ttpoe lint tiny tiny_secded
"""


def add_parser(subparsers):
    """The parser of `ttpoe lint`."""
    parser = verb(subparsers, "lint", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(parser, "name", f"one of {', '.join(_NAMES)}; none: all", _NAMES)
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.build.lint import main

    return main(arguments.name or _NAMES)
