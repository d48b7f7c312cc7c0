"""What a frame that nobody should have sent is called, and what must become of it.

The categories are those of `hostile` and `bad_datagram`; causes and counts follow from protocol
section 1 and the decisions F1 to F4, L7, L8, L10, L12 and D1.
"""

from dataclasses import dataclass

__all__ = [
    "ANY_CAUSE",
    "CATEGORIES",
    "CONGESTION_BITS",
    "DATAGRAMS",
    "FORGING",
    "PARSING",
    "RESERVED_BITS",
    "Bad",
]

ANY_CAUSE = "any"

RESERVED_BITS = tuple(
    8 * byte + bit
    for byte, bits in (
        (15, range(8)),
        *((byte, range(8)) for byte in range(18, 40)),
        (42, (6, 7)),
        (44, range(8)),
        (45, range(8)),
        *((byte, range(8)) for byte in range(49, 52)),
    )
    for bit in bits
)
"""Header bits that a receiver ignores (F2, section 1), as 8 * byte + bit: via-gateway and reserved,
padding, TSH nodes, opcode [7:6], tx, rx, version; the extension of other frames than OPEN and
OPEN_ACK."""
CONGESTION_BITS = tuple(range(8 * 48, 8 * 49))
"""Byte 48, which is ignored but on a controlled link (K2)."""

PARSING = (
    "truncated",
    "TSH length lies",
    "total length lies",
    "both lengths lie",
    "bad opcode",
    "bad VC",
    "wrong OUI",
    "other node",
    "multicast or broadcast",
    "other EtherType",
    "VLAN tag",
    "IPv4/UDP form",
    "bad TTH byte 0",
    "bad FCS",
    "runt",
    "giant",
    "empty PAYLOAD",
    "own address",
    "noise",
    "noise behind a good header",
    "several faults",
    "odd keep",
)
FORGING = (
    "ACK not in flight",
    "NACK not in flight",
    "stale epoch",
    "answer to no OPEN",
    "CLOSE_ACK to no CLOSE",
    "CLOSE_NACK to no CLOSE",
    "NOLINK of another epoch",
    "older OPEN",
    "answer from a stranger",
    "ACK from a stranger",
    "PAYLOAD from a stranger",
    "CLOSE from a stranger",
    "repeated OPEN",
    "repeated PAYLOAD",
    "echo not in flight",
)
DATAGRAMS = (
    "a bit of the IPv4 header",
    "IPv4 options",
    "IPv4 version or length",
    "first fragment",
    "later fragment",
    "fragment",
    "service",
    "TTL",
    "other protocol",
    "other port",
    "UDP ports",
    "other network",
    "other address",
    "other MAC",
    "source's address",
    "destination's address",
    "UDP length lies",
    "IPv4 length lies",
)
"""Of the IPv4 form; some of `PARSING` it has, too."""
CATEGORIES = PARSING + FORGING + DATAGRAMS


@dataclass
class Bad:
    """One frame and what must become of it.

    `cause`: drop cause of F1, `ANY_CAUSE`, or None: it parses. Then `stat` counts it (None:
    nothing does), `answer` (an opcode's number or None) answers it, and the host is told `notice`
    (None: nothing). With `vc`, IDs and epoch
    are those of the live link on it plus something: (base, plus), None where they stand.
    """

    category: str
    data: bytes
    cause: str | None = None
    bad_fcs: bool = False
    gaps: bool = False
    odd_keep: bool = False
    stat: str | None = None
    answer: int | None = None
    notice: str | None = None
    vc: int | None = None
    epoch: tuple | None = None
    tx: tuple | None = None
    rx: tuple | None = None
