"""Frames that a receiver must drop, one for every cause and for what is next to it.

Written from protocol section 1 and decision F1, without the code that judges frames. What judges
them (the hardware's parser, `Frame.parse`, the Scapy layers, the ladder, Wireshark's dissector)
must come to the verdict that stands here; the tests run the table through each.
"""

import struct
from dataclasses import dataclass, replace

__all__ = ["DST", "SRC", "Malformed", "datagrams", "table"]

SRC, DST = 0x010203, 0x0A0B0C
_OUI = bytes.fromhex("98ed5c")
_PAYLOAD, _ACK = 6, 7


@dataclass(frozen=True)
class Malformed:
    """`form`: "ethernet" or "ipv4"; `cause`: None where the frame is good.

    Of the IPv4 form an engine that does not know it says `other_ethertype`: it is for the
    operating system. What one that knows it says stands in `datagrams`.
    """

    name: str
    form: str
    data: bytes
    cause: str | None


def _transport(opcode, vc, tx_id=5):
    return struct.pack(">BBBBHBBBBII", opcode, vc, 0, 0, 0x101, 0, 0, 0, 0, tx_id, 0)


def _ethernet(
    opcode=_PAYLOAD,
    payload=b"0123456789",
    vc=0,
    *,
    tsh=None,
    total=None,
    tth=5,
    dst=_OUI + DST.to_bytes(3, "big"),
    src=_OUI + SRC.to_bytes(3, "big"),
    ethertype=0x0AC6,
    size=None,
):
    """A frame whose lengths are right unless others are given; padded or cut to `size` bytes."""
    tsh = len(payload) + 26 if tsh is None else tsh
    total = tsh + 20 if total is None else total
    data = (
        dst
        + src
        + struct.pack(">HBBH", ethertype, tth, 0, total & 0xFFFF)
        + bytes(16)
        + src[3:]
        + dst[3:]
        + struct.pack(">H", tsh)
        + _transport(opcode, vc)
        + payload
    )
    return data.ljust(64, b"\0") if size is None else data.ljust(size, b"\0")[:size]


def _ipv4(
    opcode=_PAYLOAD,
    payload=b"0123456789",
    vc=0,
    *,
    udp=None,
    total=None,
    size=None,
    first=0x45,
    options=b"",
    fragment=0x4000,
    service=0,
    ttl=9,
    protocol=17,
    ports=(420, 420),
    src=b"\x0a" + SRC.to_bytes(3, "big"),
    dst=b"\x0a" + DST.to_bytes(3, "big"),
    ether_dst=_OUI + DST.to_bytes(3, "big"),
    ether_src=_OUI + SRC.to_bytes(3, "big"),
    spoil=0,
):
    """The same behind IPv4 and UDP, 10.x.y.z for node xyz."""
    udp = 8 + 18 + len(payload) if udp is None else udp
    total = 20 + len(options) + 8 + 18 + len(payload) if total is None else total
    head = bytearray(
        struct.pack(">BBHHHBBH", first, service, total, 0, fragment, ttl, protocol, 0)
        + src
        + dst
        + options
    )
    words = sum(struct.unpack(f">{len(head) // 2}H", head))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    head[10:12] = (~words & 0xFFFF ^ spoil).to_bytes(2, "big")
    data = (
        ether_dst
        + ether_src
        + b"\x08\x00"
        + head
        + struct.pack(">HHHH", *ports, udp, 0)
        + _transport(opcode, vc)
        + payload
    )
    return data.ljust(64, b"\0") if size is None else data.ljust(size, b"\0")[:size]


def _both(make, form):
    """Causes that both forms have, by the maker of one."""
    yield "shortest PAYLOAD", make(payload=b"x"), None
    yield "longest PAYLOAD", make(payload=bytes(1024)), None
    yield "longer than it says", make(size=200), None
    yield "jumbo, padding", make(size=9000), None
    yield "ACK", make(_ACK, b""), None
    yield "ACK with NOC bytes", make(_ACK, b"ignored"), None
    yield "truncated by a byte", make(payload=bytes(100), size=159), "truncated"
    yield "truncated to its header", make(payload=bytes(100), size=64), "truncated"
    yield (
        "jumbo that says 1025",
        make(payload=bytes(1025)),
        {"ethernet": "tsh_length", "ipv4": "udp_length"}[form],
    )
    for opcode in (10, 11, 63):
        yield f"opcode {opcode}", make(opcode, b""), None if opcode == 10 else "bad_opcode"
    yield "reserved bits of the opcode", make(0xC0 | _PAYLOAD), None
    for vc in (2, 3, 255):
        yield f"VC {vc}", make(vc=vc), None if vc == 2 else "bad_vc"
    yield "empty PAYLOAD", make(payload=b""), "empty_payload"
    yield "bad opcode and VC", make(11, vc=3), "bad_opcode"
    yield "bad VC and empty", make(payload=b"", vc=3), "bad_vc"


