"""Proofs of the law of congestion: what it counts, what binds whom, and what a frame may change."""

from amaranth.hdl import Array, Cat, Mux, Signal
from amaranth.lib.data import View

from ttpoe.congestion import law
from ttpoe.congestion.state import gate_layout, law_layout, state_layout
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.pipeline.records import committed_layout
from ttpoe.protocol import DATA

from ..any_pipeline import among, stages
from ..memories import built, harsh_memories, inner
from ..proof import Defect, Proof, shrunk

SIZE = shrunk(sets=2, slots=4)
LINKS = 4
APART = 6  # clocks between two events of one link
GAP = law.INSPECT_CLOCKS - 1  # from `i_inspect` to the clock in which nothing comes
_FILE, _HEARD = "congestion/law.py", "congestion/heard.py"
_WINDOW, _PACE = "congestion/window.py", "congestion/pace.py"


class _Law(Proof):
    """`Law` behind events as the pipeline gives them: those of one link keep their distance, and
    the first one of a link makes it new."""

    config = (
        "4 links, 4 slots; any events, 6 clocks apart or more for each link; a read in the clock of"
        " a write to its place gives any value"
    )
    mode = "induction"
    depth = 22
    cover_depth = 24
    defect_depth = 30
    size, links = SIZE, LINKS
    dirty = False  # what was never written reads as anything

    def build(self, h):
        m = h.m
        with harsh_memories(h, law, dirty=self.dirty, every=True) as self.memories:
            self.dut = dut = law.Law(self.size)
            m.submodules.dut = self.parts = built(dut)
        h.drive(dut)
        done = dut.i_done.p
        self.touches = touches = Signal()
        m.d.comb += touches.eq(dut.i_done.valid & done.owns & (done.vc == DATA))
        h.assume_if(dut.i_done.valid, dut.o_ready)
        valids, lids = stages(h, touches, APART), stages(h, done.lid, APART)
        for n in range(1, APART):
            for later in range(n):
                h.assume_if(valids[later] & valids[n], lids[later] != lids[n])
        h.check_if(h.past(dut.o_ready), dut.o_ready)
        # The gap at the pipeline's door in which a word is read out.
        h.assume_if(stages(h, dut.i_inspect.valid, GAP)[GAP], ~dut.i_done.valid)
        # The event whose record is out.
        self.event = View(committed_layout(self.size), stages(h, done, APART)[APART])
        self.record = record = dut.o_law.p
        self.out = out = dut.o_law.valid & record.touched
        h.check(out == valids[APART])
        h.check_if(out, record.lid == lids[APART])
        if not self.dirty:
            for memory in self.memories:
                h.check(memory.blank == 0)
        self.properties(h, dut, record, out)

    def begins(self):
        """Whether that event makes the link new: K7."""
        tag, outcome = self.event.tag, self.event.outcome
        return (tag.state == LinkState.CLOSED) | outcome.stepped | (outcome.action == Action.OPENED)

    def last(self, h, name, init=0):
        """What the last record of each link said, as an `Array`."""
        shape = law_layout(SIZE).members[name]
        kept = [Signal(shape, name=f"{name}{n}", init=init) for n in range(LINKS)]
        for n, value in enumerate(kept):
            with h.m.If(self.out & (self.record.lid == n)):
                h.m.d.sync += value.eq(self.record[name])
        return kept


class Counts(_Law):
    shows = (
        "Law: `o_links` is in every clock the number of links whose last record says counted,"
        " 0 after reset; the memory says the same; a window is 1 to `slots` on every link that"
        " has begun"
    )
    defect_depth = 48  # a window of 4 that grows: an opening and two samples, each of two events
    defects = (
        Defect(
            "a link that is counted is counted again",
            _FILE,
            "touched[4] & (counted != window.was_counted)",
            "touched[4] & (counted | window.was_counted)",
        ),
        Defect(
            "events of other VCs count",
            _FILE,
            "touched.eq(self.i_done.valid & done.owns & (done.vc == DATA))",
            "touched.eq(self.i_done.valid & done.owns)",
        ),
        Defect(
            "a link is compared with what its event made of it",
            _WINDOW,
            "self.was_counted.eq(old.counted)",
            "self.was_counted.eq(e.counted)",
        ),
        Defect(
            "a window grows beyond the slots",
            _WINDOW,
            "Mux(grown > config.slots, config.slots, grown)",
            "grown",
        ),
        Defect(
            "a time-out halves a window of 1",
            _WINDOW,
            "Mux(old.window[2:].any(), old.window >> 1, _START)",
            "old.window >> 1",
        ),
    )

    def properties(self, h, dut, record, out):
        counted, begun = self.last(h, "counted"), Signal(LINKS)
        begins = self.begins()
        known = begun.bit_select(record.lid, 1)
        h.assume_if(out, known | begins)
        with h.m.If(out):
            h.m.d.sync += begun.bit_select(record.lid, 1).eq(1)
        now = [Mux(out & (record.lid == n), record.counted, counted[n]) for n in range(LINKS)]
        h.check(dut.o_links == sum(now))
        states, slots = self.memories[0], SIZE.slots
        h.check_if(out, (record.window >= 1) & (record.window <= slots))
        for n, place in enumerate(states.places):
            word = View(state_layout(SIZE), place)
            h.check(word.counted == counted[n])
            h.check((word.window >= begun[n]) & (word.window <= slots))
            h.check_if(~dut.o_ready, ~counted[n] & ~begun[n])
        h.reach((dut.o_links == 3) & h.past(dut.o_links == 2) & h.past(h.past(dut.o_links == 3)))
        h.reach(out & (record.window == slots))
        h.reach(out & (record.window == 1))


