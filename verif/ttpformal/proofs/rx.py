"""Proofs of `rx/`: event queue and frame parser."""

from amaranth.hdl import Cat, Mux, Signal, Value

from ttpoe.rx import queue as rx_queue
from ttpoe.rx.parser import DROP_CAUSES, FrameParser
from ttpoe.rx.queue import EventQueue, make_fifo

from ..frames import Bytes, assume_beats
from ..memories import built, inner
from ..proof import Defect, Proof, shrunk

TESLA = 0x98ED5C
"""Upper half of every node's MAC."""


class Events(Proof):
    shows = (
        "EventQueue, from LUT RAM: order, no loss, no doubles, room for event_depth; into an"
        " empty queue in clock n, out in n + 1"
    )
    config = "4 events"
    defects = (
        Defect(
            "an event that is held back is taken",
            "rx/queue.py",
            "waiting.r_en.eq(self.o.ready)",
            "waiting.r_en.eq(1)",
        ),
        Defect(
            "an event that finds no room counts as taken",
            "rx/queue.py",
            """                self.i.ready.eq(waiting.w_rdy),
                waiting.w_data.eq(self.i.payload),
                waiting.w_en.eq(self.i.valid),""",
            """                self.i.ready.eq(1),
                waiting.w_data.eq(self.i.payload),
                waiting.w_en.eq(self.i.valid),""",
        ),
    )
    lut_ram_depth = rx_queue.LUT_RAM_DEPTH

    def build(self, h):
        rx_queue.LUT_RAM_DEPTH = self.lut_ram_depth
        m = h.m
        m.submodules.dut = dut = EventQueue(shrunk(event_depth=4, sets=2, rx_slots=8))
        h.drive(dut)
        h.streams(dut)
        i, o = dut.i, dut.o
        # Three bits of an event are any, the others go the same way.
        for name in ("tx_id", "rx_id", "node", "epoch"):
            h.assume(i.payload[name] == 0)
        push, pop = i.valid & i.ready, o.valid & o.ready
        level = h.check_fifo(push, i.payload.as_value(), pop, o.payload.as_value(), 4)
        h.check_if(~i.ready, level >= 3)
        self.timing(h, push, o, level)
        h.reach((level == 4) & ~i.ready)

    def timing(self, h, push, o, level):
        h.check_if(h.past(push), o.valid)
        h.check(o.valid == (level != 0))


class DeepEvents(Events):
    shows = (
        "EventQueue, from a register in front of a FIFO in block RAM, as queues of more than"
        " 32 events are: the same, but for a clock without an event where the block RAM has"
        " not read yet"
    )
    config = "4 events, said to be too many for LUT RAM"
    defects = (
        Defect(
            "the bypass overtakes",
            "rx/queue.py",
            "bypass = head_free & (waiting.level == 0)",
            "bypass = head_free",
        ),
        Defect(
            "a bypassed event is stored, too",
            "rx/queue.py",
            "waiting.w_en.eq(self.i.valid & ~bypass)",
            "waiting.w_en.eq(self.i.valid)",
        ),
    )
    lut_ram_depth = 2

    def timing(self, h, push, o, level):
        h.check_if(h.past(push & (level == 0)), o.valid)
        h.check_if(o.valid, level != 0)
        h.check_if(h.past((level != 0) & ~o.valid), o.valid)


