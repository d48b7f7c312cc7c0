"""Proofs end to end: `two_ends` is their model."""

from amaranth.hdl import Array, Mux, Signal

from ttpoe.protocol import Opcode

from ..proof import Defect
from .two_ends import AGE, SLOTS, Ends


class Prefix(Ends):
    shows = (
        "end to end, go-back-N and selective: what the receiver delivers is what the sender's"
        " host gave, from the first on, each once, in order, nothing left out, whatever the"
        " network loses, doubles, delays and reorders; every PAYLOAD carries the slot that"
        " belongs to its ID; what is freed was delivered; every frame says what was so"
    )
    config = (
        "Decide and Commit of both ends, 32-bit IDs, any first ID; 4 replay slots, directory"
        " of 8; one direction of one link, from its opening to its end; any events"
    )
    defects = (
        Defect(
            "an ACK retires one more",
            "pipeline/q2_guards.py",
            '"ack_next": self.ack_low + 1',
            '"ack_next": self.ack_low + 2',
        ),
        Defect(
            "a packet behind a gap is accepted",
            "pipeline/q2_guards.py",
            '"NEXT": self.in_order == 1',
            '"NEXT": self.in_order[2:] == 0',
        ),
        Defect(
            "a duplicate is delivered again",
            "pipeline/q2_guards.py",
            '"DUPLICATE": ~ahead',
            '"DUPLICATE": ~ahead & (self.in_order != 0)',
        ),
        Defect(
            "a NACK counts as an ACK",
            "pipeline/q2_new_tag.py",
            "m.d.comb += self.retire_count.eq(fact.ack_low)",
            "m.d.comb += self.retire_count.eq(fact.ack_next)",
        ),
        Defect(
            "a kept packet that was delivered stays in the directory",
            "pipeline/q2_new_tag.py",
            "out.unkeeps.eq(do.unkeeps)",
            "out.unkeeps.eq(0)",
        ),
        Defect(
            "a question of the last incarnation acknowledges what is missing",
            "link/state_table.py",
            '("SELECTIVE GAP AT_SEEN !HIT", _A.NACK_RUN, state)',
            '("GAP AT_SEEN !HIT", _A.NACK_RUN, state)',
        ),
        Defect(
            "what follows the last one that waited is looked for in the list",
            "pipeline/q2_new_tag.py",
            "with m.If(fact.at_alloc | last):",
            "with m.If(fact.at_alloc):",
        ),
        Defect(
            "the oldest packet goes out again under the ID of the next",
            "pipeline/q2_new_tag.py",
            "out.tx_base.eq(TxBase.FIRST)]",
            "out.tx_base.eq(TxBase.CURRENT)]",
        ),
    )

    def properties(self, h):
        a, b = self.a, self.b
        h.check(self.ahead <= self.sent)

        # A PAYLOAD that is sent: the slot is that of its ID; afterwards it counts as sent.
        frame, live = a.commit.o_payload, self.a_alive & a.goes_on
        place = Signal(32)
        h.m.d.comb += place.eq(frame.p.tx_id - self.una)
        appended = a.out.append & (place == self.alloc)
        h.check_if(live & frame.valid, place < self.alloc + a.out.append)
        h.check_if(
            live & frame.valid & ~appended,
            frame.p.slot == Array(self.queue)[(self.lag + place)[:2]],
        )
        h.check_if(live & frame.valid & appended, frame.p.slot == a.event.slot)
        h.check_if(live & frame.valid, (a.new.una + a.new.sent - 1 - frame.p.tx_id)[:32] < SLOTS)
        # What is acknowledged was delivered: nothing is freed too early.
        h.check_if(live, (a.new.una - self.una)[:32] <= self.ahead)
        h.check_if(live & a.out.pop, (self.lag != 0) | (self.ahead != 0))

        # What is delivered.
        verdict, live = b.commit.o_verdict, self.b_alive
        delivers = verdict.valid & verdict.p.deliver
        h.check_if(
            live & delivers,
            (b.event.tx_id == (self.received + 1)[:32])
            & (b.new.received == b.event.tx_id)
            & b.goes_on,
        )
        h.check_if(live & delivers, self.ahead < self.sent)
        h.check_if(live & delivers, Mux(verdict.p.kept, self.ours, b.is_("RX_PAYLOAD")))
        h.check_if(live & b.goes_on & ~delivers, b.new.received == self.received)
        # What the receiver says.
        answer = b.commit.o_control
        told, opcode = answer.p.rx_id, answer.p.opcode
        now = b.new.received
        says = self.b_alive & b.goes_on & answer.valid
        h.check_if(
            says & ((opcode == Opcode.ACK) | (opcode == Opcode.CLOSE)), (now - told)[:32] < AGE
        )
        h.check_if(says & (opcode == Opcode.NACK) & ~self.selective, (now + 1 - told)[:32] < AGE)

        h.reach(delivers & verdict.p.kept & (self.received == 0))
        h.reach(delivers & (self.ahead == 2) & (self.una == 0xFFFFFFFF))
        h.reach(frame.valid & a.out.resends & (self.ahead == 1) & (self.sent == 2))
        h.reach(a.out.pop & (self.ahead == 3) & (a.new.una == self.una + 3))


