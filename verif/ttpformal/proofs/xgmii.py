"""Proofs of the XGMII MAC, `mac/`: FCS, gaps, receive."""

from amaranth.hdl import Cat, Mux, Signal, signed

from ttpoe.mac import xgmii_rx
from ttpoe.mac.fcs import Fcs
from ttpoe.mac.xgmii_gap import XgmiiGap

from ..memories import built, inner
from ..proof import Defect, Proof, shrunk
from ..xgmii_line import Line, fed_fcs


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
    depth = 4
    cover_depth = 6
    defect_depth = 6
    defects = (
        Defect(
            "a byte of zeros too few is taken back",
            "mac/fcs.py",
            "_taken_back(nearly, count) for count in (1, 2, 3)",
            "_taken_back(nearly, count - count // 3) for count in (1, 2, 3)",
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
        m.d.comb += register.eq(inner(fragment)["register"])
        # The beat of the clock before meets the register. One bit, any, of both may be set when
        # it is `looked` at; after `start` the register is 1s. In the first clock the register is
        # 1s, too: the proof is in the induction's step, where it begins as anything.
        number, looked = h.constant(7, "number"), h.free(1, "looked")
        start, octets, keep = (h.past(value) for value in (dut.start, dut.data, dut.keep))
        h.assume(number <= 96)
        h.assume(~looked | (Cat(Mux(start, 0, register), octets) == (1 << number)[:96]))
        state = Mux(start, 0xFFFFFFFF, register)
        for lane in range(8):
            after = Signal(32, name=f"after{lane}")
            m.d.comb += after.eq(
                Mux(keep[lane], serial_fcs(state, octets.word_select(lane, 8)), state)
            )
            state = after
        checked = h.past(h.past(h.past(dut.valid) & looked))
        h.check_if(checked, dut.fcs == ~h.past(h.past(state)))
        ends = h.past(h.past((keep == 0x0F) & start))
        h.reach(checked & ends & (number == 40))


class FcsMatch(Proof):
    shows = "Fcs: `match` only if `fcs` is that of a frame with its own FCS, from any register"
    config = "8 bytes wide"
    mode = "induction"
    depth = 2
    cover_depth = 5
    defect_depth = 5
    defects = (
        Defect(
            "`match` looks at the low byte only",
            "mac/fcs.py",
            "self.match.eq(register == residue)",
            "self.match.eq(register[:8] == residue[:8])",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = Fcs(8)
        h.drive(dut)
        h.check_if(h.past(dut.match), dut.fcs == 0x2144DF1C)
        whole = dut.valid & dut.keep.all() & (dut.data == 0x2144DF1C_00000000)  # four zeros, FCS
        h.reach(dut.match & h.past(h.past(whole & dut.start)))


class Gap(Proof):
    shows = (
        "XgmiiGap: what gaps are short of 12 in sum stays 0 to 3 for ever, whatever the frames'"
        " lengths, so n frames that wait have gaps of 12 n bytes, or up to 3 less; each gap is 9"
        " to 15 bytes; a frame that comes late finds all made up for; /T/ never meets the next /S/"
    )
    config = "any lengths, any pauses, frames that are broken off"
    depth = 20
    cover_depth = 16
    defect_depth = 16
    short = True
    defects = (
        Defect("gaps are only cut", "mac/xgmii_gap.py", "exceeds.eq(", "exceeds.eq(0 & "),
        Defect(
            "the deficit of a late frame is kept",
            "mac/xgmii_gap.py",
            "m.d.sync += [deficit.eq(0), self.o_offset.eq(0)]",
            "m.d.sync += self.o_offset.eq(0)",
        ),
        Defect(
            "8 bytes are taken for 7",
            "mac/xgmii_gap.py",
            "Cat(keep[3] & ~keep[7], keep[7])",
            "Cat(keep[3], 0)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = XgmiiGap()
        inside, offset, any_frame = Signal(), Signal(), Signal()
        count, ends, begins = (
            h.free(4, "count"),
            h.free(1, "ends") & inside,
            h.free(1, "begins") & ~inside & dut.o_free,
        )
        aborts = h.free(1, "aborts")
        h.assume((count >= 1) & (count <= 8))
        m.d.comb += [
            dut.i_ends.eq(ends),
            dut.i_aborts.eq(aborts),
            dut.i_keep.eq((1 << count) - 1),
            dut.i_late.eq(~inside & ~begins),
        ]
        # Bytes of the gap that lie before this clock's word, in lanes of the wire: /T/ is byte
        # `count` + 4 of a frame's last word, which lies 4 lanes later if the frame began there.
        gap, debt = Signal(signed(8)), Signal(signed(8))
        at = Mux(aborts, 1, count + 4) + Mux(offset, 4, 0)
        with m.If(begins):
            m.d.sync += [inside.eq(1), offset.eq(dut.o_offset)]
        with m.If(ends):
            m.d.sync += [inside.eq(0), any_frame.eq(1), gap.eq(8 - at)]
        with m.Elif(~inside & (gap < 48)):
            m.d.sync += gap.eq(gap + 8)
        here, late = gap + Mux(dut.o_offset, 4, 0), h.past(dut.i_late & dut.o_free)
        after = debt + 12 - here
        starts = begins & any_frame
        with m.If(starts):
            m.d.sync += debt.eq(Mux(late, 0, after))
        h.check_if(starts, here >= 9)
        h.check_if(starts & ~late, (here <= 15) & (after >= 0) & (after <= 3))
        h.check_if(starts & late, after <= 0)
        # The word with FCS and /T/ is wanted if they do not fit, and never in the next frame.
        h.check(dut.o_tail == h.past(ends & ~aborts & (count >= 4)))
        h.check_if(dut.o_tail, ~dut.o_free)
        h.reach(starts & ~late & (debt == 3) & (after == 0) & (here == 15))
        h.reach(starts & late & (debt == 2))


class Receive(Proof):
    shows = (
        "XgmiiRx: a frame is delivered as a good one only if it ended with /T/, its length is"
        " allowed, Fcs was given its bytes, all and in order, and found them good; it comes"
        " without its last 4 bytes; any words on XGMII, but no /S/ in the word that ends a frame"
    )
    config = "frames of 16 to 24 bytes are allowed; Fcs replaced by one that says what it likes"
    mode = "sat"
    depth = 14
    why = (
        "the longest frame that is allowed takes 5 words with its SFD and its verdict 7 clocks"
        " more; what outlives a frame is overwritten by the first beat of the next one"
    )
    cover_depth = 14
    lengths = 16, 24
    defects = (
        Defect(
            "an idle ends a frame as /T/ does",
            "mac/xgmii_align.py",
            "~error & ~(end & self._terminate).any()",
            "~error & ~(end & (self._terminate | ~self._error)).any()",
        ),
        Defect(
            "a frame of one byte too many is good",
            "mac/xgmii_rx.py",
            "beat.count > self._longest[1]",
            "beat.count > self._longest[1] + 1",
        ),
        Defect(
            "/E/ is not seen in a frame's last word",
            "mac/xgmii_rx.py",
            "flags.eq(Cat(beat.error_char,",
            "flags.eq(Cat(beat.error_char & (beat.count == 8),",
        ),
        Defect(
            "bytes of the word before are shifted a lane too few",
            "mac/xgmii_align.py",
            "offset.eq(new.offset)",
            "offset.eq(new.offset - 1)",
        ),
    )

    def build(self, h):
        m = h.m
        match, number = h.free(1, "match"), h.constant(5, "number")
        fed = fed_fcs(match, number)
        xgmii_rx.Fcs, xgmii_rx._SHORTEST_BEATS = fed, self.lengths[0] // 8
        m.submodules.dut = dut = xgmii_rx.XgmiiRx(shrunk(width_bits=64))
        dut._longest = divmod(self.lengths[1], 8)
        h.drive(dut)
        octets, control = dut.xgmii_d, dut.xgmii_c
        line = Line(h, octets, control, self.lengths, number)
        h.assume(~((line.state == line.DATA) & control[4] & (octets[32:40] == 0xFB)))
        ended = Cat(line.good, line.count, line.watched)
        when = [ended]
        for _ in range(6):
            when.append(h.past(when[-1]))
        known = number < fed.count

        def is_it(value):
            return (
                value[0] & match & (value[1:7] == fed.count) & (~known | (value[7:] == fed.watched))
            )

        good = Signal()
        m.d.comb += good.eq(is_it(when[5]) | is_it(when[6]))
        o, out = dut.o, Signal(7)
        total = out + sum(o.p.keep[n] for n in range(8))
        with m.If(o.valid):
            m.d.sync += out.eq(Mux(o.p.last, 0, total))
        delivered = o.valid & o.p.last & ~o.p.error
        good_was, fed_was = h.past(good), h.past(fed.count)
        count = Mux(good_was, fed_was, h.past(fed_was))
        h.check_if(delivered, (good_was | h.past(good_was)) & (total == count - 4))
        h.check_if(dut.stat_rx_good, h.past(good))
        h.reach(delivered & (total == 20) & h.past(delivered == 0))
        h.reach(delivered & (total == 13))
        h.reach(dut.stat_rx_too_long)
