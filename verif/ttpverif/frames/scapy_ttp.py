"""Scapy layers for TTP: `Ether / TTH / TSH / TTP / Raw`, and `IP / UDP / TTP` on port 420.

Stands by itself (needs only Scapy). Written from protocol section 1:

    from ttpverif.frames.scapy_ttp import TTP, ttp_frame
    frame = ttp_frame(1, 2, "PAYLOAD", tx_id=7, payload=b"hello")
    frame.show2()
    congestion_text("ACK", 0x28)    # "3 links": byte 48 of an answer on a controlled link

Lengths left at None are computed when the packet is built, node fields left at None come from
the MAC addresses, and a frame without a Padding layer is padded with zeros to 64 bytes.
What follows the length that TSH (or UDP) declares is Ethernet padding, never payload.
A value that its field cannot hold is refused (`ValueError`), and so is by `ttp_frame` and
`ipv4_frame` what the protocol has no meaning for: for wrong frames, build the layers.
"""

from scapy.fields import (
    BitEnumField,
    BitField,
    ByteEnumField,
    ByteField,
    IntField,
    ShortField,
    StrFixedLenField,
    X3BytesField,
    XByteField,
    XShortField,
)
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Padding, Raw, bind_bottom_up, bind_layers

__all__ = [
    "TTH",
    "TSH",
    "TTP",
    "OPCODES",
    "mac_of_node",
    "node_of_mac",
    "node_of_ip",
    "congestion_text",
    "ttp_frame",
    "ipv4_frame",
    "pad_to_minimum",
    "drop_cause",
]

TTP_ETHERTYPES = (0x0AC6, 0x9AC6)
TTP_UDP_PORT = 420
TTP_OUI = "98:ed:5c"
MINIMUM_FRAME_BYTES = 64
MAXIMUM_PAYLOAD_BYTES = 1024

OPCODES = {
    0: "OPEN",
    1: "OPEN_ACK",
    2: "OPEN_NACK",
    3: "CLOSE",
    4: "CLOSE_ACK",
    5: "CLOSE_NACK",
    6: "PAYLOAD",
    7: "ACK",
    8: "NACK",
    9: "NACK_FULL",
    10: "NACK_NOLINK",
}
VCS = {0: "REQ_LO", 1: "REQ_HI", 2: "DATA"}
EXTENSIONS = {0: "none", 0x20: "selective", 0x40: "congestion", 0x60: "selective+congestion"}
"""Names of what an OPEN offers and an OPEN_ACK agrees to (decisions R1, K1)."""


def _within(name, value, most, least=0):
    """`value`, if it is a whole number from `least` to `most`; else ValueError."""
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most:#x}; got {value!r}")
    return value


def mac_of_node(node, oui=TTP_OUI):
    """`98:ed:5c:xx:xx:xx` of a 24-bit node, or with another OUI; ValueError if it has more bits."""
    _within("node", node, 0xFFFFFF)
    return f"{oui}:{node >> 16 & 0xFF:02x}:{node >> 8 & 0xFF:02x}:{node & 0xFF:02x}"


def node_of_mac(mac, oui=TTP_OUI):
    """The 24-bit node of a MAC address in Tesla's or another OUI; ValueError otherwise."""
    if mac[:8].lower() != oui.lower():
        raise ValueError(f"not a TTP node's MAC address: {mac}")
    return int(mac[9:].replace(":", ""), 16)


def node_of_ip(address):
    """The node in IPv4 mode: the host part of the address, here its low 24 bits (10.0.0.0/8)."""
    _, b, c, d = (int(part) for part in address.split("."))
    return b << 16 | c << 8 | d


def _ether_node(packet, end):
    """The node of an explicit MAC address of the Ethernet layer under `packet`, else 0."""
    while packet is not None and not isinstance(packet, Ether):
        packet = packet.underlayer
    mac = None if packet is None else packet.fields.get(end)
    return 0 if mac is None else int(mac[9:].replace(":", ""), 16)


class _Ranged(Packet):
    """A layer that refuses a number which its field would cut off; Scapy drops the upper bits."""

    def self_build(self):
        for field in self.fields_desc:
            value = self.fields.get(field.name)
            if isinstance(value, int):
                bits = getattr(field, "size", None) or round(8 * field.sz)
                _within(f"{self.name}.{field.name}", value, (1 << bits) - 1)
        return super().self_build()


