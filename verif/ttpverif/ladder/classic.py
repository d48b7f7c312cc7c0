"""Classic pcap: a header, and a record per packet; either byte order, microseconds or nanoseconds."""

import struct

__all__ = ["LARGEST", "is_mine", "packets"]

LARGEST = 1 << 18
"""Bytes of a packet at most, as in libpcap; a record that claims more is damaged."""

_SCALES = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}
_FCS_GIVEN = 1 << 26  # in the word of the link type; bits 31:28 count 16-bit words


def _order(head):
    return next(
        (
            order
            for order in "<>"
            if len(head) == 4 and struct.unpack(order + "I", head)[0] in _SCALES
        ),
        None,
    )


def is_mine(head):
    """Whether a file that begins with these four bytes is a classic pcap."""
    return _order(head) is not None


def packets(file, head, remarks):
    """(time in ns, bytes, size, link type, interface) of each packet; why it ends in `remarks`."""
    order = _order(head)
    if order is None:
        raise ValueError(f"not a classic pcap: it begins with {head.hex(' ')}")
    scale = _SCALES[struct.unpack(order + "I", head)[0]]
    rest = file.read(20)
    if len(rest) < 20:
        remarks.append("the file ends in its header")
        return
    (word,) = struct.unpack_from(order + "I", rest, 16)
    link_type, fcs = word & 0xFFFF, 2 * (word >> 28) if word & _FCS_GIVEN else 0
    unpack, read = struct.Struct(order + "IIII").unpack, file.read
    while record := read(16):
        if len(record) < 16:
            remarks.append("the file ends in the middle of a record")
            return
        seconds, fraction, kept, size = unpack(record)
        if kept > LARGEST:
            remarks.append(f"the file is damaged: a frame of {kept} bytes; the rest is left out")
            return
        data = read(kept)
        if len(data) < kept:
            remarks.append("the file ends in the middle of a frame")
            return
        if fcs:
            size, data = max(size - fcs, 0), data[: max(size - fcs, 0)]
        yield seconds * 1_000_000_000 + fraction * scale, data, size, link_type, 0
