"""`ttpoe faults`: upsets of every memory."""

from ttpverif.cli.options import add_jobs, add_long, add_save, add_seed, number, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "turn over one bit of each memory while traffic runs, with and without check bits"
CHECKOUT = True

_DESCRIPTION = """Turn over one bit of one word of every memory of an engine while traffic runs:
with protection each must be corrected, counted and contained. Exit code 1 if one is not. With --macs
registers and memories of the MACs, which have no protection: what becomes of frames."""
_EXAMPLES = """examples:
  ttpoe faults
  ttpoe faults --long --save
  ttpoe faults --seed 7 --upsets 20
  ttpoe faults --macs --save
"""


def add_parser(subparsers):
    """The parser of `ttpoe faults`."""
    parser = verb(subparsers, "faults", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_seed(parser)
    parser.add_argument(
        "--upsets",
        metavar="N",
        type=number(1, 100_000),
        help="upsets of each memory (6; 60 with --long), of each MAC (300; 3000)",
    )
    add_long(parser, "60 upsets of each memory, 3000 of each MAC")
    parser.add_argument("--macs", action="store_true", help="registers and memories of the MACs")
    add_save(parser, "the tables of docs/evidence/faults.md")
    add_jobs(parser, of="compilers")
    return parser


def run(arguments):
    """Do it; the exit code."""
    if arguments.macs:
        from ttpsim.faults.mac import main
    else:
        from ttpsim.faults.run import main

    return main(arguments)
