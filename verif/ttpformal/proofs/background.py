"""Proofs of the blocks of selective replay: look-up, questions, replays, frees."""

from amaranth.hdl import Array, Mux, Signal, signed

from ttpoe.reorder.ask import Ask
from ttpoe.reorder.lookup import LookUp
from ttpoe.replay.replayer import Replayer, Walk
from ttpoe.replay.retirer import Retirer

from ..proof import Defect, Proof, shrunk

SIZE = shrunk(slots=4, sets=2, reorder_slots=2)


class Lookup(Proof):
    shows = (
        "LookUp: every job is served once, in order: a look-up goes on exactly as its answers"
        " say; a purge names every place of the directory once, `last` with the last; the next"
        " job begins within 3 clocks"
    )
    config = "2 reorder slots (directory of 8), 4 links, IDs below 8"
    depth = 16
    cover_depth = 24
    defects = (
        Defect(
            "a purge leaves the last place out",
            "reorder/lookup.py",
            "config.reorder_window - 2",
            "config.reorder_window - 3",
        ),
        Defect(
            "a look-up goes on with the ID it had",
            "reorder/lookup.py",
            "m.d.sync += look.p.id.eq(self.i_looked.p.id)",
            "m.d.sync += []",
        ),
        Defect(
            "a look-up ends with its first answer",
            "reorder/lookup.py",
            "with m.If(self.i_looked.p.on):",
            "with m.If(0):",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = LookUp(SIZE)
        h.drive(dut)
        h.streams(dut)
        job, look, looked = dut.i_job, dut.o_look, dut.i_looked
        h.assume(looked.p.id[3:] == 0)
        taken = look.valid & look.ready
        waits, serving = Signal(), Signal()  # for the answer to a LOOK; a job is under way
        h.assume_if(looked.valid, waits)
        with m.If(taken & ~look.p.purge):
            m.d.sync += waits.eq(1)
        with m.Elif(looked.valid):
            m.d.sync += waits.eq(0)
        h.check_if(look.valid, ~waits)

        begins = look.valid & ~serving & ~h.past(look.valid & ~look.ready)
        ends = (looked.valid & ~looked.p.on) | (taken & look.p.purge & look.p.last)
        with m.If(ends):
            m.d.sync += serving.eq(0)
        with m.Elif(look.valid):
            m.d.sync += serving.eq(1)
        level = h.check_fifo(
            job.valid, (job.p.lid << 1) | job.p.purge, begins, (look.p.lid << 1) | look.p.purge, 5
        )
        h.assume(~job.valid | (level < 4))
        h.check_if(
            (level != 0)
            & ~serving
            & h.past((level != 0) & ~serving)
            & h.past(h.past((level != 0) & ~serving)),
            look.valid,
        )
        lid, purge, expected = Signal(2), Signal(), Signal(32)
        with m.If(begins):
            m.d.sync += [lid.eq(look.p.lid), purge.eq(look.p.purge)]
        h.check_if(look.valid & ~begins, (look.p.lid == lid) & (look.p.purge == purge))
        with m.If(looked.valid):
            m.d.sync += expected.eq(looked.p.id)
        with m.Elif(taken & look.p.purge):
            m.d.sync += expected.eq(look.p.id + 1)
        h.check_if(
            look.valid & ~begins & (h.past(taken) | h.past(looked.valid)), look.p.id == expected
        )
        h.check_if(begins & look.p.purge, look.p.id == 0)
        h.check_if(look.valid & look.p.purge, (look.p.last == (look.p.id == 7)) & (look.p.id <= 7))
        h.check_if(h.past(looked.valid & looked.p.on), look.valid)
        h.check_if(h.past(taken & look.p.purge & ~look.p.last), look.valid)
        h.reach(ends & purge & (level == 3))
        h.reach(ends & ~purge & (look.p.id == 5))


class Asks(Proof):
    shows = (
        "Ask: after `i_start` one ASK for each ID in turn, one at a time, until an answer says"
        " that it was the last, and then `o_over`, once; `first` is the ID behind the last one"
        " that was kept"
    )
    config = "as it is, 4 links; all 2^32 IDs"
    mode = "induction"
    depth = 3
    cover_depth = 12
    defect_depth = 10
    defects = (
        Defect(
            "a run goes on over a kept packet",
            "reorder/ask.py",
            "with m.If(asked.p.hit):",
            "with m.If(0):",
        ),
        Defect(
            "the round is over with every answer",
            "reorder/ask.py",
            "self.o_over.eq(asked.valid & ~asked.p.on)",
            "self.o_over.eq(asked.valid)",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = Ask(SIZE)
        h.drive(dut)
        h.streams(dut)
        start, ask, asked = dut.i_start, dut.o_ask, dut.i_asked
        under_way, offered = Signal(), Signal()  # a round; its ASK is not taken yet
        lid, now, first = Signal(2), Signal(32), Signal(32)
        h.assume_if(start.valid, ~under_way)
        h.assume_if(asked.valid, under_way & ~offered)
        h.check(ask.valid == offered)
        h.check(dut.o_over == (asked.valid & ~asked.p.on))
        h.check_if(ask.valid, (ask.p.lid == lid) & (ask.p.id == now) & (ask.p.first == first))
        h.check_if(under_way, (ask.p.lid == lid) & (ask.p.id == now) & (ask.p.first == first))
        h.check_if(offered, under_way)
        with m.If(start.valid):
            m.d.sync += [
                under_way.eq(1),
                offered.eq(1),
                lid.eq(start.p.lid),
                now.eq(start.p.id),
                first.eq(start.p.id),
            ]
        with m.Elif(asked.valid):
            m.d.sync += [under_way.eq(asked.p.on), offered.eq(asked.p.on), now.eq(now + 1)]
            with m.If(asked.p.hit):
                m.d.sync += first.eq(now + 1)
        with m.Elif(ask.ready):
            m.d.sync += offered.eq(0)
        h.reach(dut.o_over & (first == 0) & (now == 1))


class Retires(Proof):
    shows = (
        "Retirer: exactly `count` RETIREs for the link it serves, then none; what comes"
        " meanwhile is left to visits"
    )
    config = "4 slots, 4 links"
    cover_depth = 10
    defects = (
        Defect(
            "one RETIRE too few",
            "replay/retirer.py",
            "retire.valid.eq(left != 1)",
            "retire.valid.eq(left > 2)",
        ),
        Defect(
            "another link takes over",
            "replay/retirer.py",
            "m.d.sync += [left.eq(left - 1), retire",
            "m.d.sync += [left.eq(left - 1), retire.payload.eq(self.i_lag.p.lid), retire",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = Retirer(SIZE)
        h.drive(dut)
        h.streams(dut)
        lag, retire = dut.i_lag, dut.o_retire
        h.assume_if(lag.valid, lag.p.count != 0)
        left, lid = Signal(4), Signal(2)
        h.check(retire.valid == (left != 0))
        h.check_if(retire.valid, retire.payload == lid)
        with m.If((left == 0) & lag.valid):
            m.d.sync += [left.eq(lag.p.count), lid.eq(lag.p.lid)]
        with m.Elif(retire.valid & retire.ready):
            m.d.sync += left.eq(left - 1)
        h.reach(retire.valid & retire.ready & (left == 1) & h.past(h.past(left == 3)))


class _ShortQueue(Replayer):
    QUEUE = 2


class Replays(Proof):
    shows = (
        "Replayer: ranges are served in order, none is lost but those counted as such, which"
        " found the queue full; of each exactly the packets that are both named and passed by"
        " the sending position, oldest first, each once, with its own slot (the successor as"
        " often as it lies behind the head) and ID; behind a SEEK of its own, or in a walk of"
        " its link that goes on to it and does not turn back; one WALKED for each SEEK; a walk"
        " hops in every second clock in which it does not wait for Q0, so it ends"
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
        m.d.comb += dut.successor.data.eq(h.past(following[dut.successor.addr]))
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
        wanted = Signal()  # there is one more of the range
        now = Signal(signed(6))
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
