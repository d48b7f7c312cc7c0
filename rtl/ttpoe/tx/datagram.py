"""The IPv4 form of a header: what stands in it where the Ethernet form has other bytes.

Source: section 10 (IPv4 mode, capture 30), decisions E2 to E6, RFC 791, RFC 768 and RFC 1071.
"""

from amaranth.hdl import Cat, Const, Mux, Signal
from amaranth.utils import exact_log2

from ..protocol import (
    FIELDS,
    HEADER_BYTES,
    IPV4_DONT_FRAGMENT,
    IPV4_FIELDS,
    IPV4_HEADER,
    IPV4_HEADER_VERSION,
    IPV4_TTL,
    IPV4_TYPE,
    IPV4_UDP,
    MIN_FRAME_BYTES,
    UDP_PORT,
)

__all__ = [
    "ADDRESSING",
    "LEAST_PADDED",
    "Addressing",
    "HeaderSum",
    "in_ipv4_form",
    "is_short",
    "with_carry",
]

ADDRESSING = {
    "cfg_ipv4_prefix": 8,
    "cfg_ipv4_mask": 24,
    "cfg_ipv4_router_upper": 24,
    "cfg_ipv4_router_lower": 24,
}
"""Inputs of a block that sends frames of the IPv4 form, and their bits (E2, E3)."""

LEAST_PADDED = MIN_FRAME_BYTES - HEADER_BYTES
"""Bytes that IPv4's length counts behind the headers at least."""

_HEADERS = 20 + 8 + 18  # IPv4, UDP, transport
_CONSTANT = (IPV4_HEADER << 8) + _HEADERS + IPV4_DONT_FRAGMENT + (IPV4_TTL << 8 | IPV4_UDP)


def is_short(noc_bytes):
    """Whether a frame is padded: it has less than `LEAST_PADDED` bytes of payload (E5)."""
    return ~noc_bytes[exact_log2(LEAST_PADDED) :].any()


def with_carry(total):
    """A sum of two words in one's complement: the carry out, bit 16, comes in again (RFC 1071)."""
    return (total[:16] + total[16])[:16]


class HeaderSum:
    """The sum of an IPv4 header's words in one's complement, its checksum left out: for the queues.

    A frame's address is there when it is queued, and a PAYLOAD's length later, but before the frame
    starts. So no sum is in the way of a frame. What is the same in every frame, the constants and
    our own address, is added up in registers.

    Parameters
    ----------
    m : Module
    owner : Component
        Has `cfg_node` and `cfg_ipv4_prefix`, stable from three clocks before the first frame on.
    """

    def __init__(self, m, owner):
        node, prefix = owner.cfg_node, owner.cfg_ipv4_prefix
        total, self._fixed, self._empty = Signal(19), Signal(16), Signal(16)
        m.d.sync += [
            total.eq(_CONSTANT + 2 * (prefix << 8) + node[16:] + node[:16]),
            self._fixed.eq(with_carry(total[:16] + total[16:])),
            self._empty.eq(with_carry(self._fixed + LEAST_PADDED)),
        ]

    def of(self, node, *, empty):
        """That of a header for `node`. `empty`: the frame has no payload; else what IPv4's length
        counts behind the headers is to be added."""
        # Three words become two, with no carry from bit to bit; that of bit 15 comes in at bit 0.
        a, b, c = self._empty if empty else self._fixed, node[:16], Cat(node[16:], Const(0, 8))
        carries = (a & b) | (a & c) | (b & c)
        return with_carry((a ^ b ^ c) + carries.rotate_left(1))


class Addressing:
    """Who a frame of the IPv4 form goes to, from inputs that are stable while frames are sent.

    Parameters
    ----------
    owner : Component
        Has `cfg_node` and the inputs of `ADDRESSING`.
    oui : int
        Upper half of every node's MAC.
    """

    def __init__(self, owner, oui):
        self.node, self.prefix = owner.cfg_node, owner.cfg_ipv4_prefix
        self._mask, self._oui = owner.cfg_ipv4_mask, oui
        self._router = Cat(owner.cfg_ipv4_router_lower, owner.cfg_ipv4_router_upper)

    def is_far(self, node):
        """Whether a frame for `node` goes to the router (E3)."""
        return ((node ^ self.node) & self._mask).any()

    def next_hop(self, node, far):
        """The MAC to which a frame for `node` goes: its own, or, if it is far, the router's."""
        return Mux(far, self._router, Cat(node, Const(self._oui, 24)))


def in_ipv4_form(octets, fields, addressing):
    """The 60 header bytes of `fields` in the IPv4 form.

    `octets`: those of the Ethernet form, first byte in the lowest bits. UDP's length is the
    transport header's and the payload's; IPv4's counts the padding of a short frame, too (E5).
    """
    # Chosen behind the sum: that is the Ethernet form's total length.
    length = Mux(is_short(fields.noc_bytes), LEAST_PADDED + _HEADERS, fields.noc_bytes + _HEADERS)
    hop = addressing.next_hop(fields.node, fields.far)
    values = {
        "dst_oui": hop[24:],
        "dst_node": hop[:24],
        "ethertype": Const(IPV4_TYPE, 16),
        "version_ihl": Const(IPV4_HEADER, 8),
        "service": Const(0, 8),
        "ip_length": length,
        "identification": Const(0, 16),
        "fragment": Const(IPV4_DONT_FRAGMENT, 16),
        "ttl": Const(IPV4_TTL, 8),
        "ip_protocol": Const(IPV4_UDP, 8),
        "ip_checksum": fields.checksum,
        "ip_src_prefix": addressing.prefix,
        "ip_src_node": addressing.node,
        "ip_dst_prefix": addressing.prefix,
        "ip_dst_node": fields.node,
        "udp_src_port": Const(UDP_PORT, 16),
        "udp_dst_port": Const(UDP_PORT, 16),
        "udp_length": fields.noc_bytes + (_HEADERS - 20),
        "udp_checksum": Const(0, 16),
        "header_version": Const(IPV4_HEADER_VERSION, 8),
    }
    found = [octets.word_select(n, 8) for n in range(HEADER_BYTES)]
    for name, value in values.items():
        start, size = (FIELDS | IPV4_FIELDS)[name]
        wide = Cat(value, Const(0, 8 * size))[: 8 * size]
        found[start : start + size] = [wide.word_select(size - 1 - n, 8) for n in range(size)]
    return Cat(found)
