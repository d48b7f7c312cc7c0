"""The code in the answers of a controlled link (decisions K2, K6, K7): what its byte says.

The code is a number of backlogged links, a float of four bits of exponent and four of fraction:
`v = (16 + m) << k` sixteenths, with `k` the upper half of the byte less 1. 0 says nothing.
"""

from typing import Any

from .frame import Opcode

__all__ = ["CODED", "LEAST", "gap_of", "says", "sixteenths"]

CODED = (Opcode.OPEN_ACK, Opcode.ACK, Opcode.NACK)
"""Opcodes whose byte 48 is a code, on a controlled link."""
LEAST = 0x10
"""One link: the least code that says something."""
_MOST = 28 << 10  # sixteenths; a sender's gap grows no further (K7)


def sixteenths(code) -> Any:
    """v of a code, or None where it says nothing."""
    return None if code < LEAST else (16 + (code & 15)) << (code >> 4) - 1


def gap_of(code):
    """Units of time (U) that a code asks for between two PAYLOADs; None where it says nothing."""
    v = sixteenths(code)
    if v is None:
        return None
    v = min(v, _MOST)
    return 0 if v == 16 else v + v // 16 + v // 64


def says(opcode, byte):
    """Byte 48 of a frame in words, "" if it is 0 or has no meaning in such a frame."""
    if opcode == Opcode.PAYLOAD:
        return "more" if byte & 1 else ""
    if opcode not in CODED or byte < LEAST:
        return ""
    links = sixteenths(byte) / 16
    return f"{links:g} link" if links == 1 else f"{links:g} links"
