"""pcapng: blocks of sections and interfaces; each interface has a link type, clock, snaplen."""

import struct

__all__ = ["is_mine", "packets"]

_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_MAGIC = 0x1A2B3C4D
_LARGEST_BLOCK = 1 << 24
_TSRESOL, _FCSLEN, _TSOFFSET = 9, 13, 14
_HEADERS = {_ENHANCED: "IIIII", _OLD_PACKET: "HHIIII"}


def is_mine(head):
    """Whether a file that begins with these four bytes is a pcapng."""
    return head == _SECTION.to_bytes(4, "big")


class _Damaged(Exception):
    """The file cannot be followed any further; the text says why."""


def _blocks(file, head):
    """(byte order, kind, body) of each block; `_Damaged` where they cannot be told apart."""
    order, read = "<", file.read
    start = head + read(4)
    while start:
        if len(start) < 8:
            raise _Damaged("the file ends in the middle of a block")
        magic = b""
        if start[:4] == _SECTION.to_bytes(4, "big"):
            magic = read(4)
            order = next((o for o in "<>" if magic == struct.pack(o + "I", _MAGIC)), None)
            if order is None:
                raise _Damaged(
                    "the file ends in the middle of a block"
                    if len(magic) < 4
                    else "the file is damaged: a section without a byte order"
                )
        kind, size = struct.unpack(order + "II", start)
        if size < 12 + len(magic) or size % 4 or size > _LARGEST_BLOCK:
            raise _Damaged(f"the file is damaged: a block of {size} bytes; the rest is left out")
        rest = read(size - 8 - len(magic))
        if len(rest) < size - 8 - len(magic):
            raise _Damaged("the file ends in the middle of a block")
        if rest[-4:] != start[4:]:
            raise _Damaged(
                "the file is damaged: the two lengths of a block differ; the rest is left out"
            )
        yield order, kind, magic + rest[:-4]
        start = read(8)


def _options(body, order):
    found, offset = {}, 0
    while offset + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, offset)
        if code == 0:
            break
        found[code] = body[offset + 4 : offset + 4 + size]
        offset += 4 + (size + 3) // 4 * 4
    return found


def _interface(body, order):
    """(link type, snaplen, ticks per second, offset in s, bytes of FCS) of an interface."""
    link_type, _, snap = struct.unpack_from(order + "HHI", body)
    options = _options(body[8:], order)
    resolution = options.get(_TSRESOL, b"\x06")[0]
    ticks = 1 << (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    (offset,) = struct.unpack(order + "q", options.get(_TSOFFSET, bytes(8)))
    return link_type, snap, ticks, offset, options.get(_FCSLEN, b"\0")[0]


def packets(file, head, remarks):
    """(time in ns, bytes, size, link type, interface) of each packet; why it ends in `remarks`."""
    interfaces, first, damaged, time_ns = [], 0, 0, 0
    try:
        for order, kind, body in _blocks(file, head):
            if kind == _SECTION:
                first, interfaces = first + len(interfaces), []
            elif kind == _INTERFACE:
                try:
                    interfaces.append(_interface(body, order))
                except (struct.error, IndexError):
                    interfaces.append(None)
            elif kind in (_ENHANCED, _SIMPLE, _OLD_PACKET):
                try:
                    packet = _packet(kind, body, order, interfaces, time_ns)
                except (struct.error, IndexError, TypeError):
                    damaged += 1
                    continue
                time_ns = packet[0]
                yield *packet[:4], first + packet[4]
    except _Damaged as why:
        remarks.append(str(why))
    if damaged:
        remarks.append(
            f"{damaged} packets are damaged (no such interface, or longer than their "
            "block) and left out"
        )


def _packet(kind, body, order, interfaces, before):
    """One packet as `packets` gives it; IndexError, TypeError or struct.error if it is damaged."""
    if kind == _SIMPLE:  # it has no time: that of the packet before
        (size,) = struct.unpack_from(order + "I", body)
        number, start, time_ns = 0, 4, before
        link_type, snap, _, _, fcs = interfaces[0]
        kept = min(size, snap or size)
    else:
        number, *_, high, low, kept, size = struct.unpack_from(order + _HEADERS[kind], body)
        link_type, _, ticks, seconds, fcs = interfaces[number]
        start = 20
        time_ns = ((high << 32 | low) * 1_000_000_000) // ticks + seconds * 1_000_000_000
    if start + kept > len(body):
        raise IndexError
    data = body[start : start + kept]
    if fcs:
        size, data = max(size - fcs, 0), data[: max(size - fcs, 0)]
    return time_ns, data, size, link_type, number
