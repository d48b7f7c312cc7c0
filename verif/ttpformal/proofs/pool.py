"""Proofs of the pool of receive slots: its list, and its accounts."""

from amaranth.hdl import Array, Cat, Const, Mux, Signal

from ttpoe.rx.pool import SlotPool

from ..proof import Defect, Proof, shrunk


def total(bits):
    """How many of these are set."""
    return sum(bits, Const(0, 1))


class Slots(Proof):
    shows = (
        "SlotPool, its list: the slot at hand is nobody's and stays until it is taken; no slot"
        " is ever lost: while one is free, one is at hand within 2 clocks of the last take"
    )
    config = "4 slots; given back in any order, two in a clock"
    cover_depth = 20
    depth = 16
    defects = (
        Defect(
            "a slot is taken from the list and not offered",
            "rx/pool.py",
            "wanted.eq(self.take | ~self.slot_ready)",
            "wanted.eq(1)",
        ),
        Defect(
            "both lists give at once",
            "rx/pool.py",
            "dropped.r_en.eq(~spare_ready)",
            "dropped.r_en.eq(~spare_ready), delivered.r_en.eq(~spare_ready)",
        ),
        Defect(
            "the spare slot is written over",
            "rx/pool.py",
            "with m.Elif(~spare_ready):",
            "with m.Else():",
        ),
        Defect(
            "slot 0 is dealt out twice",
            "rx/pool.py",
            "Signal(config.rx_slot_bits + 1, init=1)",
            "Signal(config.rx_slot_bits + 1)",
        ),
    )

    def build(self, h):
        m, slots = h.m, 4
        m.submodules.dut = dut = SlotPool(shrunk(rx_slots=slots, rx_reserved=1, reorder_slots=1))
        h.drive(dut)
        # Who counts for what is the other proof's; here everybody is VC 0.
        h.assume((dut.vc == 0) & ~dut.i_kept.valid)
        h.assume_if(dut.take, dut.slot_ready)
        owned = Signal(slots)
        gone = Const(0, slots)
        for freed in (dut.i_dropped, dut.i_delivered):
            h.assume(~freed.p.kept & (freed.p.vc == 0))
            h.assume_if(freed.valid, ((owned & ~gone) >> freed.p.slot)[0])
            gone = gone | Mux(freed.valid, Const(1, slots) << freed.p.slot, 0)[:slots]
        takes = Mux(dut.take, Const(1, slots) << dut.slot, 0)[:slots]
        m.d.sync += owned.eq((owned | takes) & ~gone)

        h.check_if(dut.slot_ready, ~(owned >> dut.slot)[0])
        h.check_if(
            h.past(dut.slot_ready & ~dut.take, init=1),
            dut.slot_ready & (dut.slot == h.past(dut.slot)),
        )
        some_free = ~owned.all()
        h.check_if(
            some_free & h.past(some_free & ~dut.take) & h.past(h.past(some_free)), dut.slot_ready
        )
        was_all = Signal()
        with m.If(owned.all()):
            m.d.sync += was_all.eq(1)
        h.reach(was_all & (owned == 0) & dut.slot_ready & (dut.slot == 2))
        h.reach(owned.all() & dut.i_dropped.valid & dut.i_delivered.valid)


class Room(Proof):
    shows = (
        "SlotPool, its accounts: a VC has room exactly if it holds fewer slots than are its"
        " own or a shared one is left, a slot that is taken counted at once and one that is given"
        " back or kept two clocks later, four as a shared one; no more are shared than there are;"
        " a kept packet counts as kept until its slot is free; with room there is a slot: the"
        " others cannot have taken it"
    )
    config = "16 slots, 2 of each VC, 4 for kept packets; any order"
    mode = "induction"
    depth = 3
    cover_depth = 16
    defect_depth = 16
    defects = (
        Defect(
            "a kept packet still counts for its VC",
            "rx/pool.py",
            "(self.i_kept.valid & (self.i_kept.payload == vc))",
            "0",
        ),
        Defect(
            "a kept slot that comes back counts for its VC",
            "rx/pool.py",
            "slot.valid & ~slot.p.kept & (slot.p.vc == vc)",
            "slot.valid & (slot.p.vc == vc)",
        ),
        Defect(
            "one shared slot too many",
            "rx/pool.py",
            "left[n].eq(used == shared - n)",
            "left[n].eq(used == shared + 1 - n)",
        ),
        Defect(
            "a shared slot that was just taken is not counted",
            "rx/pool.py",
            "(left[1] & taken.any())",
            "(left[1] & taken[1])",
        ),
    )

    def build(self, h):
        m = h.m
        dut = SlotPool(shrunk(rx_slots=16, rx_reserved=2, reorder_slots=4))
        inner = h.opened(dut)
        h.drive(dut)
        freed = (dut.i_dropped, dut.i_delivered)
        held = [Signal(range(17), name=f"held{vc}") for vc in range(3)]
        kept = Signal(range(17))
        h.assume_if(dut.take, dut.slot_ready & dut.room)
        for vc in (dut.vc, dut.i_kept.payload, dut.i_dropped.p.vc, dut.i_delivered.p.vc):
            h.assume(vc < 3)
        backs, account, excess = [], [], []
        for vc in range(3):
            back = total(slot.valid & ~slot.p.kept & (slot.p.vc == vc) for slot in freed)
            keeps = dut.i_kept.valid & (dut.i_kept.payload == vc)
            h.assume(back + keeps <= held[vc])
            backs.append(back + keeps)
            m.d.sync += held[vc].eq(held[vc] + (dut.take & (dut.vc == vc)) - backs[vc])
            leaving = h.past(backs[vc][:2])
            account.append(held[vc] + leaving)
            excess.append(Mux(account[vc] > 2, account[vc] - 2, 0)[:5])
            h.check(inner[f"left_{vc}"] == leaving)
            h.check(inner[f"excess_{vc}"] == Cat(account[vc], 0).as_signed() - 2)
        kept_back = total(slot.valid & slot.p.kept for slot in freed)
        h.assume((kept_back <= kept) & (kept + dut.i_kept.valid <= 4))
        m.d.sync += kept.eq(kept + dut.i_kept.valid - kept_back)
        h.check(dut.o_kept_freed == h.past(kept_back[:2]))

        most = 16 - 3 * 2 - 4
        own = Array(account)[dut.vc] < 2
        shared = total(excess)[:6]
        before = h.past(shared)
        long_before = h.past(before)
        took = h.past(dut.take & ~own)
        took_before = h.past(took)
        h.check_if(dut.vc < 3, dut.room == (own | (long_before + took + took_before < most)))
        h.check(inner["used"] == before)
        for n in range(3):
            h.check(inner[f"shared_left_{n}"] == h.past(before == most - n))
        h.check(inner["taken"] == Cat(took, took_before))
        h.check((shared <= before + took) & (before <= long_before + took_before))
        h.check(shared <= most)
        h.check_if((dut.vc < 3) & dut.room, total(held) + kept < 16)
        h.check(total(held) + kept <= 16)
        h.reach(~dut.room & (dut.vc == 1) & (held[0] == 8))
        h.reach((kept == 4) & (total(held) == 4))
