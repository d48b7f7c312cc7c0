"""Proofs of `TxPath`: which frame goes next, and what is told of it.

The whole block is there: PAYLOAD queue, slot reader, builder, control queue and the choice. A frame
is known by a few bits of its header as they lie on the wire; that all other fields are right is
shown by `builder.content`.
"""

from amaranth.hdl import Array, Mux, Signal

from ttpoe.protocol import Opcode
from ttpoe.tx.path import TxPath

from ..proof import Defect, Proof, shrunk
from .tx import kills

LENGTHS = (4, 64, 68, 128)  # 1, 2, 2, 3 beats of a frame; 1, 1, 2, 2 words of a slot

_DRIVEN = "i_control i_payload i_free i_passed i_withdraw o_frame o_sent".split()


class _Path(Proof):
    """`TxPath` at 512 bits, where a header is one beat, with the replay memory's lengths."""

    depth = 14
    cover_depth = 24

    def build(self, h):
        m = h.m
        config = shrunk(
            width_bits=512, SLOT_BYTES=128, slots=2, sets=2, control_depth=4, payload_depth=2
        )
        m.submodules.dut = dut = TxPath(config)
        h.drive(dut, *_DRIVEN)
        for port in (dut.i_control, dut.i_payload):
            h.assume_stream(port)
        both = dut.i_free.valid & dut.i_withdraw.valid
        h.assume_if(both, dut.i_free.p.lid == dut.i_withdraw.p)
        passed, payload = dut.i_passed, dut.i_payload
        comes = payload.valid & (payload.p.slot == passed.p)
        h.assume_if(passed.valid, ~dut.i_free.valid & ~comes)
        self.pass_through(h, dut)
        lengths = Array(h.constant(2, f"length{slot}") for slot in range(2))
        self.length_of = lambda slot: Array(LENGTHS)[lengths[slot]]
        m.d.sync += dut.length.data.eq(self.length_of(dut.length.addr))

        # The wire. A frame is started in the clock before its first beat is there.
        frame = dut.o_frame
        self.moved = frame.valid & frame.ready
        self.ends = self.moved & frame.p.last
        self.may_start = ~frame.valid | self.ends
        fresh = Signal(init=1)
        m.d.sync += fresh.eq(self.may_start)
        self.first = frame.valid & fresh
        data = frame.p.data
        self.opcode = data.word_select(42, 8)
        self.tx_mark = data.word_select(55, 8)[:2]
        self.rx_mark = data.word_select(59, 8)[:2]
        self.control_started = dut.o_control_left  # in the clock before
        # What lies on the wire, told from the pulses and not from the frame.
        was_control, report = Signal(), Signal()
        self.is_control, self.reports = Signal(), Signal()
        m.d.comb += [self.is_control.eq(was_control), self.reports.eq(report)]
        with m.If(self.first):
            m.d.comb += [
                self.is_control.eq(self.control_started),
                self.reports.eq(self.control_started & self.rx_mark[1]),
            ]
        m.d.sync += [
            was_control.eq(self.is_control & ~self.ends),
            report.eq(self.reports & ~self.ends),
        ]
        self.payload_first = self.first & ~self.control_started
        # Reports of frames that were started, and of those that ended, which are not taken.
        held, self.held, self.raised = Signal(3), Signal(3), Signal(3)
        taken = dut.o_sent.valid & dut.o_sent.ready
        m.d.comb += self.held.eq(held + (self.first & self.control_started & self.rx_mark[1]))
        m.d.sync += [
            held.eq(self.held - taken),
            self.raised.eq(self.raised + (self.ends & self.reports) - taken),
        ]
        self.properties(h, dut)

    def pass_through(self, h, dut):
        """Fields that only pass through are zero, but for the marks; two links."""
        control, payload = dut.i_control.p, dut.i_payload.p
        for fields in (control, payload):
            for name in ("node", "vc", "ieee", "epoch"):
                h.assume(fields[name] == 0)
        h.assume(control.opcode == Opcode.ACK)
        h.assume((control.selective == 0) & (control.tx_id == 0) & (control.rx_id[2:] == 0))
        h.assume(control.rx_id[1] == control.report)  # to be seen on the wire
        h.assume(payload.tx_id[2:] == 0)
        for lid in (control.lid, payload.lid, dut.i_free.p.lid, dut.i_withdraw.p):
            h.assume(lid[1:] == 0)

    def follow_control(self, h, dut):
        """One control frame, any, from its taking to its last beat."""
        m, control = h.m, dut.i_control
        push, left = control.valid & control.ready, self.control_started
        self.level, now = Signal(3), Signal(3)
        m.d.comb += now.eq(self.level - left)
        m.d.sync += self.level.eq(now + push)
        self.now = now
        self.queued, ahead, self.entry = Signal(), Signal(3), Signal(control.p.shape())
        position, was_sent = Signal(3), Signal()
        m.d.comb += position.eq(ahead - left)
        self.starts = self.queued & left & (ahead == 0)
        self.sending = Signal()
        m.d.comb += self.sending.eq(self.starts | was_sent)
        m.d.sync += was_sent.eq(self.sending & ~self.ends)
        # Its report: raised, and behind so many others.
        self.told, self.rank = Signal(), Signal(3)
        taken = dut.o_sent.valid & dut.o_sent.ready
        with m.If(self.ends & self.sending & self.entry.report):
            m.d.sync += [self.told.eq(1), self.rank.eq(self.raised - taken)]
        with m.Elif(taken):
            m.d.sync += [self.told.eq(self.told & (self.rank != 0)), self.rank.eq(self.rank - 1)]
        free = ~self.queued & ~self.sending & ~self.told
        with m.If(h.free(1, "follow") & push & free):
            m.d.sync += [self.queued.eq(1), self.entry.eq(control.p), ahead.eq(now)]
        with m.Elif(self.queued):
            m.d.sync += [self.queued.eq(~self.starts), ahead.eq(position)]
        # The oldest of those that wait, and not held back by reports that are not through.
        self.at_head = self.queued & ~self.starts & (position == 0)
        self.blocked = self.held == 4


