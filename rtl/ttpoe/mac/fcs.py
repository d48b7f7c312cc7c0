"""FCS of Ethernet, several bytes a clock.

Source: IEEE 802.3 clause 3.2.9 (CRC-32, low-order bit of each byte first, complemented).

`amaranth.lib.crc` takes the same number of bytes in each clock, but the last beat of a frame holds
1 to 8. So missing bytes count as zeros, and then the zeros are taken back: a CRC is linear, and its
step with a zero bit can be undone. Only the narrow loop of the library runs in each clock; what
takes zeros back lies behind it and may be put into registers.
"""

from functools import reduce
from operator import xor

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import crc, wiring
from amaranth.lib.crc.catalog import CRC32_ETHERNET
from amaranth.lib.wiring import In, Out

__all__ = ["Fcs"]

_REFLECTED_POLYNOMIAL = 0xEDB88320
_MASK = 0xFFFFFFFF


def _without_zeros(state, zeros):
    """The CRC register, low-order bit first, as it was before `zeros` bytes of zero."""
    for _ in range(8 * zeros):
        carried = state >> 31  # only the polynomial sets the highest bit
        state = (state ^ carried * _REFLECTED_POLYNOMIAL) << 1 & _MASK | carried
    return state


def _taken_back(state, zeros):
    """The same in hardware: each bit is a sum of bits of `state`."""
    columns = [_without_zeros(1 << bit, zeros) for bit in range(32)]
    return Cat(
        reduce(xor, (state[bit] for bit in range(32) if columns[bit] >> out & 1))
        for out in range(32)
    )


class Fcs(wiring.Component):
    """The FCS of the bytes of a frame, and whether they end with their own FCS.

    Parameters
    ----------
    width_bytes : int
        Bytes in one beat, 4 to 8.

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

    Timing: `fcs` and `match` belong to the beat of the clock before; they hold until the next
    beat. A beat per clock.

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
        m.submodules.crc = loop = crc.Processor(CRC32_ETHERNET(8 * width))
        m.d.comb += [
            loop.start.eq(self.start),
            loop.valid.eq(self.valid),
            loop.data.eq(
                Cat(
                    Mux(self.keep[lane], self.data.word_select(lane, 8), 0) for lane in range(width)
                )
            ),
        ]
        zeros = Signal(range(width))  # in the last beat
        with m.If(self.valid):
            m.d.sync += zeros.eq(sum(~self.keep[lane] for lane in range(width)))
        # The message that is its own FCS is empty: four zeros.
        residues = [CRC32_ETHERNET(8).compute(bytes(4 + count)) for count in range(width)]
        m.d.comb += [
            self.fcs.eq(~Array(_taken_back(~loop.crc, count) for count in range(width))[zeros]),
            self.match.eq(Cat(loop.crc == residue for residue in residues).bit_select(zeros, 1)),
        ]
        return m
