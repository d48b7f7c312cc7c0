"""One TTP frame as plain data (protocol section 1): the fast path for bulk traffic.

`Frame.pack` and `Frame.parse` are the byte layout, written out once with `struct`; the Scapy
layers in `scapy_ttp` are a second, independent transcription and the tests compare the two.
"""

import enum
import struct
from dataclasses import dataclass
from typing import Self

__all__ = [
    "ETHERTYPE_SEED",
    "ETHERTYPE_IEEE",
    "ETHERTYPES",
    "ETHERTYPE_IPV4",
    "OUI",
    "MAX_PAYLOAD",
    "Opcode",
    "DROP_CAUSES",
    "Frame",
    "is_ttp",
    "node_to_mac",
    "mac_to_node",
]

ETHERTYPE_SEED = 0x0AC6
ETHERTYPE_IEEE = 0x9AC6
ETHERTYPES = (ETHERTYPE_SEED, ETHERTYPE_IEEE)
ETHERTYPE_IPV4 = 0x0800  # the form that `datagram` packs and parses
OUI = bytes((0x98, 0xED, 0x5C))
MAX_PAYLOAD = 1024
MIN_FRAME = 64
HEADER = 60

DROP_CAUSES = (
    "bad_fcs",
    "other_ethertype",
    "runt",
    "wrong_oui",
    "not_ours",
    "own_source",
    "bad_tth",
    "tsh_length",
    "total_length",
    "truncated",
    "bad_opcode",
    "bad_vc",
    "empty_payload",
)
"""Causes of drop in the order of decision F1; "no room in the event queue" is not the frame's."""

_WIDTHS = {
    "src": 24,
    "dst": 24,
    "tx_id": 32,
    "rx_id": 32,
    "epoch": 16,
    "extension": 8,
    "congestion": 8,
}

_HEADER = struct.Struct(">3s3s3s3sHBBH16s3s3sHBBBBHBHBII")


class Opcode(enum.IntEnum):
    """Section 1.2."""

    OPEN = 0
    OPEN_ACK = 1
    OPEN_NACK = 2
    CLOSE = 3
    CLOSE_ACK = 4
    CLOSE_NACK = 5
    PAYLOAD = 6
    ACK = 7
    NACK = 8
    NACK_FULL = 9
    NACK_NOLINK = 10