def _ethernet_only():
    make = _ethernet
    for size in (63, 60, 59, 46, 42, 41, 34, 15, 14):
        yield f"{size} bytes", make(size=size), "runt"
    yield "runt of another OUI", make(size=60, dst=bytes(6)), "runt"
    yield "64 bytes", make(_ACK, b"", size=64), None
    yield "EtherType 0x9AC6", make(ethertype=0x9AC6), None
    yield (
        "destination's OUI",
        make(dst=bytes.fromhex("98ed5d") + DST.to_bytes(3, "big")),
        "wrong_oui",
    )
    yield "source's OUI", make(src=bytes.fromhex("02ed5c") + SRC.to_bytes(3, "big")), "wrong_oui"
    yield "broadcast", make(dst=b"\xff" * 6), "wrong_oui"
    yield "text of an OUI", make(src=b"tesla\x01"), "wrong_oui"
    yield "own source", make(src=_OUI + DST.to_bytes(3, "big")), "own_source"
    for tth in (4, 6, 0x15, 0x45, 0):
        yield f"byte 14 is {tth:#x}", make(tth=tth), "bad_tth"
    for tsh in (0, 25, 1051, 0xFFFF):
        yield f"TSH length {tsh}", make(tsh=tsh), "tsh_length"
    yield "TSH length 26 in an ACK", make(_ACK, b"", tsh=26), None
    for total in (55, 57, 0, 0xFFFF):
        yield f"total length {total}", make(total=total), "total_length"
    yield "both lengths lie", make(tsh=700, total=100), "total_length"
    yield "TSH length says more", make(tsh=700), "truncated"


def _ipv4_only():
    make = _ipv4
    for udp in (8, 25, 8 + 18 + 1025):
        yield f"UDP length {udp}", make(udp=udp, total=20 + udp), "udp_length"
    yield "UDP length 0", make(udp=0), "udp_length"
    yield "UDP length 65535", make(udp=0xFFFF), "udp_length"
    yield "UDP length 26 in an ACK", make(_ACK, b"", udp=26), None
    yield "IPv4 counts the padding", make(_ACK, b"", total=50), None
    yield "IPv4 is shorter than UDP", make(total=55), "total_length"
    yield "UDP says more", make(udp=100, total=120), "truncated"
    yield "IPv4 options", make(first=0x46, options=b"\1\1\1\0"), "ip_header"
    yield "60 bytes and an ACK", make(_ACK, b"", size=60), None


def _engine_alone():
    """What an engine with the IPv4 form judges beside that (decisions E1 to E3).

    Tools that look on know neither the address of the receiver nor that of its router.
    """
    make = _ipv4
    yield "from a router", make(ether_src=b"\x02\0\0\0\0\1"), None
    yield "60 bytes and an ACK", make(_ACK, b"", size=60), None
    yield "59 bytes", make(_ACK, b"", size=59), "runt"
    yield "another source port", make(ports=(9999, 420)), None
    yield "DF is not set", make(fragment=0), None
    for ttl in (0, 1, 255):  # a matter of routers
        yield f"TTL {ttl}", make(ttl=ttl), None
    for service in (1, 2, 3, 0xB8):
        yield f"service {service}", make(service=service), None
    for bit in (0, 7, 8, 15):
        yield f"checksum, bit {bit}", make(spoil=1 << bit), "bad_tth"
    yield "first fragment", make(fragment=0x2000), "bad_tth"
    yield "source of another network", make(src=b"\x0b" + SRC.to_bytes(3, "big")), "bad_tth"
    yield "own source", make(src=b"\x0a" + DST.to_bytes(3, "big")), "own_source"
    yield "destination's OUI", make(ether_dst=b"\x99\xed\x5c" + DST.to_bytes(3, "big")), "wrong_oui"
    yield "broadcast", make(ether_dst=b"\xff" * 6), "wrong_oui"
    yield "another node's MAC", make(ether_dst=_OUI + SRC.to_bytes(3, "big")), "not_ours"
    for n in range(4):
        address = bytearray(b"\x0a" + DST.to_bytes(3, "big"))
        address[n] ^= 1
        yield f"destination's byte {n}", make(dst=bytes(address)), "not_ours"
    other = "other_ethertype"
    yield "later fragment", make(fragment=0x0001), other
    yield "another port", make(ports=(420, 421)), other
    yield "TCP", make(protocol=6), other
    yield "IPv4 options", make(first=0x46, options=b"\1\1\1\0"), other
    yield "IPv6", make(first=0x65), other
    yield "cut before the ports", make(size=37), other
    yield "cut behind the ports", make(size=38), "runt"


_ENGINE_SAYS = {"ip_header": "other_ethertype", "udp_length": "tsh_length"}


def datagrams():
    """Every `Malformed` of the IPv4 form with the cause that an engine counts which knows it."""
    cases = [case for case in table() if case.form == "ipv4"]
    known = {case.name for case in cases}
    more = [
        Malformed(name, "ipv4", data, cause)
        for name, data, cause in _engine_alone()
        if name not in known
    ]
    return [
        *(replace(case, cause=_ENGINE_SAYS.get(case.cause, case.cause)) for case in cases),
        *more,
    ]


def table():
    """Every `Malformed`; names are unique within a form."""
    found = []
    for form, make, more in (("ethernet", _ethernet, _ethernet_only), ("ipv4", _ipv4, _ipv4_only)):
        found += [
            Malformed(name, form, data, cause)
            for name, data, cause in (*_both(make, form), *more())
        ]
    return found
