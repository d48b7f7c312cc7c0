"""Proofs of the XGMII MAC and of the adapter for a hard MAC, `mac/`."""

from amaranth.hdl import Cat, Mux, Signal

from ttpoe.mac.fcs import Fcs

from ..memories import built, inner
from ..proof import Defect, Proof


def serial_fcs(state, octet):
    """The register of CRC-32 after one more byte, bit by bit as IEEE 802.3 has it."""
    for bit in range(8):
        feedback = state[0] ^ octet[bit]
        state = (state >> 1) ^ Mux(feedback, 0xEDB88320, 0)
    return state[:32]


class FcsStep(Proof):
    shows = (
        "Fcs: 1 to 8 bytes at once, from any register, give the FCS that the bits one by one"
        " give: for registers and beats with one bit that is set, or none. Fcs adds bits modulo 2"
        " and does nothing else, so this holds for their sums, which are all there are"
    )
    config = "8 bytes wide"
    mode = "induction"
    depth = 1
    cover_depth = 3
    defect_depth = 4
    defects = (
        Defect(
            "a byte of zeros too few is taken back",
            "mac/fcs.py",
            "Array(_taken_back(~loop.crc, count) for count in range(width))",
            "Array(_taken_back(~loop.crc, count - count // 7) for count in range(width))",
        ),
        Defect(
            "what lies in lanes without bytes counts",
            "mac/fcs.py",
            "Mux(self.keep[lane], self.data.word_select(lane, 8), 0)",
            "self.data.word_select(lane, 8)",
        ),
    )

    def build(self, h):
        m = h.m
        dut = Fcs(8)
        m.submodules.dut = fragment = built(dut)
        h.drive(dut)
        h.assume(dut.keep[0] & (dut.keep & (dut.keep + 1) == 0))
        register = Signal(32)
        m.d.comb += register.eq(inner(fragment, "crc")["crc_reg"][::-1])
        # One bit, any, of the register and the beat may be set; after `start` the register is 1s.
        # In the first clock the register is 1s, too: the proof is in the induction's step, where
        # it begins as anything.
        number = h.constant(7, "number")
        h.assume(number <= 96)
        h.assume(Cat(Mux(dut.start, 0, register), dut.data) == (1 << number)[:96])
        state = Mux(dut.start, 0xFFFFFFFF, register)
        for lane in range(8):
            after = Signal(32, name=f"after{lane}")
            m.d.comb += after.eq(
                Mux(dut.keep[lane], serial_fcs(state, dut.data.word_select(lane, 8)), state)
            )
            state = after
        checked = h.past(dut.valid)
        h.check_if(checked, dut.fcs == ~h.past(state))
        h.reach(checked & (h.past(dut.keep) == 0x0F) & h.past(dut.start) & (number == 40))


class FcsMatch(Proof):
    shows = "Fcs: `match` only if `fcs` is that of a frame with its own FCS, from any register"
    config = "8 bytes wide"
    mode = "induction"
    depth = 1
    cover_depth = 3
    defect_depth = 3
    defects = (
        Defect(
            "`match` takes the remainder of 7 bytes for 8",
            "mac/fcs.py",
            "bytes(4 + count)) for count",
            "bytes(4 + (count or 1))) for count",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = Fcs(8)
        h.drive(dut)
        h.check_if(dut.match, dut.fcs == 0x2144DF1C)
        h.reach(dut.match & h.past(dut.valid & dut.keep.all()))
