"""Proofs of decisions Z1 to Z9 and L19: peers that send epoch 0, and IDs that were used already.

Q2 and Q3, one event: any event, any tag in a legal state.
"""

from amaranth.hdl import Cat, Mux, Signal

from ttpoe.link.fsm import Event, LinkState
from ttpoe.pipeline.q3_commit import Commit
from ttpoe.protocol import Opcode

from ..proof import Defect
from .link import SIZE, _Decision
from .tag import is_one_of

DATA = (LinkState.OPEN, LinkState.CLOSE_SENT, LinkState.CLOSE_RECD)


class _Zero(_Decision):
    """`Decide` and `Commit`. What is known of every tag is assumed of the old one and shown of
    the new one (`known`)."""

    config = "Q2 and Q3, combinational; 8 slots; all IDs; tags as `link.window` allows"

    def build(self, h):
        self.dut = dut = self.decide(h)
        self.event, self.old, self.new, self.out = dut.i_event, dut.i_tag, dut.o_tag, dut.o_outcome
        event, old, new = self.event, self.old, self.new
        h.m.submodules.commit = commit = Commit(SIZE)
        h.m.d.comb += [
            commit.i_done.valid.eq(1),
            commit.i_done.p.event.eq(event),
            commit.i_done.p.outcome.eq(self.out),
            commit.i_done.p.tag.eq(new),
        ]
        self.frame = commit.o_control
        self.delivers = commit.o_verdict.valid & commit.o_verdict.p.deliver
        h.assume(is_one_of(old.state.as_value(), [state.value for state in LinkState]))
        h.assume(is_one_of(event.event.as_value(), [kind.value for kind in Event]))
        h.assume(
            (old.current <= old.sent)
            & (old.sent <= old.alloc)
            & (old.alloc + old.lag <= SIZE.slots)
        )
        h.assume(event.by_lid == (event.event.as_value() >= Event.VISIT.value))
        h.assume(self.known(old))
        h.check(self.known(new))
        self.flows = is_one_of(old.state.as_value(), [state.value for state in DATA])
        self.zero = self.flows & (old.peer_epoch == 0)
        self.same = Cat(
            getattr(new, name) == getattr(old, name) for name in old.shape().members
        ).all()
        self.ahead = Signal(33)  # RxID + 1 - una: 0 is the last acknowledged one
        h.m.d.comb += self.ahead.eq((event.rx_id + 1 - old.una)[:32])
        self.properties(h)

    def known(self, tag):
        """A link that waits for the last ACK sends no CLOSE; a zero link is neither selective
        nor controlled, and knows no end."""
        zero = tag.peer_epoch == 0
        waits = (tag.state == LinkState.CLOSE_SENT) & zero & tag.close_due & (tag.alloc != 0)
        agreed = is_one_of(
            tag.state.as_value(), [LinkState.OPEN_RECD.value, *(state.value for state in DATA)]
        )
        flows = is_one_of(tag.state.as_value(), [state.value for state in DATA])
        ends = (tag.state != LinkState.CLOSED) & tag.end_known & ~(flows & ~zero)
        return ~waits & ~(agreed & zero & (tag.selective | tag.controlled)) & ~ends

    def is_(self, *names):
        return is_one_of(self.event.event.as_value(), [Event[name].value for name in names])

    def says(self, opcode):
        return self.frame.valid & (self.frame.p.opcode == opcode)


