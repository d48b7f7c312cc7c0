"""A frame off the wire as a record with every field (protocol section 1 and the IPv4 form of 10).

Only bytes that were captured say anything. `verdict` decides whether a frame is good, from the
lengths on the wire and the bytes that are there. A frame that is TTP but not good keeps its place
in the ladder, with the cause; so does one whose header the capture cut off.
"""

import struct

from ..frames.code import says
from ..frames.frame import ETHERTYPES, OUI, Opcode
from .capture import ETHERNET, SLL, SLL2
from .verdict import address_cause, ethernet_cause, ipv4_cause

__all__ = [
    "CONTROL",
    "CONTROLLED_VC",
    "EXTENSIONS",
    "FIELDS",
    "KEPT_BYTES",
    "UDP_PORT",
    "VC_NAMES",
    "Record",
    "decode",
    "undecided",
]

UDP_PORT = 420
VC_NAMES = ("REQ_LO", "REQ_HI", "DATA")
EXTENSIONS = {0: "none", 0x20: "selective", 0x40: "congestion", 0x60: "selective, congestion"}
CONTROL, CONTROLLED_VC = 0x40, 2
"""The extension bit that asks for, or agrees to, congestion control; the VC that has it (K1)."""
KEPT_BYTES = 124
"""Bytes of a frame that its record keeps: the header and 64 bytes of payload."""

_HEADER = 60
_TTP_TYPES = frozenset(ethertype.to_bytes(2, "big") for ethertype in ETHERTYPES)
_VLAN_TYPES = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
_IPV4_TYPE, _UDP, _PORT = b"\x08\x00", 17, UDP_PORT.to_bytes(2, "big")
# Link type -> bytes of its header, and where in it the EtherType is.
_COOKED = {SLL: (16, 14), SLL2: (20, 0)}
_transport = struct.Struct(">BBBBHBBBBII").unpack_from
_names = {opcode.value: opcode.name for opcode in Opcode}

_ETHERNET = [
    ("Ethernet", "dst MAC", 0, 6, None),
    ("Ethernet", "src MAC", 6, 6, None),
    ("Ethernet", "EtherType", 12, 2, None),
]
_TTH = [
    ("TTH", "subtype", 14, 1, (6, 2)),
    ("TTH", "version", 14, 1, (4, 2)),
    ("TTH", "header words", 14, 1, (0, 4)),
    ("TTH", "via gateway", 15, 1, (7, 1)),
    ("TTH", "reserved", 15, 1, (0, 7)),
    ("TTH", "total length", 16, 2, None),
    ("TTH", "padding", 18, 16, None),
    ("TSH", "src node", 34, 3, None),
    ("TSH", "dst node", 37, 3, None),
    ("TSH", "length", 40, 2, None),
]
_IPV4 = [
    ("IPv4", "version", 14, 1, (4, 4)),
    ("IPv4", "header words", 14, 1, (0, 4)),
    ("IPv4", "total length", 16, 2, None),
    ("IPv4", "identification", 18, 2, None),
    ("IPv4", "flags and offset", 20, 2, None),
    ("IPv4", "TTL", 22, 1, None),
    ("IPv4", "protocol", 23, 1, None),
    ("IPv4", "checksum", 24, 2, None),
    ("IPv4", "src address", 26, 4, None),
    ("IPv4", "dst address", 30, 4, None),
    ("UDP", "src port", 34, 2, None),
    ("UDP", "dst port", 36, 2, None),
    ("UDP", "length", 38, 2, None),
    ("UDP", "checksum", 40, 2, None),
]
_TTP = [
    ("TTP", "reserved [7:6]", 42, 1, (6, 2)),
    ("TTP", "opcode", 42, 1, (0, 6)),
    ("TTP", "VC", 43, 1, None),
    ("TTP", "tx", 44, 1, None),
    ("TTP", "rx", 45, 1, None),
    ("TTP", "epoch", 46, 2, None),
    ("TTP", "congestion", 48, 1, None),
    ("TTP", "reserved", 49, 1, None),
    ("TTP", "version", 50, 1, (4, 4)),
    ("TTP", "reserved low", 50, 1, (0, 4)),
    ("TTP", "extension", 51, 1, None),
    ("TTP", "TxID", 52, 4, None),
    ("TTP", "RxID", 56, 4, None),
]
FIELDS = {"ethernet": _ETHERNET + _TTH + _TTP, "ipv4": _ETHERNET + _IPV4 + _TTP}
"""Every field of the two forms: layer, name, offset in bytes, length in bytes, (shift, bits)."""


