"""`ttpoe packet`: the network of `ttpoe fabric` as a model of packets, for thousands of nodes."""

from ttpsim.cli._network import add_files, add_network
from ttpsim.cli.fabric import SETTINGS as FABRIC
from ttpverif.cli.options import add_jobs, verb

__all__ = ["CHECKOUT", "SETTINGS", "SUMMARY", "TRAFFIC", "add_parser", "run"]

SUMMARY = "thousands of nodes behind switches, as a model of packets"
CHECKOUT = True

_DESCRIPTION = """The network of `ttpoe fabric` as a model that has an event for each packet and switch, and
no hardware in it. Settings and results are those of `ttpoe fabric`; docs/evidence/packet.md says how
near the results are. A ring is an all-reduce: each step of a host waits for the one behind it."""
_EXAMPLES = """examples:
  ttpoe packet --nodes 1001 --clocks 600000
  ttpoe packet --traffic ring --nodes 1024 --fat-tree 16 --count 4
  ttpoe packet --nodes 10001 --clocks 1000000 --json incast.json
"""

TRAFFIC = ("incast", "all_to_all", "permutation", "reverse", "ring")
_NODES = 1_000_000
_WIDER = {
    "nodes": (2, _NODES, 17, "engines"),
    "leaf-hosts": (0, _NODES, 0, "hosts of a leaf switch; 0: one switch for all"),
    "spines": (1, _NODES, 1, "spine switches"),
    "old": (0, _NODES, 0, FABRIC["old"][3]),
    "liar": (0, _NODES, 0, FABRIC["liar"][3]),
    "join": (0, _NODES, 0, FABRIC["join"][3]),
    "fat-tree": (0, 1024, 0, "ports of each switch of a fat tree of three tiers; 0: none"),
    "steps": (0, 2**31 - 1, 0, "of a ring; 0: those of an all-reduce, 2 x (nodes - 1)"),
}
_NOT_HERE = ("modules", "module-timer", "pods", "cores", "groups", "chunk")
SETTINGS = {name: limits for name, limits in FABRIC.items() if name not in _NOT_HERE} | _WIDER
"""Switch -> smallest, largest, default, meaning: those of `ttpoe fabric` but for modules, groups and
its fat tree, and more nodes. The native program has the same."""


def add_parser(subparsers):
    """The parser of `ttpoe packet`."""
    parser = verb(subparsers, "packet", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_network(
        parser, SETTINGS, TRAFFIC, "as for `ttpoe fabric`; ring: each to the next, step by step"
    )
    add_files(parser, json="write the results")
    parser.add_argument(
        "--evidence",
        action="store_true",
        help="make the runs of docs/evidence/packet.md, here and in `ttpoe fabric`; keep them",
    )
    add_jobs(parser, of="runs")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.packet.run import main

    return main(arguments)
