"""What the proofs say about frames on GMII, seen from the wire.

Written from IEEE 802.3: the CRC goes bit by bit (clause 3.2.9).
"""

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal

__all__ = ["ONES", "RESIDUE", "AnyCrc", "Carrier", "Received", "crc_after", "stopping"]

POLYNOMIAL = 0xEDB88320  # bits reversed: the first bit on the wire is the lowest of a byte
RESIDUE = 0xDEBB20E3  # what is left of a frame with its FCS
ONES = 0xFFFFFFFF


def crc_after(crc, byte):
    """The CRC register, 32 bits, after a byte; both values or both numbers."""
    numbers = isinstance(crc, int)
    for bit in range(8):
        wrong = (crc ^ byte >> bit) & 1
        crc = crc >> 1 ^ (wrong * POLYNOMIAL if numbers else Mux(wrong, POLYNOMIAL, 0))
    return crc if numbers else crc[:32]


def stopping(signal, end):
    """The next value of a counter that stops at `end`."""
    return Mux(signal == end, end, signal + 1)


class Carrier:
    """What GmiiTx sends, seen from the wire: bytes since TX_EN rose, idle time, TX_ER so far."""

    def __init__(self, h, dut):
        m = h.m
        self.place = Signal(7)  # stops at 127
        self.gap = Signal(4, init=15)  # stops at 15
        self.was_en, self.hurt = Signal(name="was_en"), Signal(name="hurt")
        self.ends = dut.step & self.was_en & ~dut.o_en
        with m.If(dut.step):
            m.d.sync += self.was_en.eq(dut.o_en)
            with m.If(dut.o_en):
                m.d.sync += [self.place.eq(stopping(self.place, 127)), self.gap.eq(0)]
                m.d.sync += self.hurt.eq(self.hurt | dut.o_er)
            with m.Else():
                m.d.sync += [self.place.eq(0), self.gap.eq(stopping(self.gap, 15))]
                m.d.sync += self.hurt.eq(0)


class AnyCrc(Elaboratable):
    """In place of the CRC: a verdict that may be any, in each clock another."""

    def __init__(self, match):
        self.match = match
        self.start, self.data, self.valid = Signal(), Signal(8), Signal()
        self.crc, self.match_detected = Signal(32), Signal()

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.match_detected.eq(self.match)
        return m


RX_SKIP, RX_IDLE, RX_PREAMBLE, RX_FRAME = range(4)
"""States of `GmiiRx`."""


class Received:
    """A frame on RXD as the standard sees it."""

    def __init__(self, h, dut, longest):
        m, self.longest = h.m, longest
        step, dv, byte = dut.step, dut.i_dv, dut.i_data
        self.awake = Signal(name="awake")  # idle was seen
        self.inside, self.over, self.hurt = (
            Signal(name=name) for name in ("inside", "over", "hurt_seen")
        )
        self.count = Signal(range(longest + 1), name="bytes_seen")
        self.header = [Signal(8, name=f"header{n}") for n in range(4)]  # bytes 12 to 15
        self.taken = step & dv & self.inside & ~self.over & (self.count != longest)
        self.ends = step & self.inside & ~self.over & (~dv | (self.count == longest))
        self.is_control = Cat(self.header[1], self.header[0]) == 0x8808
        with m.If(step & ~dv):
            m.d.sync += [
                self.awake.eq(1),
                self.inside.eq(0),
                self.over.eq(0),
                self.hurt.eq(0),
                self.count.eq(0),
            ]
        with m.Elif(step & self.awake):
            m.d.sync += self.hurt.eq(self.hurt | dut.i_er)
            with m.If(~self.inside):
                m.d.sync += self.inside.eq(byte == 0xD5)
            with m.Elif(self.count == longest):
                m.d.sync += self.over.eq(1)
            with m.Else():
                m.d.sync += self.count.eq(self.count + 1)
        for n in range(4):
            with m.If(self.taken & (self.count == 12 + n)):
                m.d.sync += self.header[n].eq(byte)

    def invariants(self, h, own):
        state = own["fsm_state"]
        h.check(self.count <= self.longest)
        h.check((state == RX_FRAME) == (self.inside & ~self.over))
        h.check((state == RX_SKIP) == (~self.awake | self.over))
        h.check_if(state == RX_IDLE, ~self.hurt)
        h.check_if(~self.inside, (self.count == 0) & ~self.over)
        h.check_if(~self.awake, ~self.inside & ~self.hurt)