class TTH(_Ranged):
    """Tesla Type Header, bytes 14 to 33: what an ordinary switch sees of TTP, and 16 of padding."""

    name = "TTH"
    fields_desc = [
        BitField("subtype", 0, 2),
        BitField("version", 0, 2),
        BitField("header_words", 5, 4),
        BitField("gateway", 0, 1),
        BitField("reserved", 0, 7),
        ShortField("total_length", None),
        StrFixedLenField("padding", bytes(16), length=16),
    ]

    def post_build(self, header, payload):
        if self.total_length is None:
            header = header[:2] + (len(header) + len(payload)).to_bytes(2, "big") + header[4:]
        whole = header + payload
        if not self.haslayer(Padding):
            whole = whole.ljust(MINIMUM_FRAME_BYTES - 14, b"\0")
        return whole


class _NodeField(X3BytesField):
    """A node; None, which it begins with, stands for that of the Ethernet address."""

    def __init__(self, name: str):
        super().__init__(name, 0)
        self.default = None


class TSH(_Ranged):
    """Tesla Shim Header, bytes 34 to 41: nodes and the true length."""

    name = "TSH"
    fields_desc = [_NodeField("src_node"), _NodeField("dst_node"), ShortField("length", None)]

    def post_build(self, header, payload):
        if self.src_node is None:
            header = _ether_node(self, "src").to_bytes(3, "big") + header[3:]
        if self.dst_node is None:
            header = header[:3] + _ether_node(self, "dst").to_bytes(3, "big") + header[6:]
        if self.length is None:
            header = header[:6] + (len(header) + len(payload)).to_bytes(2, "big")
        return header + payload

    def extract_padding(self, rest):
        size = max(0, self.length - 8)
        return rest[:size], rest[size:]


