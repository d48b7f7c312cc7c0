"""`ttpoe formal`: the proofs."""

from ttpverif.cli.options import add_jobs, add_names, add_short, number, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "prove the blocks, reach the covers, find the defects: half an hour"
CHECKOUT = True

_DESCRIPTION = """Prove the blocks with SymbiYosys. Each proof must hold, its covers must be
reached, and with each of its defects in the source it must fail; if not, the exit code is 1.
Results go to build/verify/formal.json, a proof at a time."""
_EXAMPLES = """examples:
  ttpoe formal --short
  ttpoe formal secded pipeline
  ttpoe formal --list
"""


def add_parser(subparsers):
    """The parser of `ttpoe formal`."""
    parser = verb(subparsers, "formal", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(parser, "proof", "name of a proof, or its beginning; none: all")
    add_short(parser, "a subset of less than a minute")
    parser.add_argument(
        "--seconds",
        metavar="SECONDS",
        type=number(1, 86_400),
        default=900,
        help="after which one run of SymbiYosys is given up (900)",
    )
    parser.add_argument("--list", action="store_true", help="only list the proofs")
    add_jobs(parser, of="runs of SymbiYosys")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from .run import main

    return main(arguments)
