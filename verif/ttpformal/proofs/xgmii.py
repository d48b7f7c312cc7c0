"""Proofs of the XGMII MAC and of the adapter for a hard MAC, `mac/`."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed

from ttpoe.mac import store, xgmii_rx
from ttpoe.mac.beat_crossing import BeatCrossing, RxGuard
from ttpoe.mac.fcs import Fcs
from ttpoe.mac.xgmii_gap import XgmiiGap

from ..frames import assume_beats, check_beats
from ..memories import built, inner
from ..proof import Defect, Proof, shrunk


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
        Defect(
            "gaps are only cut",
            "mac/xgmii_gap.py",
            "until.eq(columns + 3 + owed[2] + self.o_offset)",
            "until.eq(columns + 3 + self.o_offset)",
        ),
        Defect(
            "the deficit of a late frame is kept",
            "mac/xgmii_gap.py",
            "m.d.sync += [deficit.eq(0), self.o_offset.eq(0)]",
            "m.d.sync += self.o_offset.eq(0)",
        ),
        Defect(
            "8 bytes are taken for 7",
            "mac/xgmii_gap.py",
            "1 + keep[3] + keep[7]",
            "1 + keep[3] + (keep[7] & keep[0] & ~keep[1])",
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


class Store(Proof):
    shows = (
        "Store: beats in order, none lost or doubled; once a frame has begun `valid` never falls"
        " inside of it, whatever its source does, if it fits"
    )
    config = "4 beats, store and forward, any frames up to 4 beats (3 bits of a beat are any)"
    start_beats = 4
    depth = 20
    cover_depth = 14
    defect_depth = 12
    defects = (
        Defect(
            "a frame begins with its first beat",
            "mac/store.py",
            "((wholes != 0) | (beats.level >= self._start_beats))",
            "(beats.level != 0)",
        ),
        Defect(
            "a frame that leaves counts for the next one",
            "mac/store.py",
            " & ~left)",
            ")",
        ),
        Defect(
            "what is there is taken twice",
            "mac/store.py",
            "beats.r_en.eq(o.valid & o.ready)",
            "beats.r_en.eq(o.valid & o.ready & inside)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = store.Store(shrunk(width_bits=64), 4, self.start_beats)
        h.drive(dut)
        h.streams(dut)
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        check_beats(h, o.valid, o.payload)
        h.assume_if(i.valid, i.p.data[2:] == 0)
        taken, left = i.valid & i.ready, o.valid & o.ready

        def shown(beat):
            return Cat(beat.data[:2], beat.keep, beat.last, beat.error)

        h.check_fifo(taken, shown(i.payload), left, shown(o.payload), 4)
        came, inside = Signal(3), Signal()
        with m.If(taken):
            m.d.sync += came.eq(Mux(i.p.last, 0, came + 1))
        with m.If(left):
            m.d.sync += inside.eq(~o.p.last)
        self.promise(h, i, taken, came)
        h.check_if(inside, o.valid)
        h.reach(left & o.p.last & inside & h.past(left & inside))
        h.reach(~i.ready)

    def promise(self, h, i, taken, came):
        h.assume_if(i.valid & (came == 3), i.p.last)


class StoreCutThrough(Store):
    shows = (
        "Store: the same with frames of any length that begin with 3 beats, if their source gives"
        " a beat in every clock of a frame in which it may"
    )
    config = "4 beats, a frame begins with 3 (3 bits of a beat are any)"
    start_beats = 3
    defects = (
        Defect(
            "a frame begins with its first beat",
            "mac/store.py",
            "((wholes != 0) | (beats.level >= self._start_beats))",
            "(beats.level != 0)",
        ),
    )

    def promise(self, h, i, taken, came):
        # Once a frame has begun its beats follow each other.
        begun = Signal()
        with h.m.If(taken):
            h.m.d.sync += begun.eq(~i.p.last)
        h.assume_if(begun, i.valid)


class Crossing(Proof):
    shows = "BeatCrossing: beats in order, none lost or doubled, held until they are taken"
    config = "3 beats, both clocks the same (3 bits of a beat are any)"
    depth = 20
    cover_depth = 24
    defect_depth = 20
    defects = (
        Defect(
            "every beat begins a frame",
            "mac/beat_crossing.py",
            "m.d[i_domain] += starts.eq(i.p.last)",
            "m.d[i_domain] += starts.eq(1)",
        ),
        Defect(
            "a beat that waits is gone",
            "mac/beat_crossing.py",
            "fifo.r_en.eq(o.ready)]",
            "fifo.r_en.eq(1)]",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = BeatCrossing(shrunk(width_bits=64), 3, "sync", "sync")
        h.drive(dut)
        h.streams(dut)
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        h.assume_if(i.valid, (i.p.data[1:] == 0) & ~i.p.error)
        taken, left = i.valid & i.ready, o.valid & o.ready

        def shown(beat):
            return Cat(beat.data[0], beat.keep, beat.last, beat.error)

        level = h.check_fifo(taken, shown(i.payload), left, shown(o.payload), 3)
        h.reach(level == 3)
        h.reach(left & o.p.last & h.past(left & ~o.p.last))


class Guard(Proof):
    shows = (
        "RxGuard: a frame that is not counted as overflowed passes unchanged; of one that is comes"
        " a beginning that ends with `error`, or nothing; frames are never joined"
    )
    config = "64 bits, frames of any length"
    depth = 12
    cover_depth = 12
    defect_depth = 12
    short = True
    defects = (
        Defect(
            "the end of a frame that was cut is forgotten",
            "mac/beat_crossing.py",
            "m.d.sync += owed.eq(inside)",
            "m.d.sync += owed.eq(0)",
        ),
        Defect(
            "the rest of a frame passes",
            "mac/beat_crossing.py",
            "m.d.sync += [discarding.eq(~i.p.last), inside.eq(0)]",
            "m.d.sync += [discarding.eq(0), inside.eq(0)]",
        ),
        Defect(
            "a frame that is dropped leaves an end",
            "mac/beat_crossing.py",
            "m.d.sync += inside.eq(~i.p.last)",
            "m.d.sync += inside.eq(1)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = RxGuard(shrunk(width_bits=64))
        h.drive(dut)
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        check_beats(h, o.valid, o.payload)
        left = o.valid & o.ready
        begun, out, lost = Signal(), Signal(), Signal()  # in the frame: at `i`, at `o`, counted
        with m.If(i.valid):
            m.d.sync += [begun.eq(~i.p.last), lost.eq(~i.p.last & (lost | dut.overflowed))]
        with m.If(left):
            m.d.sync += out.eq(~o.p.last)
        same = left & i.valid & (o.payload.as_value() == i.payload.as_value())
        h.check_if(dut.overflowed, i.valid & ~lost)
        h.check_if(i.valid & ~lost & ~dut.overflowed, same & (out == begun))
        # What passes otherwise is the end, and only of a frame that had begun.
        other = left & ~(i.valid & ~lost & ~dut.overflowed)
        h.check_if(other, out & o.p.last & o.p.error)
        h.reach(other & h.past(lost))
        h.reach(same & i.p.last & h.past(h.past(dut.overflowed & i.p.last)))


class _Line:
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


def _fed_fcs(match, number):
    """In place of `Fcs`: it says `match` at its pleasure, and tells what it was fed with."""

    class Fed(Fcs):
        count, watched = Signal(7), Signal(8)

        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.match.eq(match)
            before = Mux(self.start, 0, self.count)
            with m.If(self.valid):
                m.d.sync += self.count.eq(before + sum(self.keep[n] for n in range(8)))
                for lane in range(8):
                    with m.If(self.keep[lane] & (before + lane == number)):
                        m.d.sync += self.watched.eq(self.data.word_select(lane, 8))
            return m

    return Fed


class Receive(Proof):
    shows = (
        "XgmiiRx: a frame is delivered as a good one only if it ended with /T/, its length is"
        " allowed, Fcs was given its bytes, all and in order, and found them good; it comes"
        " without its last 4 bytes; any words on XGMII, but no /S/ in the word that ends a frame"
    )
    config = "frames of 16 to 24 bytes are allowed; Fcs replaced by one that says what it likes"
    mode = "sat"
    depth = 12
    why = (
        "the longest frame that is allowed takes 5 words with its SFD and its verdict 5 clocks"
        " more; what outlives a frame is overwritten by the first beat of the next one"
    )
    cover_depth = 12
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
            "flags = Cat(beat.error_char,",
            "flags = Cat(beat.error_char & (beat.count == 8),",
        ),
        Defect(
            "bytes of the word before are shifted a lane too few",
            "mac/xgmii_align.py",
            "offset.eq(_number(self._sfd_at)[:3] + 1)",
            "offset.eq(_number(self._sfd_at)[:3])",
        ),
    )

    def build(self, h):
        m = h.m
        match, number = h.free(1, "match"), h.constant(5, "number")
        fed = _fed_fcs(match, number)
        xgmii_rx.Fcs, xgmii_rx._SHORTEST_BEATS = fed, self.lengths[0] // 8
        m.submodules.dut = dut = xgmii_rx.XgmiiRx(shrunk(width_bits=64))
        dut._longest = divmod(self.lengths[1], 8)
        h.drive(dut)
        octets, control = dut.xgmii_d, dut.xgmii_c
        line = _Line(h, octets, control, self.lengths, number)
        h.assume(~((line.state == line.DATA) & control[4] & (octets[32:40] == 0xFB)))
        ended = Cat(line.good, line.count, line.watched)
        when = [ended]
        for _ in range(4):
            when.append(h.past(when[-1]))
        known = number < fed.count

        def is_it(value):
            return (
                value[0] & match & (value[1:7] == fed.count) & (~known | (value[7:] == fed.watched))
            )

        good = Signal()
        m.d.comb += good.eq(is_it(when[3]) | is_it(when[4]))
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