class Record:
    """One TTP frame of a capture.

    `src` and `dst` name the nodes: six hex digits, or the whole MAC address if its OUI is another;
    "?" if the capture cut them off. `data`: the first `KEPT_BYTES`, as an Ethernet frame without
    VLAN tags; `captured`: how many of the frame's `size` bytes there were. `cause` is None for a
    good frame, else the first cause of `DROP_CAUSES` (for IPv4: of `verdict`) that holds. `cut`:
    the header was not captured whole; then no conclusion is drawn from it, and what was not
    captured is None. `payload_size` is that on the wire; `digest` stands for the captured payload.
    """

    __slots__ = (
        "number",
        "time_ns",
        "form",
        "data",
        "size",
        "captured",
        "src",
        "dst",
        "opcode",
        "vc",
        "tx_id",
        "rx_id",
        "epoch",
        "congestion",
        "extension",
        "payload_size",
        "digest",
        "cause",
        "cut",
        "cooked",
    )

    def __init__(self, number, time_ns, form, data, size, cooked):
        self.number, self.time_ns, self.form = number, time_ns, form
        self.size, self.cooked = size, cooked
        self.captured = kept = len(data)
        self.data = data if kept <= KEPT_BYTES else data[:KEPT_BYTES]
        self.cut = kept < _HEADER and kept < size
        if kept >= _HEADER:
            (
                opcode,
                self.vc,
                _,
                _,
                self.epoch,
                self.congestion,
                _,
                _,
                self.extension,
                self.tx_id,
                self.rx_id,
            ) = _transport(data, 42)
            self.opcode = opcode & 0x3F
            if self.opcode == 6:
                at = 40 if form == "ethernet" else 38
                length = ((data[at] << 8) + data[at + 1]) - 26
                inside = size - _HEADER
                self.payload_size = max(0, length if length < inside else inside)
                self.digest = hash(data[_HEADER : _HEADER + self.payload_size])
            else:
                self.payload_size, self.digest = 0, None
        else:
            self.payload_size, self.digest = 0, None
            self._cut_header(data)

    def _cut_header(self, data):
        """The fields that are there of a header that is not whole."""

        def field(offset, length):
            return (
                int.from_bytes(data[offset : offset + length], "big")
                if offset + length <= len(data)
                else None
            )

        opcode = field(42, 1)
        self.opcode = None if opcode is None else opcode & 0x3F
        self.vc, self.epoch, self.extension = field(43, 1), field(46, 2), field(51, 1)
        self.congestion = field(48, 1)
        self.tx_id, self.rx_id = field(52, 4), field(56, 4)
        length = field(40 if self.form == "ethernet" else 38, 2)
        if self.opcode == Opcode.PAYLOAD and length is not None:
            self.payload_size = max(0, min(length - 26, self.size - _HEADER))

    def forget_transport(self):
        """The transport header is not where it belongs."""
        self.opcode = self.vc = self.epoch = self.extension = self.tx_id = self.rx_id = None
        self.congestion = None
        self.payload_size, self.digest, self.data = 0, None, self.data[:34]

    @property
    def says(self):
        """What byte 48 says on a controlled link (K2), or "": only links of VC 2 are controlled."""
        if not self.congestion or self.vc != CONTROLLED_VC:
            return ""
        return says(self.opcode, self.congestion)

    @property
    def echo(self):
        """Whether it is an ACK that tells of one packet, its TxID, and retires nothing (K12).

        Only a controlled link has such an ACK, and there each ACK carries a code.
        """
        return bool(self.tx_id and self.opcode == Opcode.ACK and self.says)

    @property
    def name(self):
        """The opcode's name, `opcode 17` for one that is not defined, `TTP` where it was cut off."""
        if self.opcode is None:
            return "TTP"
        return _names.get(self.opcode) or f"opcode {self.opcode}"

    def fields(self):
        """[(layer, name, offset, length, value)]; fields that were not captured are left out."""
        found = []
        for layer, name, offset, length, bits in FIELDS[self.form]:
            if offset + length > len(self.data) or self.cooked and name.endswith("MAC"):
                continue
            value = int.from_bytes(self.data[offset : offset + length], "big")
            if bits:
                value = value >> bits[0] & (1 << bits[1]) - 1
            found.append((layer, name, offset, length, value))
        return found