def _within(name, value, bits):
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name} must be from 0 to {(1 << bits) - 1:#x}; got {value:#x}")


def node_to_mac(node):
    """The six bytes of the MAC address of `node` (24 bits); ValueError if it has more."""
    _within("node", node, 24)
    return OUI + node.to_bytes(3, "big")


def mac_to_node(mac):
    """The node of a MAC address (six bytes or "98:ed:5c:..."); ValueError for another OUI."""
    if isinstance(mac, str):
        mac = bytes.fromhex(mac.replace(":", ""))
    if len(mac) != 6 or mac[:3] != OUI:
        raise ValueError(f"not a TTP node's MAC address: {mac.hex(':')}")
    return int.from_bytes(mac[3:], "big")


def is_ttp(data):
    """Whether the classifier takes the frame; all others belong to the OS path (section 8)."""
    return len(data) >= 14 and int.from_bytes(data[12:14], "big") in ETHERTYPES


@dataclass(frozen=True)
class Frame:
    """One good TTP frame.

    `src` and `dst` are nodes (24 bits); fields that are always sent as zero are not kept (F2).
    `payload` is the NOC payload, without padding. `congestion` is byte 48, which means something
    on a controlled link only (K2). ValueError: a field that no good frame has.
    """

    src: int
    dst: int
    opcode: Opcode
    vc: int = 0
    tx_id: int = 0
    rx_id: int = 0
    epoch: int = 0
    extension: int = 0
    ethertype: int = ETHERTYPE_SEED
    payload: bytes = b""
    congestion: int = 0

    def __post_init__(self):
        for name, bits in _WIDTHS.items():
            _within(name, getattr(self, name), bits)
        if not 0 <= self.opcode <= max(Opcode):
            raise ValueError(f"opcode must be from 0 to {max(Opcode)}; got {self.opcode}")
        if not 0 <= self.vc <= 2:
            raise ValueError(f"vc must be 0, 1 or 2; got {self.vc}")
        if self.ethertype not in (*ETHERTYPES, ETHERTYPE_IPV4):
            raise ValueError(
                "ethertype must be 0x0ac6, 0x9ac6 or, in the IPv4 form, 0x0800; "
                f"got {self.ethertype:#x}"
            )
        least = 1 if self.opcode == Opcode.PAYLOAD else 0
        if not least <= len(self.payload) <= MAX_PAYLOAD:
            raise ValueError(
                f"the payload has {least} to {MAX_PAYLOAD} bytes; got {len(self.payload)}"
            )

    def pack(self) -> bytes:
        """The bytes on the wire, without FCS, padded with zeros to 64 bytes."""
        if self.ethertype == ETHERTYPE_IPV4:
            raise ValueError("a frame of the IPv4 form is packed by datagram.pack")
        src, dst = self.src.to_bytes(3, "big"), self.dst.to_bytes(3, "big")
        size = len(self.payload)
        head = _HEADER.pack(
            OUI,
            dst,
            OUI,
            src,
            self.ethertype,
            0x05,
            0,
            size + 46,
            bytes(16),
            src,
            dst,
            size + 26,
            self.opcode,
            self.vc,
            0,
            0,
            self.epoch,
            self.congestion,
            0,
            self.extension,
            self.tx_id,
            self.rx_id,
        )
        return (head + self.payload).ljust(MIN_FRAME, b"\0")

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """The good frame that `data` is; ValueError with the cause if it is none (`parse`)."""
        frame, cause = cls.parse(data)
        if frame is None:
            raise ValueError(f"not a good frame ({cause}): {data[:HEADER].hex(' ')}")
        return frame

    @classmethod
    def parse(
        cls, data: bytes, node: int | None = None, bad_fcs: bool = False
    ) -> tuple[Self, None] | tuple[None, str]:
        """`(frame, None)`, or `(None, cause)` with the first cause of `DROP_CAUSES` that holds.

        `node`: our own node; None accepts every destination (a monitor on the wire).
        NOC bytes of a frame that is no PAYLOAD are dropped here (F4).
        """
        data = bytes(data)
        if bad_fcs:
            return None, "bad_fcs"
        if len(data) >= 14 and not is_ttp(data):
            return None, "other_ethertype"
        if len(data) < MIN_FRAME:
            return None, "runt"
        (
            dst_oui,
            dst,
            src_oui,
            src,
            ethertype,
            tth,
            _,
            total,
            _,
            _,
            _,
            length,
            opcode,
            vc,
            _,
            _,
            epoch,
            congestion,
            _,
            extension,
            tx_id,
            rx_id,
        ) = _HEADER.unpack_from(data)
        dst, src = int.from_bytes(dst, "big"), int.from_bytes(src, "big")
        opcode &= 0x3F
        checks = (
            ("wrong_oui", dst_oui != OUI or src_oui != OUI),
            ("not_ours", node is not None and dst != node),
            ("own_source", src == node),
            ("bad_tth", tth != 0x05),
            ("tsh_length", not 26 <= length <= 26 + MAX_PAYLOAD),
            ("total_length", total != length + 20),
            ("truncated", len(data) < 34 + length),
            ("bad_opcode", opcode > max(Opcode)),
            ("bad_vc", vc > 2),
            ("empty_payload", opcode == Opcode.PAYLOAD and length == 26),
        )
        for cause, holds in checks:
            if holds:
                return None, cause
        payload = data[HEADER : 34 + length] if opcode == Opcode.PAYLOAD else b""
        return cls(
            src,
            dst,
            Opcode(opcode),
            vc,
            tx_id,
            rx_id,
            epoch,
            extension,
            ethertype,
            payload,
            congestion,
        ), None

    def __str__(self):
        size = f" {len(self.payload)} bytes" if self.opcode == Opcode.PAYLOAD else ""
        return (
            f"{self.opcode.name} {self.src:06x}->{self.dst:06x} vc{self.vc} "
            f"tx={self.tx_id:#x} rx={self.rx_id:#x} epoch={self.epoch:#x}{size}"
        )