class Free(_Law):
    shows = (
        "Law: a link whose last event was not one of a controlled link has gate word 0 and is"
        " not free, one that was never touched neither: it is served as without control"
    )
    defects = (
        Defect(
            "a window binds every link",
            _PACE,
            "gate.stop.eq(e.controlled & full)",
            "gate.stop.eq(full)",
        ),
        Defect(
            "a link without control is free",
            _PACE,
            "self.free.eq(e.controlled & ~paced & ~nearly)",
            "self.free.eq(~paced & ~nearly)",
        ),
        Defect(
            "an ended link stays bound",
            _HEARD,
            "heard.controlled.eq(tag.controlled & ~ended & (tag",
            "heard.controlled.eq(tag.controlled & (tag",
        ),
        Defect("the other way is freed, too", _FILE, "touched & (f.index[0] == way)", "touched"),
    )

    def properties(self, h, dut, record, out):
        tag = self.event.tag
        bound = tag.controlled & ~among(tag.state, (LinkState.CLOSED, LinkState.OPEN_SENT))
        h.check_if(out, record.controlled == bound)
        controlled = Signal(LINKS)
        with h.m.If(out):
            h.m.d.sync += controlled.bit_select(record.lid, 1).eq(bound)
        h.check_if(~dut.o_ready, controlled == 0)
        shape, (_, gates, *frees) = gate_layout(), self.memories

        def lax(word):
            return ~(word.slow | word.stop | word.paced)

        for n, place in enumerate(gates.places):
            h.check_if(~controlled[n], lax(View(shape, place)))
            h.check_if(~controlled[n], ~frees[n & 1].places[n >> 1])
        asked = controlled.bit_select(dut.i_gate, 1)
        h.check_if(h.past(~asked) & h.later, lax(dut.o_gate))
        for way in range(2):
            row = Array(controlled[way::2])[dut.i_row[0]]
            h.check_if(h.past(h.past(~row)), ~dut.o_free[way])
            h.reach(dut.o_free[way])
        h.reach(dut.o_gate.stop & ~dut.o_gate.paced)


class Hears(_Law):
    shows = (
        "Law: a gap changes only with a frame that is believed, has a code, and is of a"
        " controlled link, or where the link begins or is idle, which make it 0; what it"
        " becomes is K7's for each of the 256 codes"
    )
    defects = (
        Defect(
            "any frame is believed",
            _HEARD,
            "heard.hears.eq(took(*_HEARS) & tag.controlled",
            "heard.hears.eq(tag.controlled",
        ),
        Defect(
            "a code of 1 to 15 is heard",
            _HEARD,
            "event.congestion[4:].any()",
            "event.congestion.any()",
        ),
        Defect(
            "a link without control listens",
            _HEARD,
            "took(*_HEARS) & tag.controlled & event",
            "took(*_HEARS) & event",
        ),
        Defect(
            "the gap of many links wraps",
            "congestion/state.py",
            "most = (exponent > 11) | (",
            "most = (exponent > 12) | (",
        ),
    )

    def properties(self, h, dut, record, out):
        event, tag, outcome = self.event.event, self.event.tag, self.event.outcome
        gap = self.last(h, "gap")
        begins = self.begins()
        idle = (
            (event.event == Event.TIMER)
            & (tag.state == LinkState.OPEN)
            & (tag.alloc == 0)
            & (tag.retries >= 2)
        )
        heard = among(outcome.action, BELIEVED) & tag.controlled & (event.congestion >= 0x10)
        known = Array(gap)[record.lid]
        said = gap_of(event.congestion)
        h.check_if(out & idle, record.gap == 0)
        h.check_if(out & ~idle, record.gap == Mux(heard, said, Mux(begins, 0, known)))
        for n, place in enumerate(self.memories[0].places):
            h.check(View(state_layout(SIZE), place).gap == gap[n])
            h.check_if(~dut.o_ready, gap[n] == 0)
        h.reach(out & ~heard & (record.gap == (28 << 10) + (28 << 6) + (28 << 4)))
        h.reach(out & idle & (known != 0))


