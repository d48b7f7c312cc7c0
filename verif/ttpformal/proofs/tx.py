"""Proofs of `tx/`: PAYLOAD queue, slot reader, frame builder, host port, slot writer."""

from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value
from amaranth.lib.data import View

from ttpoe.layouts import HostResult
from ttpoe.tx.builder import FrameBuilder, frame_fields
from ttpoe.tx.payload_queue import PayloadQueue
from ttpoe.tx.slot_writer import SlotWriter

from ..frames import Bytes, check_beats
from ..memories import built, inner
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
            "dead[n].eq(comes_dead)",
            "dead[n].eq(0)",
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
        h.drive(dut, "i", "i_free", "i_withdraw", "o", "i_drop", "o_slot", "i_unsure")
        h.assume_stream(dut.i)
        lengths = Array(h.constant(2, f"length{slot}") for slot in range(4))
        m.d.sync += dut.length.data.eq(lengths[dut.length.addr])
        i, o, free, withdrawn = dut.i, dut.o, dut.i_free, dut.i_withdraw
        for name in ("node", "vc", "ieee", "epoch", "tx_id"):
            h.assume(i.payload[name] == 0)
        h.assume_if(free.valid & withdrawn.valid, free.p.lid == withdrawn.p)
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


class _Builder(Proof):
    """`FrameBuilder` behind words as `SlotReader` gives them."""

    def build(self, h):
        m = h.m
        dut = FrameBuilder(shrunk(width_bits=64, slots=4, sets=2))
        m.submodules.dut = parts = built(dut)
        self.inner, self.carried = inner(parts), inner(parts, "carry")["carried"]
        node = h.constant(24, "cfg_node")
        h.drive(dut, "i_control", "i_payload", "i_length", "i_word", "i_code", "o_frame")
        m.d.comb += dut.cfg_node.eq(node)
        h.streams(dut)
        control, payload, word = dut.i_control, dut.i_payload, dut.i_word
        first, length = word.payload.first, h.free(11, "bytes")
        frame, size, is_payload = Signal(control.payload.shape()), Signal(11), Signal()
        self.byte48 = Signal(8)

        # The words: those behind the first are there, and the first at the header's last beat.
        left = Signal(8)  # words of this PAYLOAD to come
        index = Signal(8)  # number of the word that is next
        word_taken = word.valid & word.ready
        last_of_header = self.inner["number"] == 7
        h.assume_if(left != 0, word.valid & ~first)
        h.assume_if(last_of_header & is_payload, word.valid & first)
        h.assume((length != 0) & (length <= 1024))
        with m.If(word_taken & first):
            m.d.sync += [left.eq((size - 1)[3:]), index.eq(1)]
        with m.Elif(word_taken & (left != 0)):
            m.d.sync += [left.eq(left - 1), index.eq(index + 1)]
        h.check_if(word_taken & first, last_of_header & is_payload)
        h.check(dut.o_word_used == (first | (left != 0)))

        # What the frame on the wire must say: known from the clock in which it starts.
        control_taken = control.valid & control.ready
        payload_starts = dut.o_payload_started
        h.check(~(control_taken & payload_starts))
        h.check(payload_starts == (payload.valid & payload.ready))
        h.assume_if(h.past(h.past(payload_starts)), dut.i_length == size)
        with m.If(control_taken):
            m.d.sync += [frame.eq(control.payload), size.eq(0), is_payload.eq(0)]
            m.d.sync += self.byte48.eq(Mux(control.payload.announces, dut.i_code, 0))
        with m.Elif(payload_starts):
            source = payload.payload
            m.d.sync += [
                frame.opcode.eq(6),
                frame.selective.eq(0),
                frame.controlled.eq(0),
                self.byte48.eq(source.more),
                frame.rx_id.eq(0),
                *(
                    frame[name].eq(source[name])
                    for name in ("node", "vc", "ieee", "epoch", "tx_id")
                ),
                size.eq(length),
                is_payload.eq(1),
            ]
        h.check_if(payload_starts, ~control.valid)
        self.properties(h, dut, node, frame, size, is_payload, left, index)

    def invariants(self, h, out, word, before, size, is_payload, left):
        """Where the frame is, in terms of the builder's own counters: for the induction."""
        m, number, tail_left = h.m, self.inner["number"], self.inner["tail_left"]
        kept = View(frame_fields, self.inner["kept"])
        tail, words = Signal(8), Signal(8)
        m.d.comb += [tail.eq((size + 3) >> 3), words.eq((size + 7) >> 3)]
        h.check((number <= 8) & (size <= 1024) & (is_payload == (size != 0)))
        # The length comes two clocks behind the start.
        age = Signal(2, init=3)
        started = self.inner["start"]
        m.d.sync += age.eq(Mux(started, 1, Mux(age == 3, 3, age + 1)))
        h.check(age != 0)
        for n in range(2):  # a defect has but one
            if f"length_comes{n}" in self.inner:
                h.check(self.inner[f"length_comes{n}"] == (age == n + 1))
        h.check_if(age != 3, out.valid & (number >= 1) & (number <= age))
        h.check(self.inner["left"] == left)
        h.check_if(out.valid & (age == 3), kept.noc_bytes == size)
        h.check_if(out.valid, kept.is_payload == is_payload)
        h.check_if(~out.valid, (number == 0) & (before == 0))
        h.check_if(out.valid, out.payload.last == (number == 0))
        h.check_if((number >= 1) & (number <= 7), before == ((number - 1) << 3))
        h.check_if((number >= 1) & (number <= 7), left == 0)
        h.check_if(
            number == 8,
            (before == 56 + ((tail - tail_left) << 3))
            & (tail_left >= 1)
            & (tail_left <= tail)
            & (left + 1 + tail == words + tail_left),
        )
        h.check_if(number == 0, left == 0)
        h.check_if(out.valid & (number == 0), before == 56 + (tail << 3))