class Control(_Path):
    shows = (
        "TxPath: every control frame that was taken goes out, once, in order, and"
        " `o_control_left` tells its start; a report is raised in the clock after the last"
        " beat of each frame that asked for it, with its link, once, in order, and never else; at"
        " most four are held; `ready` falls only when the queue is full"
    )
    config = (
        "512 bits, all blocks inside; queues of 4 control frames and 2 PAYLOADs, 2 slots of 2"
        " words, lengths 4, 64, 68, 128; 2 links; of the header's fields two bits are any"
    )
    defects = (
        Defect(
            "the report is raised at the start",
            "tx/path.py",
            "reports.w_en.eq(self._ended & reporting)",
            "reports.w_en.eq(reporting)",
        ),
        Defect(
            "the next frame's link is reported",
            "tx/path.py",
            "reports.w_data.eq(sent_lid)",
            "reports.w_data.eq(control_queue.o.payload.lid)",
        ),
        Defect(
            "a fifth report is started while four are untaken",
            "tx/path.py",
            "& ~self._held[-1]",
            "",
        ),
        Defect(
            "a frame that waits for reports is skipped",
            "tx/path.py",
            "control_queue.o.ready.eq(started)",
            "control_queue.o.ready.eq(started | self._held[-1])",
        ),
    )

    def properties(self, h, dut):
        self.follow_control(h, dut)
        sent, entry = dut.o_sent, self.entry
        h.check_stream(sent)
        h.check_stream(dut.o_frame)
        h.check_if(self.control_started, self.first & (self.level != 0))
        h.check(self.now <= 4)
        h.check_if(~dut.i_control.ready, self.now == 4)
        h.check_if(self.first, (self.opcode == Opcode.PAYLOAD.value) == ~self.control_started)
        h.check_if(
            self.first & self.starts,
            (self.opcode == entry.opcode.as_value()) & (self.rx_mark == entry.rx_id[:2]),
        )
        h.check_if(self.is_control, dut.o_frame.p.last & dut.o_frame.p.keep.all())

        h.check((self.held <= 4) & (self.raised <= 4))
        h.check(sent.valid == (self.raised != 0))
        h.check_if(self.sending, self.reports == entry.report)
        h.check_if(self.told & (self.rank == 0), sent.valid & (sent.p == entry.lid))
        h.check(dut.stat_tx_control == h.past(self.ends & self.is_control))
        h.check(dut.stat_tx_payload == h.past(self.ends & ~self.is_control))
        h.reach(self.told & (self.rank == 2) & (self.now == 4))
        h.reach(self.at_head & self.blocked & self.payload_first)
        h.reach(self.told & h.past(self.sending) & self.payload_first)