BELIEVED = (Action.RETIRE, Action.RETIRE_REPLAY, Action.NACK_RANGE, Action.NOTED, Action.OPENED)
"""K7: an ACK that retires, a NACK that replays or retires, an echo, an OPEN_ACK that opens."""


def gap_of(code):
    """K7, of any code from 0x10 on."""
    links = ((16 + code[:4]) << code[4:]) >> 1
    links = Mux(links > 28 << 10, 28 << 10, links)
    return Mux(links == 16, 0, links + (links >> 4) + (links >> 6))


class Inspects(_Law):
    shows = (
        "Law: a word that is read out is what lies in that link's place, and never while an event"
        " of that link is written; it comes 9 clocks behind the question, or, if one is written"
        " just then, a clock behind the next in which none is and no event asks"
    )
    depth = 9
    defects = (
        Defect(
            "an event's word is read out",
            _FILE,
            "(wait == 1) & ~self.asks & ~written",
            "(wait == 2) & ~written",
        ),
        Defect(
            "a word is read out while it is written",
            _FILE,
            "(wait == 1) & ~self.asks & ~written",
            "(wait == 1) & ~self.asks",
        ),
        Defect(
            "the link that was asked for is not looked up",
            _FILE,
            "self.state_read.addr.eq(inspected)",
            "self.state_read.addr.eq(a.index)",
        ),
    )

    def properties(self, h, dut, record, out):
        m, ask = h.m, dut.i_inspect
        asked = stages(h, ask.valid, GAP + 1)
        lid, late = Signal.like(ask.payload), Signal()
        with m.If(ask.valid):
            m.d.sync += lid.eq(ask.payload)
        turn, written = asked[GAP + 1] | late, out & (record.lid == lid)
        reads = turn & ~written & ~h.past(dut.i_done.valid)
        m.d.sync += late.eq(turn & ~reads)
        # Nobody asks before the last question is answered.
        h.assume_if(ask.valid, ~Cat(asked[1:]).any() & ~late)
        here, word = dut.o_inspected.valid, h.past(Array(self.memories[0].places)[lid])
        h.check(here == h.past(reads))
        h.check_if(here, dut.o_inspected.payload.as_value() == word)
        # Where the question is: helps the induction.
        signals = inner(self.parts)
        waits = sum(Mux(asked[n], GAP + 2 - n, 0) for n in range(1, GAP + 2))
        h.check(signals["wait"] == waits + late)
        h.check(~(late & Cat(asked[1:]).any()))
        h.check_if(signals["wait"] != 0, signals["inspected"] == lid[: len(signals["inspected"])])
        h.reach(here & (word != 0) & h.past(dut.i_done.valid))
        h.reach(here & h.past(h.past(late)))


class Sweep(_Law):
    shows = "Law: when it is ready, every word of its four memories has been written with 0"
    config = "8 links, 4 slots; any inputs but events"
    size, links = shrunk(sets=4, slots=4), 8
    mode = "bmc"
    depth = 13
    why = "the sweep is over after 8 clocks, whatever comes in; no event is written before the 14th"
    cover_depth = 12
    defect_depth = 13
    dirty = True
    defects = (
        Defect(
            "the sweep leaves the last word out",
            _FILE,
            "self.o_ready.eq(sweep == links - 1)",
            "self.o_ready.eq(sweep == links - 2)",
        ),
        Defect(
            "the sweep writes what the last stage holds",
            "congestion/pace.py",
            "with m.If(sweeps):",
            "with m.If(0):",
        ),
        Defect(
            "a word of `free` is left out",
            _FILE,
            "Mux(sweeps, self.sweep[1:], f.index[1:])",
            "Mux(sweeps, 0, f.index[1:])",
        ),
    )

    def properties(self, h, dut, record, out):
        clocks = Signal(4)
        h.m.d.sync += clocks.eq(Mux(clocks == 15, 15, clocks + 1))
        h.check(dut.o_ready == (clocks >= self.links))
        for memory in self.memories[:2]:
            h.check_if(~dut.o_ready, memory.blank == ~((1 << clocks) - 1)[: self.links])
        first = dut.o_ready & h.past(~dut.o_ready)
        for memory in self.memories:
            h.check_if(dut.o_ready, memory.blank == 0)
            for place in memory.places:
                h.check_if(first, place == 0)
        h.reach(first)
