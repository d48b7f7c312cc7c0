"""Background events of a selective receiver: look-ups for kept packets, and clearing up.

Two LOOKs of a look-up are under way. The second asks for the ID behind the first one's, before that
is answered. When none is under way, the last answer says which ID is next. Source: decisions R5
and R10.
"""

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..memory.protected import ERRORS, SmallFifo, errors_of, protected_fifo, report

__all__ = ["LookUp", "look_layout", "look_job_layout", "looked_layout"]

_AHEAD = 2
"""LOOKs of one look-up that are under way at a time."""


def look_job_layout(config):
    """What a link wants: a look-up, or (`purge`) that what it kept is freed."""
    return data.StructLayout({"purge": 1, "lid": config.lid_bits})


def look_layout(config):
    """A LOOK for ID `id`, or a PURGE of the place that belongs to `id`.

    `last`: of a PURGE, it is the last one; of a LOOK, the one for the ID before was under way when
    it was offered (`look.ahead`).
    """
    return data.StructLayout({"purge": 1, "last": 1, "lid": config.lid_bits, "id": 32})


def looked_layout():
    """What became of a LOOK: go `on` with `id`; `hit`: its ID was kept, and has been delivered."""
    return data.StructLayout({"on": 1, "hit": 1, "id": 32})


class LookUp(wiring.Component):
    """Delivers kept packets in order, and frees those of links that have ended.

    Members
    -------
    i_job : In(event of look job)
        Never more at a time than there are reorder slots for each kind: a look-up is asked for by
        a link that keeps something and has none under way, a purge once by a link that ended.
    o_look : Out(stream of look)
        The next LOOK or PURGE. A look-up begins with whatever ID was the last one; if it is not
        the right one that LOOK does nothing, and its answer says which ID is.
    i_looked : In(event of looked)
        A LOOK has left Q3: whether it delivered, whether the look-up goes on, and with which ID.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: job in clock n with none waiting, first event in clock n + 3. The first LOOK is alone.
    Its answer brings the next LOOK in the clock behind it, and one more as soon as that has
    entered. While answers are hits, each brings another LOOK in the clock behind it. Behind a miss
    all answers are waited for. A PURGE per clock, `reorder_window` of them for a link.

    Reset: no job waits.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_job": In(event_signature(look_job_layout(config))),
                "o_look": Out(stream.Signature(look_layout(config))),
                "i_looked": In(event_signature(looked_layout())),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, look = self._config, self.o_look
        m.submodules.jobs = jobs = protected_fifo(
            config.protect,
            SmallFifo,
            width=look_job_layout(config).size,
            depth=2 * config.reorder_slots,
        )
        report(m, config.protect, self.o_errors, errors_of(jobs))
        job = Signal(look_job_layout(config))
        m.d.comb += [
            jobs.w_data.eq(self.i_job.payload),
            jobs.w_en.eq(self.i_job.valid),
            job.eq(jobs.r_data),
        ]
        asked = Signal(range(_AHEAD + 1))  # LOOKs without an answer, also one that has not entered
        known, missed = Signal(), Signal()  # the ID is the right one; an answer was "not kept"
        over = Signal()  # an answer was that the look-up is over
        entered, answered, more = Signal(), Signal(), Signal()
        # The ID behind is asked for, too.
        m.d.comb += [
            entered.eq(look.valid & look.ready),
            answered.eq(self.i_looked.valid),
            more.eq(known & ~missed & ~(answered & ~self.i_looked.p.hit)),
        ]
        with m.FSM(name="lookup"):
            with m.State("IDLE"):
                m.d.comb += jobs.r_en.eq(1)
                m.d.sync += [known.eq(0), missed.eq(0), over.eq(0), asked.eq(jobs.r_rdy)]
                with m.If(jobs.r_rdy):
                    m.d.sync += [
                        look.p.purge.eq(job.purge),
                        look.p.last.eq(0),
                        look.p.lid.eq(job.lid),
                        look.valid.eq(1),
                    ]
                    with m.If(job.purge):
                        m.d.sync += look.p.id.eq(0)
                        m.next = "PURGE"
                    with m.Else():
                        m.next = "LOOK"
            with m.State("LOOK"):
                raises = Signal()
                m.d.comb += raises.eq(more & (entered | ~look.valid) & ((asked == 1) | answered))
                m.d.sync += [
                    look.valid.eq(raises | (look.valid & ~entered)),
                    asked.eq(asked + raises - answered),
                    missed.eq(missed | (answered & ~self.i_looked.p.hit)),
                    over.eq(over | (answered & ~self.i_looked.p.on)),
                ]
                with m.If(entered):
                    m.d.sync += [look.p.id.eq(look.p.id + 1), look.p.last.eq(1)]
                with m.If(answered & (asked == 1)):
                    # Nothing is under way: the answer says where to go on, for certain.
                    m.d.sync += [look.p.id.eq(self.i_looked.p.id), look.p.last.eq(0)]
                    with m.If(self.i_looked.p.on & ~over):
                        m.d.sync += [look.valid.eq(1), asked.eq(1), known.eq(1), missed.eq(0)]
                    with m.Else():
                        m.d.sync += [look.valid.eq(0), asked.eq(0)]
                        m.next = "IDLE"
            with m.State("PURGE"):
                with m.If(look.ready):
                    m.d.sync += [
                        look.p.id.eq(look.p.id + 1),
                        look.p.last.eq(look.p.id == config.reorder_window - 2),
                    ]
                    with m.If(look.p.last):
                        m.d.sync += look.valid.eq(0)
                        m.next = "IDLE"
        return m
