"""`ttpoe waves`: one run of a scenario with a waveform, in a viewer."""

from ttpverif.cli.options import add_long, add_preset, add_seed, add_simulator, one_of, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "run one scenario and open its waveform in a viewer"
CHECKOUT = True

_DESCRIPTION = """Run a scenario with a waveform, and open it in a viewer with the saved view of
the engine. Of several runs the first is taken. Without a display or a viewer it says what to
type."""
_EXAMPLES = """examples:
  ttpoe waves loss.5pct
  ttpoe waves hello --simulator icarus --viewer surfer
"""


def add_parser(subparsers):
    """The parser of `ttpoe waves`."""
    parser = verb(subparsers, "waves", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    parser.add_argument("test", metavar="TEST", help="a scenario, or one run of it (loss.5pct)")
    add_seed(parser, None)
    add_simulator(parser, None)
    add_preset(parser, None)
    add_long(parser, "the run in full length")
    parser.add_argument(
        "--viewer",
        metavar="NAME",
        type=one_of("gtkwave", "surfer"),
        help="gtkwave or surfer (gtkwave, if it is there)",
    )
    return parser


def run(arguments):
    """Do it; the exit code of the run."""
    from ttpsim.views.waves import main

    return main(arguments)
