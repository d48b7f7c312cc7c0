"""A frame off the wire as a record with every field (protocol section 1 and the IPv4 form of 10).

Whether a frame is good is decided by `Frame.parse`; the IPv4 form is checked here by the same
rules. A frame that is TTP but not good keeps its place in the ladder, with the cause.
"""

from dataclasses import dataclass

from ..frames.frame import MAX_PAYLOAD, OUI, Frame, Opcode, is_ttp

__all__ = ["EXTENSIONS", "FIELDS", "UDP_PORT", "VC_NAMES", "Record", "decode"]

UDP_PORT = 420
VC_NAMES = ("REQ_LO", "REQ_HI", "DATA")
EXTENSIONS = {0: "none", 0x20: "selective"}
_HEADER = 60
_TRANSPORT_BYTES = 18

_ETHERNET = [("Ethernet", "dst MAC", 0, 6, None), ("Ethernet", "src MAC", 6, 6, None),
             ("Ethernet", "EtherType", 12, 2, None)]
_TTH = [("TTH", "subtype", 14, 1, (6, 2)), ("TTH", "version", 14, 1, (4, 2)),
        ("TTH", "header words", 14, 1, (0, 4)), ("TTH", "via gateway", 15, 1, (7, 1)),
        ("TTH", "reserved", 15, 1, (0, 7)), ("TTH", "total length", 16, 2, None),
        ("TTH", "padding", 18, 16, None), ("TSH", "src node", 34, 3, None),
        ("TSH", "dst node", 37, 3, None), ("TSH", "length", 40, 2, None)]
_IPV4 = [("IPv4", "version", 14, 1, (4, 4)), ("IPv4", "header words", 14, 1, (0, 4)),
         ("IPv4", "total length", 16, 2, None), ("IPv4", "identification", 18, 2, None),
         ("IPv4", "flags and offset", 20, 2, None), ("IPv4", "TTL", 22, 1, None),
         ("IPv4", "protocol", 23, 1, None), ("IPv4", "checksum", 24, 2, None),
         ("IPv4", "src address", 26, 4, None), ("IPv4", "dst address", 30, 4, None),
         ("UDP", "src port", 34, 2, None), ("UDP", "dst port", 36, 2, None),
         ("UDP", "length", 38, 2, None), ("UDP", "checksum", 40, 2, None)]
_TTP = [("TTP", "reserved [7:6]", 42, 1, (6, 2)), ("TTP", "opcode", 42, 1, (0, 6)),
        ("TTP", "VC", 43, 1, None), ("TTP", "tx", 44, 1, None), ("TTP", "rx", 45, 1, None),
        ("TTP", "epoch", 46, 2, None), ("TTP", "congestion", 48, 1, None),
        ("TTP", "reserved", 49, 1, None), ("TTP", "version", 50, 1, (4, 4)),
        ("TTP", "reserved low", 50, 1, (0, 4)), ("TTP", "extension", 51, 1, None),
        ("TTP", "TxID", 52, 4, None), ("TTP", "RxID", 56, 4, None)]
FIELDS = {"ethernet": _ETHERNET + _TTH + _TTP, "ipv4": _ETHERNET + _IPV4 + _TTP}
"""Every field of the two forms: layer, name, offset in bytes, length in bytes, (shift, bits)."""


@dataclass(frozen=True)
class Record:
    """One TTP frame of a capture.

    `src` and `dst` name the nodes: six hex digits, or the whole MAC address if its OUI is another.
    `cause` is None for a good frame, else the first cause of `DROP_CAUSES` that holds.
    """

    number: int
    time_ns: int
    form: str
    data: bytes
    size: int
    src: str
    dst: str
    opcode: int
    vc: int
    tx_id: int
    rx_id: int
    epoch: int
    extension: int
    payload: bytes
    cause: str | None

    @property
    def name(self):
        """The opcode's name, or `opcode 17` for one that is not defined."""
        return (Opcode(self.opcode).name if self.opcode <= max(Opcode)
                else f"opcode {self.opcode}")

    def fields(self):
        """[(layer, name, offset, length, value)]; fields that the capture cut off are left out."""
        found = []
        for layer, name, offset, length, bits in FIELDS[self.form]:
            if offset + length > len(self.data):
                continue
            value = int.from_bytes(self.data[offset:offset + length], "big")
            if bits:
                value = value >> bits[0] & (1 << bits[1]) - 1
            found.append((layer, name, offset, length, value))
        return found


def decode(packet):
    """The `Record` of a `Packet`, or None if it is no TTP frame."""
    data = _without_vlan(packet.data)
    size = packet.size - (len(packet.data) - len(data))
    whole = data.ljust(min(size, _HEADER + MAX_PAYLOAD + 4), b"\0")
    if is_ttp(data):
        form, cause = "ethernet", Frame.parse(whole)[1]
        ends = _mac_name(data[6:12]), _mac_name(data[0:6])
        end = 34 + int.from_bytes(whole[40:42], "big")
    elif _is_ipv4(data):
        form, cause = "ipv4", _ipv4_cause(whole, size)
        ends = data[27:30].hex(), data[31:34].hex()
        end = 34 + int.from_bytes(whole[38:40], "big")
    else:
        return None
    head = data[42:_HEADER].ljust(_TRANSPORT_BYTES, b"\0")
    opcode = head[0] & 0x3F
    payload = data[_HEADER:end] if opcode == Opcode.PAYLOAD else b""
    return Record(packet.number, packet.time_ns, form, data, size, *ends, opcode, head[1],
                  int.from_bytes(head[10:14], "big"), int.from_bytes(head[14:18], "big"),
                  int.from_bytes(head[4:6], "big"), head[9], payload, cause)


def _without_vlan(data):
    while data[12:14] in (b"\x81\x00", b"\x88\xa8"):
        data = data[:12] + data[16:]
    return data


def _mac_name(mac):
    return mac[3:].hex() if mac[:3] == OUI else mac.hex(":")


def _is_ipv4(data):
    """IPv4 without options, not a later fragment, UDP, and port 420 at one end."""
    return (len(data) >= 42 and data[12:15] == b"\x08\x00\x45" and data[23] == 17
            and not int.from_bytes(data[20:22], "big") & 0x1FFF
            and UDP_PORT.to_bytes(2, "big") in (data[34:36], data[36:38]))


def _ipv4_cause(data, size):
    length = int.from_bytes(data[38:40], "big") - 8 - _TRANSPORT_BYTES
    if not 0 <= length <= MAX_PAYLOAD:
        return "udp_length"
    # Tesla's module counts the padding of a short frame into IPv4's length (capture 30).
    if int.from_bytes(data[16:18], "big") < length + 20 + 8 + _TRANSPORT_BYTES:
        return "total_length"
    if size < _HEADER + length:
        return "truncated"
    if data[42] & 0x3F > max(Opcode):
        return "bad_opcode"
    if data[43] > 2:
        return "bad_vc"
    if data[42] & 0x3F == Opcode.PAYLOAD and not length:
        return "empty_payload"
    return None
