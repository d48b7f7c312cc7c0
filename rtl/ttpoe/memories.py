"""What block RAMs are told beyond their shape."""

from amaranth.lib import fifo

__all__ = ["COLLISION_UNDEFINED", "BlockFifo"]

COLLISION_UNDEFINED = {"ttp_collision_undefined": 1}
"""Attribute of a memory whose readers never use what a synchronous port reads in the clock in which
that address is written. Otherwise tools build logic that keeps the old value: about a LUT and two
flip-flops for each bit of its width. The emitter (`ttpoe.emit`) passes it on; in simulation such a
read gives X, so a reader that did use it would be seen."""


class BlockFifo(fifo.SyncFIFOBuffered):
    """`SyncFIFOBuffered` in a block RAM, whatever its size; else tools may take LUTs, and many.

    It never reads the place that it writes: they meet only when it is empty or full.
    """

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.submodules.storage.attrs.update({"ram_style": "block", **COLLISION_UNDEFINED})
        return m
