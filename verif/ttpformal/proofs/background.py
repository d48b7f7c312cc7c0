"""Proofs of the blocks that walk along lists of slots: frees in runs, replays."""

from amaranth.hdl import Array, Mux, Signal, signed

from ttpoe.replay import retirer
from ttpoe.replay.replayer import Replayer, Walk

from ..memories import built
from ..proof import Defect, Proof, shrunk

SIZE = shrunk(slots=4, sets=2, reorder_slots=2)


class Retires(Proof):
    shows = (
        "Retirer: of a link whose lag it takes it passes min(lag, RUN) slots, from the head of the"
        " list on, each once, in order, one in every second clock in which nobody else reads the"
        " list; then it offers one RETIRE, with the last of them and their count; it says whose list"
        " it walks along from the clock behind the lag until that has left; then it begins anew with"
        " the lag of the same event, if there is one, or is idle; what else comes meanwhile is left"
        " to visits"
    )
    config = "8 slots, runs of 4 at most, 4 links; any list, any lag, anybody else in any clock"
    depth = 16
    cover_depth = 24
    short = True
    defects = (
        Defect(
            "the run is one slot short",
            "replay/retirer.py",
            "left.eq(count - 1)",
            "left.eq(count - 2)",
        ),
        Defect(
            "RETIRE names a slot more than were passed",
            "replay/retirer.py",
            "Mux(lag.count >= RUN, RUN, lag.count[:RUN_BITS])",
            "Mux(lag.count > RUN, RUN, lag.count[:RUN_BITS]) + (lag.count > RUN)",
        ),
        Defect(
            "RETIRE names the slot behind the run",
            "replay/retirer.py",
            "m.d.sync += retire.valid.eq(1)",
            "m.d.sync += [retire.valid.eq(1), retire.p.slot.eq(self.successor.data)]",
        ),
        Defect(
            "RETIRE is offered before the last slot was passed",
            "replay/retirer.py",
            "with m.If(left == 0):",
            "with m.If(left <= 1):",
        ),
        Defect(
            "it passes a slot while the replayer reads",
            "replay/retirer.py",
            "with m.If(~self.i_walk):",
            "with m.If(self.i_walk | ~self.i_walk):",
        ),
        Defect(
            "a run does not begin anew with the lag of its own RETIRE",
            "replay/retirer.py",
            'begin() m.next = "IDLE"',
            'm.d.sync += self.o_walks.valid.eq(0)\n                    m.next = "IDLE"',
        ),
        Defect(
            "another link takes over while a RETIRE is under way",
            "replay/retirer.py",
            "with m.If(retire.ready): m.d.sync += retire.valid.eq(0)",
            "with m.If(retire.ready): m.d.sync += [retire.valid.eq(0), retire.p.lid.eq(lag.lid)]",
        ),
    )

    def build(self, h):
        m = h.m
        whole = retirer.RUN, retirer.RUN_BITS
        retirer.RUN, retirer.RUN_BITS = 4, 3
        try:
            dut = retirer.Retirer(shrunk(slots=8, sets=2))
            m.submodules.dut = built(dut)
        finally:
            retirer.RUN, retirer.RUN_BITS = whole
        h.drive(dut, "i_lag", "o_retire", "i_retired", "i_walk")
        h.streams(dut)
        lag, retire, passed = dut.i_lag, dut.o_retire, dut.o_passed
        h.assume_if(lag.valid, lag.p.count != 0)
        following = Array(h.constant(3, f"following{slot}") for slot in range(8))
        # The memory is the replayer's where `i_walk` is high.
        reads = dut.successor.en & ~dut.i_walk
        read, shown = h.past(reads), h.past(following[dut.successor.addr])
        m.d.comb += dut.successor.data.eq(Mux(read, shown, h.free(3, "others")))
        h.check_if(dut.successor.used, read)

        # The run, by the book: whose, how long; the slot that is passed next; what became of it.
        serves, taken = Signal(), Signal()
        lid, count, done = Signal(2), Signal(3), Signal(3)
        at, last = Signal(3), Signal(3)
        came, newest = Signal(3), Signal(3)  # with the one that is told of in this clock
        m.d.comb += [came.eq(done + passed.valid), newest.eq(Mux(passed.valid, at, last))]
        h.assume_if(dut.i_retired, taken)
        with m.If(lag.valid & (~serves | dut.i_retired)):
            m.d.sync += [
                serves.eq(1),
                taken.eq(0),
                lid.eq(lag.p.lid),
                count.eq(Mux(lag.p.count < 4, lag.p.count, 4)),
                done.eq(0),
                at.eq(lag.p.head),
            ]
        with m.Elif(dut.i_retired):
            m.d.sync += [serves.eq(0), taken.eq(0)]
        with m.Else():
            # The last one comes with the RETIRE, which may be taken at once.
            with m.If(passed.valid):
                m.d.sync += [done.eq(done + 1), last.eq(at), at.eq(following[at])]
            with m.If(retire.valid & retire.ready):
                m.d.sync += taken.eq(1)
        h.check(dut.o_walks.valid == serves)
        h.check_if(serves, dut.o_walks.p == lid)
        h.check_if(passed.valid, serves & (done != count) & (passed.p == at))
        h.check_if(
            retire.valid,
            serves
            & ~taken
            & (came == count)
            & (retire.p.lid == lid)
            & (retire.p.count == count)
            & (retire.p.slot == newest),
        )
        # Soon: a slot in every second clock in which it need not wait.
        waits = Signal(3)
        with m.If(~serves | dut.i_retired | passed.valid):
            m.d.sync += waits.eq(0)
        with m.Else():
            m.d.sync += waits.eq(waits + ~dut.i_walk)
        h.check_if(serves & (came != count), waits <= 2)
        h.check(retire.valid == (serves & ~taken & (came == count)))
        h.reach(retire.valid & retire.ready & (count == 4) & h.past(h.past(dut.i_walk)))
        h.reach(passed.valid & (done == 0) & h.past(h.past(h.past(dut.i_retired))))
        h.reach(~serves & h.past(dut.i_retired))