class Turns(_Path):
    shows = (
        "TxPath: a control frame that may start is passed by at most one PAYLOAD, and only"
        " behind 4 control frames in a row; while one waits, clocks in which a frame could"
        " start are never lost two in a row"
    )
    config = Control.config
    defects = (
        Defect(
            "PAYLOADs go first",
            "tx/path.py",
            "(row != CONTROL_IN_A_ROW)",
            "~builder.i_payload.valid",
        ),
        Defect(
            "a PAYLOAD does not end the row",
            "tx/path.py",
            "m.d.sync += [row.eq(0), is_payload.eq(1)]",
            "m.d.sync += is_payload.eq(1)",
        ),
        Defect(
            "the turn of a PAYLOAD that was killed is kept",
            "tx/path.py",
            "m.d.sync += row.eq(0)       # the PAYLOAD",
            "pass       # the PAYLOAD",
        ),
    )

    def properties(self, h, dut):
        self.follow_control(h, dut)
        m = h.m
        # Control frames since the last PAYLOAD; one that may start is passed only behind four.
        row = Signal(3)
        with m.If(self.payload_first):
            m.d.sync += row.eq(0)
        with m.Elif(self.control_started & (row != 4)):
            m.d.sync += row.eq(row + 1)
        may = Signal()
        m.d.comb += may.eq(self.at_head & ~self.blocked)
        passed, passes = Signal(), Signal()
        m.d.comb += passes.eq(self.payload_first & h.past(may))
        h.check_if(passes, (row == 4) & ~passed)
        m.d.sync += passed.eq(self.queued & (passed | passes))
        lost = Signal()
        m.d.comb += lost.eq(h.past(self.may_start & may) & ~self.first)
        h.check_if(lost, ~h.past(lost))
        h.reach(passes)
        h.reach(lost)


