"""`ttpoe ping`: a simulated NIC on a real wire that sends messages to a node that echoes."""

from ttpverif.cli.errors import UsageError
from ttpverif.cli.options import number, verb

from ._live import add_options, node, run_live

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "messages through a simulated NIC to a node that echoes: round trips, losses, replays"
CHECKOUT = True

_DESCRIPTION = """Send messages through the Verilated NIC to a node that sends them back (`ttpoe
echo`), over a real wire; print each round trip, in wall-clock time and in clocks of this NIC, and
a summary. Exit code 0 if every message came back, 1 if not. See docs/guides/live-wire.md."""
_EXAMPLES = """examples:
  ttpoe ping 1 --tap ttp2 --bridge br-ttp
  ttpoe ping 1 --tap ttp2 --bridge br-ttp --flood --count 2000 --bytes 1024 --loss 5
  ttpoe ping 98:ed:5c:00:00:01 --connect localhost:5555 --count 3
  ttpoe ping 1 --peer module --ethertype 0x9AC6
"""


def add_parser(subparsers):
    """The parser of `ttpoe ping`."""
    parser = verb(subparsers, "ping", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    parser.add_argument("peer", metavar="NODE", type=node, help="the node that echoes, hexadecimal")
    parser.add_argument(
        "--count", metavar="N", type=number(1, 10**9), default=5, help="messages (5)"
    )
    parser.add_argument(
        "--bytes", metavar="N", type=number(4, 1024), default=56, help="length of a message (56)"
    )
    parser.add_argument(
        "--vc", metavar="VC", type=number(0, 2), default=2, help="virtual channel: 0, 1 or 2 (2)"
    )
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=number(0, 3600, float),
        default=1.0,
        help="from one message to the next (1)",
    )
    parser.add_argument(
        "--flood",
        action="store_true",
        help="as fast as they come back, 8 under way, no line for each",
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=number(0.1, 3600, float),
        default=10.0,
        help="for what has not come back after the last was sent (10)",
    )
    add_options(parser, default_node=2)
    return parser


def run(arguments):
    """Do it; the exit code."""
    if arguments.peer == arguments.node:
        raise UsageError(f"node {arguments.peer:06x} is this NIC itself; give --node another value")
    if arguments.partner and arguments.bytes > 1008:
        raise UsageError(
            f"a module sends at most 1008 bytes in a PAYLOAD; got --bytes {arguments.bytes}"
        )
    return run_live("ping", arguments)