class Progress(Ends):
    shows = (
        "end to end, each step of the way forward: the packet that is missing, when it arrives"
        " and there is room, is delivered (or lies kept, and the look-up takes it); one that"
        " was delivered before is acknowledged again; an ACK that arrives, and is no echo, opens"
        " the window up to there; after two visits of the timer without progress the position is back at the"
        " oldest packet, and the link's next visit sends that one, unless it ends by"
        " `max_retry`"
    )
    config = "the same"
    defects = (
        Defect(
            "a duplicate is not acknowledged",
            "link/effects.py",
            'Action.ACK_AGAIN: Effects(frame=Opcode.ACK, rx="tx_id",',
            "Action.ACK_AGAIN: Effects(",
        ),
        Defect(
            "the time-out does not go back to the oldest",
            "link/effects.py",
            "_REPLAY = _part(rewinds=True, releases=True,",
            "_REPLAY = _part(releases=True,",
        ),
        Defect(
            "a time-out leaves the link held",
            "link/effects.py",
            "_REPLAY = _part(rewinds=True, releases=True,",
            "_REPLAY = _part(rewinds=True,",
        ),
        Defect(
            "an ACK of the youngest packet is out of the window",
            "pipeline/q2_guards.py",
            "(self.ack_low < tag.sent))",
            "(self.ack_low + 1 < tag.sent))",
        ),
    )

    def properties(self, h):
        a, b = self.a, self.b
        event, tag = b.event, b.tag
        h.check(self.ahead <= self.sent)
        # The network delivers: of this incarnation, and not behind an end that the peer declared.
        mine = self.b_alive & b.is_("RX_PAYLOAD") & ~b.decide.guard["STALE"]
        missing = mine & (event.tx_id == (self.received + 1)[:32])
        late = b.decide.guard["BEYOND_END"]
        answer, verdict = b.commit.o_control, b.commit.o_verdict
        h.check_if(
            missing & event.room & ~late & ~self.ours,
            verdict.valid & verdict.p.deliver & (b.new.received == event.tx_id),
        )
        h.check_if(
            missing & event.room & ~late & ~self.ours & (tag.kept == 0),
            answer.valid & (answer.p.opcode == Opcode.ACK) & (answer.p.rx_id == event.tx_id),
        )
        h.check_if(missing & event.room & ~late & ~self.ours & (tag.kept != 0), b.new.looking)
        look = self.b_alive & b.is_("LOOK") & (event.tx_id == (self.received + 1)[:32])
        h.check_if(look & tag.looking & self.ours, verdict.valid & verdict.p.deliver)
        h.check_if(
            look & tag.looking & ~self.ours & b.goes_on & (~event.look.ahead | (tag.kept == 0)),
            answer.valid & (answer.p.opcode == Opcode.ACK) & (answer.p.rx_id == self.received),
        )
        # Only with nothing kept is a look-up over without that.
        over = self.b_alive & b.is_("LOOK") & tag.looking & ~b.new.looking & b.goes_on
        h.check_if(over, answer.valid | ((tag.kept == 0) & ~look))
        h.reach(over & ~answer.valid)
        before = (self.received - event.tx_id)[:32] < AGE
        h.check_if(
            mine & before,
            answer.valid & (answer.p.opcode == Opcode.ACK) & (answer.p.rx_id == event.tx_id),
        )
        # The sender.
        echo = a.tag.controlled & (a.event.tx_id != 0)  # K12: it retires nothing
        acked = self.a_alive & a.is_("RX_ACK") & ~a.decide.guard["STALE"] & ~echo
        ahead = (a.event.rx_id - self.una)[:32]
        h.check_if(acked & (ahead < self.ahead), a.new.una == (a.event.rx_id + 1)[:32])
        timed = self.a_alive & a.is_("TIMER") & (self.sent != 0)
        h.check_if(timed & ~a.tag.timer, a.new.timer & ~a.new.held)
        h.check_if(timed & a.tag.timer & a.goes_on, (a.new.current == 0) & ~a.new.held)
        limit = a.decide.cfg_max_retry
        h.check_if(timed & a.tag.timer & ~a.goes_on, (limit != 0) & (a.tag.retries >= limit))
        visited = self.a_alive & a.is_("VISIT") & (self.current == 0) & (self.alloc != 0)
        frame = a.commit.o_payload
        h.check_if(
            visited & ~a.tag.held & (self.lag == 0) & ~a.tag.close_due,
            frame.valid & (frame.p.tx_id == self.una) & (frame.p.slot == self.queue[0]),
        )
        h.reach(missing & event.room & ~late & (self.ahead == 1))
        h.reach(mine & before & (self.ahead == 2))
        h.reach(timed & a.tag.timer & (self.current == 2) & a.goes_on)
        h.reach(visited & frame.valid & (self.sent == 2))
