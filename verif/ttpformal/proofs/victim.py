"""Proofs about the choice of a victim (decision L5): who is told to close, and what that does."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.data import View

from ttpoe.link import table
from ttpoe.link.fsm import Event, LinkState
from ttpoe.memory import forwarded
from ttpoe.pipeline import pipeline
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.protocol import Opcode

from ..memories import built, harsh_memories, inner
from ..proof import Defect, Proof, shrunk
from .pipeline import TOUCHES, plain

SIZE = shrunk(slots=8, sets=2, rx_slots=8, rx_reserved=1, reorder_slots=1)

CLOSED = LinkState.CLOSED


def among(value, kinds):
    return Cat(*(value == kind for kind in kinds)).any()


class _AnyDecision(wiring.Component):
    """In the place of `Decide`: any outcome, and any tag that keeps its key and touch bit
    (`victim.closes`)."""

    def __init__(self, h, config):
        self._h = h
        super().__init__(Decide(config).signature)

    def elaborate(self, platform):
        m = Module()
        for name in ("o_tag", "o_outcome"):
            port = getattr(self, name).as_value()
            m.d.comb += port.eq(self._h.free(len(port), name))
        old, new, event = self.i_tag, self.o_tag, self.i_event
        closed = new.state == CLOSED
        self._h.assume(new.touch == old.touch)
        self._h.assume_if(event.by_lid & (old.state == CLOSED), closed)
        self._h.assume_if(event.by_lid & ~closed, (new.node == old.node) & (new.vc == old.vc))
        self._h.assume_if(~event.by_lid & ~closed, (new.node == event.node) & (new.vc == event.vc))
        return m


class Told(Proof):
    shows = (
        "Pipeline: a victim is told at most once per event, in the clock in which that leaves,"
        " if it asks for one and its set is full: the way that was not used last if it is OPEN"
        " with nothing allocated and nothing done since the timer's visit, else the other one if"
        " that is, else none; of a way that changed in the 3 clocks before, what is told may be"
        " out of date"
    )
    config = (
        "Q1 to Q3 and the table as they are, with any decision in the place of Q2's; 2 sets"
        " of 2 ways; watched: any one set"
    )
    mode = "induction"
    depth = 6
    cover_depth = 15
    defect_depth = 15
    defects = (
        Defect(
            "a way with packets in flight is told to close",
            "pipeline/victim.py",
            "(tag.state == LinkState.OPEN) & (tag.alloc == 0)",
            "(tag.state == LinkState.OPEN)",
        ),
        Defect(
            "a way that was busy a moment ago is told to close",
            "pipeline/victim.py",
            "(tag.alloc == 0) & tag.timer",
            "(tag.alloc == 0)",
        ),
        Defect(
            "a victim is told though a way is free",
            "pipeline/pipeline.py",
            "self.decide.o_outcome.evicts & ~self.q2_owns",
            "self.decide.o_outcome.evicts",
        ),
        Defect(
            "the other way is told, idle or not",
            "pipeline/victim.py",
            "Cat(newer_way ^ older_idle, self.i_row)",
            "Cat(~newer_way, self.i_row)",
        ),
    )

    def build(self, h):
        m = h.m
        decide = pipeline.Decide
        pipeline.Decide = lambda config: _AnyDecision(h, config)
        try:
            with harsh_memories(h, forwarded) as memories:
                dut = pipeline.Pipeline(SIZE)
                m.submodules.dut = parts = built(dut)
        finally:
            pipeline.Decide = decide
        h.drive(dut)
        ways = memories[:2]
        entered = dut.i_event
        h.assume_if(entered.valid, dut.o_ready)
        h.assume(entered.p.by_lid == (entered.p.event.as_value() >= Event.VISIT.value))

        h.check(dut.o_done.valid == h.past(h.past(h.past(entered.valid))))
        h.check_if(h.past(dut.o_ready), dut.o_ready)

        # One set, any, as all events before this one left it.
        done, event = dut.o_done.payload, dut.o_done.payload.event
        watched = h.constant(SIZE.row_bits, "row")
        tags = [Signal(table.tag_layout(SIZE), name=f"spec_tag{way}") for way in range(2)]
        row = Mux(event.by_lid, event.lid[1:], table.link_row(SIZE, event.node, event.vc))
        here = Signal()
        m.d.comb += here.eq(dut.o_done.valid & (row == watched))
        used = [tag.state != CLOSED for tag in tags]
        hits = [
            used[way] & (tags[way].node == event.node) & (tags[way].vc == event.vc)
            for way in range(2)
        ]
        missed, full, way, touches = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            missed.eq(~event.by_lid & ~hits[0] & ~hits[1]),
            full.eq(missed & used[0] & used[1]),
            way.eq(Mux(event.by_lid, event.lid[0], Mux(missed, used[0], hits[1]))),
            touches.eq(among(event.event, [Event[name] for name in TOUCHES])),
        ]
        # As in `pipeline.one_by_one`: Q2 sees these tags, and Q3 writes what Q2 made of them.
        layout = table.tag_layout(SIZE)
        seen, decided = (View(layout, h.past(tag)) for tag in (dut.decide.i_tag, dut.decide.o_tag))
        closed = Mux(way, ~used[1], ~used[0]) | missed
        h.check(~(used[0] & used[1] & (tags[0].node == tags[1].node) & (tags[0].vc == tags[1].vc)))
        h.check_if(here, h.past(dut.decide.i_event.as_value()) == event.as_value())
        h.check_if(
            here, (h.past(dut.decide.i_full) == full) & ((seen.state == CLOSED) == (closed | full))
        )
        h.check_if(here & ~full, (done.lid[1:] == watched) & (done.lid[0] == way))
        for name in layout.members:
            h.check_if(
                here & ~full & ~closed,
                plain(seen, name) == Mux(way, plain(tags[1], name), plain(tags[0], name)),
            )
            if name not in ("head", "next", "queued", "touch"):
                h.check_if(here, plain(done.tag, name) == plain(decided, name))
        last = Signal()  # the way that was used last
        with m.If(here & ~full):
            m.d.sync += Array(tags)[way].eq(done.tag)
            with m.If(touches):
                m.d.sync += last.eq(way)
        for number, memory in enumerate(ways):
            m.d.comb += memory.watch_place.eq(watched)
            swept = inner(parts, "table", "cells")["sweep"] > watched
            h.check_if(dut.table.o_ready, memory.watched == tags[number].as_value())
            h.check_if(~dut.table.o_ready & swept, memory.watched == 0)
            h.check_if(~dut.o_ready, tags[number].as_value() == 0)
        self.told(h, dut, watched, here, full, way, last, tags)

    def told(self, h, dut, watched, here, full, way, last, tags):
        """Decision L5."""
        done = dut.o_done.payload
        told, told_way = done.victim_valid, done.victim[0]
        asks = h.past(dut.decide.o_outcome.evicts)
        h.check((tags[0].touch ^ tags[1].touch) == last)
        idle, settled = [], []
        for number, tag in enumerate(tags):
            idle.append((tag.state == LinkState.OPEN) & (tag.alloc == 0) & tag.timer)
            written = [here & ~full & (way == number)]
            for _ in range(3):
                written.append(h.past(written[-1]))
            settled.append(~(written[1] | written[2] | written[3]))
        h.check_if(told, dut.o_done.valid)
        h.check_if(here & told, full & asks & (done.victim[1:] == watched))
        for number in range(2):
            h.check_if(here & told & (told_way == number) & settled[number], idle[number])
        both = here & settled[0] & settled[1]
        h.check_if(both, told == (full & asks & (idle[0] | idle[1])))
        h.check_if(both & told, told_way == Mux(Mux(last, idle[0], idle[1]), ~last, last))
        h.reach(both & told & (told_way != last) & idle[0] & idle[1])
        h.reach(both & told & (told_way == last))
        h.reach(here & told & ~settled[0])


class Closes(Proof):
    shows = (
        "a victim is asked for by an OPEN, or by an open or a payload to another node, that finds"
        " no way, and by nothing else in a full set; the VICTIM event closes its link if that is OPEN with"
        " nothing unacknowledged, nothing waiting and its timer bit set: one CLOSE, no notice, no"
        " slot freed; any other link it leaves as it was, bit for bit, and sends nothing"
    )
    config = "Q2, combinational; 8 slots; any tag in a legal state, a closed one holds nothing"
    mode = "induction"
    depth = 2
    cover_depth = 2
    short = True
    defects = (
        Defect(
            "a link with packets in flight is closed",
            "link/fsm.py",
            'OP: rows(("EMPTY TIMER_BIT", _A.CLOSE, CS), ("", _A.NOTHING, OP)),',
            'OP: rows(("TIMER_BIT", _A.CLOSE, CS), ("", _A.NOTHING, OP)),',
        ),
        Defect(
            "a link that was busy a moment ago is closed",
            "link/fsm.py",
            'OP: rows(("EMPTY TIMER_BIT", _A.CLOSE, CS)',
            'OP: rows(("EMPTY", _A.CLOSE, CS)',
        ),
        Defect(
            "what was sent does not wait",
            "pipeline/q2_guards.py",
            '"EMPTY": tag.alloc == 0',
            '"EMPTY": tag.current == tag.alloc',
        ),
        Defect(
            "a payload that finds no way asks for no victim",
            "link/effects.py",
            'stat="host_blocked", evicts=True',
            'stat="host_blocked"',
        ),
    )

    def build(self, h):
        dut = Decide(SIZE)
        h.m.submodules.dut = dut
        h.drive(dut)
        old, new, out, event = dut.i_tag, dut.o_tag, dut.o_outcome, dut.i_event.event
        h.assume(among(old.state, LinkState))
        h.assume(among(event, Event))
        closed = old.state == LinkState.CLOSED
        h.assume_if(closed, old.alloc + old.lag + old.kept + old.looking == 0)

        seeks_way = (event == Event.RX_OPEN) | (
            among(event, [Event.HOST_OPEN, Event.HOST_PAYLOAD]) & ~dut.i_self
        )
        h.check_if(closed, out.evicts == (dut.i_full & seeks_way))
        h.check_if(~closed & out.evicts, event == Event.HOST_OPEN)

        # A link keeps its key and touch bit, and begins by a frame or a command that names it.
        by_lid, ends = dut.i_event.by_lid, new.state == LinkState.CLOSED
        h.assume(by_lid == (event.as_value() >= Event.VISIT.value))
        h.check(new.touch == old.touch)
        h.check_if(by_lid & closed, ends)
        h.check_if(by_lid & ~ends, (new.node == old.node) & (new.vc == old.vc))
        same_key = (dut.i_event.node == old.node) & (dut.i_event.vc == old.vc)
        h.check_if(
            ~by_lid & ~ends & (closed | same_key),
            (new.node == dut.i_event.node) & (new.vc == dut.i_event.vc),
        )

        victim = event == Event.VICTIM
        closes = (old.state == LinkState.OPEN) & (old.alloc == 0) & old.timer
        h.check_if(victim & ~closes, new.as_value() == old.as_value())
        h.check_if(
            victim & closes,
            (new.state == LinkState.CLOSE_SENT)
            & (new.alloc == 0)
            & (new.lag == old.lag)
            & (new.una == old.una),
        )
        h.check_if(victim, out.frame == closes)
        h.check_if(victim & closes, out.opcode == Opcode.CLOSE)
        for name in (
            "append",
            "pop",
            "free_own",
            "free_all",
            "noticed",
            "evicts",
            "stepped",
            "retired",
            "sends",
            "resends",
            "seeks",
            "starts_walk",
            "looks",
            "asks",
            "purges",
            "keeps",
            "unkeeps",
        ):
            h.check_if(victim, ~out[name])
        h.reach(victim & closes & (old.lag != 0) & (old.kept != 0))
        h.reach(victim & (old.state == LinkState.OPEN) & ~closes)
        h.reach(victim & (old.state == LinkState.CLOSE_RECD) & (old.alloc == 0))
        h.reach(closed & out.evicts & (event == Event.HOST_PAYLOAD))
