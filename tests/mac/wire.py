"""What a GMII wire carries, as lists of (enable, error, byte), one for each byte time."""

import zlib

PREAMBLE = bytes([0x55] * 7 + [0xD5])


def with_fcs(frame):
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def sent_as(frame):
    """All bytes that a MAC sends for `frame`."""
    return PREAMBLE + with_fcs(frame.ljust(60, b"\0"))


def carrier(data, errors=()):
    """Byte times of a carrier; RX_ER at the places `errors`."""
    return [(1, int(n in errors), byte) for n, byte in enumerate(data)]


def idle(number):
    return [(0, 0, 0)] * number


def carriers(times):
    """(idle byte times before, bytes, places of errors) of each carrier on the wire."""
    found, gap, inside = [], 0, False
    for enable, error, byte in times:
        if not enable:
            assert not (error or byte), "not idle between frames"
            gap, inside = gap + 1, False
            continue
        if not inside:
            found.append((gap, bytearray(), []))
            gap, inside = 0, True
        if error:
            found[-1][2].append(len(found[-1][1]))
        found[-1][1].append(byte)
    return [(before, bytes(data), errors) for before, data, errors in found]