class BuilderShape(_Builder):
    shows = (
        "FrameBuilder: every frame has max(64, 60 + payload) bytes, `keep` and `last` right;"
        " a frame starts only when the one before is out; a PAYLOAD's first word is taken in the"
        " last beat of its header, all of them before it ends, and words behind them any time"
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
            "the next PAYLOAD's first word is taken like any other",
            "tx/builder.py",
            "self.i_word.ready.eq(~self.i_word.payload.first)",
            "self.i_word.ready.eq(1)",
        ),
        Defect(
            "the length is taken a clock too early",
            "tx/builder.py",
            "for n in range(length_at):",
            "for n in range(length_at - 1):",
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
        h.check_if(ends & is_payload, left == 0)
        self.invariants(h, out, word, bytes_.before, size, is_payload, left)
        h.reach(ends & is_payload & (size == 77))
        h.reach(ends & is_payload & (size == 3))
        h.reach(control.valid & control.ready & is_payload & ends)


class BuilderBytes(_Builder):
    shows = (
        "FrameBuilder: every header field and every payload byte is in its place, zeros in the"
        " rest; byte 48 is the code of the clock in which a frame that announces starts, `more` in"
        " a PAYLOAD, 0 in every other frame"
    )
    config = "64 bits; every payload length from 1 to 1024; watched: any one byte of the payload"
    mode = "induction"
    depth = 3
    defect_depth = 13
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
            "every control frame says the code",
            "tx/builder.py",
            "self.i_code & control.announces.replicate(8)",
            "self.i_code",
        ),
        Defect(
            "no PAYLOAD says that there is more",
            "tx/builder.py",
            "now.congestion.eq(payload.more)",
            "now.congestion.eq(0)",
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
        before = bytes_.before
        wanted = self.header(frame, size, node)
        for beat in range(8):
            octets = [wanted.get(8 * beat + lane) for lane in range(8)]
            for lane, octet in enumerate(octets):
                if octet is not None:
                    got = out.payload.data.word_select(lane, 8)
                    h.check_if(out.valid & (before == 8 * beat), got == octet)
        for n in range(4):
            got = out.payload.data.word_select(4 + n, 8)
            h.check_if(out.valid & (before == 56) & (size <= n), got == 0)
        ends = out.valid & out.payload.last

        # One byte of the payload, any.
        place = h.constant(10, "place")
        seen = Signal(8)
        number = Mux(first, 0, index)
        with m.If(word.valid & word.ready & dut.o_word_used & (number == place[3:])):
            m.d.sync += seen.eq(word.payload.data.word_select(place[:3], 8))
        offset = Signal(12)
        m.d.comb += offset.eq(place + 60)
        here = out.valid & is_payload & (place < size) & (before <= offset) & (offset < before + 8)
        h.check_if(here, out.payload.data.word_select(offset[:3], 8) == seen)
        check_beats(h, out.valid, out.payload)
        self.invariants(h, out, word, before, size, is_payload, left)
        self.under_way(h, out, frame, size, is_payload, left, index, place, seen)
        h.reach(ends & is_payload & (size == 21) & (place == 20))
        h.reach(ends & is_payload & (size == 3))

    def header(self, frame, size, node):
        """{offset: byte} of a frame's header; of the others nothing is said here."""
        fields = {
            (0, 3): Const(0x98ED5C, 24),
            (3, 3): frame.node,
            (6, 3): Const(0x98ED5C, 24),
            (9, 3): node,
            (12, 2): Mux(frame.ieee, 0x9AC6, 0x0AC6),
            (14, 1): Const(5, 8),
            (15, 1): Const(0, 8),
            (16, 2): size + 46,
            (18, 16): Const(0, 128),
            (34, 3): node,
            (37, 3): frame.node,
            (40, 2): size + 26,
            (42, 1): frame.opcode.as_value(),
            (43, 1): frame.vc,
            (44, 2): Const(0, 16),
            (46, 2): frame.epoch,
            (48, 1): self.byte48,
            (49, 2): Const(0, 16),
            (51, 1): Mux(frame.selective, 0x20, 0) | Mux(frame.controlled, 0x40, 0),
            (52, 4): frame.tx_id,
            (56, 4): frame.rx_id,
        }
        return {
            offset + count - 1 - n: Cat(value, Const(0, 8 * count)).word_select(n, 8)
            for (offset, count), value in fields.items()
            for n in range(count)
        }

    def under_way(self, h, out, frame, size, is_payload, left, index, place, seen):
        """What the builder keeps of the frame, and where the watched byte is: for the induction."""
        number, kept = self.inner["number"], View(frame_fields, self.inner["kept"])
        for name in ("opcode", "node", "vc", "ieee", "epoch", "selective", "controlled"):
            h.check(Value.cast(kept[name]) == Value.cast(frame[name]))
        h.check((kept.tx_id == frame.tx_id) & (kept.rx_id == frame.rx_id))
        h.check(kept.congestion == self.byte48)
        in_tail = (number == 8) | ((number == 0) & out.valid)
        h.check_if(is_payload & in_tail, index + left == (size + 7) >> 3)
        carried = (number == 8) & (place[3:] + 1 == index) & place[2] & (place < size)
        h.check_if(carried, self.carried.word_select(place[:2], 8) == seen)


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
