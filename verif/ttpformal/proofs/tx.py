"""Proofs of `tx/`: PAYLOAD queue, host port, slot writer; `builder` has the frame builder."""

from amaranth.hdl import Array, Const, Mux, Signal

from ttpoe.layouts import HostResult
from ttpoe.tx.payload_queue import PayloadQueue
from ttpoe.tx.slot_writer import SlotWriter

from ..proof import Defect, Proof, shrunk


def kills(free, slot, lid):
    """Whether a free event ends a PAYLOAD of `lid` in `slot` (`slot_free_layout`)."""
    what = free.payload
    return free.valid & (
        (what.whole_link & (what.lid == lid)) | (~what.whole_link & (what.head == slot))
    )


class Queue(Proof):
    shows = (
        "PayloadQueue: an entry that was killed is marked dead from the next clock on, and"
        " nothing else is; entries leave in order, unchanged, once, dead ones or not; one credit"
        " for each; slots are handed to the reader in order, from the one behind a dropped entry"
        " on; each length is its slot's, known in three clocks, and there when its beat is made"
    )
    config = (
        "64 bits; 4 entries, 4 slots, 4 links (address and IDs only pass through: held at 0),"
        " lengths of 2 bits"
    )
    depth = 16
    cover_depth = 14
    defects = (
        Defect(
            "the entry that comes in with the free event survives",
            "tx/payload_queue.py",
            "Mux(comes_here, comes_dead, ",
            "Mux(comes_here, 0, ",
        ),
        Defect(
            "a free of one slot kills nobody",
            "tx/payload_queue.py",
            "(of_slot & (slot == free.head))",
            "(of_slot & 0)",
        ),
        Defect(
            "a withdrawal kills nobody",
            "tx/payload_queue.py",
            "of_link.eq(withdrawn.valid | (",
            "of_link.eq(0 | (",
        ),
        Defect(
            "a slot that is passed kills nobody",
            "tx/payload_queue.py",
            "(self.i_passed.valid & (slot",
            "(0 & (slot",
        ),
        Defect(
            "a slot that is passed kills that of the last free event",
            "tx/payload_queue.py",
            "slot == self.i_passed.payload",
            "slot == free.head",
        ),
        Defect(
            "the entry behind one that leaves is as dead as that",
            "tx/payload_queue.py",
            "(dead_next & oldest.rotate_left(1)).any()",
            "(dead_next & oldest).any()",
        ),
        Defect(
            "a dropped entry gives no credit",
            "tx/payload_queue.py",
            "self.o_left.eq(self._leaves)",
            "self.o_left.eq(self.o.valid & self.o.ready)",
        ),
        Defect(
            "what was read of a dropped entry's followers is not read again",
            "tx/payload_queue.py",
            "m.d.sync += self._next.eq(self._behind_head)",
            "m.d.sync += self._next.eq(self._next)",
        ),
        Defect(
            "a length counts as known a clock too early",
            "tx/payload_queue.py",
            "~(measured - asked - 1)",
            "~(self._place - asked - 1)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = PayloadQueue(shrunk(payload_depth=4, slots=4, sets=2))
        h.drive(dut, "i", "i_free", "i_passed", "i_withdraw", "o", "i_drop", "o_slot", "i_unsure")
        h.assume_stream(dut.i)
        lengths = Array(h.constant(2, f"length{slot}") for slot in range(4))
        m.d.sync += dut.length.data.eq(lengths[dut.length.addr])
        i, o, free, withdrawn = dut.i, dut.o, dut.i_free, dut.i_withdraw
        for name in ("node", "vc", "ieee", "epoch", "tx_id"):
            h.assume(i.payload[name] == 0)
        h.assume_if(free.valid & withdrawn.valid, free.p.lid == withdrawn.p)
        passed = dut.i_passed
        h.assume_if(passed.valid, ~(i.valid & (i.p.slot == passed.p)))
        h.assume_if(o.ready, o.valid & ~dut.o_dead)
        h.assume_if(dut.i_drop, dut.o_waits & dut.o_dead)
        push, pop = i.valid & i.ready, o.valid & o.ready
        h.assume_if(h.past(pop), ~o.ready)  # a frame is longer

        level, now, left = Signal(range(6)), Signal(range(6)), dut.o_left
        m.d.comb += now.eq(level - left)
        m.d.sync += level.eq(now + push)
        h.check(left == h.past(pop | dut.i_drop))
        h.check(now <= 4)
        h.check(dut.o_waits == (now != 0))
        h.check(i.ready == (now != 4))
        # Entries that are here and were read.
        read = Signal(range(6))
        reads = dut.o_slot.valid & dut.o_slot.ready
        m.d.sync += read.eq(Mux(dut.i_drop, 0, read + reads - pop))
        h.check(o.valid == (read != 0))
        h.check(dut.o_slot.valid == ((read != now) | push))
        h.check_if((read == now) & push, dut.o_slot.p == i.p.slot)
        self.follow(h, dut, push, pop, now, read)
        self.lengths(h, dut, lengths)

    def follow(self, h, dut, push, pop, now, read):
        """One entry, any, from its coming to its leaving."""
        m, i, o, left = h.m, dut.i, dut.o, dut.o_left
        follows, killed = Signal(), Signal()
        self.entry = Signal(i.payload.shape())
        ahead, position, there = Signal(range(6)), Signal(range(6)), Signal()
        m.d.comb += [position.eq(ahead - left), there.eq(follows & ~(left & (ahead == 0)))]
        m.d.sync += [ahead.eq(position), follows.eq(there)]
        self.age = Signal(2)
        m.d.sync += self.age.eq(Mux(self.age == 3, 3, self.age + 1))
        with m.If(h.free(1, "follow") & push & ~follows & ~there):
            m.d.sync += [
                follows.eq(1),
                self.entry.eq(i.payload),
                ahead.eq(now),
                self.age.eq(1),
                killed.eq(kills(dut.i_free, i.payload.slot, i.payload.lid)),
            ]
        with m.Elif(
            kills(dut.i_free, self.entry.slot, self.entry.lid)
            | (dut.i_passed.valid & (dut.i_passed.payload == self.entry.slot))
            | (dut.i_withdraw.valid & (dut.i_withdraw.payload == self.entry.lid))
        ):
            m.d.sync += killed.eq(1)
        at_output = there & (position == 0)
        h.check_if(at_output, (o.payload == self.entry) & (dut.o_dead == killed))
        self.next = there & (position == read)
        h.check_if(self.next, dut.o_slot.p == self.entry.slot)
        self.last = there & (position + 1 == read)
        self.leaves = at_output & pop
        h.reach(at_output & dut.i_drop & (now == 4) & (read == 3))
        h.reach(self.leaves & (self.age == 1))
        h.reach(self.leaves & h.past(h.past(dut.i_free.valid)))

    def lengths(self, h, dut, lengths):
        asked = Mux(dut.i_unsure, self.last, self.next)
        h.check_if(asked & (self.age == 3), dut.o_known)
        h.check_if(asked & dut.o_known, (self.age == 3) & (dut.o_words == lengths[self.entry.slot]))
        length = h.past(h.past(lengths[self.entry.slot]))
        h.check_if(h.past(h.past(self.leaves)), dut.o_length == length)
        h.reach(asked & dut.i_unsure & ~dut.o_known)


class Writer(Proof):
    shows = (
        "SlotWriter: a slot taken from the free list is written by its port alone, is never"
        " dropped, and leaves in exactly one event; each VC has at most one event outstanding;"
        " a beat is written where it belongs; a beat that needs a slot finds one;"
        " grants within 12 clocks are the arbiter's"
    )
    config = "8 slots, slots of 2 beats of 2 bytes; watched: any one slot"
    depth = 16
    cover_depth = 16
    defects = (
        Defect(
            "an oversized packet loses its slot",
            "tx/host_port.py",
            "with m.Elif(discard):\n                m.d.sync += [beat.eq(0), swallowing.eq(1)]",
            "with m.Elif(discard):\n                m.d.sync += [beat.eq(0), swallowing.eq(1),"
            " holds_slot.eq(0)]",
        ),
        Defect(
            "the event names the slot offered",
            "tx/host_port.py",
            "self.o_event.payload.slot.eq(self.o_slot)",
            "self.o_event.payload.slot.eq(self.i_slot)",
        ),
        Defect(
            "two ports take one slot",
            "tx/slot_writer.py",
            "self.i_slot.ready.eq(told(lambda port: port.o_take_slot))",
            "self.i_slot.ready.eq(told(lambda port: port.o_take_slot) & self.i_host[0].valid)",
        ),
        Defect(
            "a port is let in for a slot that another takes",
            "tx/slot_writer.py",
            "slot_free.eq(self.i_slot.valid & ~taking.any())",
            "slot_free.eq(self.i_slot.valid)",
        ),
    )

    def build(self, h):
        m = h.m
        config = shrunk(width_bits=16, SLOT_BYTES=4, slots=8, sets=2)
        m.submodules.dut = dut = SlotWriter(config)
        h.drive(dut)
        h.streams(dut)
        slot = h.constant(3, "slot")
        hosts = dut.i_host
        events = dut.o_event
        for host in hosts:
            keep = host.payload.keep
            h.assume_if(host.valid, (keep != 0b10) & (host.payload.last | keep.all()))
            h.assume(host.payload.node[2:] == 0)
            h.assume(host.payload.data == 0)

        # Who owns the watched slot: nobody here, a port, or an event that waits or was taken.
        taken = dut.i_slot.valid & dut.i_slot.ready
        takes = taken & (dut.i_slot.payload == slot)
        h.check_if(dut.i_slot.ready, dut.i_slot.valid)
        ours = Signal()  # taken from the list, its event not finished
        raised = [event.valid & event.ready for event in events]
        event_takes = [go & (event.payload.slot == slot) for go, event in zip(raised, events)]
        # Results come only for an event that Q0 took and that has none yet.
        waits = [Signal(name=f"waits{vc}") for vc in range(3)]
        waiting_slot = [Signal(3, name=f"waiting_slot{vc}") for vc in range(3)]
        result = dut.i_result
        for vc in range(3):
            answered = result.valid & (result.payload.vc == vc)
            h.assume_if(answered, waits[vc])
            h.check_if(events[vc].valid, ~waits[vc])
            with m.If(raised[vc]):
                m.d.sync += [waits[vc].eq(1), waiting_slot[vc].eq(events[vc].payload.slot)]
            with m.Elif(answered):
                m.d.sync += waits[vc].eq(0)
            # The same event again, if it was blocked.
            blocked = Signal(name=f"blocked{vc}")
            with m.If(answered):
                m.d.sync += blocked.eq(result.payload.result == HostResult.BLOCKED)
            h.check_if(events[vc].valid & blocked, events[vc].payload.slot == waiting_slot[vc])
        h.assume(
            ~result.valid | ((result.payload.vc < 3) & (result.payload.result.as_value() != 3))
        )
        gone = (
            sum(
                (
                    result.valid
                    & (result.payload.vc == vc)
                    & (waiting_slot[vc] == slot)
                    & (result.payload.result != HostResult.BLOCKED)
                    for vc in range(3)
                ),
                Const(0, 1),
            )
            != 0
        )
        h.assume_if(dut.i_slot.valid & (dut.i_slot.payload == slot), ~ours)
        with m.If(takes):
            m.d.sync += ours.eq(1)
        with m.Elif(gone):
            m.d.sync += ours.eq(0)

        # A port takes a slot only when the one it took before has gone into its event.
        for vc, (host, event) in enumerate(zip(hosts, events)):
            holds, held = Signal(name=f"holds{vc}"), Signal(3, name=f"held{vc}")
            still = holds & ~(event.valid & (event.payload.slot == held))
            takes_one = taken & host.valid & host.ready
            h.check_if(takes_one, ~still)
            m.d.sync += holds.eq(still | takes_one)
            with m.If(takes_one):
                m.d.sync += held.eq(dut.i_slot.payload)

        write = dut.o_write
        written = write.valid & (write.payload.slot == slot)
        h.check_if(written, ours)
        # In one place at a time: an event of one VC, before or after Q0.
        places = [
            (event.valid & (event.payload.slot == slot)) | (waits[vc] & (waiting_slot[vc] == slot))
            for vc, event in enumerate(events)
        ]
        h.check(sum(places) <= 1)
        h.check_if(sum(places) != 0, ours)
        for vc in range(3):
            h.check_if(event_takes[vc], ours)
        # Once its event is raised it is not written any more.
        h.check_if(written & h.past(sum(places) != 0), 0)
        h.check(sum(host.valid & host.ready for host in hosts) <= 1)
        lanes = sum(
            (host.valid & host.ready).replicate(2)
            & Mux(host.payload.keep[1], 2, host.payload.keep[0])
            for host in hosts
        )
        h.check_if(
            written & write.payload.last,
            write.payload.length_bytes == 2 * write.payload.beat + h.past(lanes),
        )
        h.reach((sum(places) != 0) & blocked & events[2].valid)
        h.reach(dut.stat_tx_oversize & ours)
        h.reach(waits[0] & waits[1] & waits[2])
