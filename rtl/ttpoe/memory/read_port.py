"""`ReadPort`: what lies between a block that reads and the block whose memory it reads.

Source: none but ours; the timing is that of a synchronous port of `amaranth.lib.memory`.
"""

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ReadPort", "slot_beat_address"]


class ReadPort(wiring.Signature):
    """A synchronous read port, seen from the reader.

    Parameters
    ----------
    addr_shape, data_shape : shape-like

    Members
    -------
    addr : Out(addr_shape), en : Out(1)
        What is to be read in this clock.
    data : In(data_shape)
        What lies there, one clock after `en`; holds until the next `en`. The owner of the memory
        says what is read where a write meets it.
    used : Out(1)
        The word on `data` was written before, and counts in this clock: if it was wrong that is
        reported (`ttpoe.memory.protected`). Nothing else depends on it.
    """

    def __init__(self, addr_shape, data_shape):
        super().__init__(
            {"addr": Out(addr_shape), "en": Out(1), "data": In(data_shape), "used": Out(1)}
        )

    def __eq__(self, other):
        return isinstance(other, ReadPort) and self.members == other.members


def slot_beat_address(slot_bits, beat_bits):
    """Address of a beat in a memory that is cut into slots."""
    return data.StructLayout({"beat": beat_bits, "slot": slot_bits})
