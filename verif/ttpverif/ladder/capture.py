"""Reads what tcpdump, Wireshark and our own bench write: classic pcap and pcapng.

Unlike `ttpverif.frames.pcap.read_pcap`, which is strict because tests rely on it, this takes a capture
that was cut off or snapped and says so.
"""

import struct
from dataclasses import dataclass, field

__all__ = ["Capture", "CaptureError", "Packet", "read_capture"]

_ETHERNET = 1
_CLASSIC = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}
_SECTION, _INTERFACE, _SIMPLE, _ENHANCED, _OLD_PACKET = 0x0A0D0D0A, 1, 3, 6, 2
_BYTE_ORDER = 0x1A2B3C4D
_TSRESOL, _TSOFFSET = 9, 14


class CaptureError(Exception):
    """The file cannot be read as a capture; the text is one line."""


@dataclass(frozen=True)
class Packet:
    """`number` from 1, time in ns, the bytes that were kept, and the size on the wire."""

    number: int
    time_ns: int
    data: bytes
    size: int


@dataclass
class Capture:
    """Packets of the Ethernet interfaces, and what had to be left out, one line each."""

    packets: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def add(self, time_ns, data, size):
        self.packets.append(Packet(len(self.packets) + 1, time_ns, data, max(size, len(data))))


def read_capture(path):
    """The `Capture` in a file; CaptureError if it is none, OSError if it cannot be read."""
    with open(path, "rb") as file:
        raw = file.read()
    if raw[:4] == _SECTION.to_bytes(4, "big"):
        return _read_pcapng(raw)
    for order in "<>":
        scale = _CLASSIC.get(struct.unpack_from(order + "I", raw)[0]) if len(raw) >= 24 else None
        if scale is not None:
            return _read_classic(raw, order, scale)
    if raw[:2] == b"\x1f\x8b":
        raise CaptureError("compressed; unpack it first: gunzip FILE.gz")
    raise CaptureError("neither pcap nor pcapng; save it with `tcpdump -w` or Wireshark")


def _read_classic(raw, order, scale):
    link_type = struct.unpack_from(order + "I", raw, 20)[0] & 0xFFFF
    if link_type != _ETHERNET:
        raise CaptureError(f"not an Ethernet capture (link type {link_type}); "
                           "capture on one interface, not on `any`")
    capture, offset = Capture(), 24
    while offset < len(raw):
        if offset + 16 > len(raw):
            capture.notes.append("the file ends in the middle of a record")
            break
        seconds, fraction, kept, size = struct.unpack_from(order + "IIII", raw, offset)
        offset += 16
        if offset + kept > len(raw):
            capture.notes.append("the file ends in the middle of a frame")
            break
        capture.add(seconds * 10**9 + fraction * scale, raw[offset:offset + kept], size)
        offset += kept
    return capture


def _options(body, order):
    found, offset = {}, 0
    while offset + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, offset)
        if code == 0:
            break
        found[code] = body[offset + 4:offset + 4 + size]
        offset += 4 + (size + 3) // 4 * 4
    return found


def _interface(body, order):
    """(link type, snap length, ticks per second, offset in s) of an interface block."""
    link_type, _, snap = struct.unpack_from(order + "HHI", body)
    options = _options(body[8:], order)
    resolution = options.get(_TSRESOL, b"\x06")[0]
    ticks = 1 << (resolution & 0x7F) if resolution & 0x80 else 10 ** resolution
    offset = options.get(_TSOFFSET, bytes(8))
    return link_type, snap, ticks, struct.unpack(order + "q", offset)[0]


def _read_pcapng(raw):
    capture, interfaces, order, offset, others = Capture(), [], "<", 0, 0
    while offset < len(raw):
        if offset + 12 > len(raw):
            capture.notes.append("the file ends in the middle of a block")
            break
        if raw[offset:offset + 4] == _SECTION.to_bytes(4, "big"):
            magic = raw[offset + 8:offset + 12]
            order = "<" if magic == _BYTE_ORDER.to_bytes(4, "little") else ">"
            interfaces = []
        kind, size = struct.unpack_from(order + "II", raw, offset)
        if size < 12 or size % 4 or offset + size > len(raw):
            capture.notes.append("the file ends in the middle of a block")
            break
        body = raw[offset + 8:offset + size - 4]
        offset += size
        try:
            if kind == _INTERFACE:
                interfaces.append(_interface(body, order))
            elif kind in (_ENHANCED, _OLD_PACKET, _SIMPLE):
                others += not _add_packet(capture, kind, body, order, interfaces)
        except (struct.error, IndexError):
            raise CaptureError(f"a pcapng block of type {kind} makes no sense") from None
    if others:
        capture.notes.append(f"{others} packets of interfaces other than Ethernet left out")
    return capture


def _add_packet(capture, kind, body, order, interfaces):
    """Whether the packet was of an Ethernet interface, and so has been added."""
    if kind == _SIMPLE:
        size, number, high, low = struct.unpack_from(order + "I", body)[0], 0, 0, 0
        kept, start = min(size, interfaces[0][1] or size), 4
    else:
        layout = "HHIIII" if kind == _OLD_PACKET else "IIIII"
        number, *_, high, low, kept, size = struct.unpack_from(order + layout, body)
        start = 20
    link_type, _, ticks, seconds = interfaces[number]
    if link_type != _ETHERNET:
        return False
    if start + kept > len(body):
        raise IndexError
    time_ns = ((high << 32 | low) * 10**9) // ticks + seconds * 10**9
    capture.add(time_ns, body[start:start + kept], size)
    return True
