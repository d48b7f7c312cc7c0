"""`Backlog`: how many links are backlogged towards this engine, and the code that says so.

The receiver's half of the law that belongs to the whole engine (decisions K5 and K6).
"""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..wires import with_init

__all__ = ["Backlog"]

_PART = 6  # bits of the fraction of Ae
_LARGEST = 14  # upper half of the code
_LONG = 24  # bits of the clocks that are counted between two looks


def _log2(value):
    """Number of the highest bit that is 1."""
    found = Signal(range(len(value)), name="log2")
    statements = []
    result = 0
    for bit in range(1, len(value)):
        result = Mux(value[bit], bit, result)
    statements.append(found.eq(result))
    return statements, found


class Backlog(wiring.Component):
    """The estimate Ae, and the code of the frame that starts now.

    Members
    -------
    i_links : In(data_bits + 1)
        Links that are counted (A).
    i_packet, i_new_gap : In(1)
        A PAYLOAD of VC 2 came that counts; it showed a new gap. Of new gaps in two clocks that
        follow each other one may be left out.
    i_beat : In(1)
        A beat comes from the MAC.
    i_look : In(1)
        See `line_clock`.
    i_random : In(16)
    o_limit : Out(5)
        Visits of the timer after which a controlled link is no longer counted.
    o_code : Out(8)
        Byte 48 of an answer.

    Timing: `o_code` follows Ae by five clocks, `o_limit` by two.

    Reset: as with no link.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_links": In(config.data_bits + 1),
                "i_packet": In(1),
                "i_new_gap": In(1),
                "i_beat": In(1),
                "i_look": In(1),
                "i_random": In(16),
                "o_limit": with_init(Out, 5, init=2),
                "o_code": with_init(Out, 8, init=0x10),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bits = self._config.data_bits + 1
        self.estimate = estimate = Signal(bits + _PART + 1, init=1 << _PART)  # Ae
        self.excess = excess = Signal(signed(bits + _PART + 1))  # x
        self._load(m, estimate, excess)
        self._code(m, estimate)
        m.d.sync += self.o_limit.eq(Mux((estimate >> 11) > 29, 31, (estimate >> 11) + 2))
        return m

    def _load(self, m, estimate, excess):
        links = self.i_links
        most, least = Signal.like(excess), Signal.like(excess)
        few = Signal()  # one link or none
        total = (links << _PART) + excess
        m.d.sync += [
            few.eq(links <= 1),
            most.eq(links << 4),
            least.eq((1 << _PART) - (links << _PART)),
            estimate.eq(Mux(total < 1 << _PART, 1 << _PART, total)),
        ]
        self.elapsed = elapsed = Signal(_LONG)
        self.idle = idle = Signal(_LONG)
        packets = Signal(len(links) + 1)
        judged, enough = Signal(), Signal()
        busy, lazy = Signal(name="busy"), Signal(name="lazy")
        m.d.sync += judged.eq(self.i_look)
        with m.If(self.i_look):
            m.d.sync += [
                enough.eq(packets >= links << 1),
                busy.eq(idle << 8 < elapsed),
                lazy.eq(idle > elapsed >> 6),
            ]
        acts = Signal()
        change = Signal.like(excess)
        anew = judged & enough
        up, back, down = (Signal(len(estimate), name=n) for n in ("up", "back", "down"))
        m.d.comb += [
            up.eq(Mux(estimate[7:].any(), estimate >> 7, 1)),
            back.eq(Mux(excess < 0, (-excess) >> 4, 0)),
            down.eq(estimate >> 6),  # twice as fast as up: what a start has added goes soon
        ]
        m.d.sync += acts.eq(anew & (busy | lazy))
        with m.If(busy):
            m.d.sync += change.eq(Mux(back > up, back, up))
        with m.Else():
            m.d.sync += change.eq(-down)
        with m.If(anew):
            m.d.sync += [elapsed.eq(1), idle.eq(~self.i_beat), packets.eq(self.i_packet)]
        with m.Else():
            with m.If(~elapsed.all()):
                m.d.sync += [elapsed.eq(elapsed + 1), idle.eq(idle + ~self.i_beat)]
            with m.If(self.i_packet & ~packets.all()):
                m.d.sync += packets.eq(packets + 1)

        missed = Signal()
        m.d.sync += missed.eq((missed | self.i_new_gap) & acts)
        with m.If(acts):
            m.d.sync += excess.eq(excess + change)
        with m.Elif(few):
            m.d.sync += excess.eq(0)
        with m.Elif((self.i_new_gap | missed) & (excess < 0)):
            m.d.sync += excess.eq(excess + ((3 - excess) >> 2))
        with m.Elif(excess > most):
            m.d.sync += excess.eq(most)
        with m.Elif(excess < least):
            m.d.sync += excess.eq(least)

    def _code(self, m, estimate):
        """Five clocks: the number, its size, rounded at random, its size anew, cut."""
        bits = len(estimate)
        plain, sized, rounded, resized = (
            Signal(bits + 1, name=n, init=1 << _PART)
            for n in ("plain", "sized", "rounded", "resized")
        )
        statements, size = _log2(plain)
        m.d.comb += statements
        first = Signal.like(size, init=_PART)
        again, size_again = _log2(rounded)
        m.d.comb += again
        last = Signal.like(size_again, init=_PART)
        below = Signal(bits)  # the bits that are cut off
        m.d.comb += below.eq(((1 << first) - 1)[4:])
        m.d.sync += [
            plain.eq(Mux(self.i_links <= 1, 1 << _PART, estimate)),
            sized.eq(plain),
            first.eq(size),
            rounded.eq(sized + (below & self.i_random)),
            resized.eq(rounded),
            last.eq(size_again),
        ]
        # Its five highest bits; the first of them is 1, and is not said.
        mantissa = Signal(4)
        m.d.comb += mantissa.eq(resized >> (last - 4)[:4])
        exponent = Signal(range(bits + 1))
        m.d.comb += exponent.eq(last - 5)
        code = Cat(mantissa, exponent[:4])
        if bits - 5 > _LARGEST:
            code = Mux(exponent > _LARGEST, _LARGEST << 4 | 15, code)
        m.d.sync += self.o_code.eq(code)
