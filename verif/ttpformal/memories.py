"""Memories as a proof needs them: their contents can be watched, and a collision reads anything.

Nor is a place worth anything that was never written, if the proof wants it so.

While a block is built inside `harsh_memories`, the `protected_memory` that its module creates is
one of these; inside `begun_memories` it is one that begins with any words. Nothing else of the
block changes.
"""

from contextlib import contextmanager

from amaranth.hdl import Array, Cat, Const, Fragment, MemoryInstance, Module, Mux, Signal, Value
from amaranth.lib import memory

from ttpoe.memory.protected import COLLISION_UNDEFINED

__all__ = ["harsh_memories", "begun_memories", "built", "inner", "taker"]


def _harsh(h, found, dirty, every):
    class Harsh(memory.Memory):
        """Watched at `watch_place`: `watched` is what lies there in this clock; and if `every`,
        `places` is what lies in each.

        With `COLLISION_UNDEFINED` a port that reads the place that is written gives any value; if
        `dirty`, one that reads a place that has not been written yet (`blank`), too.
        """

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            found.append(self)
            bits = len(Cat(Signal(self.shape)))
            self.watched = Signal(bits, name="watched")
            self.watch_place = Signal(range(self.depth), name="watch_place")
            self.places = [
                Signal(bits, name=f"place{n}") for n in range(self.depth if every else 0)
            ]
            self.blank = Signal(self.depth, name="blank", init=-1 if dirty else 0)

        def elaborate(self, platform):
            m = Module()
            m.submodules.cells = cells = MemoryInstance(data=self.data)
            indices = {
                port: cells.write_port(
                    domain=port.domain, addr=port.addr, data=port.data, en=port.en
                )
                for port in self.write_ports
            }
            for write in self.write_ports:
                with m.If(write.en):
                    m.d.sync += self.blank.bit_select(write.addr, 1).eq(0)
            harsh = self.attrs.keys() >= COLLISION_UNDEFINED.keys()
            for port in self.read_ports:
                raw = Signal(len(self.watched), name="raw")
                cells.read_port(
                    domain=port.domain,
                    addr=port.addr,
                    data=raw,
                    en=port.en,
                    transparent_for=[indices[w] for w in port.transparent_for],
                )
                data = Cat(port.data)
                if not harsh or port.domain == "comb":
                    m.d.comb += data.eq(raw)
                    continue
                collided = Signal(name="collided")
                with m.If(port.en):
                    m.d.sync += collided.eq(
                        Cat(
                            self.blank.bit_select(port.addr, 1) if dirty else 0,
                            *(write.en & (write.addr == port.addr) for write in self.write_ports),
                        ).any()
                    )
                m.d.comb += data.eq(Mux(collided, h.free(len(raw), "undefined"), raw))
            watches = [(self.watch_place, self.watched)]
            watches += [
                (Const(n, len(self.watch_place)), place) for n, place in enumerate(self.places)
            ]
            for place, seen in watches:
                cells.read_port(
                    domain="comb", addr=place, data=seen, en=Const(1), transparent_for=()
                )
            return m

    return Harsh


def _begun(h, found, clocks):
    class Begun(memory.Memory):
        """In the first `clocks` clocks a write to place n stores `begin[n]`, which is any word.

        So a block that clears its memory when it starts goes on as after any history that leaves
        these words.
        """

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            found.append(self)
            bits = len(Cat(Signal(self.shape)))
            self.begin = Array(h.constant(bits, f"begin{place}") for place in range(self.depth))

        def elaborate(self, platform):
            m = Module()
            m.submodules.cells = cells = MemoryInstance(data=self.data)
            (write,) = self.write_ports
            age = Signal(range(clocks + 1))
            m.d.sync += age.eq(Mux(age == clocks, age, age + 1))
            cells.write_port(
                domain=write.domain,
                addr=write.addr,
                en=write.en,
                data=Mux(age == clocks, write.data, self.begin[write.addr]),
            )
            for port in self.read_ports:
                assert not port.transparent_for
                cells.read_port(
                    domain=port.domain,
                    addr=port.addr,
                    data=port.data,
                    en=port.en,
                    transparent_for=(),
                )
            return m

    return Begun


@contextmanager
def _replaced(kind, found, modules):
    before = [module.protected_memory for module in modules]
    for module in modules:
        module.protected_memory = lambda _protect, **arguments: kind(**arguments)
    try:
        yield found
    finally:
        for module, value in zip(modules, before):
            module.protected_memory = value


def harsh_memories(h, *modules, dirty=False, every=False):
    """Inside, `modules` that are built make harsh memories; they are listed in what it yields."""
    found = []
    return _replaced(_harsh(h, found, dirty, every), found, modules)


def begun_memories(h, clocks, *modules):
    """The same with memories that hold any words after `clocks` clocks."""
    found = []
    return _replaced(_begun(h, found, clocks), found, modules)


def built(component):
    """All of `component` elaborated, at once."""
    return Fragment.get(component, None)


def _block(fragment, path):
    for step in path:
        fragment = next(sub for sub, name, *_ in fragment.subfragments if name == step)
    return fragment


def inner(fragment, *path):
    """Signals that are driven in the block at `path` below `fragment`, by name.

    For helper invariants of an induction only: what a proof shows is about ports.
    """
    return {
        signal.name: signal
        for statements in _block(fragment, path).statements.values()
        for signal in statements._lhs_signals()
    }


def taker(source, fragment, *path):
    """The register of the same block that takes `source` in every clock, whatever its name is."""
    source = Value.cast(source)
    (found,) = (
        statement.lhs
        for statement in _block(fragment, path).statements["sync"]
        if getattr(statement, "rhs", None) is source
    )
    return found
