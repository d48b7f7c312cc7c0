"""Proofs about the choice of a victim (decision L5): who is told to close, and what that does."""

from amaranth.hdl import Cat, Mux, Signal

from ttpoe.link.fsm import Event, LinkState
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.protocol import Opcode

from ..any_pipeline import CHANGE_PLACE, among
from ..memories import inner
from ..on_the_way import LEAVES
from ..proof import Defect, Proof, shrunk
from .pipeline import OneByOne

SIZE = shrunk(slots=8, sets=2, rx_slots=8, rx_reserved=1, reorder_slots=1)


class Told(OneByOne):
    shows = (
        "Pipeline: a victim is told at most once per event, in the clock in which that leaves,"
        " if it asks for one and its set is full: the way that was not used last if it is OPEN"
        " with nothing allocated and nothing done since the timer's visit, else the other one if"
        " that is, else none; exactly as all events before it left the set"
    )
    cover_depth = 30
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
            "self.q3_evicts.eq(out.evicts & full & victim[0])",
            "self.q3_evicts.eq(out.evicts & victim[0])",
        ),
        Defect(
            "the other way is told, idle or not",
            "pipeline/victim.py",
            "self.o_way.eq(newer_way ^ older_idle)",
            "self.o_way.eq(~newer_way)",
        ),
    )

    def more(self, h, dut, parts, heres, specs, uses, tags):
        """Decision L5; `uses`: an event uses a way of the set in this clock."""
        done, here, spec = dut.o_done.payload, heres[LEAVES], specs[LEAVES]
        last = Signal()  # the way that was used last
        with h.m.If(uses):
            h.m.d.sync += last.eq(spec.way)
        h.check((tags[0].touch ^ tags[1].touch) == last)
        idle = [(tag.state == LinkState.OPEN) & (tag.alloc == 0) & tag.timer for tag in tags]
        asks = h.past(dut.decide.o_outcome.evicts)
        told, told_way = done.victim_valid, done.victim[0]
        wanted, wanted_way = Signal(), Signal()
        h.m.d.comb += [
            wanted.eq(idle[0] | idle[1]),
            wanted_way.eq(Mux(Mux(last, idle[0], idle[1]), ~last, last)),
        ]
        h.check_if(told, dut.o_done.valid)
        h.check_if(here, told == (asks & spec.full & wanted))
        h.check_if(here & told, (told_way == wanted_way) & (done.victim[1:] == done.lid[1:]))
        # On its way to Q3: helps the induction.
        found = dut.read.o_found.payload
        ways = inner(parts)
        for clock, known in (
            (4, Cat(found.victim_valid, found.victim_way)),
            (5, ways["victim_q2b"]),
            (6, ways["victim_q2c"]),
        ):
            h.check_if(heres[clock], known[0] == wanted)
            h.check_if(heres[clock] & wanted, known[1] == wanted_way)
        h.reach(here & told & idle[0] & idle[1])
        h.reach(here & told & (told_way == last))


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
            "link/state_table.py",
            'OP: rows(("EMPTY TIMER_BIT", _A.CLOSE, CS), ("", _A.NOTHING, OP)),',
            'OP: rows(("TIMER_BIT", _A.CLOSE, CS), ("", _A.NOTHING, OP)),',
        ),
        Defect(
            "a link that was busy a moment ago is closed",
            "link/state_table.py",
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

        # What the directory holds only these change (assumed in `pipeline.one_by_one`).
        h.check_if(out.keeps | out.unkeeps, among(event, CHANGE_PLACE))

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
