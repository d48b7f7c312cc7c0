"""Proofs of `tx/`: slot reader and frame builder."""

from amaranth.hdl import Cat, Const, Mux, Signal, Value
from amaranth.lib.data import View

from ttpoe.layouts import form_layout
from ttpoe.tx.builder import FrameBuilder, frame_fields

from ..frames import Bytes, check_beats
from ..memories import built, inner
from ..proof import Defect, Proof, shrunk


class _Builder(Proof):
    """`FrameBuilder` behind words as `SlotReader` gives them."""

    encapsulation = "ethernet"

    def build(self, h):
        m = h.m
        config = shrunk(width_bits=64, slots=4, sets=2, encapsulation=self.encapsulation)
        dut, self.fields = FrameBuilder(config), frame_fields(config)
        m.submodules.dut = parts = built(dut)
        self.inner, self.carried = inner(parts), inner(parts, "carry")["carried"]
        node = h.constant(24, "cfg_node")
        h.drive(dut, "i_control", "i_payload", "i_length", "i_word", "i_code", "o_frame")
        m.d.comb += dut.cfg_node.eq(node)
        self.inputs(h, dut, node)
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
                    for name in ("node", "vc", "ieee", "epoch", "tx_id", *form_layout(config))
                ),
                size.eq(length),
                is_payload.eq(1),
            ]
        h.check_if(payload_starts, ~control.valid)
        self.properties(h, dut, node, frame, size, is_payload, left, index)

    def inputs(self, h, dut, node):
        """Inputs of the form, if it has any."""

    def invariants(self, h, out, word, before, size, is_payload, left):
        """Where the frame is, in terms of the builder's own counters: for the induction."""
        m, number, tail_left = h.m, self.inner["number"], self.inner["tail_left"]
        kept = View(self.fields, self.inner["kept"])
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


class Shape(_Builder):
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
            "word.ready.eq(~word.payload.first),",
            "word.ready.eq(1),",
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


class Content(_Builder):
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
        return self.octets(fields)

    def octets(self, fields):
        """{offset: byte} of {(offset, bytes): value}."""
        return {
            offset + count - 1 - n: Cat(value, Const(0, 8 * count)).word_select(n, 8)
            for (offset, count), value in fields.items()
            for n in range(count)
        }

    def under_way(self, h, out, frame, size, is_payload, left, index, place, seen):
        """What the builder keeps of the frame, and where the watched byte is: for the induction."""
        number, kept = self.inner["number"], View(self.fields, self.inner["kept"])
        names = ("opcode", "node", "vc", "ieee", "epoch", "selective", "controlled")
        for name in (*names, *form_layout(shrunk(encapsulation=self.encapsulation))):
            h.check(Value.cast(kept[name]) == Value.cast(frame[name]))
        h.check((kept.tx_id == frame.tx_id) & (kept.rx_id == frame.rx_id))
        h.check(kept.congestion == self.byte48)
        in_tail = (number == 8) | ((number == 0) & out.valid)
        h.check_if(is_payload & in_tail, index + left == (size + 7) >> 3)
        carried = (number == 8) & (place[3:] + 1 == index) & place[2] & (place < size)
        h.check_if(carried, self.carried.word_select(place[:2], 8) == seen)