class Closes(_Zero):
    shows = (
        "closing with a peer that sends epoch 0: its CLOSE, whatever IDs it carries,"
        " acknowledges nothing, declares nothing, and ends the link only if nothing of ours is"
        " left; ours leaves only when all is acknowledged; a CLOSE_ACK before that does"
        " nothing; in CLOSE_RECD the last ACK sends CLOSE_ACK and ends the link"
    )
    defects = (
        Defect(
            "its CLOSE acknowledges",
            "link/effects.py",
            "Action.CLOSE_HEARD: Effects(**_CLOSE_NACK)",
            'Action.CLOSE_HEARD: Effects(**_CLOSE_NACK, slots="close")',
        ),
        Defect(
            "its CLOSE ends what it names",
            "pipeline/q2_guards.py",
            "(event.tx_id != 0) & self.in_window & acks_last & ~zero",
            "(event.tx_id != 0) & self.in_window & acks_last",
        ),
        Defect(
            "our CLOSE does not wait",
            "pipeline/q2_guards.py",
            "(tag.alloc != 0) & (zero | ends_at_max)",
            "(tag.alloc != 0) & ends_at_max",
        ),
        Defect(
            "an old CLOSE_ACK ends the link",
            "link/state_table.py",
            '("ZERO !EMPTY", _A.DROP_UNEXPECTED, state),',
            "",
        ),
        Defect(
            "the last ACK leaves the peer waiting",
            "link/state_table.py",
            '_sender(CR, ("ZERO LAST_ACK", _A.RETIRE_CLOSE, CR))',
            "_sender(CR)",
        ),
    )

    def properties(self, h):
        event, old, new = self.event, self.old, self.new
        closed = new.state == LinkState.CLOSED
        close = self.zero & self.is_("RX_CLOSE")
        h.check_if(
            close & ~closed,
            Cat(
                getattr(new, name) == getattr(old, name)
                for name in (
                    "una",
                    "alloc",
                    "sent",
                    "lag",
                    "received",
                    "end_known",
                    "end_ahead",
                    "fed",
                )
            ).all(),
        )
        h.check_if(close, closed == (old.alloc == 0))
        h.check_if(close, Mux(closed, self.says(Opcode.CLOSE_ACK), self.says(Opcode.CLOSE_NACK)))
        h.check_if(self.zero & self.says(Opcode.CLOSE), old.alloc == 0)
        h.check_if(self.zero & (old.alloc != 0) & self.is_("RX_CLOSE_ACK"), self.same)
        last = (
            self.zero
            & (old.state == LinkState.CLOSE_RECD)
            & self.is_("RX_ACK")
            & (old.sent != 0)
            & (self.ahead == old.alloc)
            & (old.sent == old.alloc)
        )
        h.check_if(
            last,
            ~closed
            & self.says(Opcode.CLOSE_ACK)
            & (new.alloc == 0)
            & (self.frame.p.rx_id == old.received),
        )
        h.reach(close & closed & (event.tx_id == 5) & (old.received == 900))
        h.reach(last & (old.lag == 2) & (old.una == 0xFFFFFFFF))
        h.reach(self.zero & self.says(Opcode.CLOSE) & (old.state == LinkState.OPEN))


class Opens(_Zero):
    shows = (
        "OPEN on a link on which data flows: a repeated one whose IDs were used is answered"
        " with OPEN_NACK and changes nothing; from a peer with epoch 0 one that does not fit"
        " changes nothing but the doubt; only then may one set the peer's position anew, if"
        " its RxID fits, or restart the link, if not; no OPEN acknowledges what was not sent;"
        " the last in-order ID counts as received here only if a PAYLOAD with it was accepted"
    )
    defects = (
        Defect(
            "an open gap is no use of an ID",
            "pipeline/q2_guards.py",
            '"USED": (self.in_order != 0) | tag.gap',
            '"USED": self.in_order != 0',
        ),
        Defect(
            "a first OPEN that does not fit is believed",
            "link/state_table.py",
            '("BOTH_ZERO !ASKED", _A.DOUBT, state)',
            '("BOTH_ZERO !ASKED !OPEN_FITS", _A.DOUBT, state)',
        ),
        Defect(
            "a position that was set anew counts as received",
            "pipeline/q2_new_tag.py",
            "new.fed.eq(do.accepts)",
            "new.fed.eq(do.accepts | old.fed)",
        ),
        Defect(
            "RxID acknowledges what was not sent",
            "pipeline/q2_guards.py",
            "fits = self.in_window | last_acked",
            "fits = (self.ack_ahead < 8) | last_acked",
        ),
        Defect(
            "a peer with epoch 0 becomes selective",
            "pipeline/q2_new_tag.py",
            "speaks = event.selective & ~fact.epoch_zero",
            "speaks = event.selective",
        ),
    )

    def properties(self, h):
        event, old, new, out = self.event, self.old, self.new, self.out
        opens = self.flows & self.is_("RX_OPEN")
        repeat = opens & (event.epoch == old.peer_epoch) & (event.epoch != 0)
        used = (event.tx_id != old.received) | old.gap
        h.check_if(
            repeat & used,
            self.same
            & self.says(Opcode.OPEN_NACK)
            & (self.frame.p.rx_id == event.tx_id)
            & (self.frame.p.epoch == event.epoch),
        )
        h.check_if(repeat & ~used, self.same & self.says(Opcode.OPEN_ACK))

        both = opens & self.zero & (event.epoch == 0)
        fits = self.ahead <= old.sent
        unsure = old.asked
        h.check_if(
            both,
            self.says(Opcode.OPEN_ACK)
            & (self.frame.p.rx_id == event.tx_id)
            & (self.frame.p.tx_id == new.una),
        )
        anew = both & ~out.free_all & (new.received != old.received)
        h.check_if(anew, unsure & fits & (new.received == event.tx_id) & ~new.fed)
        h.check_if(both & out.free_all, unsure & ~fits & out.stepped)
        h.check_if(
            both & ~out.free_all,
            (new.state == old.state)
            & (new.epoch == old.epoch)
            & ((new.una == old.una) | (fits & (new.una == (event.rx_id + 1)[:32]))),
        )
        accepted = self.delivers & (new.received == event.tx_id)
        h.check_if(
            new.fed & (new.state != LinkState.CLOSED),
            accepted | (old.fed & (new.received == old.received)),
        )
        h.reach(repeat & used & (event.tx_id == old.received))
        h.reach(anew & (old.sent == 3) & (new.sent == 1) & (old.una == 0xFFFFFFFE))
        h.reach(both & out.free_all & (new.state == LinkState.OPEN_RECD))
        h.reach(both & out.noticed & ~out.free_all)


