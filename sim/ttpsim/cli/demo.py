"""`ttpoe demo`: two NICs on a bad wire, live."""

from ttpverif.cli.options import (
    add_loss,
    add_output,
    add_preset,
    add_seed,
    add_simulator,
    number,
    verb,
)

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "two NICs on a bad wire, live in the terminal, and a picture at the end"
CHECKOUT = True

_DESCRIPTION = """Simulate two NICs on a wire that loses, breaks, doubles and delays frames; show
goodput, latency and replays as they come, and draw them at the end. Ctrl-C ends it with its
summary."""
_EXAMPLES = """examples:
  ttpoe demo
  ttpoe demo --seconds 60 --loss 5 --preset full
"""


def add_parser(subparsers):
    """The parser of `ttpoe demo`."""
    parser = verb(subparsers, "demo", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    parser.add_argument(
        "--seconds",
        metavar="SECONDS",
        type=number(0.1, 86_400, float),
        default=30.0,
        help="how long to simulate, in seconds of yours (30)",
    )
    parser.add_argument(
        "--clocks", metavar="N", type=number(1, 2**40), help="how long, in clocks, instead"
    )
    add_loss(parser, 3.0, 50)
    add_preset(parser)
    add_simulator(parser)
    add_seed(parser)
    add_output(parser, "FOLDER", "folder of the picture (build/demo)")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.demo.__main__ import main

    return main(arguments)
