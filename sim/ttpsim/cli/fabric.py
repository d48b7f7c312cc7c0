"""`ttpoe fabric`: many engines behind switches, as one native program."""

from ttpsim.cli._campaign import add_campaign
from ttpsim.cli._network import add_files, add_network
from ttpverif.cli.options import add_jobs, number, one_of, path, verb

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
  ttpoe fabric --nodes 16 --workload ring.csv --results ring.json
  ttpoe fabric sweep examples/fabric/incast.toml
  ttpoe fabric --nodes 64 --traffic ring --leaf-hosts 4 --spines 4 --pods 4 --cores 4
  ttpoe fabric --nodes 1024 --preset tiny --node-preset 0=default:links=2048 --processes 2
"""

_SWEEP_SUMMARY = "run the product of several settings, on one machine or many; tables, a report"
_SWEEP_DESCRIPTION = """Run `ttpoe fabric` for every combination of settings that a TOML file names:

  title = "Incast into small buffers"
  seeds = "1-3"
  [fixed]
  clocks = 100_000
  [axes]
  nodes = [3, 5, 9]
  congestion = ["off", "on"]

A name is a switch of `ttpoe fabric` without its dashes; true or false for gbn and cut-through.
`queue = false` leaves the queue over time out. The results are tables as CSV and Parquet, a row for
each run, node, flow and message; pictures; and report.html, one file in which one can filter and
sort. A run that is there already is not run again, Ctrl-C included, as in `ttpoe campaign`."""
_SWEEP_EXAMPLES = """examples:
  ttpoe fabric sweep examples/fabric/incast.toml
  ttpoe fabric sweep examples/fabric/incast.toml --jobs 1 -o /tmp/incast
  ttpoe fabric sweep examples/fabric/incast.toml --scheduler tcp://10.0.0.1:8786
"""

TRAFFIC = ("incast", "all_to_all", "permutation", "reverse", "ring")
SETTINGS = {
    "nodes": (2, 4096, 17, "engines"),
    "count": (1, 100_000, 64, "packets of each sender to each of its destinations"),
    "bytes": (0, 1024, 1024, "length of a packet; 0: 1 to 1024"),
    "buffer": (2048, 2**40, 65536, "bytes of each output port of a switch"),
    "delay": (1, 100_000, 32, "clocks of each cable"),
    "leaf-hosts": (0, 1024, 0, "hosts of a leaf switch; 0: one switch for all"),
    "spines": (1, 1024, 1, "spine switches, in a fat tree those of each pod"),
    "pods": (0, 1024, 0, "pods of a fat tree of three levels; 0: leaves and spines"),
    "cores": (1, 1024, 1, "core switches for each spine of a pod"),
    "groups": (1, 2048, 1, "of all_to_all and ring: so many groups, each by itself"),
    "chunk": (1, 100_000, 16, "packets of one step of a ring, which are passed on when they came"),
    "link-slots": (0, 65536, 0, "replay slots that a link may have; 0: no limit"),
    "tick": (0, 2**24 - 1, 0, "clocks between two visits of the link timer; 0: a round of 8192"),
    "ping-every": (0, 2**31 - 1, 0, "clocks from one urgent packet to the next; 0: none"),
    "ping-bytes": (1, 1024, 64, "length of an urgent packet"),
    "stop": (0, 2**31 - 1, 0, "the reader of DATA stops for so many clocks ..."),
    "stop-period": (0, 2**31 - 1, 0, "... of so many"),
    "clocks": (0, 2**40, 0, "of traffic without an end; 0: --count packets"),
    "spread": (0, 2**31 - 1, 0, "clocks within which each sender begins, by the seed"),
    "old": (0, 4095, 0, "nodes, the last engines, that do not offer congestion control"),
    "old-slots": (0, 65536, 0, "replay slots that a link of theirs may have; 0: no limit"),
    "liar": (0, 4095, 0, "node that lies about congestion, as --says and --hears tell"),
    "says": (0, 255, 0, "code of backlogged links in its answers; 0: the true one"),
    "hears": (0, 255, 0, "the same, in the answers that it gets"),
    "modules": (0, 4095, 0, "nodes, the last ones, that are Tesla's module instead of an engine"),
    "module-timer": (1, 2**40, 46_875_000, "clocks until a module sends again"),
    "join": (0, 4095, 0, "senders of an incast that are there for a part of --clocks only"),
    "join-at": (0, 2**40, 0, "clock in which they come"),
    "leave-at": (0, 2**40, 0, "clock in which they go; 0: they stay"),
    "limit": (0, 2**62, 0, "clocks after which a run is given up; 0: by the traffic"),
}
"""Switch -> smallest, largest, default, meaning. The native program has the same."""


def add_parser(subparsers):
    """The parser of `ttpoe fabric`."""
    parser = verb(subparsers, "fabric", SUMMARY, _DESCRIPTION, _EXAMPLES, CHECKOUT)
    add_network(
        parser,
        SETTINGS,
        TRAFFIC,
        "incast: all to host 0; reverse: and host 0 to all; all_to_all; permutation: each to "
        "one of another leaf; ring: each to the next, what came from the one before",
    )
    parser.add_argument(
        "--node-preset",
        metavar="NODES=PRESET",
        action="append",
        default=[],
        help="other engines at some nodes: 0=full, 1-7=tiny, 0=default:links=2048",
    )
    _add_processes(parser)
    _add_checkpoint(parser)
    add_files(
        parser,
        results="write what each node and each flow has done, as JSON",
        workload="play the messages of this CSV file instead of --traffic: id, source, "
        "destination, bytes, start (clock), after (ids that have arrived at the source before)",
    )
    add_jobs(parser, of="compilers, or runs")
    actions = parser.add_subparsers(dest="action", metavar="sweep")
    add_campaign(
        verb(actions, "sweep", _SWEEP_SUMMARY, _SWEEP_DESCRIPTION, _SWEEP_EXAMPLES, CHECKOUT),
        "build/sweep/ and the name of FILE",
    )
    return parser


def _add_processes(parser):
    """Where a run takes place."""
    parser.add_argument(
        "--processes",
        metavar="N",
        type=number(1, 65536),
        default=1,
        help="processes that share the run, by MPI; its results do not depend on it (1)",
    )
    parser.add_argument(
        "--hostfile", metavar="FILE", type=path, help="of mpirun: the machines for --processes"
    )
    parser.add_argument(
        "--partition",
        metavar="HOW",
        type=one_of("block", "stripe"),
        default="block",
        help="nodes of a process: neighbours (block), or every N-th one (stripe)",
    )


def _add_checkpoint(parser):
    """How a run is stopped and goes on."""
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=path,
        help="write the state of the run to FILE.0, for each process its own: now and then, and "
        "at Ctrl-C",
    )
    parser.add_argument(
        "--checkpoint-seconds",
        metavar="N",
        type=number(1, 10**6),
        default=600,
        help="seconds between two of them (600)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from --checkpoint, with the same settings and --processes",
    )


def run(arguments):
    """Do it; the exit code."""
    if arguments.action == "sweep":
        from ttpsim.campaign.cluster import need

        need()
        from ttpsim.campaign.sweep import main

        return main(arguments)
    from ttpsim.fabric.run import main

    return main(arguments)
