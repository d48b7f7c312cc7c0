"""Proof about `link/` tags: what a link leaves in its tag when it ends is of no account."""

from amaranth.hdl import Cat, Const, Mux
from amaranth.lib import data, wiring

from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.table import tag_layout
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.q3_commit import Commit
from ttpoe.replay.retirer import RUN_BITS

from ..proof import Defect, Proof, shrunk

SIZE = shrunk(slots=8, sets=4, rx_slots=8, rx_reserved=1)


def is_one_of(value, kinds):
    return Cat(*(value == kind for kind in kinds)).any()


def passed_slot(decide):
    """The slot behind which the list goes on, as `pipeline.pipeline` asks for it."""
    event, old = decide.i_event, decide.i_tag
    visit, host = (event.event == kind for kind in (Event.VISIT, Event.HOST_PAYLOAD))
    walking = decide.i_stands | decide.i_retiring
    from_next = (old.current != 0) & (host | (visit & ((old.lag == 0) | walking)))
    return Mux(event.event == Event.RETIRE, event.retire.slot, Mux(from_next, old.next, old.head))


def alike(one, two):
    """Both tags mean the same, and are such as events leave them (`link.window`)."""
    closed = one.state == LinkState.CLOSED
    new = (one.state == LinkState.OPEN_SENT) & ~one.heard  # nothing of the peer is known
    empty = one.alloc + one.lag == 0
    undefined = {
        "received": new,
        "seen": new,
        "head": empty,
        "tail": empty,
        "oldest_at": one.sent == 0,
        "next": (one.current == 0) | (one.current == one.alloc),
        "end": ~one.end_known,
        "end_ahead": ~one.end_known,
    }
    same = Const(1, 1)
    for name in one.shape().members:
        equal = getattr(one, name) == getattr(two, name)
        if name not in ("state", "queued", "purging", "touch"):
            equal = equal | closed | undefined.get(name, Const(0, 1))
        same = same & equal
    legal = (
        (one.current <= one.sent)
        & (one.sent <= one.alloc)
        & (one.alloc + one.lag <= SIZE.slots)
        & (~new | ~(one.gap | one.looking | (one.kept != 0)))
    )
    free = Cat(
        *((tag.alloc == 0) & (tag.lag == 0) & (tag.kept == 0) & ~tag.looking for tag in (one, two))
    ).all()
    return same & Mux(closed, free, legal)


def what_counts(name, field, one):
    """When this field of an output of `Commit` means something."""
    port, done = getattr(one, name), one.i_done.p
    counts = port.valid
    if (name, field) in (("o_looked", "id"),):
        counts &= port.p.on
    elif name == "o_walk" and field != "found":
        counts &= port.p.found
    elif (name, field) == ("o_verdict", "vc"):
        counts &= port.p.deliver
    elif name == "o_trace" and field.startswith("frame_"):
        counts &= port.p.frame
    elif (name, field) == ("o_trace", "notice"):
        counts &= port.p.noticed
    elif name == "o_trace" and field in ("node", "vc"):
        counts &= ~(done.event.by_lid & (done.outcome.old_state == LinkState.CLOSED))
    return counts


