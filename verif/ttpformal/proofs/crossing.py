"""Proofs of what crosses from one clock to another in a MAC, `mac/`: nothing lost, nothing doubled."""

from amaranth.hdl import Cat, Const, EnableInserter, Mux, Signal

from ttpoe.mac import beat_crossing, counters, crossing

from ..frames import assume_beats, check_beats
from ..memories import built, inner
from ..proof import Defect, Proof, shrunk
from ..two_clocks import harsh_synchronisers, two_clocks

ANY_EDGES = (
    "each side has an edge when it likes, also both at once; a synchroniser that samples while its"
    " source changes takes any mixture of the old and the new bits"
)


def across(h, dut, modules, *domains):
    """Adds `dut`, which has these two domains, with free inputs; when each has an edge, and the
    signals inside."""
    ticks = two_clocks(h, *domains)
    with harsh_synchronisers(h, *modules):
        h.m.submodules.dut = fragment = built(EnableInserter(ticks)(dut))
    h.drive(dut)
    return ticks, inner(fragment)


def in_time(h, waits, edge, edges):
    """What waits does not do so for more than this many edges."""
    waited = Signal(range(edges + 2))
    with h.m.If(~waits):
        h.m.d.sync += waited.eq(0)
    with h.m.Elif(edge):
        h.m.d.sync += waited.eq(waited + 1)
    h.check_if(waits, waited < edges)


def fifth(h, moves):
    """`moves` for the fifth time: of 4 places the first one again."""
    moved = Signal(range(6))
    h.m.d.sync += moved.eq(Mux(moved == 5, 5, moved + moves))
    return moves & (moved == 4)


class Events(Proof):
    shows = (
        "EventCrossing: pulses come out as they went in, together, in order, none lost or doubled,"
        " after at most 5 edges, if no more are under way than it says"
    )
    config = f"2 pulses, 4 clocks with pulses; {ANY_EDGES}"
    mode = "sat"
    depth = 14
    why = "the FIFO fills, and its first place is written and read a second time, in 14 steps"
    cover_depth = 14
    defect_depth = 20
    defects = (
        Defect(
            "a pulse lasts until the next one",
            "mac/beat_crossing.py",
            "fifo.r_data & fifo.r_rdy.replicate(len(self._names))",
            "fifo.r_data",
        ),
        Defect(
            "only the first of the pulses crosses",
            "mac/beat_crossing.py",
            "fifo.w_en.eq(pulses.any())",
            "fifo.w_en.eq(pulses[0])",
        ),
    )

    def build(self, h):
        beat_crossing.EVENTS = most = 4
        dut = beat_crossing.EventCrossing(("a", "b"), "near", "far")
        ticks, _own = across(h, dut, (), "near", "far")
        given, taken = Cat(dut.i.a, dut.i.b), Cat(dut.o.a, dut.o.b)
        push, pop = given.any() & ticks["near"], taken.any() & ticks["far"]
        level = h.check_fifo(push, given, pop, taken, most)
        under_way = level + self.lately(h, pop, ticks["near"])
        h.assume_if(push, under_way < most)
        in_time(h, (level != 0) & ~taken.any(), ticks["far"], 5)
        h.reach((level == most) & (taken == 3))
        h.reach(fifth(h, pop))
        h.reach(pop & (taken == 2) & h.past(pop & (taken == 1)))

    def lately(self, h, pop, edge):
        """How many came out of which the near side does not know yet: 3 edges back."""
        counts = [Signal(3, name=f"lately{n}") for n in range(3)]
        newest, *older = counts
        with h.m.If(edge):
            h.m.d.sync += [newest.eq(pop), *(old.eq(new) for new, old in zip(counts, older))]
        with h.m.Else():
            h.m.d.sync += newest.eq(newest + pop)
        return sum(counts)


class Given(Proof):
    shows = (
        "Tokens: as many can be taken as were given, each after at most 3 edges of the taker, if"
        " no more than the counter can tell are under way"
    )
    config = f"counters of 2 bits; {ANY_EDGES}"
    cover_depth = 16
    defect_depth = 16
    short = True
    defects = (
        Defect(
            "the counter that crosses is a binary one",
            "mac/counters.py",
            "following.eq(number + 1)\n        with m.If(moves):\n"
            "            m.d[domain] += gray.eq(following ^ following >> 1)",
            "following.eq(gray + 1)\n        with m.If(moves):\n"
            "            m.d[domain] += gray.eq(following)",
        ),
        Defect(
            "two that wait are none",
            "mac/counters.py",
            "self.any.eq(crossed != taken)",
            "self.any.eq((crossed ^ taken).xor())",
        ),
    )

    def build(self, h):
        dut = counters.Tokens(2)
        ticks, _own = across(h, dut, (counters,), "given", "taken")
        give, take = dut.give & ticks["given"], dut.take & ticks["taken"]
        level = Signal(range(4))
        h.m.d.sync += level.eq(level + give - take)
        h.assume_if(dut.take, dut.any)
        h.assume_if(give, level != 3)
        h.check_if(dut.any, level != 0)
        in_time(h, (level != 0) & ~dut.any, ticks["taken"], 3)
        h.reach((level == 3) & dut.any)
        h.reach(take & (level == 1) & h.past(take & (level == 2)))


