"""Proofs of `congestion/`: the gate, and how many links are backlogged."""

from amaranth.hdl import Cat, Mux, Signal

from ttpoe.congestion.backlog import Backlog as RealBacklog
from ttpoe.congestion.gate import Gate as RealGate

from ..any_pipeline import stages
from ..proof import Defect, Proof, shrunk

SIZE = shrunk(sets=2, slots=4)
_GATE = "congestion/gate.py"
_BACKLOG = "congestion/backlog.py"


def later(time, now):
    """A serial number that lies ahead, at most half of all."""
    ahead = (time - now)[: len(now)]
    return (ahead != 0) & (ahead <= 1 << len(now) - 1)


class _Gate(Proof):
    """The gate, and which links are in it: each once at most, as the tag's `queued` has it."""

    config = "4 links; any words of the law, any ready"
    links = 4

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = RealGate(shrunk(sets=self.links // 2))
        h.drive(dut, "i_visit", "o_visit")
        self.times(h, dut)
        h.streams(dut)
        visit, out = dut.i_visit, dut.o_visit
        self.enters, self.leaves = visit.valid & visit.ready, out.valid & out.ready
        self.inside = inside = Signal(self.links)
        h.assume_if(visit.valid, ~inside.bit_select(visit.payload, 1))
        with m.If(self.leaves):
            m.d.sync += inside.bit_select(out.payload, 1).eq(0)
        with m.If(self.enters):
            m.d.sync += inside.bit_select(visit.payload, 1).eq(1)
        self.properties(h, dut)

    def times(self, h, dut):
        """Of times only which is later counts: `gate_looks` has all of them."""
        word = dut.i_state
        h.m.d.comb += [
            word.slow.eq(h.free(1, "slow")),
            word.stop.eq(h.free(1, "stop")),
            word.paced.eq(h.free(1, "paced")),
            word.next_at.eq(h.free(1, "early") << 15),
        ]


class GateLooks(_Gate):
    shows = (
        "Gate: a link is offered only 2 clocks after a look whose word does not call it slow,"
        " or 3 after a look that is not its first and whose word says neither stop nor a time"
        " that lies ahead; what is offered stays"
    )
    config = "4 links; any words of the law, all times, any ready"
    mode = "induction"
    depth = 5
    short = True
    cover_depth = 12
    defect_depth = 12
    defects = (
        Defect(
            "a full window is not looked at",
            _GATE,
            "again & ~full & ~early[15]",
            "again & ~early[15]",
        ),
        Defect("time is not looked at", _GATE, "again & ~full & ~early[15]", "again & ~full"),
        Defect(
            "the first look is believed", _GATE, "again & ~full & ~early[15]", "~full & ~early[15]"
        ),
        Defect(
            "times are plain numbers",
            _GATE,
            "early.eq(self.i_now - next_at)",
            "early.eq(Mux(self.i_now < next_at, 1 << 15, 0))",
        ),
        Defect(
            "a slow link passes and goes round, too",
            _GATE,
            "with m.If(~self.i_state.slow):",
            "with m.If(1):",
        ),
    )

    def times(self, h, dut):
        h.drive(dut, "i_now", "i_state")

    def properties(self, h, dut):
        out, shape = dut.o_visit, dut.i_state.shape()
        index, words, enters = (
            stages(h, value, 3) for value in (dut.o_index, dut.i_state.as_value(), self.enters)
        )
        offered = h.later & out.valid & ~h.past(out.valid & ~out.ready)
        at_once = (index[2] == out.payload) & ~shape(words[1]).slow
        word, now = shape(words[2]), h.past(dut.i_now)
        waited = (
            (index[3] == out.payload)
            & ~enters[3]
            & word.slow
            & ~word.stop
            & ~(word.paced & later(word.next_at, now))
        )
        h.check_if(offered, at_once | waited)
        h.check_if(offered & enters[2], at_once)  # it has been looked at once
        h.reach(offered & at_once)
        h.reach(offered & ~at_once & word.paced & (word.next_at > now))


class GateOnce(_Gate):
    shows = "Gate: only links that are inside are offered, each once for each time that it came"
    cover_depth = 24
    defect_depth = 16
    defects = (
        Defect(
            "a slow link passes and goes round, too",
            _GATE,
            "with m.If(~self.i_state.slow):",
            "with m.If(1):",
        ),
        Defect(
            "one that leaves goes round, too",
            _GATE,
            "with m.Else():\n                m.d.comb += waiting.w_en.eq(1)",
            "m.d.comb += waiting.w_en.eq(1)",
        ),
    )

    def properties(self, h, dut):
        h.check_if(dut.o_visit.valid, self.inside.bit_select(dut.o_visit.payload, 1))
        h.reach(self.leaves & h.past(self.inside.all()))


class GateLeaves(_Gate):
    shows = (
        "Gate: a link leaves within 28 clocks in which Q0 is ready and each word that is shown"
        " of it lets it go, whatever else waits or comes; so none is lost, and the queue has"
        " room for all"
    )
    mode = "sat"
    depth = 60
    why = (
        "in 27 clocks all links come and wait, in any order, and a wait of 28 more and a second"
        " round of looks follow; `congestion.gate_leaves_of_two` has no bound"
    )
    clocks = 28
    cover_depth = 40
    defects = (
        Defect(
            "those that come go first", _GATE, "turn | ~self.i_visit.valid", "~self.i_visit.valid"
        ),
        Defect(
            "the queue has room for one link less",
            _GATE,
            "depth=config.data_links",
            "depth=config.data_links - 1",
        ),
        Defect(
            "a link that must wait a second time is dropped",
            _GATE,
            "m.d.comb += waiting.w_en.eq(1)",
            "m.d.comb += waiting.w_en.eq(~again)",
        ),
    )

    def properties(self, h, dut):
        m, out, word = h.m, dut.o_visit, dut.i_state
        watched = h.constant(range(self.links), "watched")
        lets = ~word.stop & (~word.paced | (word.next_at == 0))
        calm = out.ready & (lets | (h.past(dut.o_index) != watched))
        stay = Signal(range(self.clocks + 2))
        waits = self.inside.bit_select(watched, 1) & ~(self.leaves & (out.payload == watched))
        m.d.sync += stay.eq(Mux(waits & calm, stay + 1, 0))
        h.check(stay <= self.clocks)
        h.reach((stay == self.clocks // 2) & self.inside.all())


class GateLeavesOfTwo(GateLeaves):
    shows = "Gate: the same for two links, within 14 clocks"
    config = "2 links; any words of the law, any ready"
    mode = "pdr"
    links, clocks = 2, 14
    cover_depth = 24
    defect_depth = 24
    defects = GateLeaves.defects[2:]


class Backlog(Proof):
    shows = (
        "Backlog: 4 clocks behind the last look, new gap and change of A, x is 0 for one link or"
        " none, else at least 64 - 64 A and at most 16 A; it is never beyond both by more than"
        " 16, so it does not wrap; the code is never below 0x10, and is 0x10 when A has been 0"
        " or 1 for 7 clocks"
    )
    config = "4 links; any A, any load, any looks 4 clocks apart or more; x begins anywhere"
    mode = "induction"
    depth = 12
    cover_depth = 20
    defect_depth = 20
    defects = (
        Defect("x has no upper bound", _BACKLOG, "with m.Elif(excess > most):", "with m.Elif(0):"),
        Defect("x has no lower bound", _BACKLOG, "with m.Elif(excess < least):", "with m.Elif(0):"),
        Defect("x of one link is kept", _BACKLOG, "with m.Elif(few):", "with m.Elif(0):"),
        Defect(
            "one link is said as the load shows it",
            _BACKLOG,
            "plain.eq(Mux(self.i_links <= 1, 1 << _PART, estimate))",
            "plain.eq(estimate)",
        ),
        Defect(
            "the estimate falls below one link",
            _BACKLOG,
            "estimate.eq(Mux(total < 1 << _PART, 1 << _PART, total))",
            "estimate.eq(total)",
        ),
        Defect(
            "the code says nothing after reset",
            _BACKLOG,
            "Signal(bits + 1, name=n, init=1 << _PART)",
            "Signal(bits + 1, name=n)",
        ),
    )

    def build(self, h):
        m, dut = h.m, RealBacklog(SIZE)
        m.submodules.dut = inner = dut.elaborate(None)  # x and Ae are no ports
        h.drive(dut)
        links, excess = dut.i_links, dut.excess
        within = (excess >= 64 - 64 * 4 - 16) & (excess <= 16 * 4 + 16)
        begin = h.free(len(excess), "begin")
        with inner.If(~h.later):  # the second clock finds any x
            inner.d.sync += excess.eq(begin)
        h.assume_if(h.past(~h.later), within)
        h.check(within)
        moved = links != h.past(links)
        h.assume(links <= 4)
        h.assume_if(dut.i_look, ~Cat(stages(h, dut.i_look, 3)[1:]).any())

        still = Signal(range(8))  # clocks without anything that moves x
        with m.If(dut.i_look | dut.i_new_gap | moved):
            m.d.sync += still.eq(0)
        with m.Elif(still != 7):
            m.d.sync += still.eq(still + 1)
        least, most = 64 - (links << 6), links << 4
        settled = (still >= 4) & ~moved
        h.check_if(settled & (links <= 1), excess == 0)
        h.check_if(settled & (links > 1), (excess >= least) & (excess <= most))
        h.check(dut.estimate >= 64)
        h.check(dut.o_code >= 0x10)
        few = Signal(range(8), init=7)  # clocks with one link or none
        m.d.sync += few.eq(Mux(links > 1, 0, Mux(few == 7, 7, few + 1)))
        h.check_if(few == 7, dut.o_code == 0x10)
        h.reach(settled & (excess < -4))
        h.reach(settled & (links == 2) & (excess == most))
        h.reach(dut.o_code > 0x20)
