"""What block RAMs are told beyond their shape, and memories and FIFOs with protected words.

With `Config.protect` "secded" every word carries check bits (`ttpoe.memory.secded`): a wrong bit is put
right in the clock in which the word is read, and counted. The word in the memory stays as it is
until it is written anew.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Elaboratable, Module, Shape, Signal, ValueCastable
from amaranth.lib import data, fifo, memory

from .secded import Decoder, Encoder, check_bits, chunks, coded_bits

__all__ = [
    "COLLISION_UNDEFINED",
    "BlockFifo",
    "SmallFifo",
    "ERRORS",
    "STATS",
    "protected_memory",
    "protected_fifo",
    "errors_of",
    "ram_style",
    "report",
    "stored_bits",
    "stored",
    "restored",
]

COLLISION_UNDEFINED = {"ttp_collision_undefined": 1}
"""Attribute of a memory whose readers never use what a synchronous port reads in the clock in which
that address is written. Otherwise tools build logic that keeps the old value: about a LUT and two
flip-flops for each bit of its width. The emitter (`ttpoe.verilog.component`) passes it on; in simulation
such a read gives X, so a reader that did use it would be seen."""

ERRORS = data.StructLayout({"corrected": 1, "uncorrectable": 1})
"""One-clock pulses: a word was read with one wrong bit, which was put right; with two."""


STATS = {
    "stat_memory_corrected": "word read with a wrong bit, which was put right (`protect` only)",
    "stat_memory_uncorrectable": "word read with two wrong bits (`protect` only)",
}
"""Pulses; words read in one clock, in several memories, give one."""


LUT_WORDS = 128
"""Up to so many narrow words a memory may lie in LUT RAM."""


def ram_style(depth):
    """`ram_style` of a memory of `depth` narrow words that is not in the longest paths.

    In LUT RAM 64 words cost two LUTs for each bit, and 128 five; in block RAM they fill a fiftieth of
    one, and an engine has few.
    """
    return "distributed" if depth <= LUT_WORDS else "block"


class BlockFifo(fifo.SyncFIFOBuffered):
    """`SyncFIFOBuffered` in a block RAM, whatever its size; else tools may take LUTs, and many.

    It never reads the place that it writes: they meet only when it is empty or full.
    """

    def style(self):
        """Its `ram_style`."""
        return "block"

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.submodules.storage.attrs.update({"ram_style": self.style(), **COLLISION_UNDEFINED})
        return m


class SmallFifo(BlockFifo):
    """The same; in LUT RAM if it has few entries, which must be narrow."""

    def style(self):
        return ram_style(self.depth)


def _encoded(m, value):
    """`value` with its check bits behind it."""
    checks = []
    for begin, end in chunks(len(value)):
        m.submodules += (encoder := Encoder(end - begin))
        m.d.comb += encoder.i_data.eq(value[begin:end])
        checks.append(encoder.o_check)
    return Cat(value, *checks)


def _decoded(m, word, value, errors):
    """Drives `value` with what the coded `word` says, and `errors` with what was found."""
    width = len(value)
    at, decoders = width, []
    for begin, end in chunks(width):
        m.submodules += (decoder := Decoder(end - begin))
        m.d.comb += [
            decoder.i_data.eq(word[begin:end]),
            decoder.i_check.eq(word[at : at + check_bits(end - begin)]),
            value[begin:end].eq(decoder.o_data),
        ]
        at += check_bits(end - begin)
        decoders.append(decoder)
    m.d.comb += [
        errors.corrected.eq(Cat(decoder.o_corrected for decoder in decoders).any()),
        errors.uncorrectable.eq(Cat(decoder.o_uncorrectable for decoder in decoders).any()),
    ]


class _Port:
    """A port as of `amaranth.lib.memory`: `addr`, `data`, `en`; of a read also `errors`."""

    def __init__(self, inner, shape, name):
        self.addr, self.en = inner.addr, inner.en
        self.data = Signal(shape, name=f"{name}_data")
        self.inner = inner


class _SecdedMemory(Elaboratable):
    """`amaranth.lib.memory.Memory` with check bits: the same calls, ports and timing.

    `errors` of a read port belongs to its `data`, and to whatever lies there if nothing was read.
    """

    def __init__(self, *, shape, depth, init=(), attrs=None):
        assert not any(init), "zeros are a coded word, other contents would have to be coded"
        self._shape = shape
        self._coded = memory.Memory(
            shape=coded_bits(Shape.cast(shape).width), depth=depth, init=[], attrs=attrs
        )
        self._reads, self._writes = [], []

    def write_port(self):
        port = _Port(self._coded.write_port(), self._shape, f"write{len(self._writes)}")
        self._writes.append(port)
        return port

    def read_port(self, *, domain="sync", transparent_for=()):
        inner = self._coded.read_port(
            domain=domain, transparent_for=[port.inner for port in transparent_for]
        )
        port = _Port(inner, self._shape, f"read{len(self._reads)}")
        port.errors = Signal(ERRORS, name=f"read{len(self._reads)}_errors")
        self._reads.append(port)
        return port

    def elaborate(self, platform):
        m = Module()
        m.submodules.coded = self._coded
        for port in self._writes:
            m.d.comb += port.inner.data.eq(_encoded(m, _value(port.data)))
        for port in self._reads:
            _decoded(m, port.inner.data, _value(port.data), port.errors)
        return m


class _SecdedFifo(fifo.FIFOInterface, Elaboratable):
    """A FIFO of `amaranth.lib.fifo` with check bits: the same interface and timing.

    `errors` is there one clock after an entry was taken: whether it is comes late. Bits that are not
    `among` those with check bits, a range (begin, end), lie there as they came.
    """

    def __init__(self, kind, *, width, depth, among):
        super().__init__(width=width, depth=depth)
        self._begin, self._end = among
        coded = self._end - self._begin
        self._coded = kind(width=width - coded + coded_bits(coded), depth=depth)
        self.depth = self._coded.depth
        self.level = Signal.like(self._coded.level)
        self.errors = Signal(ERRORS)

    def elaborate(self, platform):
        m = Module()
        m.submodules.coded = coded = self._coded
        found, begin, end = Signal(ERRORS), self._begin, self._end
        seen, taken = Signal(ERRORS), Signal()
        behind = begin + self.width - end  # where the coded bits lie
        m.d.comb += [
            coded.w_data.eq(
                Cat(self.w_data[:begin], self.w_data[end:], _encoded(m, self.w_data[begin:end]))
            ),
            Cat(self.r_data[:begin], self.r_data[end:]).eq(coded.r_data[:behind]),
            coded.w_en.eq(self.w_en),
            coded.r_en.eq(self.r_en),
            self.w_rdy.eq(coded.w_rdy),
            self.r_rdy.eq(coded.r_rdy),
            self.w_level.eq(coded.w_level),
            self.r_level.eq(coded.r_level),
            self.level.eq(coded.level),
            self.errors.eq(seen.as_value() & taken.replicate(2)),
        ]
        m.d.sync += [seen.eq(found), taken.eq(self.r_en & self.r_rdy)]
        _decoded(m, coded.r_data[behind:], self.r_data[begin:end], found)
        return m


def _value(signal):
    return signal.as_value() if isinstance(signal, ValueCastable) else signal


def protected_memory(protect, **arguments):
    """A memory as `amaranth.lib.memory.Memory(**arguments)`, its words protected or not."""
    return (memory.Memory if protect == "none" else _SecdedMemory)(**arguments)


def protected_fifo(protect, kind, *, width, depth, among=None):
    """A FIFO of class `kind`, its entries protected or not. `among`: only these bits, a range (begin,
    end); the others have check bits of their own (`stored`)."""
    if protect == "none":
        return kind(width=width, depth=depth)
    return _SecdedFifo(kind, width=width, depth=depth, among=among or (0, width))


def errors_of(found, used=None):
    """What `report` takes: the errors of a read port while `used`, or of a FIFO; else zero.

    `found` is a read port of `protected_memory` or a FIFO of `protected_fifo`. `used`: what the
    port shows is a word that was written and is taken in this clock.
    """
    errors = getattr(found, "errors", None)
    if errors is None:
        return Const(0, 2)
    return _value(errors) if used is None else _value(errors) & used.replicate(2)


def report(m, protect, output, *sources):
    """Drives a block's `o_errors` with what its memories and blocks found in the clock before."""
    if protect != "none":
        m.d.sync += output.eq(reduce(or_, map(_value, sources)))


def stored_bits(protect, width):
    """Bits of a word of `width` as it lies in a memory, its check bits included."""
    return width if protect == "none" else coded_bits(width)


def stored(port):
    """What lies in the memory where a read port of `protected_memory` reads: for `restored`."""
    return port.inner.data if isinstance(port, _Port) else port.data


def restored(m, protect, word, width):
    """The word of `width` that the stored bits `word` say, and its `ERRORS`."""
    errors = Signal(ERRORS)
    if protect == "none":
        return word, errors
    value = Signal(width)
    _decoded(m, word, value, errors)
    return value, errors
