"""`ttpoe compare`: TTP beside TCP in ns-3, over the same network."""

from ttpsim.cli._network import add_numbers, add_traffic
from ttpsim.cli.packet import SETTINGS as PACKET
from ttpverif.cli.options import add_jobs, add_names, number, path, verb

__all__ = ["CHECKOUT", "PROTOCOLS", "SETTINGS", "SUMMARY", "TCP", "TRAFFIC", "add_parser", "run"]

SUMMARY = "TTP beside TCP (NewReno, CUBIC, DCTCP) in ns-3, over the same network"
CHECKOUT = True

_DESCRIPTION = """The same messages over the same switches and cables: TTP in the packet model of
`ttpoe packet`, TCP in ns-3. It tells completion times, goodput, fairness and drops of each.
docs/evidence/ns3.md has all settings, and results; examples/ns3 has TTP within ns-3. Both need
ns-3: `make setup WITH=ns3`."""
_EXAMPLES = """examples:
  ttpoe compare --nodes 33 --count 64
  ttpoe compare ttp dctcp --nodes 9 --clocks 1000000 --mark-at 8192
  ttpoe compare --traffic permutation --nodes 32 --leaf-hosts 8 --spines 4 --plot times.svg
  ttpoe compare --ns3-module build/ns3
  ttpoe compare newreno --nodes 33 --min-rto 200000 --initial-window 2 --json slow.json
"""

PROTOCOLS = ("ttp", "newreno", "cubic", "dctcp")
TRAFFIC = ("incast", "all_to_all", "permutation")
_NETWORK = ("nodes", "count", "clocks", "buffer", "delay", "leaf-hosts", "spines", "fat-tree")
SETTINGS = {name: PACKET[name] for name in (*_NETWORK, "limit")} | {
    "spread": (0, 2**31 - 1, 1000, PACKET["spread"][3])
}
"""Switch of traffic and network -> smallest, largest, default, meaning."""
TCP = {
    "segment": (64, 8960, 1024, "bytes of a segment of TCP"),
    "initial-window": (1, 1000, 10, "segments that TCP sends before the first ACK"),
    "min-rto": (10, 10**8, 200, "shortest time-out of TCP, microseconds; also the first one"),
    "ack-every": (1, 100, 1, "segments for which TCP sends an ACK"),
    "mark-at": (0, 2**31 - 1, 16384, "bytes in a queue from which on DCTCP's packets are marked"),
}
"""The same of TCP alone."""


def add_parser(subparsers):
    """The parser of `ttpoe compare`."""
    parser = verb(subparsers, "compare", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_names(parser, "protocol", f"one of {', '.join(PROTOCOLS)}; none: all", PROTOCOLS)
    add_traffic(parser, TRAFFIC, "as for `ttpoe fabric`")
    add_numbers(parser, SETTINGS | TCP)
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number(1, 1000),
        default=1,
        help="run N seeds from --seed on; times of all flows together, else means (1)",
    )
    parser.add_argument("--json", metavar="FILE", type=path, help="write the results")
    parser.add_argument(
        "--plot", metavar="FILE", type=path, help="draw the completion times: .svg, .png or .pdf"
    )
    parser.add_argument(
        "--evidence", action="store_true", help="make the runs of docs/evidence/ns3.md; keep them"
    )
    parser.add_argument(
        "--ns3-module",
        metavar="FOLDER",
        type=path,
        help="write TTP as a module for ns-3, headers of C++, and tell how to compile with them",
    )
    add_jobs(parser)
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.ns3.run import main

    return main(arguments)
