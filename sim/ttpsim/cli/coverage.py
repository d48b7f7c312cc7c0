"""`ttpoe coverage`: what the scenarios reach."""

from ttpverif.cli.options import add_jobs, add_long, add_names, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "states, opcodes, functional points, lines and toggles that the scenarios reach"
CHECKOUT = True

_DESCRIPTION = """Run the scenarios with a module that counts the points of the coverage plan, and
with Verilator's line and toggle coverage. Writes docs/reference/coverage.md, unless scenarios are named.
Exit code 1 if a run fails or a point of the plan is missing. With --macs the same for the benches of
the MACs and ports; the page is docs/reference/coverage-mac.md."""
_EXAMPLES = """examples:
  ttpoe coverage
  ttpoe coverage --long
  ttpoe coverage loss selective.flow
  ttpoe coverage --macs
"""


def add_parser(subparsers):
    """The parser of `ttpoe coverage`."""
    parser = verb(subparsers, "coverage", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(
        parser, "test", "only these scenarios or benches, or runs of them; no page is written"
    )
    add_long(parser, "every run of `ttpoe sim` in full length; every kind of port, every length")
    parser.add_argument("--macs", action="store_true", help="the benches of MACs and ports")
    add_jobs(parser)
    return parser


def run(arguments):
    """Do it; the exit code."""
    if arguments.macs:
        from ttpsim.coverage.macs import main
    else:
        from ttpsim.coverage.run import main

    return main(arguments)
