"""Proofs of `reorder/`: look-ups for kept packets, questions for missing ones.

The directory of kept packets is in `memory`.
"""

from amaranth.hdl import Signal

from ttpoe.reorder.ask import Ask
from ttpoe.reorder.lookup import LookUp

from ..proof import Defect, Proof, shrunk

SIZE = shrunk(slots=4, sets=2, reorder_slots=2)


class Lookup(Proof):
    shows = (
        "LookUp: every job is served once, in order, and none begins before all events of the one"
        " before are answered; of a look-up at most two LOOKs are without an answer; the first is"
        " alone, and so is each that goes on with the ID of the last answer, which comes in the"
        " clock behind that; behind those others, for the IDs that follow, one is offered whenever"
        " only one is under way and all answers since were hits, and that one says `last`; when all"
        " are answered the look-up goes on exactly if every answer said so; a purge names every"
        " place of the directory once, `last` with the last; the next job begins within 3 clocks"
    )
    config = "2 reorder slots (directory of 8), 4 links, answers with IDs below 8"
    depth = 16
    cover_depth = 30
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
            "m.d.sync += [look.p.id.eq(self.i_looked.p.id), look.p.last.eq(0)]",
            "m.d.sync += look.p.last.eq(0)",
        ),
        Defect(
            "a look-up ends with its first answer",
            "reorder/lookup.py",
            "with m.If(self.i_looked.p.on & ~over):",
            "with m.If(0):",
        ),
        Defect(
            "only the last answer ends a look-up",
            "reorder/lookup.py",
            "with m.If(self.i_looked.p.on & ~over):",
            "with m.If(self.i_looked.p.on):",
        ),
        Defect(
            "what lies behind the first LOOK is asked for, too",
            "reorder/lookup.py",
            "more.eq(known & ~missed &",
            "more.eq(~missed &",
        ),
        Defect(
            "it asks ahead behind an ID that was not kept",
            "reorder/lookup.py",
            "more.eq(known & ~missed & ~(answered & ~self.i_looked.p.hit))",
            "more.eq(known & ~(answered & ~self.i_looked.p.hit))",
        ),
        Defect(
            "three LOOKs are under way",
            "reorder/lookup.py",
            "(entered | ~look.valid) & ((asked == 1) | answered)",
            "(entered | ~look.valid) & (asked != 3)",
        ),
        Defect(
            "a LOOK does not say that it is ahead",
            "reorder/lookup.py",
            "m.d.sync += [look.p.id.eq(look.p.id + 1), look.p.last.eq(1)]",
            "m.d.sync += [look.p.id.eq(look.p.id + 1), look.p.last.eq(0)]",
        ),
    )

    def build(self, h):
        m = h.m
        m.submodules.dut = dut = LookUp(SIZE)
        h.drive(dut)
        h.streams(dut)
        look, looked = dut.o_look, dut.i_looked
        h.assume(looked.p.id[3:] == 0)
        taken, answered = look.valid & look.ready, looked.valid
        offered = look.valid & ~h.past(look.valid & ~look.ready)  # for the first time
        # LOOKs that were taken and have no answer; a job is under way.
        pending, serving, purge = Signal(2), Signal(), Signal()
        h.assume_if(answered, pending != 0)
        m.d.sync += pending.eq(pending + (taken & ~look.p.purge) - answered)
        h.check(pending + (look.valid & ~look.p.purge) <= 2)

        begins = look.valid & ~serving
        goes_on = Signal(init=1)  # all answers said so
        silent = (pending == 1) & answered & ~look.valid  # now all are answered, none waits
        over = Signal()
        m.d.comb += over.eq(silent & ~(goes_on & looked.p.on))
        ends = over | (taken & look.p.purge & look.p.last)
        m.d.sync += [
            goes_on.eq(over | (goes_on & ~(answered & ~looked.p.on))),
            serving.eq((serving | look.valid) & ~ends),
        ]
        self.jobs(h, dut, begins, ends, serving)
        lid, follows = Signal(2), Signal(32)  # the job's link; the ID behind the one taken last
        with m.If(begins):
            m.d.sync += [lid.eq(look.p.lid), purge.eq(look.p.purge)]
        h.check_if(look.valid & ~begins, (look.p.lid == lid) & (look.p.purge == purge))
        with m.If(taken):
            m.d.sync += follows.eq(look.p.id + 1)

        # A LOOK that is alone, and those behind it.
        is_look = look.valid & ~look.p.purge
        chains = Signal()  # more may follow: the last one alone was not the first of its job
        hits = Signal()  # all answers since then were hits
        with m.If(offered & is_look & ~look.p.last):
            m.d.sync += [chains.eq(~begins), hits.eq(1)]
        with m.Elif(answered):
            m.d.sync += hits.eq(hits & looked.p.hit)
        alone = offered & is_look & ~look.p.last
        h.check_if(alone | begins, pending == 0)
        h.check_if(alone & ~begins, h.past(silent & ~over) & (look.p.id == h.past(looked.p.id)))
        h.check_if(h.past(silent & ~over), alone & ~begins)
        ahead = is_look & look.p.last
        h.check_if(ahead, chains & (look.p.id == follows))
        h.check_if(ahead & offered, hits & (pending == 1))
        h.check_if(chains & hits & (pending == 1), ahead)

        h.check_if(begins & look.p.purge, look.p.id == 0)
        h.check_if(look.valid & look.p.purge, (look.p.last == (look.p.id == 7)) & (look.p.id <= 7))
        h.check_if(h.past(taken & look.p.purge), ~offered | begins | (look.p.id == follows))
        h.check_if(h.past(taken & look.p.purge & ~look.p.last), look.valid)
        h.reach(over & ~goes_on & looked.p.on & chains)
        h.reach(alone & h.past(~hits & looked.p.hit) & (look.p.id == 5))
        h.reach(ahead & offered & (look.p.id == 3) & h.past(h.past(answered)))

    def jobs(self, h, dut, begins, ends, serving):
        """Each is served once, in order, soon; as many wait as may."""
        job, look = dut.i_job, dut.o_look
        level = h.check_fifo(
            job.valid, (job.p.lid << 1) | job.p.purge, begins, (look.p.lid << 1) | look.p.purge, 5
        )
        h.assume(~job.valid | (level < 4))
        waits = (level != 0) & ~serving
        h.check_if(waits & h.past(waits & h.past(waits)), look.valid)
        h.reach(ends & look.p.purge & (level == 3))


