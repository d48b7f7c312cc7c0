"""`ttpoe random`: constrained random against the reference model, with shrinking."""

from ttpverif.cli.options import add_jobs, add_long, add_seed, add_waves, number, path, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "random configurations, hosts and faults against the model, shrunk if they fail"
CHECKOUT = True

_DESCRIPTION = """Draw configurations, hosts, faults and settings; play them on the hardware and
on the reference model. A case that fails is shrunk to a short script. Everything follows from
--seed."""
_EXAMPLES = """examples:
  ttpoe random
  ttpoe random --seed 7 --cases 200 --configs 8
  ttpoe random --long --resume
  ttpoe random --script build/random/fail-1.json --waves
"""


def add_parser(subparsers):
    """The parser of `ttpoe random`."""
    parser = verb(subparsers, "random", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_seed(parser)
    parser.add_argument(
        "--cases",
        metavar="N",
        type=number(1, 10**9),
        default=60,
        help="cases of the short form (60)",
    )
    parser.add_argument(
        "--configs",
        metavar="N",
        type=number(1, 1000),
        default=4,
        help="configurations that are drawn (4)",
    )
    add_long(parser, "bulk traffic until --packets are delivered, hours")
    parser.add_argument(
        "--packets",
        metavar="N",
        type=number(1, 10**12),
        default=1_000_000,
        help="packets of the long form (1000000)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the campaign of this seed that was interrupted",
    )
    parser.add_argument(
        "--script",
        metavar="FILE",
        type=path,
        help="play one script again, as a failure has left it",
    )
    add_waves(parser, "the script, with --script")
    parser.add_argument(
        "--trace", action="store_true", help="with --script: write what the pipelines did"
    )
    add_jobs(parser, of="configurations")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.random.campaign import main

    return main(arguments)