def congestion_text(opcode, byte):
    """What byte 48 means on a controlled link (decisions K2, K6), or "" where it means nothing.

    In a PAYLOAD bit 0 is `more`. In OPEN_ACK, ACK and NACK the byte is a number of backlogged links:
    (16 + lower half) * 2^(upper half - 1), in sixteenths.
    """
    name = OPCODES.get(opcode, opcode)
    if name == "PAYLOAD":
        return "more" if byte % 2 else ""
    if name not in ("OPEN_ACK", "ACK", "NACK") or byte < 0x10:
        return ""
    links = (16 + byte % 16) * 2 ** (byte // 16 - 1) / 16
    return "1 link" if links == 1 else f"{links:.6g} links"


class _CongestionField(XByteField):
    """Byte 48; shown with its meaning on a controlled link."""

    def i2repr(self, pkt, x):
        meaning = congestion_text(pkt.opcode, x)
        return super().i2repr(pkt, x) + (f" ({meaning})" if meaning else "")


class TTP(_Ranged):
    """Transport header, 18 bytes, at offset 42 in both encapsulations.

    In Tesla's IPv4 frames the version nibble 2 is in byte 50 (capture 30), the second of the two
    version/reserved bytes; the protocol's text says byte 49.
    """

    name = "TTP"
    fields_desc = [
        BitField("opcode_reserved", 0, 2),
        BitEnumField("opcode", 6, 6, OPCODES),
        ByteEnumField("vc", 0, VCS),
        ByteField("tx", 0),
        ByteField("rx", 0),
        XShortField("epoch", 0),
        _CongestionField("congestion", 0),
        XByteField("reserved", 0),
        BitField("version", 0, 4),
        BitField("reserved_low", 0, 4),
        ByteEnumField("extension", 0, EXTENSIONS),
        IntField("tx_id", 0),
        IntField("rx_id", 0),
    ]

    def mysummary(self):
        return self.sprintf("TTP %TTP.opcode% vc=%TTP.vc% tx_id=%TTP.tx_id% rx_id=%TTP.rx_id%")


for _ethertype in TTP_ETHERTYPES:
    bind_layers(Ether, TTH, type=_ethertype)
bind_layers(TTH, TSH)
bind_layers(TSH, TTP)
bind_bottom_up(UDP, TTP, dport=TTP_UDP_PORT)
bind_bottom_up(UDP, TTP, sport=TTP_UDP_PORT)
bind_layers(UDP, TTP, sport=TTP_UDP_PORT, dport=TTP_UDP_PORT)


def _meaningful(opcode, payload, fields):
    """The TTP layer, if the protocol knows its opcode, VC and payload length; else ValueError."""
    number = opcode
    if isinstance(opcode, str):
        number = {name: code for code, name in OPCODES.items()}.get(opcode)
    if number not in OPCODES:
        raise ValueError(
            f"opcode must be one of {', '.join(OPCODES.values())} or its number, "
            f"0 to {max(OPCODES)}; got {opcode!r}"
        )
    _within("vc", fields.get("vc", 0), max(VCS))
    _within("payload length", len(payload), MAXIMUM_PAYLOAD_BYTES, OPCODES[number] == "PAYLOAD")
    layer = TTP(opcode=int(number), **fields)
    layer.self_build()  # refuses numbers that are too large
    return layer


def ttp_frame(src, dst, opcode, payload=b"", ethertype=TTP_ETHERTYPES[0], *, oui=TTP_OUI, **fields):
    """A whole frame from node `src` to node `dst`; `fields` are those of `TTP`. `oui`: that of
    all nodes, if it is not Tesla's.

    ValueError: a node, opcode, VC, ID, epoch, EtherType or length that no TTP frame has.
    """
    if ethertype not in TTP_ETHERTYPES:
        raise ValueError(
            "ethertype must be "
            + " or ".join(f"{known:#06x}" for known in TTP_ETHERTYPES)
            + f"; got {ethertype!r}"
        )
    transport = _meaningful(opcode, payload, fields)
    frame = (
        Ether(src=mac_of_node(src, oui), dst=mac_of_node(dst, oui), type=ethertype)
        / TTH()
        / TSH()
        / transport
    )
    return frame / Raw(payload) if payload else frame


def ipv4_frame(src, dst, opcode, payload=b"", *, oui=TTP_OUI, **fields):
    """The same in the IPv4 encapsulation, addresses in 10.0.0.0/8, as Tesla's module sends it."""
    transport = _meaningful(opcode, payload, {"version": 2, **fields})

    def address(node):
        return f"10.{node >> 16 & 0xFF}.{node >> 8 & 0xFF}.{node & 0xFF}"

    frame = (
        Ether(src=mac_of_node(src, oui), dst=mac_of_node(dst, oui), type=0x0800)
        / IP(src=address(src), dst=address(dst), ttl=9, flags="DF", id=0)
        / UDP(sport=TTP_UDP_PORT, dport=TTP_UDP_PORT, chksum=0)
        / transport
    )
    return pad_to_minimum(frame / Raw(payload) if payload else frame)


def pad_to_minimum(frame):
    """`frame` with a Padding layer up to 64 bytes, where nothing else pads it (IPv4 mode)."""
    missing = MINIMUM_FRAME_BYTES - len(bytes(frame))
    return frame / Padding(bytes(missing)) if missing > 0 else frame


def drop_cause(frame):
    """Why a receiver drops this frame, or None if it is good.

    frame : bytes, or an `Ether` packet as it was received
        Without FCS. `other_ethertype`: it is not TTP at all; else a cause as in decision F1, or
        for the IPv4 form `ip_header`, `udp_length` or one of those that both forms have.
    """
    packet = frame if isinstance(frame, Packet) else Ether(frame)
    size = len(packet.original or bytes(packet))
    if packet.type in TTP_ETHERTYPES:
        lengths = _ethernet_cause(packet, size)
        payload = packet[TSH].length - 26 if TSH in packet else 0
    elif (
        UDP in packet
        and not packet[IP].frag
        and TTP_UDP_PORT in (packet[UDP].sport, packet[UDP].dport)
    ):
        lengths = _ipv4_cause(packet, size)
        payload = packet[UDP].len - 26
    else:
        return "other_ethertype"
    if lengths is not None:
        return lengths
    header = packet[TTP]
    if header.opcode not in OPCODES:
        return "bad_opcode"
    if header.vc not in VCS:
        return "bad_vc"
    return "empty_payload" if OPCODES[header.opcode] == "PAYLOAD" and not payload else None


def _ethernet_cause(packet, size):
    if size < MINIMUM_FRAME_BYTES:
        return "runt"
    if not packet.src.startswith(TTP_OUI) or not packet.dst.startswith(TTP_OUI):
        return "wrong_oui"
    if packet.src == packet.dst:
        return "own_source"
    tth, tsh = packet[TTH], packet[TSH]
    if (tth.subtype, tth.version, tth.header_words) != (0, 0, 5):
        return "bad_tth"
    if not 26 <= tsh.length <= 26 + 1024:
        return "tsh_length"
    if tth.total_length != tsh.length + 20:
        return "total_length"
    return "truncated" if size < 14 + tth.total_length else None


def _ipv4_cause(packet, size):
    ip, udp = packet[IP], packet[UDP]
    if ip.ihl != 5:
        return "ip_header"
    if not 8 + 18 <= udp.len <= 8 + 18 + 1024:
        return "udp_length"
    if ip.len < 20 + udp.len:  # more is good: the module counts padding
        return "total_length"
    return "truncated" if size < 14 + 20 + udp.len else None
