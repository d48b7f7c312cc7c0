"""Proofs of `stream/`."""

from amaranth.hdl import Mux, Signal

from ttpoe.stream.arbiter import UrgencyArbiter
from ttpoe.stream.carry import Carry

from ..proof import Defect, Proof


class _Arbiter(Proof):
    count, share = 3, 4
    longest = 10  # wait that the cover shows
    mode = "induction"
    depth = 3
    defect_depth = 16
    defects = (
        Defect(
            "the pointer does not move", "stream/arbiter.py", "pointer.rotate_left(1)", "pointer"
        ),
        Defect(
            "two grants at once",
            "stream/arbiter.py",
            "favoured, most_urgent",
            "favoured | most_urgent, most_urgent",
        ),
        Defect(
            "grants who does not ask", "stream/arbiter.py", "self.requests & pointer &", "pointer &"
        ),
    )

    def build(self, h):
        m, count, share = h.m, self.count, self.share
        dut = UrgencyArbiter(count, share)
        inner = h.opened(dut)
        h.drive(dut)
        h.assume(~dut.advance | dut.requests.any())
        h.assume(dut.requests & dut.waiting == 0)
        h.check(dut.grant & ~dut.requests == 0)
        h.check(dut.grant & (dut.grant - 1) == 0)
        h.check(dut.grant.any() == dut.requests.any())
        h.check(Mux(dut.grant.any(), dut.grant == 1 << dut.index, dut.index == 0))

        # A requester, any, that asks, or would, without a break: grants to others since it began,
        # those aside in which the turn waits for somebody without room.
        watched = h.constant(range(count), "watched")
        h.assume(watched < count)
        bound = self.share * count
        missed = Signal(range(bound + 2))
        asks = (dut.requests | dut.waiting).bit_select(watched, 1)
        held = (inner["turn"] == share - 1) & (inner["pointer"] & dut.waiting).any()
        counts = dut.advance & ~held
        granted = dut.grant.bit_select(watched, 1)
        with m.If(~asks | (dut.advance & granted)):
            m.d.sync += missed.eq(0)
        with m.Elif(counts):
            m.d.sync += missed.eq(missed + 1)
        h.check_if(asks & ~granted & counts, missed < bound - 1)
        # For the induction: turns of the pointer until it comes to the watched one.
        pointer, turn = inner["pointer"], inner["turn"]
        h.check((pointer != 0) & (pointer & (pointer - 1) == 0) & (turn < share))
        distance = Signal(range(count))
        for n in range(count):
            with m.If(pointer[n]):
                m.d.comb += distance.eq(Mux(watched >= n, watched - n, watched + count - n))
        h.check(missed + share * distance + share - turn <= bound)
        h.reach(dut.advance & granted & (missed == self.longest) & (watched == count - 1))


class Arbiter(_Arbiter):
    shows = (
        "UrgencyArbiter: grant one-hot and only to who asks, index matches; who keeps asking"
        " is granted within share * count grants"
    )
    config = "3 requesters, share 4 (slot writer, delivery)"
    short = True
    cover_depth = 14


class ArbiterOfQ0(_Arbiter):
    shows = "UrgencyArbiter, the same, as Q0 has it: within 60 grants"
    config = "15 requesters, share 4"
    count, longest = 15, 17
    cover_depth = 24
    defect_depth = 66


class CarryBytes(Proof):
    shows = "Carry: the joined beat is the last bytes of the beat before, then the first of this"
    config = "8 bytes wide, 4 and (W - 4) carried: all that 64 bits has"
    mode = "induction"
    depth = 2
    cover_depth = 4
    defects = (
        Defect(
            "keeps the wrong bytes",
            "stream/carry.py",
            "self.beat[-self._carry_bits:]",
            "self.beat[:self._carry_bits]",
        ),
        Defect(
            "keeps without advance", "stream/carry.py", "with m.If(self.advance):", "with m.If(1):"
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = Carry(8, 4)
        h.drive(dut)
        before = Signal(64)
        with m.If(dut.advance):
            m.d.sync += before.eq(dut.beat)
        for lane in range(8):
            source = (
                before.word_select(lane + 4, 8) if lane < 4 else dut.beat.word_select(lane - 4, 8)
            )
            h.check(dut.joined.word_select(lane, 8) == source)
        h.reach(dut.joined == 0x8877665544332211)
