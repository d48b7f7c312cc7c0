"""Numbers of Ethernet that every MAC here needs.

Source: IEEE 802.3 clause 3 (frame), clause 4.4.2 (gap), clause 31 (MAC control), annexes 31B and 31D.
"""

__all__ = [
    "CONTROL",
    "FCS_BYTES",
    "GAP_BYTES",
    "LONGEST_BYTES",
    "PAUSE",
    "PFC",
    "PREAMBLE",
    "PREAMBLE_BYTES",
    "SFD",
    "SHORTEST_BYTES",
]

PREAMBLE, SFD = 0x55, 0xD5
PREAMBLE_BYTES = 8
"""With the SFD."""
GAP_BYTES = 12
FCS_BYTES = 4
SHORTEST_BYTES = 60
"""Of a frame without FCS; shorter ones are padded with zeros."""
LONGEST_BYTES = 9022
"""A frame with FCS: 14 bytes of header, 4 of a VLAN tag, 9000 of payload, 4 of FCS."""

CONTROL = 0x8808
"""EtherType of MAC control."""
PAUSE, PFC = 0x0001, 0x0101
"""Opcodes of MAC control."""
