"""`ttpoe ladder`: the conversation in a capture, as text and as one HTML page."""

import argparse
import os
import re
import sys
from pathlib import Path

from ..ladder.analysis import NO_LINK, OTHER, analyse
from ..ladder.capture import CaptureError, read_capture
from ..ladder.decode import decode
from ..ladder.page import page
from ..ladder.terminal import draw
from .errors import UsageError

__all__ = ["SUMMARY", "add_parser", "run"]

SUMMARY = "draw the conversation in a capture, in the terminal or as an HTML page"

_DESCRIPTION = """Draw the conversation in a capture (pcap or pcapng): a scenario's, one of Tesla's
module, or one of a real wire; EtherTypes 0x0AC6 and 0x9AC6, and IPv4/UDP port 420. Replays,
duplicates and losses are marked; docs/guides/ladder.md says how they are told."""
_EXAMPLES = """examples:
  ttpoe ladder tests/data/pcap/08_payload_lost.pcap
  ttpoe ladder build/sim/runs/loss.5pct-verilator-default-1/wire.pcap -o loss.html
  ttpoe ladder wire.pcapng --link 000002:1 --limit 50
  ttpoe ladder wire.pcap | less
"""


def _limit(text):
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1; got {text!r}")
    return int(text)


def _link(text):
    match = re.fullmatch(r"((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}|[0-9a-fA-F]{1,6})?(?::([0-2]))?",
                         text)
    if not text or not match:
        raise argparse.ArgumentTypeError(
            f"must be NODE:VC, as 000002:1 (or NODE, or :VC); got {text!r}")
    node, vc = match.groups()
    if node and ":" not in node:
        node = node.zfill(6)
    elif node and node.lower().startswith("98:ed:5c:"):
        node = node[9:].replace(":", "")
    return node and node.lower(), vc and int(vc)


def add_parser(subparsers):
    """The parser of `ttpoe ladder`."""
    parser = subparsers.add_parser("ladder", help=SUMMARY, description=_DESCRIPTION,
                                   epilog=_EXAMPLES, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", help="capture, pcap or pcapng")
    parser.add_argument("-o", "--output", metavar="PAGE.html",
                        help="write an HTML page instead of text")
    parser.add_argument("--link", metavar="NODE:VC", type=_link, default=(None, None),
                        help="only links of this node (hexadecimal) on this VC; "
                        "NODE alone and :VC work, too")
    parser.add_argument("--limit", metavar="N", type=_limit,
                        help="the first N frames only (what is marked is still judged by all)")
    return parser


def _load(path):
    try:
        capture = read_capture(path)
    except CaptureError as error:
        raise UsageError(f"{path}: {error}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    records = [record for record in map(decode, capture.packets) if record is not None]
    if not records:
        raise UsageError(f"{path}: none of its {len(capture.packets)} frames is TTP "
                         "(EtherType 0x0ac6 or 0x9ac6, or UDP port 420)")
    others = len(capture.packets) - len(records)
    if others:
        capture.notes.append(f"{others} frames of other protocols left out")
    return analyse(records), capture.notes


def _chosen(analysis, link, limit):
    node, vc = link
    events = [event for event in analysis.events
              if (node is None or node in (event.src, event.dst))
              and (vc is None or event.record.vc == vc)]
    if not events:
        names = list(analysis.links)
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        raise UsageError(f"--link: no such link in this capture; it has {shown}")
    return events[:limit]


def _summary(analysis, events):
    counts = ", ".join(f"{count} {mark}" for mark, count in analysis.counts().items())
    def many(number, thing):
        return f"{number} {thing}{'' if number == 1 else 's'}"
    shown = "" if len(events) == len(analysis.events) else f"{len(events)} shown of "
    nodes, links = len(set(analysis.nodes) - {OTHER}), len(set(analysis.links) - {NO_LINK})
    return (f"{shown}{many(len(analysis.events), 'frame')}, {many(nodes, 'node')}, "
            f"{many(links, 'link')}: {counts or 'nothing to remark'}")


def run(arguments):
    """Draw; notes about the capture go to standard error."""
    analysis, notes = _load(arguments.file)
    events = _chosen(analysis, arguments.link, arguments.limit)
    one_sided = sum(link["one_sided"] for link in analysis.links.values())
    if one_sided:
        notes.append(f"{one_sided} of {len(analysis.links)} links show one node's frames only: "
                     "'lost' can then only mean 'sent again'")
    summary = _summary(analysis, events)
    if arguments.output is None:
        draw(analysis, events, sys.stdout)
        print(summary)
    else:
        path = Path(arguments.output)
        text = page(analysis, events, Path(arguments.file).name, [summary, *notes])
        partial = path.with_name(path.name + ".part")
        try:
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, path)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
        print(f"{path}: {summary}")
    for note in notes:
        print(f"ttpoe ladder: note: {note}", file=sys.stderr)
