"""What is on the wire: code points, and where each field of the header lies.

Source: the protocol's sections 1, 1.1, 1.2 and 5.3. The verification side holds a transcription
of its own (`ttpverif.frames.scapy_ttp`); `tests/verif/test_transcriptions.py` compares the two.
"""

from typing import NamedTuple

from amaranth.lib import enum

__all__ = [
    "Opcode",
    "EtherType",
    "Field",
    "FIELDS",
    "IPV4_FIELDS",
    "IPV4_TYPE",
    "IPV4_HEADER",
    "IPV4_DONT_FRAGMENT",
    "IPV4_TTL",
    "IPV4_UDP",
    "IPV4_HEADER_VERSION",
    "UDP_PORT",
    "OUI",
    "HEADER_BYTES",
    "MIN_FRAME_BYTES",
    "MAX_PAYLOAD_BYTES",
    "TTH_BYTE0",
    "TSH_OFFSET",
    "TSH_BYTES",
    "TOTAL_OVER_TSH",
    "EXT_SELECTIVE",
    "EXT_CONGESTION",
    "DATA",
    "VC_ORDER",
]


class Opcode(enum.Enum, shape=4):
    """Bits [3:0] of byte 42. Values above 10 are invalid (section 1.2)."""

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


class EtherType(enum.Enum, shape=16):
    """The two EtherTypes that are TTP (section 1.1)."""

    ARTICLE = 0x0AC6
    IEEE = 0x9AC6


class Field(NamedTuple):
    """One header field: offset and length in bytes from the first byte of the frame."""

    offset: int
    length: int


FIELDS = {
    "dst_oui": Field(0, 3),
    "dst_node": Field(3, 3),
    "src_oui": Field(6, 3),
    "src_node": Field(9, 3),
    "ethertype": Field(12, 2),
    "tth_byte0": Field(14, 1),
    "tth_byte1": Field(15, 1),
    "total_length": Field(16, 2),
    "tsh_src": Field(34, 3),
    "tsh_dst": Field(37, 3),
    "tsh_length": Field(40, 2),
    "opcode": Field(42, 1),
    "vc": Field(43, 1),
    "epoch": Field(46, 2),
    "congestion": Field(48, 1),
    "extension": Field(51, 1),
    "tx_id": Field(52, 4),
    "rx_id": Field(56, 4),
}
"""Every field that the engine reads or writes; all other header bytes are zero when sent."""

IPV4_FIELDS = {
    "version_ihl": Field(14, 1),
    "service": Field(15, 1),
    "ip_length": Field(16, 2),
    "identification": Field(18, 2),
    "fragment": Field(20, 2),
    "ttl": Field(22, 1),
    "ip_protocol": Field(23, 1),
    "ip_checksum": Field(24, 2),
    "ip_src_prefix": Field(26, 1),
    "ip_src_node": Field(27, 3),
    "ip_dst_prefix": Field(30, 1),
    "ip_dst_node": Field(31, 3),
    "udp_src_port": Field(34, 2),
    "udp_dst_port": Field(36, 2),
    "udp_length": Field(38, 2),
    "udp_checksum": Field(40, 2),
    "header_version": Field(50, 1),
}
"""The fields of the IPv4 form that the Ethernet form has not (section 10, decision E1)."""

IPV4_TYPE = 0x0800  # the EtherType
IPV4_HEADER = 0x45  # version 4, 5 words: no options
IPV4_DONT_FRAGMENT = 0x4000
IPV4_TTL = 9
IPV4_UDP = 17
UDP_PORT = 420
IPV4_HEADER_VERSION = 0x20  # of the transport header, in byte 50

OUI = 0x98ED5C  # Tesla's
HEADER_BYTES = 60
MIN_FRAME_BYTES = 64  # without FCS; shorter frames are zero-padded when sent, dropped when got
MAX_PAYLOAD_BYTES = 1024
TTH_BYTE0 = 0x05  # subtype 0, version 0, header of 5 words
TSH_OFFSET = 34
TSH_BYTES = 26  # what TSH length counts besides the payload
TOTAL_OVER_TSH = 20  # total length = TSH length + 20
# Bits of the extension byte of OPEN and OPEN_ACK; with any other bit it says nothing.
EXT_SELECTIVE = 0x20  # selective replay (section 5.3)
EXT_CONGESTION = 0x40  # congestion control (section 11)
DATA = 2  # the VC of bulk data
VC_ORDER = (1, 0, 2)  # from the most to the least urgent (section 1.3)
