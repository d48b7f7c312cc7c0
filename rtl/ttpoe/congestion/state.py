"""What the law of congestion knows of one link, and what it tells the gate and the pipeline.

Source: decisions K4 and K7 to K10. Times are in U, the time of 64 bytes on the wire.
"""

from amaranth.hdl import Mux, Signal
from amaranth.lib import data

__all__ = ["GAP_MOST", "UNKNOWN", "gate_layout", "law_layout", "read_code", "state_layout"]

UNKNOWN = 4095
"""`base` of a link that has taken no sample yet."""

GAP_MOST = 28 << 10
"""The largest number of backlogged links, in sixteenths, that a gap is made of."""


def state_layout(config):
    """The law's word for one link of VC 2. `counted` and `age` belong to its half as a receiver."""
    return data.StructLayout(
        {
            "window": config.count_bits,  # W
            "growing": 1,
            "limited": 1,  # the window has held something back since the last sample
            "timing": 1,  # a packet is timed: its ID, and when it was sent
            "timed": config.count_bits,
            "stamp": 14,
            "base": 12,  # the shortest round trip, in 4 U
            "gap": 15,  # from one packet to the next
            "next_at": 16,  # when the next one may go
            "counted": 1,
            "age": 5,  # visits of the timer since the last PAYLOAD
        }
    )


def gate_layout():
    """What the gate asks of one link. All zero lets it pass."""
    return data.StructLayout(
        {
            "slow": 1,  # its gap is not 0, or its window is nearly full: look twice
            "stop": 1,  # its window is full
            "paced": 1,  # its gap is not 0, or its window is 1: it waits until
            "next_at": 16,  # ... then
        }
    )


def law_layout(config):
    """One record for each record of the trace, some clocks later: the link's state after it."""
    return data.StructLayout(
        {
            "touched": 1,  # the event was one of a link of VC 2; else nothing else counts
            "lid": config.lid_bits,
            "now": 16,
            "controlled": 1,  # ... and only then all but the last three
            "window": config.count_bits,
            "growing": 1,
            "limited": 1,
            "timing": 1,
            "timed": config.count_bits,
            "stamp": 14,
            "base": 12,
            "gap": 15,
            "next_at": 16,
            "free": 1,  # a payload of the host may go at once
            "counted": 1,
            "age": 5,
            "links": config.data_bits + 1,  # that are counted (A)
        }
    )


def read_code(code):
    """Backlogged links in sixteenths from byte 48 of an answer (decision K7), at most `GAP_MOST`."""
    exponent, mantissa = code[4:8], code[0:4]
    plain = Signal(15)
    most = (exponent > 11) | ((exponent == 11) & (mantissa > 12))
    number = mantissa | 16
    return plain.eq(Mux(most, GAP_MOST, number << (exponent - 1)[:4])), plain
