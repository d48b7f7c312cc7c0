"""`ttpoe model`: two reference models talk over a bad network; nothing but Python is needed."""

import time

from .errors import UsageError
from .options import add_gbn, add_loss, add_seed, number, path, percent, verb

__all__ = ["SUMMARY", "add_parser", "run"]

SUMMARY = "let two reference models talk over a lossy network, and say what happened"

_DESCRIPTION = """Two endpoints of the reference model, node 1 and node 2, send payloads to each
other over a network that loses, duplicates, reorders and corrupts frames. Every payload must
arrive once, in order, byte for byte; exit code 1 if one does not. No simulator, no hardware."""
_EXAMPLES = """examples:
  ttpoe model
  ttpoe model --loss 20 --payloads 2000 --seed 7
  ttpoe model --loss 5 --gbn
  ttpoe model --loss 1 --duplicate 5 --reorder 10 --pcap wire.pcap && ttpoe ladder wire.pcap
"""


def add_parser(subparsers):
    """The parser of `ttpoe model`."""
    parser = verb(subparsers, "model", SUMMARY, _DESCRIPTION, _EXAMPLES)
    add_loss(parser, 5.0, of="of all frames that the network loses")
    for name in ("duplicate", "reorder", "corrupt"):
        parser.add_argument(
            f"--{name}",
            metavar="PERCENT",
            type=percent(),
            default=0.0,
            help="of all frames, in percent (0)",
        )
    parser.add_argument(
        "--payloads",
        metavar="N",
        type=number(1, 10**6),
        default=500,
        help="payloads that each node sends (500)",
    )
    parser.add_argument(
        "--bytes", metavar="N", type=number(8, 1024), default=256, help="length of a payload (256)"
    )
    add_seed(parser, of="of the network's faults")
    add_gbn(parser)
    parser.add_argument("--pcap", metavar="FILE", type=path, help="write every frame that is sent")
    return parser


def run(arguments):
    """Do it and print the summary."""
    from ..model.conversation import Conversation

    faults = {
        name: getattr(arguments, name) / 100 for name in ("loss", "duplicate", "reorder", "corrupt")
    }
    talk = Conversation(
        arguments.seed, faults, arguments.payloads, arguments.bytes, selective=not arguments.gbn
    )
    started = time.perf_counter()
    failure = talk.run()
    seconds = time.perf_counter() - started
    if arguments.pcap is not None:
        try:
            talk.write_pcap(arguments.pcap)
        except OSError as error:
            raise UsageError(f"cannot write {arguments.pcap}: {error.strerror}") from None
    network = talk.network
    sent = talk.frames["PAYLOAD"]
    print(
        f"{'go-back-N' if arguments.gbn else 'selective replay'}, seed {arguments.seed}: "
        f"{2 * arguments.payloads} payloads of {arguments.bytes} bytes, "
        f"{talk.now:,} clocks, {seconds:.1f} s"
    )
    print(
        "network: "
        + ", ".join(
            f"{network[name]:,} {name}"
            for name in ("pushed", "lost", "corrupted", "duplicated", "reordered")
        )
    )
    print("frames:  " + ", ".join(f"{count:,} {name}" for name, count in talk.frames.most_common()))
    print(
        f"replays: {talk.replays:,} ({sent / (2 * arguments.payloads):.2f} PAYLOADs sent for "
        "each payload)"
    )
    if failure:
        print(f"FAILED: {failure}")
        return 1
    print(f"PASSED: {talk.checker.delivered:,} payloads arrived once, in order, byte for byte")
    return 0
