"""The model of the proofs end to end: two engines' decisions, and between them a network that is not
to be trusted.

One link, one direction: the sender's half of one tag, the receiver's half of the other. Each end is
the real `Decide` and `Commit`, one event after the other (`pipeline.one_by_one`). All other fields
of the tags are any values in every step, and so is the event.

The network has no memory that could run full: in every step it may deliver any frame that was ever
sent, never, once or often, in any order: `AGE` is all that is asked of it. What was ever sent is
known by intervals of IDs, and that each frame which leaves an end lies in them is shown here, too.
"""

from amaranth.hdl import Array, Cat, Mux, Signal

from ttpoe.link.fsm import Event, LinkState
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.q3_commit import Commit
from ttpoe.replay.retirer import RUN_BITS

from ..memories import built
from ..proof import Proof, shrunk
from .tag import is_one_of, passed_slot

SLOTS, PLACES = 4, 8
SIZE = shrunk(slots=SLOTS, sets=2, rx_slots=8, rx_reserved=1, reorder_slots=2)
AGE = (1 << 31) - 16
"""No frame is delivered that is older than so many packets."""

DATA = (LinkState.OPEN.value, LinkState.CLOSE_SENT.value, LinkState.CLOSE_RECD.value)


class End:
    """One end: `Decide` and `Commit` with any event and any tag, but for the fields in `known`."""

    def __init__(self, h, name, **known):
        self.decide, self.commit = decide, commit = Decide(SIZE), Commit(SIZE)
        h.m.submodules += [built(decide), commit]
        h.drive(
            decide,
            *(
                port
                for port in decide.signature.members
                if port.startswith("cfg_")
                or port
                in (
                    "i_event",
                    "i_reorder_free",
                    "i_asking",
                    "i_walking",
                    "i_stands",
                    "i_stands_near",
                    "i_retiring",
                    "i_run",
                    "i_first_id",
                    "i_epoch",
                )
            ),
        )
        self.event, self.tag, self.new = decide.i_event, decide.i_tag, decide.o_tag
        self.out = decide.o_outcome
        self.kind = self.event.event.as_value()
        any_tag = h.free(self.tag.shape(), f"{name}_tag")
        for field in self.tag.shape().members:
            value = known.get(field, getattr(any_tag, field))
            h.m.d.comb += getattr(self.tag, field).eq(value)
        h.assume(is_one_of(self.tag.state.as_value(), DATA))
        h.assume(self.kind <= Event.RETIRE.value)
        # A peer without epochs may be anybody, so nothing is known of its IDs (`zero`).
        h.assume(self.tag.peer_epoch != 0)
        h.assume(self.event.by_lid == (self.kind >= Event.VISIT.value))
        self.is_ = lambda *names: is_one_of(self.kind, [Event[n].value for n in names])
        # The link goes on: the same incarnation, in a state in which data flow.
        self.goes_on = Signal(name=f"{name}_goes_on")
        h.m.d.comb += self.goes_on.eq(
            is_one_of(self.new.state.as_value(), DATA) & ~self.out.stepped & ~self.out.free_all
        )


