"""`ttpoe soak`: two engines as a native program, for billions of clocks."""

from ttpverif.cli.options import add_jobs, add_preset, add_seed, add_waves, number, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "two engines, traffic and a bad network as a native program, 10^9 clocks"
CHECKOUT = True
_CLOCKS = number(0, 10**15)

_DESCRIPTION = """Two engines with traffic, checks and a bad network, all in hardware, as a native
program. 10^9 clocks take an hour or more; Ctrl-C ends it with a summary, and --resume goes on."""
_EXAMPLES = """examples:
  ttpoe soak
  ttpoe soak --preset tiny --clocks 20_000_000 --seed 7
  ttpoe soak --resume
"""


def add_parser(subparsers):
    """The parser of `ttpoe soak`."""
    parser = verb(subparsers, "soak", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_preset(parser)
    add_seed(parser)
    parser.add_argument(
        "--clocks",
        metavar="N",
        type=_CLOCKS,
        default=0,
        help="how long, in whole rounds (1000000000, or as --rounds)",
    )
    parser.add_argument("--round", metavar="N", type=_CLOCKS, default=0, help="the first (0)")
    parser.add_argument(
        "--rounds", metavar="N", type=_CLOCKS, default=0, help="how many; 0: as --clocks (0)"
    )
    parser.add_argument(
        "--round-clocks",
        metavar="N",
        type=number(1, 10**12),
        default=1_000_000,
        help="length of a round (1000000)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the soak of this seed that was interrupted",
    )
    add_waves(parser, "one round, from the clock of --from on")
    parser.add_argument(
        "--from",
        metavar="CLOCK",
        type=_CLOCKS,
        default=0,
        dest="start",
        help="clock of the round at which the waveform begins (0)",
    )
    add_jobs(parser, of="compilers")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.soak.run import main

    return main(arguments)