class Payloads(_Path):
    shows = (
        "TxPath: a PAYLOAD goes out at most once, in order, with all its beats, and never two"
        " clocks after it was killed; when it has been the oldest for 8 clocks in which a frame could"
        " start, while it lives, at"
        " most 4 control frames start before it, and a frame starts in every clock in which one"
        " could; of those at most 9 in a row are lost while it is queued"
    )
    config = Control.config
    defects = (
        Defect(
            "PAYLOADs get no turn while control frames wait",
            "tx/path.py",
            "row.eq(Mux(payload_ready, row + 1, 0))",
            "row.eq(0)",
        ),
        Defect(
            "a PAYLOAD that is killed is sent",
            "tx/path.py",
            "queue.o.valid & ~queue.o_dead & first_there",
            "queue.o.valid & first_there",
        ),
        Defect(
            "the queue does not hear of a withdrawal",
            "tx/path.py",
            "wiring.connect(m, wiring.flipped(self.i_withdraw), queue.i_withdraw)",
            "m.d.comb += queue.i_withdraw.payload.eq(self.i_withdraw.payload)",
        ),
        Defect(
            "the queue does not hear of a slot that is passed",
            "tx/path.py",
            "wiring.connect(m, wiring.flipped(self.i_passed), queue.i_passed)",
            "m.d.comb += queue.i_passed.payload.eq(self.i_passed.payload)",
        ),
    )

    def properties(self, h, dut):
        m, payload, left = h.m, dut.i_payload, dut.o_payload_left
        push = payload.valid & payload.ready
        # One, any, is marked, and another mark is on all that are taken after it.
        given, entry = Signal(), Signal(payload.p.shape())
        h.assume_if(payload.valid & payload.p.tx_id[0], ~given)
        h.assume_if(payload.valid, payload.p.tx_id[1] == given)
        level, now, ahead = Signal(2), Signal(2), Signal(2)
        queued, killed = Signal(), Signal()
        m.d.comb += now.eq(level - left)
        m.d.sync += level.eq(now + push)
        h.check_if(left, level != 0)
        h.check(payload.ready == (now != 2))

        starts = self.payload_first & self.tx_mark[0]
        leaves, oldest, clocks, ready = Signal(), Signal(), Signal(4), Signal()
        m.d.comb += [
            leaves.eq(queued & left & (ahead == 0)),
            oldest.eq(queued & ~leaves & (ahead == left) & ~killed),
            ready.eq(oldest & (clocks == 8)),
        ]
        m.d.sync += clocks.eq(Mux(oldest, Mux(clocks == 8, 8, clocks + self.may_start), 0))
        with m.If(push & payload.p.tx_id[0]):
            m.d.sync += [
                given.eq(1),
                queued.eq(1),
                entry.eq(payload.p),
                ahead.eq(now),
                killed.eq(kills(dut.i_free, payload.p.slot, payload.p.lid)),
            ]
        with m.Elif(queued):
            m.d.sync += [queued.eq(~leaves), ahead.eq(ahead - (left & (ahead != 0)))]
            with m.If(
                kills(dut.i_free, entry.slot, entry.lid)
                | (dut.i_passed.valid & (dut.i_passed.p == entry.slot))
                | (dut.i_withdraw.valid & (dut.i_withdraw.p == entry.lid))
            ):
                m.d.sync += killed.eq(1)
        h.check_if(starts, leaves & ~h.past(killed))
        h.check_if(leaves & ~starts, h.past(killed))
        h.check_if(self.payload_first & self.tx_mark[1], ~queued)

        # Its turn.
        row, counts = Signal(3), Signal()
        m.d.comb += counts.eq(self.control_started & h.past(ready))
        m.d.sync += row.eq(Mux(ready, row + counts, 0))
        h.check(row + counts <= 4)
        h.check_if(h.past(ready & self.may_start), self.first)
        lost, in_a_row = Signal(), Signal(4)
        m.d.comb += lost.eq(h.past(self.may_start & queued & ~killed) & ~self.first)
        m.d.sync += in_a_row.eq(Mux(lost, in_a_row + 1, Mux(self.first, 0, in_a_row)))
        h.check(in_a_row <= 9)

        # Its beats: as many as its length asks for.
        beats, size = Signal(3), Signal(8)
        m.d.comb += size.eq(self.length_of(entry.slot))
        m.d.sync += beats.eq(Mux(self.ends, 0, beats + self.moved))
        sending, was_sent = Signal(), Signal()
        m.d.comb += sending.eq(starts | was_sent)
        m.d.sync += was_sent.eq(sending & ~self.ends)
        h.check_if(sending & dut.o_frame.valid, dut.o_frame.p.last == (beats == (size + 59) >> 6))
        h.check_if(was_sent, dut.o_frame.valid)
        h.reach(starts & h.past(row + counts == 2))
        h.reach(killed & queued & h.past(ready & (row == 1)))
        h.reach(sending & self.ends & (beats == 2) & killed)
        h.reach(starts & h.past(lost))
