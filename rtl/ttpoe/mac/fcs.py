"""FCS of Ethernet, several bytes a clock.

Source: IEEE 802.3 clause 3.2.9 (CRC-32, low-order bit of each byte first, complemented).

The last beat of a frame holds 1 to 8 bytes, the others 8. So missing bytes count as zeros, and then
the zeros are taken back: a CRC is linear, and its step with a zero bit can be undone. Linear also
means that what a beat adds to the register does not depend on the register. So it is summed a clock
before, and the loop, which must run in each clock, is the 32 bits of the register alone.
`amaranth.lib.crc` sums register and beat in one clock, so its loop is longer.
"""

import zlib
from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Fcs"]

_REFLECTED_POLYNOMIAL = 0xEDB88320
_MASK = 0xFFFFFFFF


def _after_bit(state):
    """The CRC register, low-order bit first, one bit of zero later."""
    return state >> 1 ^ (state & 1) * _REFLECTED_POLYNOMIAL


def _before_bit(state):
    """What it was a bit of zero before: only the polynomial sets the highest bit."""
    carried = state >> 31
    return (state ^ carried * _REFLECTED_POLYNOMIAL) << 1 & _MASK | carried


def _times(step, number, state):
    for _ in range(number):
        state = step(state)
    return state


def _sums(columns, bits):
    """Each bit of the register as the sum of those `bits` whose column has it."""
    return Cat(
        reduce(xor, (bit for bit, column in zip(bits, columns) if column >> out & 1), Const(0, 1))
        for out in range(32)
    )


def _after(state, zeros):
    """The register `zeros` bytes of zero later, in hardware."""
    return _sums([_times(_after_bit, 8 * zeros, 1 << bit) for bit in range(32)], state)


def _taken_back(state, zeros):
    """The register before `zeros` bytes of zero, in hardware."""
    return _sums([_times(_before_bit, 8 * zeros, 1 << bit) for bit in range(32)], state)


def _added(octets):
    """What a beat adds to the register; byte 0, which came first, meets it first."""
    width = len(octets)
    return _sums([_times(_after_bit, width - bit, 1) for bit in range(width)], octets)


class Fcs(wiring.Component):
    """The FCS of the bytes of a frame, and whether they end with their own FCS.

    Parameters
    ----------
    width_bytes : int
        Bytes in one beat, 5 to 8.

    Members
    -------
    start : In(1)
        A frame begins: nothing before this clock's beat counts. With or without `valid`.
    valid : In(1)
        The bytes of `data` count.
    data : In(8 * width_bytes)
        Byte 0 of the wire in lane 0.
    keep : In(width_bytes)
        A run of ones from lane 0, never zero. Not all ones: the last beat before `start`.
    fcs : Out(32)
        The FCS of all bytes so far; its low byte goes first. Undefined while there are none.
    match : Out(1)
        The bytes so far end with the FCS of those before: a frame arrived undamaged.

    Timing: a beat in clock t is in `match` in t + 2 and in `fcs` in t + 3; both hold until the
    next beat is as far. A beat per clock.

    Reset: as after `start`.
    """

    def __init__(self, width_bytes=8):
        self._width_bytes = width_bytes
        super().__init__(
            {
                "start": In(1),
                "valid": In(1),
                "data": In(8 * width_bytes),
                "keep": In(width_bytes),
                "fcs": Out(32),
                "match": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        width = self._width_bytes
        added = Signal(32)
        starts, counts = (Signal(name=name) for name in ("starts", "counts"))
        register = Signal(32, init=_MASK)
        began = Signal(32)
        m.d.sync += [
            starts.eq(self.start),
            counts.eq(self.valid),
            added.eq(
                _added(
                    Cat(
                        Mux(self.keep[lane], self.data.word_select(lane, 8), 0)
                        for lane in range(width)
                    )
                )
            ),
        ]
        m.d.comb += began.eq(Mux(starts, _MASK, register))
        with m.If(counts):
            m.d.sync += register.eq(
                Mux(starts, _times(_after_bit, 8 * width, _MASK), _after(register, width)) ^ added
            )
        with m.Else():
            m.d.sync += register.eq(began)
        self._ends(m, register, counts)
        return m

    def _ends(self, m, register, counts):
        """`match` and `fcs`: the zeros of the last beat are taken back, four first."""
        width, keep = self._width_bytes, self.keep
        came, zeros, left = (
            Signal(bits, name=name) for name, bits in (("came", 3), ("zeros", 3), ("left", 2))
        )
        ends_at = {
            count: keep[width - count - 1] & ~(keep[width - count] if count else Const(0, 1))
            for count in range(width)
        }
        with m.If(self.valid):
            m.d.sync += came.eq(
                Cat(
                    Cat(flag for count, flag in ends_at.items() if count >> bit & 1).any()
                    for bit in range(3)
                )
            )
        with m.If(counts):
            m.d.sync += zeros.eq(came)
        # The message that is its own FCS is empty: four zeros.
        residues = [_MASK ^ zlib.crc32(bytes(4 + count)) for count in range(width)]
        residue = Cat(
            Cat(zeros == count for count in range(width) if residues[count] >> bit & 1).any()
            for bit in range(32)
        )
        nearly = Signal(32)
        m.d.sync += [
            nearly.eq(Mux(zeros[2], _taken_back(register, 4), register)),
            left.eq(zeros[:2]),
        ]
        one_less, two_less, three_less = (_taken_back(nearly, count) for count in (1, 2, 3))
        m.d.comb += [
            self.match.eq(register == residue),
            self.fcs.eq(
                ~Mux(left[1], Mux(left[0], three_less, two_less), Mux(left[0], one_less, nearly))
            ),
        ]
