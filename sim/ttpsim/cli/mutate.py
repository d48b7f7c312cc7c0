"""`ttpoe mutate`: faults in the netlist, and which test sees each."""

import argparse
import re

from ttpverif.cli.generate import WITHOUT_MAC
from ttpverif.cli.options import add_jobs, add_save, add_seed, number, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "put faults into the netlist: does a test notice each"
CHECKOUT = True
MOST = 4095
"""Mutants of one draw: as many as the selector of `ttpsim.mutation.netlist` can tell apart."""

_DESCRIPTION = """Draw faults (mutants) in the netlist of the engine and the NICs, and show each
to the scenarios and benches. Exit code 0 if at least 95 % are noticed or cannot matter. It takes
hours; the same command goes on where it was interrupted."""
_EXAMPLES = """examples:
  ttpoe mutate --count 20
  ttpoe mutate --mutant engine.17
  ttpoe mutate --parts --count 60
  ttpoe mutate --jobs 2 --save
"""


def _mutant(text):
    found = re.fullmatch(rf"({'|'.join(WITHOUT_MAC)})\.([0-9]{{1,6}})", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"must be a top and a number, for example engine.17; got {text!r}"
        )
    return found[1], int(found[2])


def add_parser(subparsers):
    """The parser of `ttpoe mutate`."""
    parser = verb(subparsers, "mutate", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_seed(parser)
    parser.add_argument(
        "--count", metavar="N", type=number(1, MOST), default=215, help="mutants (215)"
    )
    parser.add_argument(
        "--parts",
        action="store_true",
        help="the blocks of the MACs and of the IPv4 form, each alone, by its own bench",
    )
    parser.add_argument("--mutant", metavar="TOP.N", type=_mutant, help="only this one, anew")
    add_save(parser, "the tables of docs/evidence/mutation.md")
    add_jobs(parser, 1, "mutants")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.mutation.__main__ import main

    return main(arguments)
