"""`ttpoe verify`: all the evidence."""

from ttpverif.cli.options import add_names, add_short, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "all the evidence, one part after the other: a day on two cores"
CHECKOUT = True
_PARTS = (
    "tests",
    "scenarios",
    "formal",
    "random",
    "soak",
    "coverage",
    "macs",
    "mutate",
    "abuse",
    "faults",
    "upsets",
)

_DESCRIPTION = """Run every part of the evidence, one after the other, and print a table. Output
goes to build/verify/<part>.log. Exit code 1 if a part fails."""
_EXAMPLES = """examples:
  ttpoe verify --short
  ttpoe verify formal abuse
"""


def add_parser(subparsers):
    """The parser of `ttpoe verify`."""
    parser = verb(subparsers, "verify", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(parser, "part", f"one of {', '.join(_PARTS)}; none: all", _PARTS)
    add_short(parser, "each part's short form")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.verify import main

    return main(arguments)
