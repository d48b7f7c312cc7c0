"""A FIFO between two clocks, made of tokens.

`amaranth.lib.fifo.AsyncFIFO` finds its next address in the clock in which it compares its counters:
on a slow part in a full design that takes longer than a byte of Gigabit Ethernet. Here a place is
a counter that waits for nothing, and who has counted what crosses as tokens (`counters.Tokens`).
"""

from amaranth.hdl import DomainRenamer, Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .counters import Tokens

__all__ = ["BeatFifo"]


class BeatFifo(wiring.Component):
    """A FIFO from the clock domain `near` to the domain `far`.

    Parameters
    ----------
    shape : ShapeLike
        Of an entry.
    depth : int
        Entries, a power of two from 4.

    Members
    -------
    i : In(stream of shape)
        In `near`. `ready` depends on registers only.
    o : Out(stream of shape)
        In `far`. `valid` is a comparison of registers; the payload comes from LUT RAM, whose
        address is a register.

    Timing: taken in clock t of `near`, on `o` 3 clocks of `far` at most after the end of t. An
    entry per clock on both sides. Room that is made in clock t of `far` can be used 4 clocks of
    `near` at most after the end of t.

    Reset: empty. Both domains must be reset together.
    """

    def __init__(self, shape, depth):
        if depth < 4 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two from 4; got {depth}")
        self._shape, self._depth = shape, depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.entries = entries = memory.Memory(
            shape=self._shape, depth=self._depth, init=[]
        )
        bits = ceil_log2(self._depth) + 1
        forth = DomainRenamer({"given": "near", "taken": "far"})
        back = DomainRenamer({"given": "far", "taken": "near"})
        m.submodules.written = written = forth(Tokens(bits))
        m.submodules.read = read = back(Tokens(bits))
        port, shown = entries.write_port(domain="near"), entries.read_port(domain="comb")

        level = Signal(range(self._depth + 1))
        m.d.comb += [
            self.i.ready.eq(level != self._depth),
            port.en.eq(self.i.valid & self.i.ready),
            port.data.eq(self.i.payload),
            written.give.eq(port.en),
            read.take.eq(read.any),
        ]
        m.d.near += [level.eq(level + port.en - read.any), port.addr.eq(port.addr + port.en)]

        m.d.comb += [
            self.o.valid.eq(written.any),
            self.o.payload.eq(shown.data),
            written.take.eq(self.o.valid & self.o.ready),
            read.give.eq(written.take),
        ]
        m.d.far += shown.addr.eq(shown.addr + written.take)
        return m
