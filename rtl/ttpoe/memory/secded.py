"""A code that corrects every single and detects every double error of a word (SECDED).

Source: M. Y. Hsiao, "A class of optimal minimum odd-weight-column SEC-DED codes", IBM Journal of
Research and Development 14 (4), 1970.

Each bit of the coded word has a column of check equations that it takes part in: one for a check
bit, an odd number of at least three for a data bit, all different. So the syndrome (which equations
fail) of one wrong bit is that bit's column, of odd weight; of two, the sum of two different
columns: even and not zero. The code is linear: a word of zeros has check bits of zero.
"""

from functools import cache
from itertools import combinations

from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["CHUNK_BITS", "check_bits", "columns", "chunks", "coded_bits", "Encoder", "Decoder"]

CHUNK_BITS = 64
"""Longer words are cut into equal parts of at most so many bits, each with its own check bits."""


def check_bits(width):
    """Check bits for `width` data bits: as few as have enough columns of odd weight."""
    bits = 3
    while (1 << (bits - 1)) - bits < width:
        bits += 1
    return bits


@cache
def columns(width):
    """For each data bit the check bits that it counts for, as a number.

    The lightest columns are taken, spread so that the equations are about equally long: the longest
    one is the delay.
    """
    bits = check_bits(width)
    lengths = [0] * bits
    taken = []
    for weight in range(3, bits + 1, 2):
        left = list(combinations(range(bits), weight))
        while left and len(taken) < width:
            best = min(
                left, key=lambda rows: (sorted((lengths[row] for row in rows), reverse=True), rows)
            )
            left.remove(best)
            for row in best:
                lengths[row] += 1
            taken.append(sum(1 << row for row in best))
    return taken


def chunks(width):
    """The data bits of each part of a word of `width` bits: ranges (begin, end)."""
    parts = max(1, -(-width // CHUNK_BITS))
    ends = [width * part // parts for part in range(parts + 1)]
    return list(zip(ends, ends[1:]))


def coded_bits(width):
    """Bits of a coded word of `width` data bits, all parts together."""
    return width + sum(check_bits(end - begin) for begin, end in chunks(width))


def _equations(data, width):
    """The check bits that belong to `data`."""
    return Cat(
        Cat(data[bit] for bit, column in enumerate(columns(width)) if column >> row & 1).xor()
        for row in range(check_bits(width))
    )


class Encoder(wiring.Component):
    """Check bits of one part of a word.

    Members
    -------
    i_data : In(width)
    o_check : Out(check_bits(width))
        In the same clock.
    """

    def __init__(self, width):
        self._width = width
        super().__init__({"i_data": In(width), "o_check": Out(check_bits(width))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o_check.eq(_equations(self.i_data, self._width))
        return m


class Decoder(wiring.Component):
    """One part of a word as it was written, if at most one bit of it is wrong.

    Members
    -------
    i_data : In(width), i_check : In(check_bits(width))
        As read.
    o_data : Out(width)
        In the same clock.
    o_corrected : Out(1)
        One bit was wrong; `o_data` is right.
    o_uncorrectable : Out(1)
        Two bits were wrong; `o_data` is not right. (Of three or more the code promises nothing.)
    """

    def __init__(self, width):
        self._width = width
        super().__init__(
            {
                "i_data": In(width),
                "i_check": In(check_bits(width)),
                "o_data": Out(width),
                "o_corrected": Out(1),
                "o_uncorrectable": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        syndrome = Signal(check_bits(self._width))
        m.d.comb += [
            syndrome.eq(_equations(self.i_data, self._width) ^ self.i_check),
            self.o_data.eq(
                self.i_data ^ Cat(syndrome == column for column in columns(self._width))
            ),
            self.o_corrected.eq(syndrome.xor()),
            self.o_uncorrectable.eq(syndrome.any() & ~syndrome.xor()),
        ]
        return m
