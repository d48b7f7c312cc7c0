"""What is said on a board's UART: requests, replies and their check byte, as data.

A request reads or writes one register, a word of 32 bits. Numbers go lowest byte first.

    read     "R", address (2), check            4 bytes
    write    "W", address (2), data (4), check  8 bytes

    read     "K", data (4), check               6 bytes
    write    "K", check                         2 bytes
    refused  a letter of `Reply`, check         2 bytes

The check byte is a CRC of 8 bits over all bytes before it: x^8 + x^2 + x + 1 (07), from 0, highest
bit first. Requests may follow each other without waiting; replies come in their order.

Behind `UNKNOWN`, `CHECK`, `TIME` and `BROKEN` nobody knows where the next request begins: everything
is ignored until the wire has been idle for `QUIET_BYTES` bytes.
"""

from amaranth.lib import enum

__all__ = ["Kind", "QUIET_BYTES", "Reply", "WINDOW", "crc8", "data_bytes", "request"]

POLYNOMIAL = 0x07
QUIET_BYTES = 4
WINDOW = 8
"""Requests that may be under way at a time: so many replies have room in the board."""


class Kind(enum.Enum, shape=8):
    """First byte of a request."""

    READ = ord("R")
    WRITE = ord("W")


class Reply(enum.Enum, shape=8):
    """First byte of a reply.

    DONE: the register was read or written. REFUSED: there is no such register, it cannot be
    written, or it cannot now (SLVERR). UNKNOWN: no request begins so. CHECK: the check byte is
    wrong. TIME: a request began and its next byte did not come in time. BROKEN: a byte without its
    stop bit, or more bytes than could be taken.
    """

    DONE = ord("K")
    REFUSED = ord("S")
    UNKNOWN = ord("U")
    CHECK = ord("C")
    TIME = ord("T")
    BROKEN = ord("B")


def crc8(octets):
    """The check byte of these bytes."""
    value = 0
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = (value << 1 ^ (POLYNOMIAL if value & 0x80 else 0)) & 0xFF
    return value


def request(address, data=None):
    """The bytes of a read, or of a write of `data`."""
    kind = Kind.READ if data is None else Kind.WRITE
    body = bytes([kind.value]) + address.to_bytes(2, "little")
    body += b"" if data is None else data.to_bytes(4, "little")
    return body + bytes([crc8(body)])


def data_bytes(write, status):
    """How many bytes of data follow the first byte of a reply."""
    return 4 if status == Reply.DONE.value and not write else 0