class Fifo(Proof):
    shows = (
        "make_fifo, LUT RAM: order, no loss, no over- or underflow, `level` exact, readable in"
        " the next clock"
    )
    config = "4 entries of 2 bits"
    defects = (
        Defect(
            "what is written can be read a clock later than promised",
            "rx/queue.py",
            "fifo.SyncFIFO if depth",
            "fifo.SyncFIFOBuffered if depth",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = queue = make_fifo(2, 4)
        m.d.comb += [
            queue.w_en.eq(h.free(1, "w_en")),
            queue.w_data.eq(h.free(2, "w_data")),
            queue.r_en.eq(h.free(1, "r_en")),
        ]
        push, pop = queue.w_en & queue.w_rdy, queue.r_en & queue.r_rdy
        depth = queue.depth
        level = h.check_fifo(push, queue.w_data, pop, queue.r_data, depth)
        h.check(queue.level == level)
        h.check_if(~queue.w_rdy, level == depth)
        h.check(queue.r_rdy == (level != 0))
        h.reach(level == depth)


class Parser(Proof):
    shows = (
        "FrameParser: a frame is good exactly if all twelve conditions of section 1 and"
        " decision F1 hold, each cause is the first that holds, and the fields that come out"
        " are the bytes of the frame; all 2^16 lengths, all opcodes, VCs and addresses"
    )
    config = "64 bits; frames of any length, one behind the other or not"
    mode = "induction"
    depth = 4
    cover_depth = 13
    defect_depth = 13
    defects = (
        Defect(
            "total length is not compared in its high byte",
            "rx/parser.py",
            "tsh != due",
            "tsh[:8] != due[:8]",
        ),
        Defect(
            "one byte too few is enough",
            "rx/parser.py",
            "last_octet < needed",
            "last_octet + 1 < needed",
        ),
        Defect("VC 3 passes", "rx/parser.py", 'self._word("vc") > 2', 'self._word("vc") > 3'),
        Defect(
            "causes are counted in another order",
            "rx/parser.py",
            "first = causes[n] & ~causes[:n].any()",
            "first = causes[n] & ~causes[n + 1:].any()",
        ),
    )

    encapsulation = "ethernet"

    def build(self, h):
        m = h.m
        dut = FrameParser(shrunk(width_bits=64, encapsulation=self.encapsulation))
        m.submodules.dut = parts = built(dut)
        node = h.constant(24, "node")
        h.drive(dut, "i_frame")
        m.d.comb += dut.cfg_node.eq(node)
        self.inputs(h, dut, parts)
        i, parsed = dut.i_frame, dut.o_parsed
        assume_beats(h, i.valid, i.payload)
        frame = Bytes(h, i.valid, i.payload, longest=2047)
        ended = i.valid & i.payload.last
        causes = self.causes(h, dut, frame, node)
        assert list(causes) == list(DROP_CAUSES)
        good = ended
        for cause, holds in causes.items():
            counted = getattr(dut, f"stat_rx_{cause}")
            h.check(counted == h.past(h.past(good & holds)))
            h.reach(counted)
            good = good & ~holds
        h.check(dut.frame_ended == h.past(ended))
        h.check(parsed.valid == h.past(good))
        got = parsed.payload
        for name, value in self.told(frame).items():
            h.check_if(parsed.valid, Value.cast(got[name]) == h.past(value))
        payload_bytes = Signal(16)
        m.d.sync += payload_bytes.eq(self.length(frame.field) - 27)
        h.check_if(parsed.valid & got.payload, Cat(got.last_lane, got.last_beat) == payload_bytes)
        h.reach(parsed.valid & got.payload & (payload_bytes == 30))
        self.more(h, dut, frame, good)
        frame.check_there()
        self.captured(h, inner(parts), got, frame, node)

    def inputs(self, h, dut, parts):
        """Inputs besides; `parts`: the block, elaborated."""

    def more(self, h, dut, frame, good):
        """What else holds; `good`: a good frame's last beat passes."""

    def length(self, field):
        """What counts the transport header, the payload and 8 bytes."""
        return field(40, 2)

    def causes(self, h, dut, frame, node):
        """Whether each cause of F1 holds of the frame, in its last beat, by name."""
        field, (has_type, _) = frame.field, frame.byte(13)
        tsh, vc, opcode = field(40, 2), field(43, 1), field(42, 1) & 0x3F
        return {
            "bad_fcs": dut.i_frame.payload.error,
            "other_ethertype": has_type & (field(12, 2) != 0x0AC6) & (field(12, 2) != 0x9AC6),
            "runt": frame.length < 64,
            "wrong_oui": (field(0, 3) != TESLA) | (field(6, 3) != TESLA),
            "not_ours": field(3, 3) != node,
            "own_source": field(9, 3) == node,
            "bad_tth": field(14, 1) != 5,
            "tsh_range": (tsh < 26) | (tsh > 1050),
            "total_mismatch": field(16, 2) != tsh + 20,
            "truncated": frame.length < tsh + 34,
            "bad_opcode": opcode > 10,
            "bad_vc": vc > 2,
            "empty_payload": (opcode == 6) & (tsh == 26),
        }

    def told(self, frame):
        """What a good frame says, by name."""
        field = frame.field
        opcode, extension = field(42, 1) & 0x3F, field(51, 1)
        return {
            "opcode": opcode[:4],
            "node": field(9, 3),
            "vc": field(43, 1)[:2],
            "ieee": field(12, 2) == 0x9AC6,
            "epoch": field(46, 2),
            "selective": (extension == 0x20) | (extension == 0x60),
            "controlled": (extension == 0x40) | (extension == 0x60),
            "congestion": field(48, 1),
            "tx_id": field(52, 4),
            "rx_id": field(56, 4),
            "payload": opcode == 6,
        }

    def captured(self, h, inner, got, frame, node):
        """What the registers say of the bytes that have passed: helps the induction."""
        beat, field = inner["index"], frame.earlier
        h.check(beat == frame.before[3:])
        h.check((frame.before[:3] == 0) | (frame.before == 2047))
        oui = [(TESLA >> 8 * (2 - n)) & 0xFF for n in range(3)]
        octets = (0, 1, 2, 6, 7, 8)
        wrong = [field(offset, 1) != oui[n % 3] for n, offset in enumerate(octets)]
        for after, values in self.known(h, inner, field, node).items():
            for name, value in values.items():
                h.check_if(beat >= after, inner[name] == value)
        for after, values in self.parsed(field).items():
            for name, value in values.items():
                h.check_if(beat >= after, Value.cast(got[name]) == value)
        h.check_if(beat >= 1, Cat(wrong[:5]) == inner["wrong_octet"][:5])
        h.check_if(beat >= 2, wrong[5] == inner["wrong_octet"][5])
        h.check_if(beat == 1, ~inner["other_ethertype"])

    def known(self, h, inner, field, node):
        """{beat: {register: value}}: what a register holds from that beat on."""
        ethertype, tsh = field(12, 2), self.length(field)
        due = Signal(17)
        h.m.d.comb += due.eq(field(16, 2) - 20)
        return {
            1: {"not_ours": field(3, 3) != node},
            2: {
                "other_ethertype": (ethertype != 0x0AC6) & (ethertype != 0x9AC6),
                "own_source": field(9, 3) == node,
                "bad_tth": field(14, 1) != 5,
            },
            3: {"due": due},
            6: {
                "tsh_range": (tsh < 26) | (tsh > 1050),
                "total_mismatch": self.mismatch(field, inner["due"]),
                "bad_opcode": (field(42, 1) & 0x3F) > 10,
                "bad_vc": field(43, 1) > 2,
                "needed": (tsh + 33)[:11],
                "no_payload": (tsh - 27)[10],
            },
        }

    def mismatch(self, field, due):
        """What the register says of the two lengths; `due`: the total length less 20."""
        return field(40, 2) != due

    def parsed(self, field):
        """The same of what is told of a good frame."""
        opcode, extension, tsh = field(42, 1) & 0x3F, field(51, 1), self.length(field)
        return {
            2: {"ieee": field(12, 2) == 0x9AC6, "node": field(9, 3)},
            6: {
                "opcode": opcode[:4],
                "payload": opcode == 6,
                "vc": field(43, 1)[:2],
                "epoch": field(46, 2),
                "last_lane": (tsh - 27)[:3],
                "last_beat": (tsh - 27)[3:10],
            },
            7: {
                "selective": (extension == 0x20) | (extension == 0x60),
                "controlled": (extension == 0x40) | (extension == 0x60),
                "congestion": field(48, 1),
                "tx_id": field(52, 4),
            },
            8: {"rx_id": field(56, 4)},
        }


class Payload(Proof):
    shows = (
        "FrameParser: what it writes are bytes 60 onwards of the frame, in order, beat by beat"
        " from 0, at most 1024, the last not later than the frame's end; frames of any length"
    )
    config = "64 bits (data: any byte of the frame's beats)"
    depth = 14
    cover_depth = 14
    defects = (
        Defect(
            "the last bytes of a frame are not written",
            "rx/parser.py",
            "self.o_write.valid.eq(held & (frame.valid | self.frame_ended))",
            "self.o_write.valid.eq(held & frame.valid)",
        ),
        Defect(
            "the payload begins a beat early",
            "rx/parser.py",
            "first = config.header_beats - 1",
            "first = config.header_beats - 2",
        ),
        Defect(
            "a frame's beats go on where the last frame's ended",
            "rx/parser.py",
            "with m.If(frame.p.last):\n                m.d.sync += index.eq(0)",
            "with m.If(0):\n                m.d.sync += index.eq(0)",
        ),
    )

    encapsulation = "ethernet"

    def build(self, h):
        m = h.m
        config = shrunk(width_bits=64, encapsulation=self.encapsulation)
        m.submodules.dut = dut = FrameParser(config)
        h.drive(dut, "i_frame")
        frame, write = dut.i_frame, dut.o_write
        lane = h.constant(3, "lane")
        number = Signal(8)  # of the beat that comes, 255: so many or more
        ended = h.past(frame.valid & frame.p.last)
        there, last_number, last_byte = Signal(), Signal(8), Signal(8)
        with m.If(frame.valid):
            m.d.sync += [
                there.eq(1),
                last_number.eq(number),
                last_byte.eq(frame.p.data.word_select(lane, 8)),
                number.eq(Mux(frame.p.last, 0, Mux(number == 255, 255, number + 1))),
            ]
        with m.Elif(ended):
            m.d.sync += there.eq(0)
        h.check(dut.frame_ended == ended)
        h.check(
            write.valid
            == (there & (last_number >= 7) & (last_number < 135) & (frame.valid | ended))
        )
        h.check_if(write.valid, write.p.beat == last_number - 7)
        # Lanes 4 to 7 of the wire's beat are 0 to 3 of the payload's; the next beat has the others.
        lower = write.p.data.word_select((lane - 4)[:3], 8)
        upper = write.p.data.word_select((lane + 4)[:3], 8)
        h.check_if(write.valid & lane[2], lower == last_byte)
        h.check_if(write.valid & ~lane[2] & ~ended, upper == frame.p.data.word_select(lane, 8))
        h.reach(write.valid & ended & (write.p.beat == 2) & frame.valid)
