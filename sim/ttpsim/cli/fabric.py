"""`ttpoe fabric`: many engines behind switches, as one native program."""

from ttpverif.cli.options import (
    add_gbn,
    add_jobs,
    add_loss,
    add_preset,
    add_seed,
    number,
    one_of,
    path,
    verb,
)

__all__ = ["CHECKOUT", "SUMMARY", "add_parser", "run"]

SUMMARY = "many engines behind switches: incast, all to all, full buffers"
CHECKOUT = True

_DESCRIPTION = """Many engines behind one switch, or leaves and spines, as one native program.
Every packet must arrive once, in order; then it tells goodput, fairness, drops and replays."""
_EXAMPLES = """examples:
  ttpoe fabric
  ttpoe fabric --traffic all_to_all --nodes 32 --count 4
  ttpoe fabric --nodes 64 --link-slots 1 --loss 0.1 --seed 7
  ttpoe fabric --nodes 9 --clocks 600000 --ping-every 1024 --seeds 5
  ttpoe fabric --nodes 9 --clocks 100000 --plot incast.svg
"""

TRAFFIC = ("incast", "all_to_all", "permutation", "reverse")
SETTINGS = {
    "nodes": (2, 64, 17, "engines"),
    "count": (1, 100_000, 64, "packets of each sender to each of its destinations"),
    "bytes": (0, 1024, 1024, "length of a packet; 0: 1 to 1024"),
    "buffer": (2048, 2**40, 65536, "bytes of each output port of a switch"),
    "delay": (1, 100_000, 32, "clocks of each cable"),
    "leaf-hosts": (0, 64, 0, "hosts of a leaf switch; 0: one switch for all"),
    "spines": (1, 64, 1, "spine switches"),
    "link-slots": (0, 65536, 0, "replay slots that a link may have; 0: no limit"),
    "tick": (0, 2**24 - 1, 0, "clocks between two visits of the link timer; 0: a round of 8192"),
    "ping-every": (0, 2**31 - 1, 0, "clocks from one urgent packet to the next; 0: none"),
    "ping-bytes": (1, 1024, 64, "length of an urgent packet"),
    "stop": (0, 2**31 - 1, 0, "the reader of DATA stops for so many clocks ..."),
    "stop-period": (0, 2**31 - 1, 0, "... of so many"),
    "clocks": (0, 2**40, 0, "of traffic without an end; 0: --count packets"),
    "spread": (0, 2**31 - 1, 0, "clocks within which each sender begins, by the seed"),
    "old": (0, 63, 0, "nodes, the last engines, that do not offer congestion control"),
    "old-slots": (0, 65536, 0, "replay slots that a link of theirs may have; 0: no limit"),
    "modules": (0, 63, 0, "nodes, the last ones, that are Tesla's module instead of an engine"),
    "module-timer": (1, 2**40, 46_875_000, "clocks until a module sends again"),
    "join": (0, 63, 0, "senders of an incast that are there for a part of --clocks only"),
    "join-at": (0, 2**40, 0, "clock in which they come"),
    "leave-at": (0, 2**40, 0, "clock in which they go; 0: they stay"),
    "limit": (0, 2**62, 0, "clocks after which a run is given up; 0: by the traffic"),
}
"""Switch -> smallest, largest, default, meaning. The native program has the same."""


def add_parser(subparsers):
    """The parser of `ttpoe fabric`."""
    parser = verb(subparsers, "fabric", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_preset(parser)
    parser.add_argument(
        "--traffic",
        metavar="NAME",
        type=one_of(*TRAFFIC),
        default="incast",
        help="incast: all to host 0; reverse: and host 0 to all; all_to_all; permutation: each to "
        "one of another leaf (incast)",
    )
    add_seed(parser)
    add_loss(parser, high=100, of="of the frames on each cable that are lost")
    add_gbn(parser)
    parser.add_argument(
        "--cut-through",
        action="store_true",
        help="switches send a frame on before they have all of it",
    )
    for name, (low, high, default, meaning) in SETTINGS.items():
        parser.add_argument(
            f"--{name}",
            metavar="N",
            type=number(low, high),
            default=default,
            help=f"{meaning} ({default})",
        )
    parser.add_argument(
        "--congestion",
        metavar="HOW",
        type=one_of("on", "off"),
        default="on",
        help="whether engines offer congestion control, if they have it (on)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=number(1, 1000),
        default=1,
        help="run N seeds from --seed on; tell mean and spread (1)",
    )
    parser.add_argument(
        "--samples",
        metavar="FILE",
        type=path,
        help="write queue and senders every 256 clocks, as CSV",
    )
    parser.add_argument("--plot", metavar="FILE", type=path, help="draw that: .svg, .png or .pdf")
    parser.add_argument(
        "--order", metavar="FILE", type=path, help="write each packet's arrival, as CSV"
    )
    add_jobs(parser, of="compilers, or runs")
    return parser


def run(arguments):
    """Do it; the exit code."""
    from ttpsim.fabric.run import main

    return main(arguments)
