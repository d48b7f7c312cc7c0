"""Realignment between wire beats and payload beats.

Source: section 1. The header is 60 bytes and 60 = W - 4 (mod W) for every width W of 8, 16, 32
and 64 bytes. So byte 0 of the payload always lies in lane W - 4 of a wire beat, and the two
alignments differ by a fixed rotation, whatever the width:

    receive:  payload beat k = last 4 bytes of wire beat j, first W - 4 bytes of wire beat j + 1
    send:     wire beat j + 1 = last W - 4 bytes of payload beat k, first 4 of payload beat k + 1

with j = 60 // W + k.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Carry", "splice"]


def splice(carried, beat):
    """One beat: the bytes `carried` over from the beat before, then as many of `beat` as fit.

    Pure wiring. `carried` is whole bytes and narrower than `beat`; its first byte becomes lane 0.
    """
    return Cat(carried, beat[: len(beat) - len(carried)])


class Carry(wiring.Component):
    """Keeps the last bytes of each beat and puts them in front of the next one.

    Parameters
    ----------
    width_bytes : int
        Bytes in one beat.
    carry_bytes : int
        Bytes carried over, from 1 to `width_bytes` - 1: 4 when receiving, `width_bytes` - 4 when
        sending.

    Members
    -------
    beat : In(8 * width_bytes)
        The beat, first byte in lane 0.
    advance : In(1)
        `beat` is used in this clock: its last `carry_bytes` bytes are kept.
    joined : Out(8 * width_bytes)
        The bytes kept, then the first bytes of `beat`. Counts if a beat was kept before.

    Timing: `joined` follows `beat` in the same clock; one beat per clock. Only `carry_bytes` are
    stored. The last beat of a packet needs no `beat` behind it if its bytes all lie in the
    carried part: the upper lanes then hold whatever `beat` is.

    Reset: the bytes kept are zero.
    """

    def __init__(self, width_bytes, carry_bytes):
        self._carry_bits = 8 * carry_bytes
        super().__init__(
            {"beat": In(8 * width_bytes), "advance": In(1), "joined": Out(8 * width_bytes)}
        )

    def elaborate(self, platform):
        m = Module()
        carried = Signal(self._carry_bits)
        m.d.comb += self.joined.eq(splice(carried, self.beat))
        with m.If(self.advance):
            m.d.sync += carried.eq(self.beat[-self._carry_bits :])
        return m
