"""Proofs of `replay/`."""

from amaranth.hdl import Array, Const, Signal

from ttpoe.replay.lists import SlotLists
from ttpoe.replay.memory import ReplayMemory

from ..proof import Defect, Proof, shrunk

SLOTS = 4


class Lists(Proof):
    shows = (
        "SlotLists: free + owned = all, in every clock; no slot offered that somebody owns, or"
        " that is being read; a free slot is offered in the third clock; `successor`, `walk` and"
        " `run` follow the links, `run` where `walk` does not read"
    )
    config = "4 slots; any appends and frees of any chains that keep the driver's rules"
    cover_depth = 30
    depth = 24
    defects = (
        Defect(
            "a slot that is being read is handed out",
            "replay/lists.py",
            "& ~(self.i_reading.valid & (self.i_reading.slot == head))",
            "",
        ),
        Defect(
            "the tail of an empty list is written",
            "replay/lists.py",
            "with m.Elif(self.i_free.valid & ~empty):",
            "with m.Elif(self.i_free.valid):",
        ),
        Defect(
            "a chain counts as one slot",
            "replay/lists.py",
            "self.i_free.valid.replicate(config.count_bits) & freed.count",
            "self.i_free.valid",
        ),
        Defect(
            "the retirer reads what the replayer asks for",
            "replay/lists.py",
            "Mux(self.walk.en, self.walk.addr, self.run.addr)",
            "self.walk.addr",
        ),
        Defect(
            "the retirer takes the replayer's turn",
            "replay/lists.py",
            "Mux(self.walk.en, self.walk.addr, self.run.addr)",
            "Mux(self.run.en, self.run.addr, self.walk.addr)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = SlotLists(shrunk(slots=SLOTS, sets=2))
        h.drive(dut)
        h.streams(dut)
        offer, free, append = dut.o_slot, dut.i_free, dut.i_append
        taken = offer.valid & offer.ready

        # Who owns what, and how the owner has linked it.
        owned = Signal(SLOTS)
        linked = Array(Signal(2, name=f"linked{n}") for n in range(SLOTS))
        is_linked = Signal(SLOTS)

        # The chain that is freed: walked from its head.
        walk, members, on_list = free.payload.head, Const(0, SLOTS), Const(1, 1)
        steps = Signal(3)
        m.d.comb += steps.eq(free.payload.count)
        for n in range(SLOTS):
            inside = steps > n
            bit = Const(1, SLOTS) << walk
            on_list = on_list & (~inside | (((owned & ~members) & bit)[:SLOTS] != 0))
            on_list = on_list & ((steps != n + 1) | (walk == free.payload.tail))
            on_list = on_list & ((steps <= n + 1) | is_linked.bit_select(walk, 1))
            step_members, step_walk = Signal(SLOTS), Signal(2)
            m.d.comb += [
                step_members.eq(members | (bit & inside.replicate(SLOTS))),
                step_walk.eq(linked[walk]),
            ]
            members, walk = step_members, step_walk

        # The driver's rules.
        h.assume_if(free.valid | append.valid, dut.o_ready)
        h.assume(~(free.valid & append.valid))
        h.assume_if(free.valid, (steps != 0) & (steps <= SLOTS) & on_list)
        h.assume_if(
            append.valid,
            owned.bit_select(append.payload.tail, 1)
            & owned.bit_select(append.payload.slot, 1)
            & (append.payload.tail != append.payload.slot),
        )
        reading = dut.i_reading
        h.assume_if(
            reading.valid & ~(h.past(reading.valid) & (h.past(reading.slot) == reading.slot)),
            h.past(owned).bit_select(reading.slot, 1),
        )

        takes = (Const(1, SLOTS) << offer.payload) & taken.replicate(SLOTS)
        frees = members & free.valid.replicate(SLOTS)
        m.d.sync += [owned.eq((owned | takes) & ~frees), is_linked.eq(is_linked & ~takes & ~frees)]
        with m.If(append.valid):
            m.d.sync += [
                linked[append.payload.tail].eq(append.payload.slot),
                is_linked.bit_select(append.payload.tail, 1).eq(1),
            ]

        h.check_if(offer.valid, ~owned.bit_select(offer.payload, 1))
        h.check_if(offer.valid, ~(reading.valid & (reading.slot == offer.payload)))
        h.check_if(dut.o_ready, dut.o_free_count + sum(owned[n] for n in range(SLOTS)) == SLOTS)
        h.check_if(~dut.o_ready, ~offer.valid)
        there = dut.o_ready & (dut.o_free_count != 0) & ~reading.valid
        waiting = there & ~taken
        h.check_if(there & h.past(waiting & h.past(waiting)), offer.valid)
        h.assume(dut.successor.en)
        for reader, reads in (
            (dut.successor, dut.successor.en),
            (dut.walk, dut.walk.en),
            (dut.run, dut.run.en & ~dut.walk.en),
        ):
            asked = reader.addr
            known = reads & is_linked.bit_select(asked, 1) & ~(frees.bit_select(asked, 1))
            written = append.valid & (append.payload.tail == asked)
            h.check_if(h.past(known & ~written), reader.data == h.past(linked[asked]))

        was_all = Signal()
        with m.If(owned.all()):
            m.d.sync += was_all.eq(1)
        h.reach(was_all & (dut.o_free_count == SLOTS))
        h.reach(free.valid & (steps == SLOTS))
        h.reach(reading.valid & (dut.o_free_count == 1) & ~offer.valid & was_all)


class Memory(Proof):
    shows = "ReplayMemory: a word, and a length, is read as it was written last; lengths hold"
    config = "4 slots of 4 words of 8 bits; reads never in the clock of the write of that word"
    short = True
    defects = (
        Defect("length is written with every beat", "replay/memory.py", "written.last", "1"),
        Defect(
            "slots overlap",
            "replay/memory.py",
            "payload_write.addr.eq(Cat(written.beat, written.slot))",
            "payload_write.addr.eq(Cat(written.slot, written.beat))",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = ReplayMemory(shrunk(slots=4, sets=2, width_bits=8, SLOT_BYTES=4))
        h.drive(dut)
        slot, beat = h.constant(2, "slot"), h.constant(2, "beat")
        write = dut.i_write
        known, value = Signal(), Signal(8)
        length_known, length = Signal(), Signal(11)
        hits = write.valid & (write.payload.slot == slot)
        with m.If(hits & (write.payload.beat == beat)):
            m.d.sync += [known.eq(1), value.eq(write.payload.data)]
        with m.If(hits & write.payload.last):
            m.d.sync += [length_known.eq(1), length.eq(write.payload.length_bytes)]

        shown, wanted = Signal(), Signal(8)
        reads = (dut.word.addr.slot == slot) & (dut.word.addr.beat == beat)
        h.assume(~(reads & hits & (write.payload.beat == beat)))
        m.d.sync += [shown.eq(reads & known), wanted.eq(value)]
        h.check_if(shown, dut.word.data == wanted)

        length_shown, length_wanted = Signal(), Signal(11)
        asks = dut.length.en & (dut.length.addr == slot)
        h.assume(~(asks & hits & write.payload.last))
        with m.If(dut.length.en):
            m.d.sync += [length_shown.eq(asks & length_known), length_wanted.eq(length)]
        h.check_if(length_shown, dut.length.data == length_wanted)
        h.reach(shown & length_shown & (dut.word.data == 0xA5) & (dut.length.data == 3))
