"""Reads captures as a stream: classic pcap and pcapng, plain or compressed, from a file or a pipe.

Unlike `ttpverif.frames.pcap.read_pcap`, which is strict because tests rely on it, this takes a capture
that was cut off, snapped or damaged, gives what is whole, and says in `notes` what is not.
Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

import contextlib
import io
import sys
from collections import Counter
from typing import NamedTuple

from . import classic, pcapng
from .packed import CaptureError, unpacked

__all__ = ["Capture", "CaptureError", "Packet", "Whole", "open_capture", "read_capture"]

ETHERNET, SLL, SLL2 = 1, 113, 276
READ = (ETHERNET, SLL, SLL2)
_NAMES = {
    0: "BSD loopback",
    101: "raw IP",
    105: "IEEE 802.11",
    127: "IEEE 802.11 with radiotap",
    195: "IEEE 802.15.4",
    220: "USB",
    228: "raw IPv4",
    229: "raw IPv6",
    253: "netlink",
}


class Packet(NamedTuple):
    """`number` from 1, time in ns, the bytes that were kept, and the size on the wire.

    `link_type`: how the bytes begin (one of `READ`); `interface`: number in the capture.
    """

    number: int
    time_ns: int
    data: bytes
    size: int
    link_type: int = ETHERNET
    interface: int = 0


class Capture:
    """The packets of one capture: iterate, once; `notes` is complete after that.

    Parameters
    ----------
    file : binary file
        Read from where it stands; it need not be seekable.

    Attributes
    ----------
    frames : int
        Packets read so far, those left out included.
    """

    def __init__(self, file):
        self.frames = 0
        self._left_out = Counter()
        self._file = unpacked(file)
        self._remarks = []

    def __iter__(self):
        try:
            yield from self._packets()
        except (EOFError, OSError, ValueError) as error:
            # Of the packed file: what came before is good.
            self._remarks.append(f"the file is damaged: {error}")
        except Exception as error:  # zlib.error, lzma.LZMAError: not to be named without import
            if type(error).__module__ not in ("zlib", "_lzma", "lzma"):
                raise
            self._remarks.append(f"the compressed file is damaged: {error}")

    def _packets(self):
        head = self._file.read(4)
        form = next((form for form in (classic, pcapng) if form.is_mine(head)), None)
        if form is None:
            raise CaptureError(_strange(head))
        number, wanted = 0, set(READ)
        for time_ns, data, size, link_type, interface in form.packets(
            self._file, head, self._remarks
        ):
            number = self.frames = self.frames + 1
            if link_type not in wanted:
                self._left_out[link_type] += 1
                continue
            # Some writers give no size on the wire: then what was kept is all that is known.
            yield Packet(
                number, time_ns, data, size if size > len(data) else len(data), link_type, interface
            )

    @property
    def notes(self):
        """What was left out and why, one line each."""
        return self._remarks + [
            f"{count} frames of link type {kind}{_named(kind)} left out; Ethernet, SLL (113) and "
            "SLL2 (276) are read"
            for kind, count in self._left_out.items()
        ]


def _named(link_type):
    return f" ({_NAMES[link_type]})" if link_type in _NAMES else ""


def _strange(head):
    if not head:
        return "the file is empty"
    for start, what in (
        (b"\x28\xb5\x2f\xfd", "zstd: unpack it first, zstd -d FILE"),
        (b"\x04\x22\x4d\x18", "lz4: unpack it first, lz4 -d FILE"),
        (b"PK\x03\x04", "a zip archive: unpack it first, unzip FILE"),
        (b"snoo", "a snoop capture: editcap -F pcapng FILE NEW"),
        (b"\x34\xcd\xb2\xa1", "pcap of a patched libpcap: editcap FILE NEW"),
    ):
        if head.startswith(start):
            return what
    return "neither pcap nor pcapng; save it with `tcpdump -w` or Wireshark"


@contextlib.contextmanager
def open_capture(path):
    """The `Capture` in a file, `-` for standard input; CaptureError, or OSError if it is not there."""
    if str(path) != "-":
        with open(path, "rb") as file:
            yield Capture(file)
        return
    if sys.stdin is None or sys.stdin.isatty():
        raise CaptureError("standard input is no capture: tcpdump -w - ... | ttpoe ladder -")
    yield Capture(getattr(sys.stdin, "buffer", None) or io.BytesIO())


class Whole(NamedTuple):
    """A capture that fits into memory."""

    packets: list
    notes: list


def read_capture(path):
    """The `Whole` of a capture file; CaptureError if not one packet can be read."""
    with open_capture(path) as capture:
        packets = list(capture)
        if not packets and capture.notes:
            raise CaptureError("; ".join(capture.notes))
        return Whole(packets, capture.notes)
