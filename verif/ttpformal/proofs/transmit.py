"""Proof of `tx/`: the slot reader, and with it what `builder.*` assume of its words."""

from amaranth.hdl import Array, Mux, Signal

from ttpoe.tx.slot_reader import SlotReader

from ..proof import Defect, Proof, shrunk


class Reader(Proof):
    shows = (
        "SlotReader: of each slot taken exactly its payload's words, in order, each once, with"
        " their bytes and `first`, then at most words that do not count; none of what was flushed;"
        " the first word is there four clocks after it can be read, and as long as words are"
        " taken none that is known to follow comes later than five"
    )
    config = "4 slots of 4 words of 2 bytes, any lengths (1 bit of each word is any)"
    depth = 14
    cover_depth = 16
    defects = (
        Defect(
            "a payload's last word is not read",
            "tx/slot_reader.py",
            "(address.beat < last)",
            "(address.beat + 1 < last)",
        ),
        Defect(
            "words under way outlive a flush",
            "tx/slot_reader.py",
            "[addressed.eq(given), there.eq(given), front.eq(given)]",
            "[front.eq(given)]",
        ),
        Defect(
            "one word too many under way", "tx/slot_reader.py", "< _PLACES - 2", "< _PLACES - 1"
        ),
        Defect(
            "a length is taken before it is known",
            "tx/slot_reader.py",
            "known.eq(self.i_known)",
            "known.eq(1)",
        ),
    )

    def build(self, h):
        m = h.m
        config = shrunk(width_bits=16, SLOT_BYTES=8, slots=4, sets=2)
        m.submodules.dut = dut = SlotReader(config)
        h.drive(dut, "i", "i_known", "i_words", "o", "i_flush")
        i, o = dut.i, dut.o
        h.assume_stream(i)
        words = Array(
            Array(h.constant(1, f"word{slot}_{beat}") for beat in range(4)) for slot in range(4)
        )
        lengths = Array(h.constant(4, f"length{slot}") for slot in range(4))
        for length in lengths:
            h.assume((length != 0) & (length <= 8))
        address = dut.word.addr
        m.d.sync += dut.word.data.eq(words[address.slot][address.beat])
        h.assume_if(dut.i_flush, ~o.ready)

        # The length is known when the slot is taken, or at most three clocks later.
        taken = i.valid & i.ready
        last, late = Signal(2), Signal(2)
        with m.If(taken):
            m.d.sync += [last.eq(i.p), late.eq(1)]
        with m.Elif(late != 3):
            m.d.sync += late.eq(late + 1)
        h.assume_if(dut.o_unsure & (late == 3), dut.i_known)
        h.assume_if(dut.i_known, dut.i_words == lengths[Mux(dut.o_unsure, last, i.p)])

        # Slots taken of which no word has come.
        queue = [Signal(2, name=f"queue{n}") for n in range(8)]
        level, behind = Signal(4), Signal(4)
        word_taken = o.valid & o.ready
        begins = word_taken & o.p.first
        m.d.comb += behind.eq(level - begins)
        m.d.sync += level.eq(Mux(dut.i_flush, 0, behind + taken))
        for n, (entry, after) in enumerate(zip(queue, [*queue[1:], queue[7]])):
            with m.If(taken & (behind == n)):
                m.d.sync += entry.eq(i.p)
            with m.Elif(begins):
                m.d.sync += entry.eq(after)
        now, left, index = Signal(2), Signal(3), Signal(3)
        with m.If(dut.i_flush):
            m.d.sync += left.eq(0)
        with m.Elif(begins):
            m.d.sync += [now.eq(queue[0]), index.eq(1), left.eq((lengths[queue[0]] - 1)[1:])]
        with m.Elif(word_taken & (left != 0)):
            m.d.sync += [left.eq(left - 1), index.eq(index + 1)]
        h.check(level <= 7)
        h.check_if(o.valid & o.p.first, (level != 0) & (left == 0))
        h.check_if(o.valid & o.p.first, o.p.data == words[queue[0]][0])
        h.check_if(o.valid & ~o.p.first & (left != 0), o.p.data == words[now][index[:2]])

        # Nothing that is wanted is long in coming.
        waits = Signal(4)
        m.d.sync += waits.eq(
            Mux(((level != 0) | (left != 0)) & ~o.valid & ~dut.i_flush, waits + 1, 0)
        )
        h.check(waits <= 3)
        h.check_if(
            h.past((left != 0) & word_taken & (left != 1)) & h.past(h.past(word_taken)), waits <= 2
        )
        h.reach(begins & h.past(word_taken & (index == 3) & (left == 1)))
        h.reach(o.valid & ~o.p.first & (left == 0) & (index == 1))
        h.reach(taken & h.past(dut.i_flush) & h.past(h.past(o.valid)))
