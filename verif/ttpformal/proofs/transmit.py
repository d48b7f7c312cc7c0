"""Proof of `tx/`: the slot reader, and with it what `tx.builder_*` assume of its words."""

from amaranth.hdl import Array, Mux, Signal

from ttpoe.tx.slot_reader import SlotReader

from ..proof import Defect, Proof, shrunk
from .tx import kills


class Reader(Proof):
    shows = (
        "SlotReader: of each PAYLOAD that was alive when it was taken exactly its words, in"
        " order, each once, with their bytes, `first` and length, the next one without a gap;"
        " none of a dead one; a death between taking and start is told with the first word,"
        " and never taken back; no word is read of a slot that `o_reading` does not name"
    )
    config = "4 slots of 4 words of 2 bytes, any lengths (1 bit of each word is any); 4 links"
    depth = 14
    cover_depth = 16
    defects = (
        Defect(
            "the guessed second word is sent, though there is none",
            "tx/slot_reader.py",
            "self.o.valid.eq(read & ~(guessed & (words == 1)))",
            "self.o.valid.eq(read)",
        ),
        Defect(
            "a death in the clock of the taking is missed",
            "tx/slot_reader.py",
            "self.o_dead.eq(killed | (self.o_dead & ~start))",
            "self.o_dead.eq((killed | self.o_dead) & ~start)",
        ),
        Defect(
            "a dead entry is read",
            "tx/slot_reader.py",
            "self.i.ready & self.i.valid & ~self.i_dead",
            "self.i.ready & self.i.valid",
        ),
        Defect(
            "the slot is given up while its words are read",
            "tx/slot_reader.py",
            "self.o_reading.valid.eq(start | more)",
            "self.o_reading.valid.eq(start | learning)",
        ),
    )

    def build(self, h):
        m = h.m
        config = shrunk(width_bits=16, SLOT_BYTES=8, slots=4, sets=2)
        m.submodules.dut = dut = SlotReader(config)
        h.drive(dut, "i", "i_dead", "i_free", "i_withdraw", "o", "i_drop")
        withdrawn = dut.i_withdraw
        h.streams(dut)
        i, o = dut.i, dut.o
        for name in ("node", "vc", "ieee", "epoch"):
            h.assume(i.p[name] == 0)
        h.assume(i.p.tx_id[1:] == 0)
        h.assume_if(h.past(i.valid & ~i.ready & dut.i_dead), dut.i_dead)

        # The replay memory, with its outputs that hold.
        words = Array(
            Array(h.constant(1, f"word{slot}_{beat}") for beat in range(4)) for slot in range(4)
        )
        lengths = Array(h.constant(4, f"length{slot}") for slot in range(4))
        for length in lengths:
            h.assume((length != 0) & (length <= 8))
        with m.If(dut.word.en):
            m.d.sync += dut.word.data.eq(words[dut.word.addr.slot][dut.word.addr.beat])
        with m.If(dut.length.en):
            m.d.sync += dut.length.data.eq(lengths[dut.length.addr])

        # The PAYLOAD that is read: words left, the next one's number, whether it died.
        taken = i.valid & i.ready
        starts = taken & ~dut.i_dead
        left, index, killed = Signal(3), Signal(3), Signal()
        frame = Signal(i.p.shape())
        word_taken = o.valid & o.ready
        first = index == 0
        last = word_taken & ((left == 1) | dut.i_drop)
        h.assume_if(dut.i_drop, word_taken & o.p.first & dut.o_dead)
        with m.If(starts):
            m.d.sync += [
                left.eq((lengths[i.p.slot] + 1)[1:]),
                index.eq(0),
                frame.eq(i.p),
                killed.eq(
                    kills(dut.i_free, i.p.slot, i.p.lid)
                    | (withdrawn.valid & (withdrawn.p == i.p.lid))
                ),
            ]
        with m.Else():
            with m.If(last):
                m.d.sync += [left.eq(0), index.eq(0)]
            with m.Elif(word_taken):
                m.d.sync += [left.eq(left - 1), index.eq(index + 1)]
            with m.If(
                kills(dut.i_free, frame.slot, frame.lid)
                | (withdrawn.valid & (withdrawn.p == frame.lid))
            ):
                m.d.sync += killed.eq(1)
        h.check(o.valid == (left != 0))
        h.check_if(taken, (left == 0) | last)
        h.check_if(o.valid, (o.p.first == first) & (o.p.frame == frame))
        h.check_if(o.valid, o.p.length_bytes == lengths[frame.slot])
        h.check_if(o.valid, o.p.data == words[frame.slot][index[:2]])
        h.check_if(o.valid & first, dut.o_dead == killed)
        reading = dut.o_reading
        h.check_if(
            dut.word.en,
            Mux(
                starts,
                dut.word.addr.slot == i.p.slot,
                reading.valid & (reading.slot == dut.word.addr.slot),
            ),
        )
        h.check_if(h.past((left == 0) & ~taken) & (left == 0), i.ready)
        h.reach(starts & last & (index == 3))
        h.reach(last & dut.i_drop & (left == 4) & h.past(~killed))
        h.reach(starts & h.past(h.past(starts & (lengths[i.p.slot] == 2))))
