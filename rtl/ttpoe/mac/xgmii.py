"""XGMII: its characters and its lanes.

Source: IEEE 802.3 clause 46.
"""

from amaranth.hdl import Cat, Const
from amaranth.lib import enum

__all__ = ["IDLE_WORD", "LANES", "Control", "word"]

LANES = 8


class Control(enum.Enum, shape=8):
    """Characters of lanes whose control bit is 1."""

    IDLE = 0x07
    SEQUENCE = 0x9C
    START = 0xFB
    TERMINATE = 0xFD
    ERROR = 0xFE


def word(*lanes):
    """`lanes` and idles up to 8, as (data, control) of constants; a `Control` or a byte each."""
    lanes = [*lanes, *[Control.IDLE] * (LANES - len(lanes))]
    return (
        Cat(Const(lane.value if isinstance(lane, Control) else lane, 8) for lane in lanes),
        Cat(Const(isinstance(lane, Control), 1) for lane in lanes),
    )


IDLE_WORD = int.from_bytes([Control.IDLE.value] * LANES, "little")