class Ends(Proof):
    """The model. `properties` says what is to be shown of it."""

    mode = "induction"
    depth = 2
    cover_depth = 14
    defect_depth = 12

    def build(self, h):
        m = h.m
        self.selective = h.constant(1, "selective")
        first = h.constant(32, "first")
        una_kept, received_kept = Signal(32), Signal(32)
        self.una, self.received = Signal(32), Signal(32)
        m.d.comb += [
            self.una.eq(Mux(h.later, una_kept, first)),
            self.received.eq(Mux(h.later, received_kept, first - 1)),
        ]
        m.d.sync += [una_kept.eq(self.una), received_kept.eq(self.received)]
        counts = {
            name: Signal(SIZE.count_bits, name=f"a_{name}")
            for name in ("alloc", "sent", "current", "lag")
        }
        slots = {
            name: Signal(SIZE.slot_bits, name=f"a_{name}") for name in ("head", "next", "tail")
        }
        self.alloc, self.sent, self.current, self.lag = counts.values()
        self.a = a = End(h, "a", una=self.una, selective=self.selective, **counts, **slots)
        purging = Signal()
        old_kept = h.constant(1, "old_kept")
        m.d.comb += purging.eq(Mux(h.later, h.past(purging & h.free(1, "still")), old_kept))
        self.b = b = End(h, "b", received=self.received, selective=self.selective, purging=purging)
        self.a_alive, self.b_alive = Signal(init=1), Signal(init=1)
        self.network(h)
        self.sender(h, slots, counts, una_kept)
        self.receiver(h, purging, received_kept)
        m.d.sync += [
            self.a_alive.eq(self.a_alive & a.goes_on),
            self.b_alive.eq(self.b_alive & b.goes_on),
        ]
        # What the two ends know of each other.
        self.ahead = Signal(32)  # delivered, and not yet known to be
        m.d.comb += self.ahead.eq(self.received + 1 - self.una)
        self.properties(h)

    def network(self, h):
        """What arrives was sent: by its IDs, and not more than `AGE` packets ago."""
        a, b = self.a, self.b
        h.assume_if(a.is_("RX_ACK", "RX_CLOSE"), (self.received - a.event.rx_id)[:32] < AGE)
        h.assume_if(
            a.is_("RX_NACK") & ~self.selective, (self.received + 1 - a.event.rx_id)[:32] < AGE
        )
        youngest = Signal(32)
        h.m.d.comb += youngest.eq(self.una + self.sent - 1)
        h.assume_if(b.is_("RX_PAYLOAD"), (youngest - b.event.tx_id)[:32] < AGE)

    def sender(self, h, slots, counts, una_kept):
        """The list of slots, as `replay.lists` keeps it, and Q3, as `pipeline.pipeline` has it."""
        m, a = h.m, self.a
        event, out, old = a.event, a.out, a.tag
        following = Array(Signal(2, name=f"following{n}") for n in range(SLOTS))
        self.queue = queue = [Signal(2, name=f"queue{n}") for n in range(SLOTS)]
        self.held = held = Signal(4)
        m.d.comb += held.eq(self.alloc + self.lag)
        # A slot that is appended was free; a REPLAY names slot and ID as they are in the list.
        inside = Cat(*((queue[n] == event.slot) & (held > n) for n in range(SLOTS))).any()
        h.assume_if(a.is_("HOST_PAYLOAD"), (held < SLOTS) & ~inside)
        position = Signal(SIZE.count_bits + 1)
        m.d.comb += position.eq(event.rx_id - self.una)
        h.assume_if(
            a.is_("REPLAY") & (position < self.current),
            event.slot == Array(queue)[(self.lag + position)[:2]],
        )

        # The retirer has walked along the run that a RETIRE names.
        run, walked = event.retire.count[:RUN_BITS], a.is_("RETIRE") & a.decide.i_retiring
        h.assume_if(
            walked, (run != 0) & (run <= self.lag) & (event.slot == Array(queue)[(run - 1)[:2]])
        )

        passed, after = Signal(2), Signal(2)
        m.d.comb += [passed.eq(passed_slot(a.decide)), after.eq(following[passed])]
        freed = Signal(SIZE.count_bits)
        m.d.comb += freed.eq(Mux(out.run, run, out.pop))
        commit, done = a.commit, a.commit.i_done.p
        m.d.comb += [
            commit.i_done.valid.eq(self.a_alive),
            done.event.eq(event),
            done.outcome.eq(out),
            done.tag.eq(a.new),
            done.old_head.eq(old.head),
            done.old_tail.eq(old.tail),
            done.sent_slot.eq(Mux(out.passes | out.resends, passed, event.slot)),
        ]
        with m.If(out.pop):
            m.d.comb += done.tag.head.eq(after)
        with m.If(out.follows):
            m.d.comb += done.tag.next.eq(after)

        with m.If(self.a_alive & a.goes_on):
            m.d.sync += [
                una_kept.eq(a.new.una),
                *(
                    value.eq(getattr(done.tag, name))
                    for name, value in (*counts.items(), *slots.items())
                ),
            ]
            with m.If(commit.o_append.valid):
                m.d.sync += following[commit.o_append.p.tail].eq(commit.o_append.p.slot)
            # The list as it ought to be.
            for n in range(SLOTS):
                m.d.sync += queue[n].eq(
                    Mux(out.append & (held == n + freed), event.slot, Array(queue)[(freed + n)[:2]])
                )
        h.check(counts["current"] <= counts["sent"])
        h.check(counts["sent"] <= counts["alloc"])
        h.check(held <= SLOTS)
        at = Array(queue)
        h.check_if(held != 0, (slots["head"] == queue[0]) & (slots["tail"] == at[(held - 1)[:2]]))
        h.check_if(
            (self.current != 0) & (self.current < self.alloc),
            slots["next"] == at[(self.lag + self.current)[:2]],
        )
        for n in range(SLOTS):
            for other in range(n):
                h.check_if(held > n, queue[n] != queue[other])
            if n:
                h.check_if(held > n, following[queue[n - 1]] == queue[n])
        h.check_if(
            self.a_alive & a.goes_on & commit.o_free.valid & ~out.free_own,
            (commit.o_free.p.head == queue[0])
            & (out.free_all | (commit.o_free.p.tail == Array(queue)[(freed - 1)[:2]]))
            & (out.free_all | (commit.o_free.p.count == freed)),
        )

    def receiver(self, h, purging, received_kept):
        """The directory of kept packets, as `reorder.directory` keeps it: ours, and others' entries."""
        m, b = h.m, self.b
        event, out, decide = b.event, b.out, b.decide
        lid = h.constant(SIZE.lid_bits, "lid")
        foreign = h.free(decide.i_kept.shape(), "foreign")
        self.kept = kept = Signal(PLACES)
        place = event.tx_id[:3]
        self.ours = ours = Signal()
        m.d.comb += [
            ours.eq((kept >> place)[0]),
            decide.i_lid.eq(lid),
            decide.i_kept.eq(foreign),
            b.commit.i_done.valid.eq(self.b_alive),
            b.commit.i_done.p.event.eq(event),
            b.commit.i_done.p.outcome.eq(out),
            b.commit.i_done.p.tag.eq(b.new),
        ]
        h.assume_if(~purging, foreign.lid != lid)
        with m.If(ours):
            m.d.comb += [decide.i_kept.valid.eq(1), decide.i_kept.lid.eq(lid)]
        with m.If(self.b_alive & b.goes_on):
            m.d.sync += received_kept.eq(b.new.received)
            with m.If(out.keeps | out.unkeeps):
                m.d.sync += kept.bit_select(place, 1).eq(out.keeps)
        h.check_if(purging, kept == 0)
        h.check_if(~self.selective, kept == 0)
        for n in range(PLACES):
            distance = (n - self.received)[:3]
            h.check_if(
                kept[n], (distance != 0) & ((self.received + distance - self.una)[:32] < self.sent)
            )
