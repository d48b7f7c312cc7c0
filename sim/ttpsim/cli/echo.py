"""`ttpoe echo`: a simulated NIC on a real wire that sends back what it receives."""

from ttpverif.cli.options import verb

from ._live import add_options, run_live

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "a simulated NIC on a TAP, an interface or QEMU's network: it sends back what it gets"
CHECKOUT = True

_DESCRIPTION = """The Verilated NIC on a real wire, in wall-clock time. Every packet that arrives
on a link is sent back on the same link; see docs/guides/live-wire.md. Ctrl-C closes its links and ends it
with its counters; a second one ends it at once."""
_EXAMPLES = """examples:
  ttpoe echo --tap ttp1 --bridge br-ttp
  ttpoe echo --interface veth1 --node 98:ed:5c:00:00:07
  ttpoe echo --listen 5555 --ethertype 0x9AC6 --verbose
  ttpoe echo --peer module --verbose
"""


def add_parser(subparsers):
    """The parser of `ttpoe echo`."""
    parser = verb(subparsers, "echo", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    parser.add_argument("--verbose", "-v", action="store_true", help="a line for every packet")
    add_options(parser, default_node=1)
    return parser


def run(arguments):
    """Do it; the exit code."""
    return run_live("echo", arguments)