class _ShortQueue(Replayer):
    QUEUE = 2


class Replays(Proof):
    shows = (
        "Replayer: ranges are served in order, none is lost but those counted as such, which"
        " found the queue full; of each exactly the packets that are both named and passed by"
        " the sending position, oldest first, each once, with its own slot (the successor as"
        " often as it lies behind the head) and ID; behind a SEEK of its own, or in a walk of"
        " its link that goes on to it and does not turn back; one WALKED for each SEEK; a walk"
        " hops in every second clock in which it does not wait for Q0, so it ends; `o_hopped` once"
        " for each slot that it has passed, which it does not look at again"
    )
    config = "4 slots, 4 links, any list; queue of 2 ranges; all ranges, all places of `una`"
    depth = 26
    cover_depth = 30
    defects = (
        Defect(
            "an acknowledged slot is sent again",
            "replay/replayer.py",
            "inside.eq((place >= begin) & (place >= 0))",
            "inside.eq(place >= begin)",
        ),
        Defect(
            "what was not sent yet is sent",
            "replay/replayer.py",
            "over.eq((place > end) | (place >= passed))",
            "over.eq(place > end)",
        ),
        Defect(
            "a slot is sent under the next one's ID, too",
            "replay/replayer.py",
            "[place.eq(place + 1), hopped.eq(1), out.valid.eq(0)]",
            "[place.eq(place + 1), out.valid.eq(0)]",
        ),
        Defect(
            "a slot counts as passed while it is looked at",
            "replay/replayer.py",
            "self.o_hopped.eq(hopped)",
            "self.o_hopped.eq(self.successor.en)",
        ),
        Defect(
            "it takes what another has read",
            "replay/replayer.py",
            "self.successor.en.eq(out.ready)",
            "self.successor.en.eq(0)",
        ),
        Defect(
            "a walk takes up a range that it has passed",
            "replay/replayer.py",
            "(begin >= place) & (begin < passed)",
            "(begin < passed)",
        ),
        Defect(
            "a walk takes up another link's range",
            "replay/replayer.py",
            "ranges.r_rdy & (oldest.lid == out.p.lid)",
            "ranges.r_rdy",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = _ShortQueue(SIZE)
        h.drive(dut, "i_range", "o_replay", "i_walk")
        h.streams(dut)
        out, walk, ranges = dut.o_replay, dut.i_walk, dut.i_range
        following = Array(h.constant(2, f"following{slot}") for slot in range(4))
        # Others read there, too, when it does not.
        read, shown = h.past(dut.successor.en), h.past(following[dut.successor.addr])
        m.d.comb += dut.successor.data.eq(Mux(read, shown, h.free(2, "others")))
        h.check_if(dut.successor.used, read)
        seek, replay, walked = (
            out.valid & (out.p.walk == kind) for kind in (Walk.SEEK, Walk.REPLAY, Walk.WALKED)
        )
        h.check_if(out.valid, seek | replay | walked)
        offered = out.valid & ~h.past(out.valid & ~out.ready)  # for the first time

        # The ranges that wait, by the book: the head leaves with its SEEK, or with its first
        # REPLAY in the walk of another range.
        layout = ranges.p.shape()
        queue = [Signal(layout, name=f"queue{n}") for n in range(4)]
        level = Signal(3)
        accepted = ranges.valid & ~dut.stat_nack_queue_full
        joins = Signal()
        leaves = (seek & offered) | joins
        behind = Signal(3)
        m.d.comb += behind.eq(level - leaves)
        m.d.sync += level.eq(behind + accepted)
        for n, (entry, after) in enumerate(zip(queue, [*queue[1:], queue[3]])):
            with m.If(accepted & (behind == n)):
                m.d.sync += entry.eq(ranges.p)
            with m.Elif(leaves):
                m.d.sync += entry.eq(after)
        h.check(level <= 3)
        h.check_if(dut.stat_nack_queue_full, ranges.valid & (level >= 2))
        h.check_if(
            seek & offered,
            (level != 0)
            & (out.p.lid == queue[0].lid)
            & (out.p.first == queue[0].first)
            & (out.p.last == queue[0].last),
        )

        # The answer to the SEEK; what it means, by the book.
        waits, walking = Signal(), Signal()
        answered = walk.valid
        h.assume_if(answered, waits)
        h.assume(walk.p.lag + walk.p.current <= 4)
        h.assume_if(walk.p.found, walk.p.current != 0)
        with m.If(seek & out.ready):
            m.d.sync += waits.eq(1)
        with m.Elif(answered):
            m.d.sync += waits.eq(0)
        h.check_if(out.valid, ~waits)
        h.check(seek == (out.valid & ~walking))
        first, last, lid = Signal(4), Signal(4), Signal(2)
        with m.If(seek):
            m.d.sync += [first.eq(out.p.first), last.eq(out.p.last), lid.eq(out.p.lid)]
        una, lag, current, head = Signal(4), Signal(3), Signal(3), Signal(2)
        place, end = Signal(signed(6)), Signal(signed(6))  # of the next REPLAY; the last one
        stands = Signal(signed(6))  # behind what was sent in this walk
        with m.If(answered):
            begin = (first - walk.p.una)[:4].as_signed()
            m.d.sync += [
                una.eq(walk.p.una),
                lag.eq(walk.p.lag),
                current.eq(walk.p.current),
                head.eq(walk.p.head),
                walking.eq(walk.p.found),
                stands.eq(0),
                place.eq(Mux(begin < 0, 0, begin)),
                end.eq((last - walk.p.una)[:4].as_signed()),
            ]
        next_begin, next_end = Signal(signed(6)), Signal(signed(6))
        from_una = (queue[0].first - una)[:4].as_signed()
        m.d.comb += [
            next_begin.eq(Mux(from_una < 0, 0, from_una)),
            next_end.eq((queue[0].last - una)[:4].as_signed()),
        ]
        at, slots = head, []
        for _ in range(8):
            slots.append(at)
            at = following[at]
        now = Signal(signed(6))
        hops = Signal(4)
        m.d.sync += hops.eq(Mux(answered, 0, hops + dut.o_hopped))
        h.check_if(dut.o_hopped, read & (h.past(dut.successor.addr) == Array(slots)[hops[:3]]))
        h.check_if(replay, hops == now + lag)
        h.check_if(walked, hops <= lag + current)
        wanted = Signal()  # there is one more of the range
        m.d.comb += [
            wanted.eq((place <= end) & (place < current)),
            joins.eq(replay & offered & ~wanted),
            now.eq(Mux(joins, next_begin, place)),
        ]
        h.check_if(
            joins,
            (level != 0)
            & (queue[0].lid == lid)
            & (next_begin >= stands)
            & (next_begin <= next_end)
            & (next_begin < current),
        )
        h.check_if(
            replay,
            walking
            & (wanted | joins)
            & (out.p.first == (una + now)[:4])
            & (out.p.lid == lid)
            & (out.p.slot == Array(slots)[(now + lag)[:3]]),
        )
        h.check_if(walked, walking & ~wanted & (out.p.lid == lid))
        with m.If(joins):
            m.d.sync += [place.eq(next_begin), end.eq(next_end)]
        with m.If(replay & out.ready):
            m.d.sync += [place.eq(now + 1), stands.eq(now + 1)]
        with m.If(walked & out.ready):
            m.d.sync += walking.eq(0)
        quiet = Signal(5)  # clocks of a walk without an offer
        m.d.sync += quiet.eq(Mux(walking & ~out.valid, quiet + 1, 0))
        h.check(quiet <= 16)
        h.reach(walked & (lag == 2) & (place == 2) & (una == 15) & (first == 0))
        h.reach(walked & (current == 4) & (place == 4) & (first == una) & (last != first))
        h.reach(dut.stat_nack_queue_full & replay)
        h.reach(joins & (now == 2))
