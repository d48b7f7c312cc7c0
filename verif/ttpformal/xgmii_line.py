"""XGMII as clause 46 of IEEE 802.3 has it, byte by byte, beside the receive half of the MAC."""

from amaranth.hdl import Module, Mux, Signal

from ttpoe.mac.fcs import Fcs

__all__ = ["Line", "fed_fcs"]


class Line:
    """XGMII byte by byte, as clause 46 has it: the frame that ended in this clock's word, if any.

    Members: `good`: it ended with /T/ and has a length that is allowed; `count` bytes, FCS
    included; `watched`: its byte number `number`.
    """

    IDLE, PREAMBLE, DATA = range(3)

    def __init__(self, h, octets, control, lengths, number):
        m = h.m
        self.m, self.lengths, self.number = m, lengths, number
        self.good, self.count, self.watched = Signal(), Signal(6), Signal(8)
        now = tuple(
            Signal(width, name=f"line_{name}")
            for name, width in (("state", 2), ("count", 6), ("watched", 8))
        )
        m.d.comb += self.good.eq(0)
        self.state = now[0]
        after = now
        for lane in range(8):
            after = self._lane(lane, octets.word_select(lane, 8), control[lane], *after)
        m.d.sync += [signal.eq(value) for signal, value in zip(now, after)]

    def _lane(self, lane, octet, control, state, count, watched):
        m = self.m
        after = tuple(
            Signal.like(value, name=f"line{lane}_{n}")
            for n, value in enumerate((state, count, watched))
        )
        for signal, value in zip(after, (state, count, watched)):
            m.d.comb += signal.eq(value)
        with m.If(control):
            m.d.comb += after[0].eq(self.IDLE)
            if lane in (0, 4):
                with m.If(octet == 0xFB):
                    m.d.comb += after[0].eq(self.PREAMBLE)
            with m.If(
                (state == self.DATA)
                & (octet == 0xFD)
                & (count >= self.lengths[0])
                & (count <= self.lengths[1])
            ):
                m.d.comb += [self.good.eq(1), self.count.eq(count), self.watched.eq(watched)]
        with m.Elif(state == self.DATA):
            with m.If(count < 63):
                m.d.comb += after[1].eq(count + 1)
            with m.If(count == self.number):
                m.d.comb += after[2].eq(octet)
        with m.Elif((state == self.PREAMBLE) & (octet == 0xD5)):
            m.d.comb += [after[0].eq(self.DATA), after[1].eq(0)]
        return after


def fed_fcs(match, number):
    """In place of `Fcs`: it says `match` at its pleasure, and tells what it was fed with."""

    class Fed(Fcs):
        count, watched = Signal(7), Signal(8)

        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.match.eq(match)
            count, watched = Signal(7), Signal(8)
            before = Mux(self.start, 0, count)
            with m.If(self.valid):
                m.d.sync += count.eq(before + sum(self.keep[n] for n in range(8)))
                for lane in range(8):
                    with m.If(self.keep[lane] & (before + lane == number)):
                        m.d.sync += watched.eq(self.data.word_select(lane, 8))
            m.d.sync += [self.count.eq(count), self.watched.eq(watched)]  # with `match`
            return m

    return Fed
