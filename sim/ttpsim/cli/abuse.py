"""`ttpoe abuse`: bad and forged frames, floods, reset at any clock."""

from ttpverif.cli.options import add_jobs, add_long, add_names, add_preset, add_seed, number, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "bad and forged frames among good traffic, floods of OPENs, reset at any clock"
CHECKOUT = True
_PARTS = ("parse", "datagrams", "forged", "go_back_n", "reset", "flood", "x")

_DESCRIPTION = """Send malformed and forged frames to two engines that have good traffic, flood
them with OPENs, and reset them at any clock: the good traffic must not suffer, and no X may come
out."""
_EXAMPLES = """examples:
  ttpoe abuse
  ttpoe abuse parse forged --seed 7 --frames 1_000_000
  ttpoe abuse --long
"""


def add_parser(subparsers):
    """The parser of `ttpoe abuse`."""
    parser = verb(subparsers, "abuse", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(parser, "part", f"one of {', '.join(_PARTS)}; none: all", _PARTS)
    add_seed(parser)
    add_preset(parser, "tiny")
    parser.add_argument(
        "--frames",
        metavar="N",
        type=number(8, 10**12),
        help="bad frames in all (40000; 1000000 with --long)",
    )
    add_long(parser, "1,000,000 frames, reset at every clock")
    add_jobs(parser, of="compilers")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.abuse.run import main

    return main(arguments)
