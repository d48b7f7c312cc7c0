"""`ttpoe ladder`: the conversation in a capture, as text and as one HTML page."""

import argparse
import gc
import os
import re
import sys
from collections import deque
from itertools import islice
from pathlib import Path

from ..ladder.analysis import MARKS, NO_LINK, OTHER, Analyser
from ..ladder.capture import CaptureError, open_capture
from ..ladder.copies import Copies
from ..ladder.decode import decode, undecided
from ..ladder.page import MOST_FRAMES, page
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
    match = re.fullmatch(
        r"((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}|[0-9a-fA-F]{1,6})?(?::([0-2]))?", text
    )
    if not text or not match:
        raise argparse.ArgumentTypeError(
            f"must be NODE:VC, as 000002:1 (or NODE, or :VC); got {text!r}"
        )
    node, vc = match.groups()
    if node and ":" not in node:
        node = node.zfill(6)
    elif node and node.lower().startswith("98:ed:5c:"):
        node = node[9:].replace(":", "")
    return node and node.lower(), vc and int(vc)


def add_parser(subparsers):
    """The parser of `ttpoe ladder`."""
    parser = subparsers.add_parser(
        "ladder",
        help=SUMMARY,
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="capture, pcap or pcapng, also packed by gzip, bzip2 or xz; - is standard input",
    )
    parser.add_argument(
        "-o", "--output", metavar="PAGE.html", help="write an HTML page instead of text"
    )
    parser.add_argument(
        "--link",
        metavar="NODE:VC",
        type=_link,
        default=(None, None),
        help="only links of this node (hexadecimal) on this VC; NODE alone and :VC work, too",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=_limit,
        help="the first N frames only; not much more of the capture is read",
    )
    return parser


class _Reading:
    """The records of a capture as they are read, and what was left out."""

    def __init__(self, capture):
        self._capture = capture
        self.ended = False  # to its end; else nobody wanted the rest
        self._others = self._undecided = self._cut = self._copied = 0
        self._copies = Copies()

    def records(self):
        for packet in self._capture:
            record = decode(packet)
            if record is not None:
                if self._copies.is_copy(packet, record):
                    self._copied += 1
                    continue
                self._cut += record.captured < record.size
                yield record
            elif undecided(packet):
                self._undecided += 1
            else:
                self._others += 1
        self.ended = True

    def notes(self):
        """One line each."""
        counts = (
            (self._others, "frames of other protocols left out"),
            (self._copied, "frames seen again at another interface left out"),
            (
                self._undecided,
                "frames left out: the capture cut off what says whether they "
                "are TTP (snaplen; 60 bytes are enough)",
            ),
            (self._cut, "frames were cut by the capture (snaplen): only what is there is shown"),
        )
        return self._capture.notes + [f"{count} {what}" for count, what in counts if count]

    def nothing(self):
        """Why not one frame is shown."""
        if not self._capture.frames and not self._capture.notes:
            return "it holds no frames"
        return "; ".join(
            [
                f"none of its {self._capture.frames} frames is TTP (EtherType 0x0ac6 or "
                "0x9ac6, or UDP port 420)",
                *self.notes(),
            ]
        )


def _chosen(events, link):
    node, vc = link
    return (
        event
        for event in events
        if (node is None or node in (event.src, event.dst))
        and (vc is None or event.record.vc == vc)
    )


def _shown(analyser, reading, shown, path):
    """After the last one: nothing is shown that is no answer to what was asked."""
    if not analyser.frames:
        raise UsageError(f"{path}: {reading.nothing()}")
    if not shown:
        names = list(analyser.links)
        listed = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        raise UsageError(f"--link: no such link in this capture; it has {listed}")


def _summary(analyser, reading, shown):
    """One line: how much there is, the marks, and what they say about losses."""

    def many(number, thing):
        return f"{number} {thing}{'' if number == 1 else 's'}"

    marks = ", ".join(f"{analyser.counts[mark]} {mark}" for mark in MARKS if analyser.counts[mark])
    part = "" if shown == analyser.frames else f"{shown} shown of "
    if not reading.ended:
        part += "the first "
    nodes, links = len(set(analyser.nodes) - {OTHER}), len(set(analyser.links) - {NO_LINK})
    controlled = sum("controlled" in link for link in analyser.links.values())
    those = f" ({controlled} controlled)" if controlled else ""
    estimate, total = analyser.estimate, analyser.estimate.total
    lost = f"; PAYLOADs lost: about {total} (estimate)" if total or estimate.untold else ""
    return (
        f"{part}{many(analyser.frames, 'frame')}, {many(nodes, 'node')}, "
        f"{many(links, 'link')}{those}: {marks or 'nothing to remark'}{lost}"
    )


def _notes(analyser, reading):
    notes = reading.notes()
    one_sided = sum(link["one_sided"] for link in analyser.links.values())
    if one_sided:
        notes.append(
            f"{one_sided} of {len(analyser.links)} links show one node's frames only: "
            "'lost' can then only mean 'sent again'"
        )
    if not reading.ended:
        notes.append(
            f"the rest of the capture was not read; the marks are judged by the first "
            f"{analyser.frames} frames"
        )
    return notes


def run(arguments):
    """Draw; notes about the capture go to standard error."""
    # Nothing that is made per frame is part of a cycle; looking for them takes a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        with open_capture(arguments.file) as capture:
            return _draw(arguments, _Reading(capture))
    except CaptureError as error:
        raise UsageError(f"{arguments.file}: {error}") from None
    except OSError as error:
        if error.filename is None or str(error.filename) != arguments.file:
            raise
        raise UsageError(f"cannot read {arguments.file}: {error.strerror}") from None
    finally:
        if collecting:
            gc.enable()


def _draw(arguments, reading):
    analyser, limit = Analyser(), arguments.limit
    if arguments.output is not None:
        limit = min(limit or MOST_FRAMES, MOST_FRAMES)
    every = analyser.events(reading.records())
    events = islice(_chosen(every, arguments.link), limit)
    if arguments.output is None:
        shown = draw(analyser, events, sys.stdout)
    else:
        events = list(events)
        shown = len(events)
    if reading.ended:  # the marks of what is not shown count, too
        deque(every, 0)
    _shown(analyser, reading, shown, arguments.file)
    summary, notes = _summary(analyser, reading, shown), _notes(analyser, reading)
    if arguments.output is None:
        print(summary)
    else:
        _write(arguments, analyser, events, summary, notes)
    for note in notes:
        print(f"ttpoe ladder: note: {note}", file=sys.stderr)


def _write(arguments, analyser, events, summary, notes):
    path = Path(arguments.output)
    text = page(analyser, events, Path(arguments.file).name, [summary, *notes])
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    print(f"{path}: {summary}")
