"""`ttpoe docs`: the documentation as a site."""

from ttpverif.cli.options import add_output, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "build the documentation site, its links checked"
CHECKOUT = True

_DESCRIPTION = """Build the documentation site; a link that leads nowhere is an error. `ttpoe
pages` makes the generated pages anew."""
_EXAMPLES = """examples:
  ttpoe docs
  ttpoe docs -o /tmp/site
"""


def add_parser(subparsers):
    """The parser of `ttpoe docs`."""
    parser = verb(subparsers, "docs", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_output(parser, "FOLDER", "folder of the site (build/docs)")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.pages.__main__ import main

    return main(arguments)
