"""Proofs of what XGMII and hard MACs store, `mac/`: before a frame begins, and between clocks."""

from amaranth.hdl import Cat, ClockDomain, EnableInserter, Mux, Signal

from ttpoe.mac import store
from ttpoe.mac.beat_crossing import BeatCrossing, RxGuard

from ..frames import assume_beats, check_beats
from ..proof import Defect, Proof, shrunk


class Store(Proof):
    shows = (
        "Store: beats in order, none lost or doubled; once a frame has begun `valid` never falls"
        " inside of it, whatever its source does, if it fits"
    )
    config = "4 beats, store and forward, any frames up to 4 beats (3 bits of a beat are any)"
    start_beats = 4
    mode = "sat"
    depth = 14
    why = "the store fills and empties, and its four places are used again, in 12 clocks"
    cover_depth = 14
    defect_depth = 12
    defects = (
        Defect(
            "a frame begins with its first beat",
            "mac/store.py",
            "((wholes != 0) | (beats.level >= self._start_beats))",
            "(beats.level != 0)",
        ),
        Defect("a frame that leaves counts for the next one", "mac/store.py", " & ~left)", ")"),
        Defect(
            "what is there is taken twice",
            "mac/store.py",
            "beats.r_en.eq(o.valid & o.ready)",
            "beats.r_en.eq(o.valid & o.ready & inside)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = store.Store(shrunk(width_bits=64), 4, self.start_beats)
        h.drive(dut)
        h.streams(dut)
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        check_beats(h, o.valid, o.payload)
        h.assume_if(i.valid, i.p.data[2:] == 0)
        taken, left = i.valid & i.ready, o.valid & o.ready

        def shown(beat):
            return Cat(beat.data[:2], beat.keep, beat.last, beat.error)

        h.check_fifo(taken, shown(i.payload), left, shown(o.payload), 4)
        came, inside = Signal(3), Signal()
        with m.If(taken):
            m.d.sync += came.eq(Mux(i.p.last, 0, came + 1))
        with m.If(left):
            m.d.sync += inside.eq(~o.p.last)
        self.promise(h, i, taken, came)
        h.check_if(inside, o.valid)
        h.reach(left & o.p.last & inside & h.past(left & inside))
        h.reach(~i.ready)

    def promise(self, h, i, taken, came):
        h.assume_if(i.valid & (came == 3), i.p.last)


class StoreCutThrough(Store):
    shows = (
        "Store: the same with frames of any length that begin with 3 beats, if their source gives"
        " a beat in every clock of a frame in which it may"
    )
    config = "4 beats, a frame begins with 3 (3 bits of a beat are any)"
    start_beats = 3
    defects = (
        Defect(
            "what is there is taken twice",
            "mac/store.py",
            "beats.r_en.eq(o.valid & o.ready)",
            "beats.r_en.eq(o.valid & o.ready & inside)",
        ),
    )

    def promise(self, h, i, taken, came):
        # Once a frame has begun its beats follow each other.
        begun = Signal()
        with h.m.If(taken):
            h.m.d.sync += begun.eq(~i.p.last)
        h.assume_if(begun, i.valid)


class Crossing(Proof):
    shows = (
        "BeatCrossing: beats in order, none lost or doubled, held until they are taken, whatever"
        " the two clocks' ratio and phase"
    )
    config = (
        "3 beats; each side has an edge when it likes, also both at once (of a beat 3 bits are any);"
        " no reset on the way"
    )
    depth = 20
    cover_depth = 30
    defect_depth = 24
    defects = (
        Defect(
            "every beat begins a frame",
            "mac/beat_crossing.py",
            "m.d[i_domain] += starts.eq(i.p.last)",
            "m.d[i_domain] += starts.eq(1)",
        ),
        Defect(
            "a beat that waits is gone",
            "mac/beat_crossing.py",
            "fifo.r_en.eq(o.ready)]",
            "fifo.r_en.eq(1)]",
        ),
    )

    def build(self, h):
        m = h.m
        ticks = two_clocks(h)
        dut = BeatCrossing(shrunk(width_bits=64), 3, "near", "far")
        m.submodules.dut = EnableInserter(ticks)(dut)
        h.drive(dut)
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        h.assume_if(i.valid, (i.p.data[1:] == 0) & ~i.p.error)
        taken, left = i.valid & i.ready & ticks["near"], o.valid & o.ready & ticks["far"]

        def shown(beat):
            return Cat(beat.data[0], beat.keep, beat.last, beat.error)

        level = h.check_fifo(taken, shown(i.payload), left, shown(o.payload), 3)
        h.check_if(
            h.past(o.valid & ~left), o.valid & (shown(o.payload) == h.past(shown(o.payload)))
        )
        h.reach(level == 3)
        h.reach(left & o.p.last & h.past(h.past(left & ~o.p.last)))


def two_clocks(h):
    """Domains `near` and `far`; {domain: it has an edge in this clock}, which is any."""
    for name in ("near", "far"):
        domain = ClockDomain(name, reset_less=True)
        h.m.domains += domain
        h.m.d.comb += domain.clk.eq(h.clock.clk)
    return {name: h.free(1, f"{name}_edge") for name in ("near", "far")}


class Guard(Proof):
    shows = (
        "RxGuard: a frame that is not counted as overflowed passes unchanged; of one that is comes"
        " a beginning that ends with `error`, or nothing; frames are never joined"
    )
    config = "64 bits, frames of any length"
    depth = 12
    cover_depth = 12
    defect_depth = 12
    short = True
    defects = (
        Defect(
            "the end of a frame that was cut is forgotten",
            "mac/beat_crossing.py",
            "m.d.sync += owed.eq(inside)",
            "m.d.sync += owed.eq(0)",
        ),
        Defect(
            "the rest of a frame passes",
            "mac/beat_crossing.py",
            "m.d.sync += [discarding.eq(~i.p.last), inside.eq(0)]",
            "m.d.sync += [discarding.eq(0), inside.eq(0)]",
        ),
        Defect(
            "a frame that is dropped leaves an end",
            "mac/beat_crossing.py",
            "m.d.sync += inside.eq(~i.p.last)",
            "m.d.sync += inside.eq(1)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = RxGuard(shrunk(width_bits=64))
        h.drive(dut)
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        check_beats(h, o.valid, o.payload)
        left = o.valid & o.ready
        begun, out, lost = Signal(), Signal(), Signal()  # in the frame: at `i`, at `o`, counted
        with m.If(i.valid):
            m.d.sync += [begun.eq(~i.p.last), lost.eq(~i.p.last & (lost | dut.overflowed))]
        with m.If(left):
            m.d.sync += out.eq(~o.p.last)
        same = left & i.valid & (o.payload.as_value() == i.payload.as_value())
        h.check_if(dut.overflowed, i.valid & ~lost)
        h.check_if(i.valid & ~lost & ~dut.overflowed, same & (out == begun))
        # What passes otherwise is the end, and only of a frame that had begun.
        other = left & ~(i.valid & ~lost & ~dut.overflowed)
        h.check_if(other, out & o.p.last & o.p.error)
        h.reach(other & h.past(lost))
        h.reach(same & i.p.last & h.past(h.past(dut.overflowed & i.p.last)))
