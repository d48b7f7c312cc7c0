"""Proofs of `link/`: timer, ready queues, identity, serial numbers, state machine."""

from amaranth.hdl import Array, Const, Mux, Signal

from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.identity import Identity
from ttpoe.link.ready import ReadyQueues
from ttpoe.link.timer import LinkTimer
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.replay.retirer import RUN_BITS

from ..proof import Defect, Proof, shrunk


class Timer(Proof):
    shows = (
        "LinkTimer: visits 0, 1, ... links - 1, 0, ... without exception; `o_round` with the"
        " last; a visit is offered exactly max(tick, 2) clocks after the one before if that"
        " was taken in time, else 2 clocks after it was taken"
    )
    config = "8 links, tick up to 15 (one 24-bit comparison), enabled for ever once it is"
    short = True
    cover_depth = 24
    defects = (
        Defect(
            "leaves the last link out",
            "link/timer.py",
            "self._config.links - 1",
            "self._config.links - 2",
        ),
        Defect("one clock late", "link/timer.py", "clocks + 1 >= ", "clocks >= "),
        Defect(
            "does not wait for ready",
            "link/timer.py",
            "self.o_visit.valid & self.o_visit.ready",
            "self.o_visit.valid",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = LinkTimer(shrunk(sets=4))
        h.drive(dut, "i_enable", "o_visit")
        tick = h.constant(4, "tick")
        m.d.comb += dut.cfg_timer_tick.eq(tick)
        h.assume_if(h.past(dut.i_enable), dut.i_enable)
        h.streams(dut)

        visit = dut.o_visit
        taken = visit.valid & visit.ready
        following = Signal(3)
        m.d.sync += following.eq(following + taken)
        h.check_if(visit.valid, visit.payload == following)
        h.check(dut.o_round == (taken & (following == 7)))

        # Clocks since the offer (or since the start), up to 15, and since it was taken.
        since_offer, since_taken = Signal(5, init=31), Signal(2, init=2)
        offered = visit.valid & ~h.past(visit.valid)
        m.d.sync += since_taken.eq(
            Mux(taken | visit.valid, 1, Mux(since_taken == 2, 2, since_taken + 1))
        )
        enabled_clocks = Signal(5)
        with m.If(offered):
            m.d.sync += since_offer.eq(1)
        with m.Elif(since_offer < 16):
            m.d.sync += since_offer.eq(since_offer + 1)
        with m.If(dut.i_enable & (enabled_clocks != 16)):
            m.d.sync += enabled_clocks.eq(enabled_clocks + 1)
        was_visited = Signal()
        with m.If(visit.valid):
            m.d.sync += was_visited.eq(1)
        period = Mux(tick < 2, 2, tick)
        due = (since_offer >= period) & (since_taken == 2)
        first_due = enabled_clocks >= Mux(tick == 0, 1, tick)
        h.check_if(~h.past(visit.valid), visit.valid == Mux(was_visited, due, first_due))
        h.reach(dut.o_round & (tick == 0))
        h.reach(taken & was_visited & (tick == 5) & (since_offer == 5))


class Ready(Proof):
    shows = (
        "ReadyQueues: each VC's queue keeps order, loses and doubles nothing, offers in 2 clocks"
    )
    config = "4 links, one table"
    defects = (
        Defect(
            "pushes into the wrong queue, too",
            "link/ready.py",
            "(self.i_push.payload.vc == vc)",
            "(self.i_push.payload.vc >= vc)",
        ),
        Defect(
            "room for one link less than there are",
            "link/ready.py",
            "depth = self._config.links // self._config.vc_tables",
            "depth = self._config.links // self._config.vc_tables - 1",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = ReadyQueues(shrunk(sets=2))
        h.drive(dut)
        h.streams(dut)
        vc = h.constant(2, "vc")
        h.assume(vc < 3)
        visits = dut.o_visit
        valid = Array(visit.valid for visit in visits)[vc]
        ready = Array(visit.ready for visit in visits)[vc]
        lid = Array(visit.payload for visit in visits)[vc]
        push = dut.i_push.valid & (dut.i_push.payload.vc == vc)
        level = h.check_fifo(push, dut.i_push.payload.lid, valid & ready, lid, 4)
        h.assume(~push | (level < 4))  # a link is in its queue once at most
        h.check_if(h.past((level >= 2) | ((level == 1) & ~(valid & ready))), valid)
        h.reach(valid & (level == 4))


class IdentityValues(Proof):
    shows = (
        "Identity: epochs never 0 and each follows the one before; open IDs below 2^31, each"
        " the same odd step from the one before (so all 2^31 come before one repeats)"
    )
    config = "as it is"
    mode = "induction"
    depth = 3
    short = True
    defects = (
        Defect(
            "epoch passes through 0",
            "link/identity.py",
            "Mux(epoch.all(), 1, epoch + 1)",
            "epoch + 1",
        ),
        Defect("an even step", "link/identity.py", "0x4F1BBCDD", "0x4F1BBCDC"),
        Defect(
            "a step when nothing was used",
            "link/identity.py",
            "with m.Elif(self.i_step):",
            "with m.Elif(1):",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = Identity()
        h.drive(dut)
        # Seen two clocks after the values were sampled, the first clock being for the seed.
        seeded = h.past(h.later)
        open_id = Signal(32)
        m.d.comb += open_id.eq(dut.o_first_id - 1)
        free_running = ~dut.cfg_fixed_open_id & ~h.past(dut.cfg_fixed_open_id)
        steps = h.past(dut.i_step)
        change = Signal(31)
        m.d.comb += change.eq(open_id - h.past(open_id))
        h.check(dut.o_epoch != 0)
        h.check_if(~dut.cfg_fixed_open_id, ~open_id[31])
        h.check_if(dut.cfg_fixed_open_id, open_id == dut.cfg_init_id)
        h.check_if(seeded & free_running, Mux(steps, change == 0x4F1BBCDD, change == 0))
        h.check_if(
            seeded & steps,
            dut.o_epoch == Mux(h.past(dut.o_epoch) == 0xFFFF, 1, h.past(dut.o_epoch) + 1),
        )
        h.check_if(seeded & ~steps, dut.o_epoch == h.past(dut.o_epoch))
        h.reach(h.past(dut.o_epoch == 0xFFFF) & (dut.o_epoch == 1))


def younger(a, b):
    """Serial numbers by the book (RFC 1982): a is younger than b. No subtraction modulo 2^n."""
    half = 1 << len(a) - 1
    return ((a > b) & (a - b < half)) | ((a < b) & (b - a > half))


SIZE = shrunk(slots=8, sets=4, rx_slots=8, rx_reserved=1)


class _Decision(Proof):
    """`Decide` with any event and any tag."""

    mode = "induction"
    depth = 2
    cover_depth = 2

    def decide(self, h):
        dut = Decide(SIZE)
        h.m.submodules.dut = dut.elaborate(None)  # so that its guards are there to be read
        h.drive(dut)
        return dut


class Serial(_Decision):
    shows = (
        "serial comparison of every guard against RFC 1982, for all 2^64 pairs of IDs"
        " (and all 2^32 of epochs): duplicate, next, beyond the end, second pass, in window,"
        " NACK (of a peer with epoch 0, too), own OPEN, older OPEN"
    )
    config = "combinational; 8 slots"
    defects = (
        Defect(
            "compared as plain numbers",
            "pipeline/q2_guards.py",
            "ahead = (self.in_order != 0) & ~self.in_order[31]",
            "ahead = event.tx_id > tag.received",
        ),
        Defect(
            "the distance 2^31 is younger",
            "pipeline/q2_guards.py",
            "(self.past_end != 0) & ~self.past_end[31]",
            "((self.past_end - 1) & (1 << 31) == 0)",
        ),
        Defect(
            "the window forgets high bits",
            "pipeline/q2_guards.py",
            "(self.ack_ahead[count_bits:] == 0)",
            "(self.ack_ahead[count_bits:31] == 0)",
        ),
    )

    def build(self, h):
        dut = self.decide(h)
        guard, event, tag = dut.guard, dut.i_event, dut.i_tag
        h.check(guard["DUPLICATE"] == ~younger(event.tx_id, tag.received))
        h.check(
            guard["NEXT"]
            == ((event.tx_id == tag.received + 1) | ((event.tx_id == 0) & tag.received.all()))
        )
        h.check(guard["BEYOND_END"] == (tag.end_known & younger(event.tx_id, tag.end)))
        h.check(guard["NACK_DUE"] == (~tag.gap | ~younger(event.tx_id, tag.seen)))
        # Plain numbers, with the window unrolled over the wrap when it lies across it.
        last = Signal(34)
        h.m.d.comb += last.eq(tag.una + tag.sent)
        in_window = ((event.rx_id >= tag.una) & (event.rx_id < last)) | (
            event.rx_id + (1 << 32) < last
        )
        h.check(guard["IN_WINDOW"] == in_window)
        own_open = (tag.una == event.rx_id + 1) | ((tag.una == 0) & event.rx_id.all())
        older = (event.rx_id != tag.una) & ~younger(event.rx_id, tag.una)
        h.check(
            guard["NACK_OK"]
            == ((tag.sent != 0) & (in_window | Mux(tag.peer_epoch == 0, own_open, older)))
        )
        h.check(guard["MATCH"] == own_open)
        h.check(
            guard["OLDER"]
            == (
                (event.epoch != 0)
                & (tag.peer_epoch != 0)
                & (event.epoch != tag.peer_epoch)
                & ~younger(event.epoch, tag.peer_epoch)
            )
        )
        h.reach(guard["IN_WINDOW"] & (event.rx_id < tag.una))
        h.reach(
            ~guard["DUPLICATE"] & (event.tx_id < tag.received) & tag.end_known & guard["BEYOND_END"]
        )


CLOSED, OPEN_SENT, OPEN_RECD, OPEN, CLOSE_SENT, CLOSE_RECD = LinkState

MOVES = {
    (CLOSED, OPEN_SENT): "HOST_PAYLOAD HOST_OPEN",
    (CLOSED, OPEN_RECD): "RX_OPEN",
    (OPEN_SENT, OPEN): "RX_OPEN_ACK",
    (OPEN_SENT, CLOSED): "RX_OPEN_NACK RX_CLOSE HOST_CLOSE TIMER",
    (OPEN_RECD, OPEN): "SENT",
    (OPEN_RECD, CLOSED): "TIMER",
    (OPEN, CLOSE_SENT): "HOST_CLOSE VICTIM VISIT TIMER",
    (OPEN, CLOSE_RECD): "RX_CLOSE",
    (OPEN, CLOSED): "RX_CLOSE RX_NACK_NOLINK TIMER",
    (CLOSE_SENT, CLOSED): "RX_CLOSE RX_CLOSE_ACK RX_NACK_NOLINK TIMER",
    (CLOSE_SENT, OPEN_RECD): "RX_OPEN",
    (CLOSE_RECD, CLOSED): "RX_CLOSE RX_CLOSE_ACK RX_NACK_NOLINK TIMER",
    (CLOSE_RECD, OPEN_RECD): "RX_OPEN",
}
"""Section 2 and decisions: every change of state there may be, and what may cause it."""


def _is_one_of(value, kinds):
    return sum((value == kind for kind in kinds), Const(0, 1)) != 0


class States(_Decision):
    shows = (
        "state machine: from any tag in a legal state, any event leads to a legal state, and"
        " only by a move of the specification"
    )
    config = "combinational; 8 slots"
    defects = (
        Defect(
            "a CLOSE of the peer in OPEN leads to CLOSE_SENT",
            "link/state_table.py",
            '("", _A.CLOSE_NOT_YET, CR)),',
            '("", _A.CLOSE_NOT_YET, CS)),',
        ),
        Defect(
            "a visit ends a closing link",
            "link/state_table.py",
            "CR: _visit(CR, ()),",
            "CR: _visit(CL, ()),",
        ),
    )

    def build(self, h):
        dut = self.decide(h)
        old, new, event = (
            dut.i_tag.state.as_value(),
            dut.o_tag.state.as_value(),
            dut.i_event.event.as_value(),
        )
        h.assume(_is_one_of(old, [state.value for state in LinkState]))
        h.assume(_is_one_of(event, [kind.value for kind in Event]))
        h.check(_is_one_of(new, [state.value for state in LinkState]))
        allowed = Const(0, 1)
        for (before, after), causes in MOVES.items():
            here = (old == before.value) & (new == after.value)
            by = _is_one_of(event, [Event[name].value for name in causes.split()])
            allowed = allowed | (here & by)
            for name in causes.split():
                h.reach(here & (event == Event[name].value))
        h.check_if(old != new, allowed)


class Window(_Decision):
    shows = (
        "the tag's counts stay in order under any event: current <= sent <= alloc, and alloc"
        " + lag <= slots; a closed tag holds nothing, whatever else is left in it; what Q3"
        " frees is what the tag held"
    )
    config = (
        "combinational; 8 slots; a slot that is appended was free (alloc + lag < slots); a RETIRE"
        " names as many slots as wait, or fewer"
    )
    defects = (
        Defect(
            "an ACK retires one more",
            "pipeline/q2_guards.py",
            '"ack_next": self.ack_low + 1',
            '"ack_next": self.ack_low + 2',
        ),
        Defect(
            "a second sending counts as a first",
            "pipeline/q2_new_tag.py",
            "first_send.eq(do.sends & fact.at_sent)",
            "first_send.eq(do.sends)",
        ),
        Defect(
            "what is acknowledged and not freed at once is forgotten",
            "pipeline/q2_new_tag.py",
            "new.lag.eq(old.lag + self.retire_count - Mux(do.run, freed, out.pop))",
            "new.lag.eq(old.lag - Mux(do.run, freed, out.pop))",
        ),
        Defect(
            "a run of slots counts as one",
            "pipeline/q2_new_tag.py",
            "Mux(do.run, freed, out.pop)",
            "out.pop",
        ),
        Defect(
            "a new link starts where the last one was",
            "pipeline/q2_new_tag.py",
            "with m.If(ours):\n            m.d.comb += new.sent.eq(0)",
            "with m.If(ours):\n            m.d.comb += new.sent.eq(old.sent)",
        ),
    )

    def build(self, h):
        dut = self.decide(h)
        old, new, out = dut.i_tag, dut.o_tag, dut.o_outcome
        h.assume(_is_one_of(old.state.as_value(), [state.value for state in LinkState]))
        h.assume(_is_one_of(dut.i_event.event.as_value(), [kind.value for kind in Event]))

        def held(tag):
            return tag.alloc + tag.lag

        def ordered(tag):
            return (tag.current <= tag.sent) & (tag.sent <= tag.alloc) & (held(tag) <= 8)

        def empty(tag):
            return (held(tag) == 0) & (tag.kept == 0) & ~tag.looking

        h.assume(Mux(old.state == LinkState.CLOSED, empty(old), ordered(old)))
        h.assume_if(dut.i_event.event == Event.HOST_PAYLOAD, held(old) < 8)
        run = dut.i_event.retire.count[:RUN_BITS]
        h.assume_if(out.run, (run != 0) & (run <= old.lag))
        h.check(Mux(new.state == LinkState.CLOSED, empty(new), ordered(new)))
        h.check_if(out.free_all, (out.chain == held(old)) & (held(new) == 0))
        freed = Mux(out.run, run, out.pop)
        h.check_if(~out.free_all, held(new) == held(old) + out.append - freed)
        h.check_if(out.run, out.pop & (new.una == old.una) & (new.alloc == old.alloc))
        h.check_if(out.pop, held(old) != 0)
        h.check_if((dut.i_event.event == Event.HOST_PAYLOAD) & out.append, ~out.free_own)
        h.reach(out.pop & (old.sent == 8) & (new.sent == 0) & (old.una > new.una))
        h.reach(out.run & (run == 7) & (new.lag == 1))
        h.reach(out.free_all & (out.chain == 8) & (old.lag == 7))
        h.reach(
            (old.state == LinkState.CLOSED)
            & (new.state == LinkState.OPEN_SENT)
            & out.append
            & (old.sent == 5)
            & (old.current == 3)
        )
