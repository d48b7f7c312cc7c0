"""`ttpoe sim`: the scenarios, on simulated hardware."""

from ttpverif.cli.options import (
    add_jobs,
    add_names,
    add_preset,
    add_seed,
    add_short,
    add_simulator,
    add_waves,
    verb,
)

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "run scenarios: two engines and a bad wire in a simulator"
CHECKOUT = True

_DESCRIPTION = """Run scenarios on simulated hardware, followed by the reference model. Exit code
1 if a run fails. Logs, captures and waveforms: build/sim/runs."""
_EXAMPLES = """examples:
  ttpoe sim hello
  ttpoe sim loss.5pct --seed 7 --waves
  ttpoe sim stream --simulator verilator --preset full
"""


def add_parser(subparsers):
    """The parser of `ttpoe sim`."""
    parser = verb(subparsers, "sim", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(parser, "test", "a scenario, or one run of it (loss.5pct); none: all, minutes")
    add_seed(parser, None)
    add_simulator(parser, None)
    add_preset(parser, None)
    add_waves(parser)
    parser.add_argument("--trace", action="store_true", help="write each run's story, trace.txt")
    add_short(parser, "shortened runs")
    add_jobs(parser)
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.scenario.run import main

    return main(arguments)