def _as_ethernet(packet):
    """(bytes, size) of a packet of Linux's `any` device, behind twelve zeros for the MACs."""
    header, at = _COOKED[packet.link_type]
    data = packet.data
    if len(data) < header:
        return b"", packet.size + 14 - header
    return bytes(12) + data[at : at + 2] + data[header:], packet.size + 14 - header


_ends = {}  # first 14 bytes of a frame -> (source, destination, cause)
_MOST_ENDS = 10_000


def _ends_of(head):
    """Names of both nodes, and the cause for which the addresses alone make a receiver drop it."""
    if len(_ends) >= _MOST_ENDS:
        _ends.clear()
    found = _mac_name(head[6:12]), _mac_name(head[0:6]), address_cause(head)
    _ends[head] = found
    return found


def decode(packet):
    """The `Record` of a `Packet`, or None if it is no TTP frame, or none that can be known."""
    number, time_ns, data, size, link_type, _ = packet
    cooked = link_type != ETHERNET
    if cooked:
        data, size = _as_ethernet(packet)
    ethertype = data[12:14]
    if ethertype not in _TTP_TYPES:
        while ethertype in _VLAN_TYPES:
            data, size = data[:12] + data[16:], size - 4
            ethertype = data[12:14]
    if ethertype in _TTP_TYPES:
        record = Record(number, time_ns, "ethernet", data, size, cooked)
        if cooked:
            record.src, record.dst, bad_ends = _node(data, 34), _node(data, 37), None
        else:
            head = data[:14]
            record.src, record.dst, bad_ends = _ends.get(head) or _ends_of(head)
        record.cause = ethernet_cause(data, size, bad_ends)
    elif ethertype == _IPV4_TYPE and _is_ipv4(data):
        record = Record(number, time_ns, "ipv4", data, size, cooked)
        record.cause = ipv4_cause(data, size)
        record.src, record.dst = _node(data, 27), _node(data, 31)
        if record.cause == "ip_header":  # what looks like a transport header is none
            record.forget_transport()
    else:
        return None
    return record


def undecided(packet):
    """Whether a packet for which `decode` gave None was cut before what would have told."""
    if len(packet.data) >= packet.size:
        return False
    data = _as_ethernet(packet)[0] if packet.link_type != ETHERNET else packet.data
    while data[12:14] in _VLAN_TYPES:
        data = data[:12] + data[16:]
    return (
        len(data) < 14
        or data[12:14] == _IPV4_TYPE
        and (len(data) < 24 or data[23] == _UDP and len(data) < 38)
    )


def _node(data, offset):
    return data[offset : offset + 3].hex() if len(data) >= offset + 3 else "?"


def _mac_name(mac):
    return mac[3:].hex() if mac[:3] == OUI else mac.hex(":")


def _is_ipv4(data):
    """IPv4, not a later fragment, UDP, and port 420 at one end."""
    if len(data) < 38 or data[14] >> 4 != 4 or data[23] != _UDP or data[20] & 0x1F or data[21]:
        return False
    at = 14 + 4 * (data[14] & 0xF)
    if at < 34 or data[16] << 8 | data[17] < at - 14 + 8:  # no room for UDP
        return False
    return _PORT in (data[at : at + 2], data[at + 2 : at + 4])
