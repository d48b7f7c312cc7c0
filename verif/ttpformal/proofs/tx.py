"""Proofs of `tx/`: PAYLOAD queue, slot reader, frame builder, host port, slot writer."""

from amaranth.hdl import Const, Mux, Signal
from amaranth.lib.data import View

from ttpoe.layouts import HostResult
from ttpoe.tx.builder import FrameBuilder, frame_fields
from ttpoe.tx.payload_queue import PayloadQueue
from ttpoe.tx.slot_writer import SlotWriter

from ..frames import Bytes, check_beats
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
        " nothing else is; entries leave in order, unchanged, once, dead ones or not; one"
        " credit for each"
    )
    config = "4 entries, 4 slots, 4 links (address and IDs only pass through: held at 0)"
    defects = (
        Defect(
            "the entry that comes in with the free event survives",
            "tx/payload_queue.py",
            "kills(self.i_free, self.i.payload.slot, self.i.payload.lid))",
            "0)",
        ),
        Defect(
            "a free of one slot kills nobody",
            "tx/payload_queue.py",
            "Mux(free.whole_link, free.lid == lid, free.head == slot)",
            "free.whole_link & (free.lid == lid)",
        ),
        Defect(
            "a withdrawal kills nobody",
            "tx/payload_queue.py",
            "| (self.i_withdraw.valid & (self.i_withdraw.payload == lids[n]))",
            "",
        ),
        Defect(
            "a skipped entry gives no credit",
            "tx/payload_queue.py",
            "self.o_left.eq(taken | skipped)",
            "self.o_left.eq(taken)",
        ),
        Defect(
            "a dead entry is forgotten while it waits",
            "tx/payload_queue.py",
            "self.o.valid.eq(filled & (~self.o_dead | held))",
            "self.o.valid.eq(filled & ~self.o_dead)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = PayloadQueue(shrunk(payload_depth=4, slots=4, sets=2))
        h.drive(dut)
        h.streams(dut)
        i, o = dut.i, dut.o
        for name in ("node", "vc", "ieee", "epoch", "tx_id"):
            h.assume(i.payload[name] == 0)
        push, pop = i.valid & i.ready, o.valid & o.ready

        level, ahead = Signal(range(6)), Signal(range(6))  # before what left in the last clock
        left = dut.o_left
        now = Signal(range(6))
        m.d.comb += now.eq(level - left)
        m.d.sync += level.eq(now + push)
        h.check_if(left, level != 0)
        h.check(now <= 4)
        h.check_if(h.past(pop), left)
        h.check_if(o.valid, now != 0)
        h.check_if(~i.ready, now == 4)

        follows, killed = Signal(), Signal()
        entry = Signal(i.payload.shape())
        begin = h.free(1, "follow") & push & ~follows
        position = Signal(range(6))
        m.d.comb += position.eq(ahead - left)
        there = Signal()  # followed, and not left in the clock before
        m.d.comb += there.eq(follows & ~(left & (ahead == 0)))
        m.d.sync += [ahead.eq(position), follows.eq(there)]
        with m.If(begin & ~there):
            m.d.sync += [
                follows.eq(1),
                entry.eq(i.payload),
                ahead.eq(now),
                killed.eq(kills(dut.i_free, i.payload.slot, i.payload.lid)),
            ]
        with m.Elif(
            kills(dut.i_free, entry.slot, entry.lid)
            | (dut.i_withdraw.valid & (dut.i_withdraw.payload == entry.lid))
        ):
            m.d.sync += killed.eq(1)
        at_output = there & (position == 0)
        h.check_if(at_output & o.valid, o.payload == entry)
        h.check_if(at_output & o.valid, dut.o_dead == killed)
        h.check_if(at_output & ~killed, o.valid)
        # Who leaves without being taken was dead.
        h.check_if(h.past(at_output & ~pop & ~killed), ~left)
        h.reach(at_output & pop & killed)
        h.reach(at_output & ~o.valid & killed & (now == 3))
        h.reach(at_output & pop & ~killed & h.past(h.past(dut.i_free.valid)))


class _Builder(Proof):
    """`FrameBuilder` behind words as `SlotReader` gives them."""

    def build(self, h):
        m = h.m
        dut = FrameBuilder(shrunk(width_bits=64, slots=4, sets=2))
        self.inner = h.opened(dut)
        node = h.constant(24, "cfg_node")
        h.drive(dut, "i_control", "i_word", "i_word_dead", "o_frame")
        m.d.comb += dut.cfg_node.eq(node)
        h.streams(dut)
        control, word = dut.i_control, dut.i_word
        first, length = word.payload.first, word.payload.length_bytes

        # The words: as `SlotReader` gives them, there when they are needed.
        left = Signal(8)  # words of this PAYLOAD to come
        index = Signal(8)  # number of the word that is next
        word_taken = word.valid & word.ready
        h.assume(first == (left == 0))
        h.assume_if(left != 0, word.valid)
        h.assume((length != 0) & (length <= 1024))
        h.assume_if(left != 0, length == h.past(length))
        h.assume_if(h.past(word.valid & ~word.ready & dut.i_word_dead), dut.i_word_dead)
        with m.If(dut.o_word_drop & word_taken):
            m.d.sync += [left.eq(0), index.eq(0)]
        with m.Elif(word_taken & first):
            m.d.sync += [left.eq((length - 1)[3:]), index.eq(1)]
        with m.Elif(word_taken):
            m.d.sync += [left.eq(left - 1), index.eq(index + 1)]
        h.check_if(dut.o_word_drop, word.valid & first & dut.i_word_dead & word.ready)

        # What the frame on the wire must say: known from the clock in which it starts.
        control_taken = control.valid & control.ready
        payload_starts = dut.o_payload_started
        h.check(~(control_taken & payload_starts))
        frame = Signal(control.payload.shape())
        size, is_payload = Signal(11), Signal()
        with m.If(control_taken):
            m.d.sync += [frame.eq(control.payload), size.eq(0), is_payload.eq(0)]
        with m.Elif(payload_starts):
            source = word.payload.frame
            m.d.sync += [
                frame.opcode.eq(6),
                frame.selective.eq(0),
                frame.rx_id.eq(0),
                *(
                    frame[name].eq(source[name])
                    for name in ("node", "vc", "ieee", "epoch", "tx_id")
                ),
                size.eq(length),
                is_payload.eq(1),
            ]
        h.check_if(payload_starts, word.valid & first & ~dut.i_word_dead & ~control.valid)
        self.properties(h, dut, node, frame, size, is_payload, left, index)


class BuilderShape(_Builder):
    shows = (
        "FrameBuilder: every frame has max(64, 60 + payload) bytes, `keep` and `last` right;"
        " a frame starts only when the one before is out; a dead PAYLOAD never starts; no word"
        " is left over or taken twice"
    )
    config = "64 bits; every payload length from 1 to 1024"
    mode = "induction"
    depth = 14
    cover_depth = 24
    defects = (
        Defect(
            "one beat too few where the payload fills its last beat",
            "tx/builder.py",
            "tail_beats.eq((fields.noc_bytes + (width - over - 1)) >> ceil_log2(width))",
            "tail_beats.eq((fields.noc_bytes + (width - over - 2)) >> ceil_log2(width))",
        ),
        Defect(
            "a lane too many",
            "tx/builder.py",
            "last_lane.eq(kept.noc_bytes + (width - over - 1))",
            "last_lane.eq(kept.noc_bytes + (width - over))",
        ),
        Defect(
            "a dead PAYLOAD is sent",
            "tx/builder.py",
            "(first_word & ~self.i_word_dead)",
            "first_word",
        ),
    )

    def properties(self, h, dut, node, frame, size, is_payload, left, index):
        control, word, out = dut.i_control, dut.i_word, dut.o_frame
        moved = out.valid & out.ready
        check_beats(h, out.valid, out.payload)
        bytes_ = Bytes(h, moved, out.payload)
        ends = out.valid & out.payload.last
        h.check_if(ends, bytes_.length == Mux(size < 5, 64, 60 + size))
        h.check_if(out.valid, bytes_.length <= 60 + Mux(size < 5, 4, size))
        h.check_if(
            (control.valid & control.ready) | dut.o_payload_started,
            ~out.valid | (moved & out.payload.last),
        )
        h.check_if(ends, ~out.payload.error)
        # All words of a frame have been taken when it ends.
        h.check_if(ends & is_payload, (left == 0) | word.payload.first)
        self.invariants(h, out, word, bytes_.before, size, is_payload, left)
        h.reach(ends & is_payload & (size == 77))
        h.reach(ends & is_payload & (size == 3))
        h.reach(control.valid & control.ready & is_payload & ends)

    def invariants(self, h, out, word, before, size, is_payload, left):
        """Where the frame is, in terms of the builder's own counters: for the induction."""
        m, number, tail_left = h.m, self.inner["number"], self.inner["tail_left"]
        kept = View(frame_fields, self.inner["kept"])
        tail, words = Signal(8), Signal(8)
        m.d.comb += [tail.eq((size + 3) >> 3), words.eq((size + 7) >> 3)]
        h.check((number <= 8) & (size <= 1024) & (is_payload == (size != 0)))
        h.check_if(out.valid, (kept.noc_bytes == size) & (kept.is_payload == is_payload))
        h.check_if(~out.valid, (number == 0) & (before == 0))
        h.check_if(out.valid, out.payload.last == (number == 0))
        h.check_if((number >= 1) & (number <= 7), before == ((number - 1) << 3))
        h.check_if((number >= 1) & (number <= 7), left == 0)
        h.check_if(
            (number >= 1) & (number <= 7) & is_payload,
            word.valid & (word.payload.length_bytes == size),
        )
        h.check_if(
            number == 8,
            (before == 56 + ((tail - tail_left) << 3))
            & (tail_left >= 1)
            & (tail_left <= tail)
            & (left + 1 + tail == words + tail_left),
        )
        h.check_if(number == 0, left == 0)
        h.check_if(out.valid & (number == 0), before == 56 + (tail << 3))


class BuilderBytes(_Builder):
    shows = (
        "FrameBuilder: every header field and every payload byte is in its place, zeros in the rest"
    )
    config = "64 bits; payloads up to 36 bytes"
    mode = "bmc"
    depth = 13
    why = (
        "a frame's header takes 8 beats, and a payload byte comes out of the same shift in"
        " every beat behind them; 13 clocks hold a header and 4 such beats, with every length"
        " modulo the beat, or a control frame and the beginning of the next frame; the number"
        " of beats is proven without bound in `tx.builder_shape`"
    )
    cover_depth = 14
    defects = (
        Defect(
            "bytes behind a short payload are not zero",
            "tx/builder.py",
            " & (fields.noc_bytes > n).replicate(8)",
            "",
        ),
        Defect(
            "TSH length counts the header twice",
            "tx/builder.py",
            "fields.noc_bytes + TSH_BYTES,",
            "fields.noc_bytes + 2 * TSH_BYTES,",
        ),
        Defect(
            "the carry keeps the wrong bytes",
            "stream/carry.py",
            "self.beat[-self._carry_bits:]",
            "self.beat[:self._carry_bits]",
        ),
    )

    def properties(self, h, dut, node, frame, size, is_payload, left, index):
        m, out, word = h.m, dut.o_frame, dut.i_word
        first = word.payload.first
        bytes_ = Bytes(h, out.valid & out.ready, out.payload)
        field = bytes_.field
        ends = out.valid & out.payload.last
        wanted = {
            (0, 3): 0x98ED5C,
            (3, 3): frame.node,
            (6, 3): 0x98ED5C,
            (9, 3): node,
            (12, 2): Mux(frame.ieee, 0x9AC6, 0x0AC6),
            (14, 1): 5,
            (15, 1): 0,
            (16, 2): size + 46,
            (18, 16): 0,
            (34, 3): node,
            (37, 3): frame.node,
            (40, 2): size + 26,
            (42, 1): frame.opcode.as_value(),
            (43, 1): frame.vc,
            (44, 2): 0,
            (46, 2): frame.epoch,
            (48, 3): 0,
            (51, 1): Mux(frame.selective, 0x20, 0),
            (52, 4): frame.tx_id,
            (56, 4): frame.rx_id,
        }
        for (offset, count), value in wanted.items():
            h.check_if(ends, field(offset, count) == value)
        for n in range(4):
            h.check_if(ends & (size <= n), field(60 + n, 1) == 0)

        # One byte of the payload, any.
        place = h.constant(10, "place")
        seen = Signal(8)
        number = Mux(first, 0, index)
        with m.If(word.valid & word.ready & ~dut.o_word_drop & (number == place[3:])):
            m.d.sync += seen.eq(word.payload.data.word_select(place[:3], 8))
        offset = Signal(12)
        m.d.comb += offset.eq(place + 60)
        here = (
            out.valid
            & is_payload
            & (place < size)
            & (bytes_.before <= offset)
            & (offset < bytes_.before + 8)
        )
        h.check_if(here, out.payload.data.word_select(offset[:3], 8) == seen)
        h.reach(ends & is_payload & (size == 21) & (place == 20))
        h.reach(ends & is_payload & (size == 3))


class Writer(Proof):
    shows = (
        "SlotWriter: a slot taken from the free list is written by its port alone, is never"
        " dropped, and leaves in exactly one event; each VC has at most one event outstanding;"
        " a beat is written where it belongs; grants within 12 beats are the arbiter's"
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
            "self.i_slot.ready.eq(arbiter.advance & port.take_slot)",
            "self.i_slot.ready.eq(arbiter.advance & port.take_slot & ~port.beat[0]"
            " & self.i_host[0].valid)",
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
