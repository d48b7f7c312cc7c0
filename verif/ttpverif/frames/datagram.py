"""The IPv4 form of a frame (protocol section 10, decisions E1 to E8), written from them and from
RFC 791, 768 and 1071; capture 30 and Scapy are what the tests hold it against.

    data = pack(frame, Network(prefix=10))
    frame, cause = parse(data, Network(prefix=10), node=2)
"""

import dataclasses
import struct
from dataclasses import dataclass

from .frame import ETHERTYPE_IPV4, OUI, Frame, Opcode, is_ttp, node_to_mac

__all__ = [
    "Network",
    "checksum",
    "is_datagram",
    "is_known",
    "is_marked",
    "mark",
    "pack",
    "parse",
    "route",
]

_PORT = 420
_LEAST, _MOST = 26, 1050  # UDP's length: its header, the transport header, the payload
_BEHIND = 42  # the transport header begins here, in both forms


@dataclass(frozen=True)
class Network:
    """What the nodes of a network have in common, and where this one's routers are.

    `prefix`: first byte of every IPv4 address (E2). `mask`, `router`: nodes that differ from ours
    where the mask has a one are reached by way of that MAC (E3).
    """

    prefix: int = 10
    mask: int = 0
    router: bytes = bytes(6)

    def address(self, node):
        """The IPv4 address of a node, four bytes."""
        return bytes([self.prefix]) + node.to_bytes(3, "big")

    def next_hop(self, node, peer):
        """The MAC to which `node` sends frames for `peer`."""
        return self.router if (node ^ peer) & self.mask else node_to_mac(peer)


def checksum(header):
    """The checksum of an IPv4 header whose own field is zero, or 0 if the whole one is right."""
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def pack(frame, network):
    """The bytes on the wire, without FCS, of a frame of either form; the IPv4 form is as Tesla's
    module sends it (capture 30)."""
    if frame.ethertype != ETHERTYPE_IPV4:
        return frame.pack()
    ethernet = dataclasses.replace(frame, ethertype=0x0AC6).pack()
    behind = bytearray(ethernet[_BEHIND:])
    behind[50 - _BEHIND] = 0x20
    head = bytearray(
        struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(behind), 0, 0x4000, 9, 17, 0)
        + network.address(frame.src)
        + network.address(frame.dst)
    )
    head[10:12] = checksum(head).to_bytes(2, "big")
    return (
        network.next_hop(frame.src, frame.dst)
        + node_to_mac(frame.src)
        + b"\x08\x00"
        + head
        + struct.pack(">HHHH", _PORT, _PORT, _LEAST + len(frame.payload), 0)
        + behind
    )


def is_datagram(data):
    """Whether the engine takes the frame as one of the IPv4 form; all others are not TTP (E1)."""
    return (
        len(data) >= 38
        and data[12:15] == b"\x08\x00\x45"
        and not int.from_bytes(data[20:22], "big") & 0x1FFF
        and data[23] == 17
        and int.from_bytes(data[36:38], "big") == _PORT
    )


def is_known(data, network):
    """Whether the frame is TTP to a node; `network` None: it does not know the IPv4 form."""
    return is_ttp(data) or (network is not None and is_datagram(data))


def is_marked(data):
    """Whether it has the IPv4 form and says "congestion experienced" (E7)."""
    return is_datagram(data) and data[15] & 3 == 3


def parse(data, network: Network | None = Network(), node=None, bad_fcs=False):
    """As `Frame.parse`, of a node that knows both forms; `ethertype` is 0x0800 in the IPv4 form.

    `network` None: it does not know the IPv4 form.
    """
    data = bytes(data)
    if bad_fcs or network is None or not is_datagram(data):
        return Frame.parse(data, node, bad_fcs)
    if len(data) < 60:
        return None, "runt"
    head, src, dst = data[14:34], data[26:30], data[30:34]
    source = int.from_bytes(src[1:], "big")
    total, udp = struct.unpack_from(">H", data, 16)[0], struct.unpack_from(">H", data, 38)[0]
    opcode, vc = data[42] & 0x3F, data[43]
    epoch, congestion = struct.unpack_from(">HB", data, 46)
    extension, tx_id, rx_id = struct.unpack_from(">BII", data, 51)
    ours = None if node is None else (node_to_mac(node), network.address(node))
    fragment = head[6] & 0x20
    checks = (
        ("wrong_oui", data[:3] != OUI and ours is not None),
        ("not_ours", ours is not None and (data[:6], dst) != ours),
        ("own_source", source == node),
        ("bad_tth", checksum(head) or fragment or src[0] != network.prefix),
        ("tsh_length", not _LEAST <= udp <= _MOST),
        ("total_length", total < udp + 20),
        ("truncated", len(data) < 34 + udp),
        ("bad_opcode", opcode > max(Opcode)),
        ("bad_vc", vc > 2),
        ("empty_payload", opcode == Opcode.PAYLOAD and udp == _LEAST),
    )
    for cause, holds in checks:
        if holds:
            return None, cause
    payload = data[60 : 34 + udp] if opcode == Opcode.PAYLOAD else b""
    return Frame(
        source,
        int.from_bytes(dst[1:], "big"),
        Opcode(opcode),
        vc,
        tx_id,
        rx_id,
        epoch,
        extension,
        ETHERTYPE_IPV4,
        payload,
        congestion,
    ), None


def _changed(data, place, new):
    """The frame with other bytes in its IPv4 header, whose checksum follows (RFC 1624)."""
    data = bytearray(data)
    data[place : place + len(new)] = new
    data[24:26] = b"\0\0"
    data[24:26] = checksum(data[14:34]).to_bytes(2, "big")
    return bytes(data)


def route(data, own_mac, next_mac):
    """What a router does to a frame: its own MAC as the source, the next one's as the destination,
    TTL one less. None: the TTL is used up. Padding that IPv4's length does not count is cut, and
    the frame padded to 60 bytes."""
    if data[22] <= 1:
        return None
    data = _changed(data, 22, bytes([data[22] - 1]))
    end = 14 + int.from_bytes(data[16:18], "big")
    return (next_mac + own_mac + data[12:end]).ljust(60, b"\0")


def mark(data):
    """The frame as a router forwards it that marks it: congestion experienced (RFC 3168)."""
    return _changed(data, 15, bytes([data[15] | 3]))
