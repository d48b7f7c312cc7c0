"""`ttpoe bench`: measures, and compares with the baseline."""

from ttpverif.cli.options import add_jobs, add_names, add_output, add_save, add_short, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "measure the engine in simulation and compare with the baseline"
CHECKOUT = True
_PARTS = (
    "latency",
    "port",
    "events",
    "opening",
    "replay",
    "goodput",
    "window",
    "links",
    "host",
    "recycle",
    "simulation",
    "first_use",
    "fabric",
    "fabric_speed",
    "congestion",
)

_DESCRIPTION = """Measure latency, goodput, replay, opening and more; compare with the baseline.
Hours in all, most of it in `congestion`. Figures of synthesis are those of the last `ttpoe synth`. Writes
metrics.json and report.html."""
_EXAMPLES = """examples:
  ttpoe bench --short
  ttpoe bench goodput latency
  ttpoe bench first_use --save
  ttpoe bench --save
"""


def add_parser(subparsers):
    """The parser of `ttpoe bench`."""
    parser = verb(subparsers, "bench", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(parser, "part", f"one of {', '.join(_PARTS)}; none: all", _PARTS)
    add_short(parser, "fewer points")
    add_save(parser, "the baseline, and the table of the README")
    add_output(parser, "FOLDER", "folder of the results (build/bench)")
    add_jobs(parser)
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.bench.run import main

    return main(arguments)