class Steps(_Zero):
    shows = (
        "data of a peer that sends epoch 0: a PAYLOAD out of step is answered with"
        " NACK_NOLINK, not delivered, and changes nothing but `asked`; on a doubted link every"
        " one is out of step, on one whose position is guessed every one but the very next; a"
        " NACK of an ID older than the last acknowledged one changes nothing; the timer sends"
        " ACK or NACK only to wake it, in OPEN, in the first 8 time-outs in a row, and only in"
        " the third and the seventh while the engine is crowded"
    )
    defects = (
        Defect(
            "a doubted link takes the next PAYLOAD",
            "pipeline/q2_guards.py",
            "tag.doubted | (self.in_order != 1) & (",
            "(self.in_order != 1) & (tag.doubted | ",
        ),
        Defect(
            "a duplicate on a guessed link is acknowledged",
            "pipeline/q2_guards.py",
            "tag.guessed | (~tag.fed & ahead)",
            "(tag.guessed & ahead) | (~tag.fed & ahead)",
        ),
        Defect(
            "a PAYLOAD out of step opens a gap",
            "link/effects.py",
            'Action.SAY_OUT_OF_STEP: Effects(frame=Opcode.NACK_NOLINK, rx="tx_id",',
            'Action.SAY_OUT_OF_STEP: Effects(opens_gap=True, frame=Opcode.NACK_NOLINK, rx="tx_id",',
        ),
        Defect(
            "any older NACK starts a replay",
            "pipeline/q2_guards.py",
            "Mux(zero, last_acked, self.ack_ahead[31])",
            "self.ack_ahead[31]",
        ),
        Defect("the timer wakes for ever", "pipeline/q2_guards.py", "& (tag.retries < _WAKES)", ""),
        Defect(
            "a crowded engine wakes at once",
            "pipeline/q2_guards.py",
            "& ~(self.i_crowded & (tag.retries[:2] != _SELDOM))",
            "",
        ),
        Defect(
            "a crowded engine never wakes",
            "pipeline/q2_guards.py",
            "& ~(self.i_crowded & (tag.retries[:2] != _SELDOM))",
            "& ~self.i_crowded",
        ),
        Defect(
            "the timer NACKs a gap that the peer cannot fill",
            "pipeline/q2_guards.py",
            '"GAP": tag.gap & ~zero',
            '"GAP": tag.gap',
        ),
    )

    def properties(self, h):
        event, old, new = self.event, self.old, self.new
        payload = self.zero & self.is_("RX_PAYLOAD")
        following = event.tx_id == (old.received + 1)[:32]
        no_link = self.says(Opcode.NACK_NOLINK)
        asks = (
            new.asked
            & Cat(  # nothing changes but that the peer is asked for an OPEN
                getattr(new, name) == getattr(old, name)
                for name in old.shape().members
                if name != "asked"
            ).all()
        )
        h.check_if(payload & no_link, asks & ~self.delivers & (self.frame.p.rx_id == event.tx_id))
        h.check_if(payload & old.doubted, no_link)
        h.check_if(payload & following & ~old.doubted, ~no_link)
        h.check_if(payload & old.guessed & ~following, no_link)
        h.check_if(payload & old.gap & (event.tx_id == old.seen) & ~following, no_link)
        h.check_if(self.zero & no_link, payload | (self.is_("RX_ACK", "RX_NACK") & asks))
        nack = self.zero & self.is_("RX_NACK")
        h.check_if(nack & ~(self.ahead <= old.sent), Mux(old.doubted, asks, self.same))
        timer = self.zero & self.is_("TIMER")
        word = self.says(Opcode.ACK) | self.says(Opcode.NACK)
        crowded = self.dut.i_crowded
        wakes = Mux(crowded, (old.retries == 2) | (old.retries == 6), old.retries < 8)
        h.check_if(
            timer & word,
            (old.state == LinkState.OPEN)
            & old.timer
            & wakes
            & (self.says(Opcode.ACK) == old.fed)
            & (self.frame.p.rx_id == Mux(old.fed, old.received, old.received + 1)[:32]),
        )
        h.check_if(
            timer
            & (old.state == LinkState.OPEN)
            & old.timer
            & wakes
            & (old.sent != 0)
            & (new.state == old.state),
            word & (new.current == 0),
        )
        h.reach(payload & no_link & old.fed & ~old.doubted)
        h.reach(nack & (self.ahead == 0) & (old.sent == 2) & (new.current == 0))
        h.reach(timer & word & old.fed & old.gap & (old.retries == 7) & (old.sent == 0))
        h.reach(timer & word & crowded & (old.retries == 6))
