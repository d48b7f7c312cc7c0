"""Whether a receiver would take a frame, and if not, why: the first cause that holds.

The Ethernet form by decision F1. The IPv4 form by the same rules, as far as it has the fields; its
own are `ip_header` (options: the transport header is not where it belongs) and `udp_length`. A
frame that the capture cut is judged by its size on the wire and the bytes that are there.
"""

from ..frames.frame import MAX_PAYLOAD, MIN_FRAME, OUI, Opcode

__all__ = ["IPV4_CAUSES", "address_cause", "ethernet_cause", "ipv4_cause"]

IPV4_CAUSES = (
    "ip_header",
    "udp_length",
    "total_length",
    "truncated",
    "bad_opcode",
    "bad_vc",
    "empty_payload",
)
"""Causes of the IPv4 form, in the order in which they are looked for."""

_HEADER, _TRANSPORT = 60, 18
_LAST_OPCODE, _PAYLOAD = int(max(Opcode)), int(Opcode.PAYLOAD)
_SHORTEST, _LONGEST = 26, 26 + MAX_PAYLOAD


def address_cause(data):
    """Cause by the MAC addresses alone, of a frame of which 12 bytes or more were captured."""
    if data[0:3] != OUI or data[6:9] != OUI:
        return "wrong_oui"
    return "own_source" if data[0:6] == data[6:12] else None


def ethernet_cause(data, size, bad_addresses=None):
    """Cause of a frame with TTP's EtherType, or None.

    data : bytes
        What was captured of it, VLAN tags taken out.
    size : int
        Its length on the wire, without FCS.
    bad_addresses : str or None
        What `address_cause` says of them, where they are known.
    """
    kept = len(data)
    if size < MIN_FRAME:
        return "runt"
    if bad_addresses is not None:
        return bad_addresses
    if kept < 15:
        return None
    if data[14] != 0x05:
        return "bad_tth"
    if kept < 42:
        return None
    length = data[40] << 8 | data[41]
    if not _SHORTEST <= length <= _LONGEST:
        return "tsh_length"
    if data[16] << 8 | data[17] != length + 20:
        return "total_length"
    if size < 34 + length:
        return "truncated"
    return _transport_cause(data, kept, length == _SHORTEST)


def ipv4_cause(data, size):
    """The same of an IPv4 packet with UDP port 420; at least its first 38 bytes were captured."""
    kept = len(data)
    if data[14] != 0x45:
        return "ip_header"
    if kept < 40:
        return None
    length = (data[38] << 8 | data[39]) - 8 - _TRANSPORT
    if not 0 <= length <= MAX_PAYLOAD:
        return "udp_length"
    # Tesla's module counts the padding of a short frame into IPv4's length (capture 30).
    if data[16] << 8 | data[17] < length + 20 + 8 + _TRANSPORT:
        return "total_length"
    if size < _HEADER + length:
        return "truncated"
    return _transport_cause(data, kept, not length)


def _transport_cause(data, kept, empty):
    if kept < 43:
        return None
    opcode = data[42] & 0x3F
    if opcode > _LAST_OPCODE:
        return "bad_opcode"
    if kept > 43 and data[43] > 2:
        return "bad_vc"
    if opcode == _PAYLOAD and empty:
        return "empty_payload"
    return None
