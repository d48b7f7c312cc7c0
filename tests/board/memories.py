"""Memories of every width of an ECP5's block RAM: what `test_memory_cell` synthesises and simulates."""

from typing import NamedTuple

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["KINDS", "Kind", "Memories"]


class Kind(NamedTuple):
    """A memory: `granularity` bits are written each on their own; `through`: a read of the place that
    is written gives what is written; it begins with `first` everywhere."""

    width: int
    depth: int
    granularity: int = 0
    through: bool = False
    first: int = 0

    @property
    def enables(self):
        return self.width // self.granularity if self.granularity else 1


KINDS = {
    "one": Kind(1, 16384),
    "two": Kind(2, 8192),
    "four": Kind(4, 4096),
    "nine": Kind(9, 2048),
    "eighteen": Kind(18, 1024, 9),
    "wide": Kind(36, 512, 9),
    "through": Kind(36, 512, through=True),
    "full": Kind(18, 1024, first=0x2A5C7),
}


class Memories(wiring.Component):
    """Each of `KINDS`, with a write and a read port: `<kind>_w_addr` and so on, all of one clock."""

    def __init__(self):
        super().__init__(
            {
                f"{name}_{port}": flow
                for name, kind in KINDS.items()
                for port, flow in (
                    ("w_addr", In(range(kind.depth))),
                    ("w_data", In(kind.width)),
                    ("w_en", In(kind.enables)),
                    ("r_addr", In(range(kind.depth))),
                    ("r_en", In(1)),
                    ("r_data", Out(kind.width)),
                )
            }
        )

    def elaborate(self, platform):
        m = Module()
        for name, kind in KINDS.items():
            m.submodules[name] = memory = Memory(
                shape=kind.width, depth=kind.depth, init=[kind.first] * kind.depth
            )
            write = memory.write_port(granularity=kind.granularity or None)
            read = memory.read_port(transparent_for=[write] if kind.through else [])
            m.d.comb += [
                write.addr.eq(getattr(self, f"{name}_w_addr")),
                write.data.eq(getattr(self, f"{name}_w_data")),
                write.en.eq(getattr(self, f"{name}_w_en")),
                read.addr.eq(getattr(self, f"{name}_r_addr")),
                read.en.eq(getattr(self, f"{name}_r_en")),
                getattr(self, f"{name}_r_data").eq(read.data),
            ]
        return m
