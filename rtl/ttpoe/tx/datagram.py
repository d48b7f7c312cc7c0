"""The IPv4 form of a header: what stands in it where the Ethernet form has other bytes.

Source: section 10 (IPv4 mode, capture 30), decisions E2 to E6, RFC 791 and RFC 768.
"""

from amaranth.hdl import Cat, Const, Mux, Signal

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

__all__ = ["ADDRESSING", "Addressing", "in_ipv4_form"]

ADDRESSING = {
    "cfg_ipv4_prefix": 8,
    "cfg_ipv4_mask": 24,
    "cfg_ipv4_router_upper": 24,
    "cfg_ipv4_router_lower": 24,
}
"""Inputs of a block that sends frames of the IPv4 form, and their bits (E2, E3)."""

_HEADERS = 20 + 8 + 18  # IPv4, UDP, transport
_CONSTANT = (IPV4_HEADER << 8) + IPV4_DONT_FRAGMENT + (IPV4_TTL << 8 | IPV4_UDP)


class Addressing:
    """Who a frame of the IPv4 form goes to, from inputs that are stable while frames are sent.

    Parameters
    ----------
    m : Module
    owner : Component
        Has `cfg_node` and the inputs of `ADDRESSING`.
    oui : int
        Upper half of every node's MAC.
    """

    def __init__(self, m, owner, oui):
        self.node, self.prefix = owner.cfg_node, owner.cfg_ipv4_prefix
        self._mask, self._oui = owner.cfg_ipv4_mask, oui
        self._router = Cat(owner.cfg_ipv4_router_lower, owner.cfg_ipv4_router_upper)
        # What of the checksum does not change from frame to frame.
        self._fixed = Signal(19)
        m.d.sync += self._fixed.eq(
            _CONSTANT + 2 * (self.prefix << 8) + self.node[16:] + self.node[:16]
        )

    def next_hop(self, node):
        """The MAC to which a frame for `node` goes: its own, or the router's (E3)."""
        near = ((node ^ self.node) & self._mask) == 0
        return Mux(near, Cat(node, Const(self._oui, 24)), self._router)

    def checksum(self, node, length):
        """That of a header for `node` with the IPv4 length `length`."""
        total = self._fixed + node[16:] + node[:16] + length
        once = (total[:16] + total[16:])[:17]
        return ~(once[:16] + once[16:])[:16]


def in_ipv4_form(octets, fields, addressing):
    """The 60 header bytes of `fields` in the IPv4 form.

    `octets`: those of the Ethernet form, first byte in the lowest bits. UDP's length is the
    transport header's and the payload's; IPv4's counts the padding of a short frame, too (E5).
    """
    least = MIN_FRAME_BYTES - HEADER_BYTES
    length = Mux(fields.noc_bytes < least, least, fields.noc_bytes) + _HEADERS
    hop = addressing.next_hop(fields.node)
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
        "ip_checksum": addressing.checksum(fields.node, length),
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
