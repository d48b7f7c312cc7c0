"""`ttpoe campaign`: many runs of the other commands, on one machine or many."""

from ttpsim.cli._campaign import add_campaign
from ttpverif.cli.options import verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "run many commands with many seeds, on one machine or many, and keep what each found"
CHECKOUT = True

_DESCRIPTION = """Run the commands that a TOML file lists, each with its seeds, as jobs of Dask:

  [[job]]
  command = "random --cases 200"
  seeds = "1-50"
  [[job]]
  command = "fabric --nodes 9 --results {json}"
  seeds = [1, 2, 3]

A seed becomes `--seed N`, or takes the place of {seed}. What is written to {json} becomes the
result; exit code and output are kept in any case. A job whose record is there, of the same command,
seed and revision, is not run again: the same command goes on after Ctrl-C, and --merge unites what
several machines found. A job whose worker dies is run by another one. Sweeps of `ttpoe fabric`
have a command of their own, `ttpoe fabric sweep`."""
_EXAMPLES = """examples:
  ttpoe campaign examples/campaign/night.toml
  ttpoe campaign examples/campaign/night.toml --scheduler tcp://10.0.0.1:8786
  ttpoe campaign examples/campaign/night.toml --merge /mnt/other/build/campaign/night
"""


def add_parser(subparsers):
    """The parser of `ttpoe campaign`."""
    parser = verb(subparsers, "campaign", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_campaign(parser, "build/campaign/ and the name of FILE")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.campaign.cluster import need

    need()
    from ttpsim.campaign.run import main

    return main(arguments)
