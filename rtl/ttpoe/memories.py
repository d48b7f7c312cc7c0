"""What block RAMs are told beyond their shape."""

__all__ = ["COLLISION_UNDEFINED"]

COLLISION_UNDEFINED = {"ttp_collision_undefined": 1}
"""Attribute of a memory whose readers never use what a synchronous port reads in the clock in which
that address is written. Otherwise tools build logic that keeps the old value: about a LUT and two
flip-flops for each bit of its width. The emitter (`ttpoe.emit`) passes it on; in simulation such a
read gives X, so a reader that did use it would be seen."""