class Free(Proof):
    shows = (
        "what a link leaves in its tag when it ends is never looked at: two tags that differ"
        " in all that a free or a just opened one leaves undefined answer any event with the"
        " same frames, slots, notices, and tags that again differ in nothing else"
    )
    config = "Q2 and Q3, combinational; 8 slots; tags that `link.window` allows"
    mode = "induction"
    depth = 2
    cover_depth = 2
    defects = (
        Defect(
            "a new link has the peer epoch of the last one",
            "pipeline/q2_new_tag.py",
            "m.d.comb += new.peer_epoch.eq(0)",
            "m.d.comb += new.peer_epoch.eq(old.peer_epoch)",
        ),
        Defect(
            "a new link is still held",
            "pipeline/q2_new_tag.py",
            '"gap", "held", "heard",',
            '"gap", "heard",',
        ),
        Defect(
            "an OPEN_ACK without an ID leaves the receive position",
            "pipeline/q2_new_tag.py",
            "m.d.comb += new.received.eq(self.cfg_init_id)",
            "m.d.comb += []",
        ),
        Defect(
            "the list of a new link begins where the last one began",
            "pipeline/q2_new_tag.py",
            "with m.If(self.i_guards.EMPTY & ~fact.lags):",
            "with m.If(0):",
        ),
    )

    def build(self, h):
        one, two = Decide(SIZE), Decide(SIZE)
        h.m.submodules += [one, two]
        h.drive(one)
        for name, member in two.signature.members.items():
            if member.flow is wiring.In:
                h.m.d.comb += getattr(two, name).eq(
                    h.free(tag_layout(SIZE), "other_tag") if name == "i_tag" else getattr(one, name)
                )
        event, old, other = one.i_event, one.i_tag, two.i_tag
        h.assume(is_one_of(old.state.as_value(), [state.value for state in LinkState]))
        h.assume(is_one_of(event.event.as_value(), [kind.value for kind in Event]))
        # A frame or a command of the host names the link; all else knows its number.
        h.assume(event.by_lid == (event.event.as_value() >= Event.VISIT.value))
        h.assume_if(event.event == Event.HOST_PAYLOAD, old.alloc + old.lag < SIZE.slots)
        walked = (event.event == Event.RETIRE) & one.i_retiring
        run = event.retire.count[:RUN_BITS]
        h.assume_if(walked, (run != 0) & (run <= old.lag))
        h.assume(alike(old, other))

        both = {
            "next": h.free(SIZE.slot_bits, "next"),
            "kept": h.free(SIZE.rx_slot_bits, "kept"),
            "push": h.free(1, "push"),
            "before_run": h.free(32, "before_run"),
        }
        commits = [self.commit(h, decide, both) for decide in (one, two)]
        h.check(alike(*(commit.i_done.p.tag for commit in commits)))
        for name, member in commits[0].signature.members.items():
            if member.flow is wiring.Out:
                self.same(h, name, member, *commits)

        for before, after in (
            (LinkState.CLOSED, LinkState.OPEN_SENT),
            (LinkState.CLOSED, LinkState.OPEN_RECD),
            (LinkState.OPEN_SENT, LinkState.OPEN),
        ):
            h.reach(
                (old.state == before)
                & (one.o_tag.state == after)
                & (old.received != other.received)
                & (old.head != other.head)
            )
        h.reach(
            (old.state == LinkState.CLOSED)
            & (event.event == Event.HOST_PAYLOAD)
            & one.o_outcome.append
            & (old.sent > other.sent)
            & (old.epoch != other.epoch)
        )

    def same(self, h, name, member, one, two):
        """An output of Q3 is the same, as far as it counts."""
        a, b = getattr(one, name), getattr(two, name)
        if not member.is_signature:
            h.check(a == b)
            return
        h.check(a.valid == b.valid)
        if isinstance(a.payload.shape(), data.StructLayout):
            for field in a.payload.shape().members:
                h.check_if(
                    what_counts(name, field, one), getattr(a.p, field) == getattr(b.p, field)
                )
        else:
            h.check_if(a.valid, a.payload == b.payload)

    def commit(self, h, decide, both):
        """Q3 behind `decide`, as `pipeline.pipeline` has it."""
        m, event, old, out = h.m, decide.i_event, decide.i_tag, decide.o_outcome
        commit = Commit(SIZE)
        m.submodules += commit
        done = commit.i_done.p
        passed = passed_slot(decide)
        m.d.comb += [
            commit.i_done.valid.eq(1),
            done.event.eq(event),
            done.outcome.eq(out),
            done.lid.eq(decide.i_lid),
            done.node.eq(Mux(event.by_lid, old.node, event.node)),
            done.vc.eq(Mux(event.by_lid, old.vc, event.vc)),
            done.old_head.eq(old.head),
            done.old_tail.eq(old.tail),
            done.sent_slot.eq(Mux(out.passes | out.resends, passed, event.slot)),
            done.kept_slot.eq(both["kept"]),
            done.push.eq(both["push"] & (decide.o_tag.state != LinkState.CLOSED)),
            done.tag.eq(decide.o_tag),
            done.before_run.eq(both["before_run"]),
        ]
        with m.If(out.pop):
            m.d.comb += done.tag.head.eq(both["next"])
        with m.If(out.follows):
            m.d.comb += done.tag.next.eq(both["next"])
        return commit