class _Line:
    """Bytes that went in and must come out: one of them, any, is followed. `push`: number that go
    in, up to `lanes`; `pushed` and `popped`: what each is."""

    def __init__(self, h, push, pushed, pop, popped, most):
        m = h.m
        self.level, ahead = Signal(range(most + 1)), Signal(range(most + 1))
        follows, entry = Signal(), Signal(len(pushed[0]))
        chosen = h.free(range(len(pushed)), "chosen") if len(pushed) > 1 else Const(0)
        starts = h.free(1, "follow") & (chosen < push) & ~follows
        m.d.sync += self.level.eq(self.level + push - pop)
        with m.If(starts):
            m.d.sync += [follows.eq(1), ahead.eq(self.level + chosen - pop)]
            for n, value in enumerate(pushed):
                with m.If(chosen == n):
                    m.d.sync += entry.eq(value)
        with m.Elif(follows):
            m.d.sync += [ahead.eq(ahead - pop), follows.eq(ahead >= pop)]
        h.check(pop <= self.level)
        for n, value in enumerate(popped):
            h.check_if(follows & (ahead == n) & (ahead < pop), value == entry)


def _lanes(beat):
    """What each byte of a beat is: a bit of its data, whether it is the last, and `error` then."""
    width = len(beat.keep)
    for n in range(width):
        top = beat.keep[n] & (~beat.keep[n + 1] if n + 1 < width else 1)
        yield Cat(beat.data.word_select(n, 8)[0], beat.last & top, beat.last & top & beat.error)


def _number(beat, moves):
    return Mux(moves, sum(beat.keep[n] for n in range(len(beat.keep))), 0)


def _of_byte(byte):
    return Cat(byte.data[0], byte.last, byte.last & byte.error)


class Send(Proof):
    shows = (
        "TxCrossing: the bytes of the engine's beats, in order, none lost or doubled, each frame"
        " with its end and its `error`; a byte is held until it is taken"
    )
    config = (
        "beats of 2 bytes, 4 in the FIFO and one behind it, a frame starts with its second; any"
        f" frames and pauses (of a byte one bit is any); {ANY_EDGES}"
    )
    mode = "sat"
    depth = 11
    why = "the FIFO fills, and its first place is written a second time, in 11 steps"
    cover_depth = 11
    defect_depth = 16
    defects = (
        Defect(
            "a beat of one byte is sent twice",
            "mac/crossing.py",
            "fifo.r_rdy & ~drop & (~full | beat_ends)",
            "fifo.r_rdy & (~full | beat_ends)",
        ),
        Defect(
            "a beat is dropped that did not go out",
            "mac/crossing.py",
            "fifo.r_en.eq(drop)",
            "fifo.r_en.eq(fifo.r_rdy & ~drop & ~full | drop)",
        ),
        Defect(
            "a byte that waits is gone",
            "mac/crossing.py",
            "taken.eq(self.o.valid & self.o.ready)",
            "taken.eq(self.o.valid)",
        ),
    )

    def build(self, h):
        dut = crossing.TxCrossing(shrunk(width_bits=16), 2, 4)
        ticks, _own = across(h, dut, (counters,), "sync", "wire")
        i, o = dut.i, dut.o
        assume_beats(h, i.valid, i.payload)
        h.assume((i.p.data.word_select(0, 8)[1:] == 0) & (i.p.data.word_select(1, 8)[1:] == 0))
        taken, left = i.valid & i.ready & ticks["sync"], o.valid & o.ready & ticks["wire"]
        line = _Line(
            h, _number(i.p, taken), [*_lanes(i.p)], Mux(left, 1, 0), [_of_byte(o.p)], most=10
        )
        h.check_if(h.past(o.valid & ~left), o.valid & (_of_byte(o.p) == h.past(_of_byte(o.p))))
        h.reach(line.level == 10)
        h.reach(fifth(h, taken))
        h.reach(left & o.p.last & h.past(left & ~o.p.last))


class Receive(Proof):
    shows = (
        "RxCrossing: the bytes of the wire as beats, in order, none lost or doubled, each frame with"
        " its end and its `error`, if the reader makes room; a beat is held until it is taken"
    )
    config = f"beats of 2 bytes, 4 in the FIFO; any frames and pauses (of a byte one bit is any); {ANY_EDGES}"
    mode = "sat"
    depth = 11
    why = "the FIFO fills, and its first place is written a second time, in 11 steps"
    cover_depth = 11
    defect_depth = 16
    defects = (
        Defect(
            "the beat that ends a frame keeps what was there before",
            "mac/crossing.py",
            "beat.keep.eq(Mux(lane[0], 1, beat.keep | lane))",
            "beat.keep.eq(beat.keep | lane)",
        ),
        Defect(
            "a beat is written twice",
            "mac/crossing.py",
            "m.d.wire += full.eq(self.i.valid & beat_ends)",
            "m.d.wire += full.eq(self.i.valid & beat_ends | full & ~self.i.valid)",
        ),
    )

    def build(self, h):
        dut = crossing.RxCrossing(shrunk(width_bits=16), 4)
        ticks, own = across(h, dut, (), "wire", "sync")
        i, o = dut.i, dut.o
        check_beats(h, o.valid, o.payload)
        came, left = i.valid & ticks["wire"], o.valid & o.ready & ticks["sync"]
        line = _Line(
            h, Mux(came, 1, 0), [_of_byte(i.p)], _number(o.p, left), [*_lanes(o.p)], most=10
        )
        h.assume(i.p.data[1:] == 0)
        h.assume(~own["loses"])  # there is room
        h.check_if(
            h.past(o.valid & ~left), o.valid & (Cat(_lanes(o.p)) == h.past(Cat(_lanes(o.p))))
        )
        h.reach(line.level == 7)
        h.reach(fifth(h, own["write"] & ticks["wire"]))
        h.reach(left & o.p.last & h.past(left & ~o.p.last))