class Asks(Proof):
    shows = (
        "Ask: after `i_start` one ASK for each ID in turn, from the first one on, each once; at most"
        " two are without an answer, and two are, or one waits to be taken, until an answer says"
        " that it was the last; then none is offered any more, and `o_over` comes once, with the"
        " answer to the last of those under way"
    )
    config = "as it is, 4 links; all 2^32 IDs"
    mode = "induction"
    depth = 3
    cover_depth = 12
    defect_depth = 12
    defects = (
        Defect(
            "the round is over while one waits to be taken",
            "reorder/ask.py",
            "self.o_over.eq(asked.valid & over & (waits == 1))",
            "self.o_over.eq(asked.valid & over & ((waits == 1) | ask.valid))",
        ),
        Defect(
            "the round is over while one is under way",
            "reorder/ask.py",
            "self.o_over.eq(asked.valid & over & (waits == 1))",
            "self.o_over.eq(asked.valid & over)",
        ),
        Defect(
            "only the last answer ends a round", "reorder/ask.py", "ends.eq(over)", "ends.eq(0)"
        ),
        Defect(
            "an ID is left out",
            "reorder/ask.py",
            "with m.If(entered):",
            "with m.If(entered | (asked.valid & ~ask.valid)):",
        ),
        Defect(
            "three are under way", "reorder/ask.py", "((waits == 1) | asked.valid)", "(waits != 3)"
        ),
        Defect(
            "one is under way at a time",
            "reorder/ask.py",
            "((waits == 1) | asked.valid)",
            "asked.valid",
        ),
    )

    def build(self, h):
        m = h.m
        dut = Ask(SIZE)
        inner = h.opened(dut)
        h.drive(dut)
        h.streams(dut)
        start, ask, asked = dut.i_start, dut.o_ask, dut.i_asked
        under_way, ended = Signal(), Signal()  # a round; an answer was that it is over
        offered, pending = Signal(), Signal(2)  # one waits to be taken; so many to be answered
        lid, now = Signal(2), Signal(32)
        h.assume_if(start.valid, ~under_way)
        h.assume_if(asked.valid, pending != 0)
        taken = offered & ask.ready
        left, waits, last, over = Signal(2), Signal(), Signal(), Signal()
        m.d.comb += [
            left.eq(pending + taken - asked.valid),
            waits.eq(offered & ~ask.ready),
            last.eq(ended | (asked.valid & ~asked.p.on)),
            over.eq(under_way & last & ~waits & (left == 0)),
        ]
        h.check(ask.valid == offered)
        h.check(dut.o_over == over)
        h.check_if(over, asked.valid)
        h.check_if(under_way, (ask.p.lid == lid) & (ask.p.id == now))
        h.check(offered + pending <= 2)
        h.check_if(under_way & ~ended, offered | (pending == 2))
        h.check(under_way == (offered | (pending != 0)))
        h.check(inner["waits"] == offered + pending)
        h.check_if(under_way, inner["ends"] == ended)
        m.d.sync += [
            now.eq(now + taken),
            pending.eq(left),
            ended.eq(last),
            offered.eq(waits | (under_way & ~last & (left != 2))),
            under_way.eq(under_way & ~over),
        ]
        with m.If(start.valid):
            m.d.sync += [
                under_way.eq(1),
                ended.eq(0),
                offered.eq(1),
                lid.eq(start.p.lid),
                now.eq(start.p.id),
            ]
        h.reach(over & (now == 1) & h.past(pending == 2))
