"""`ttpoe pages`: what the documentation has from code and results, written anew."""

from ttpverif.cli.options import add_names, path, verb

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "write the generated pages, tables and pictures of docs/ anew, or check them"
CHECKOUT = True
KINDS = ("tables", "registers", "pictures", "formal", "coverage", "mutation")

_DESCRIPTION = """Write what docs/ has from code and from results:
  tables      the state table, the code points of the trace, diagrams, and what README and
              pages have from figures and descriptions
  registers   the register map; C header and SystemRDL in build/registers
  pictures    waveforms and the ladder, from two runs (needs Icarus)
  formal      the table of the proofs, from the last `ttpoe formal`
  coverage    the coverage page, from the last `ttpoe coverage`
  mutation    the tables of the mutants, from the last `ttpoe mutate`"""
_EXAMPLES = """examples:
  ttpoe pages tables registers
  ttpoe pages tables pictures --check
  ttpoe pages tables --collect
  ttpoe pages tables --thousand ring.json
"""


def add_parser(subparsers):
    """The parser of `ttpoe pages`."""
    parser = verb(subparsers, "pages", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(parser, "kind", f"one of {', '.join(KINDS)}; none: tables and registers", KINDS)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit code 1 if a page is not up to date",
    )
    parser.add_argument(
        "--collect",
        action="store_true",
        help="with tables: first take from the last `ttpoe sim` which run takes which row",
    )
    parser.add_argument(
        "--sample",
        action="store_true",
        help="first keep the last `ttpoe sim` as the sample run of the README",
    )
    parser.add_argument(
        "--printed",
        action="store_true",
        help="first run the commands whose output docs/guides/campaigns.md shows; some minutes",
    )
    parser.add_argument(
        "--thousand",
        metavar="FILE",
        type=path,
        action="append",
        default=[],
        help="first keep what `ttpoe fabric --results FILE` wrote of a run of 1,024 engines, for "
        "docs/evidence/fabric.md",
    )
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.pages.kinds import main

    return main(arguments)
