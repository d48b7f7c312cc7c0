"""Background events of a selective receiver: the timer's questions for what is missing.

An ASK is raised when the one before has left Q3, so a round of questions sees the link's tag as it
is then. Source: decision R6.
"""

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from .lookup import looked_layout

__all__ = ["Ask", "ask_layout", "ask_start_layout"]


def ask_start_layout(config):
    """A round of questions begins: link, and its first missing ID."""
    return data.StructLayout({"lid": config.lid_bits, "id": 32})


def ask_layout(config):
    """An ASK for ID `id`; the IDs from `first` up to there are missing."""
    return data.StructLayout({"lid": config.lid_bits, "id": 32, "first": 32})


class Ask(wiring.Component):
    """Asks for what is missing of one link, ID by ID, so that each gap is NACKed again by itself.

    Members
    -------
    i_start : In(event of ask start)
        Begin with the first missing ID. Only while no round of questions is under way.
    o_ask : Out(stream of ask)
        The next ASK. The event itself sends the NACK, where a run of missing IDs ends.
    i_asked : In(event of looked)
        An ASK has left Q3: whether the round goes on (with the next ID), and whether its ID is
        kept.
    o_over : Out(1)
        One clock high: the round is over.

    Timing: the first ASK one clock after `i_start`, each further one in the clock after the answer
    to the one before: so one for each passage through the pipeline. `o_over` with the last answer.

    Reset: no round is under way.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_start": In(event_signature(ask_start_layout(config))),
                "o_ask": Out(stream.Signature(ask_layout(config))),
                "i_asked": In(event_signature(looked_layout())),
                "o_over": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ask, start, asked = self.o_ask, self.i_start, self.i_asked
        next_id = Signal(32)
        m.d.comb += [next_id.eq(ask.p.id + 1), self.o_over.eq(asked.valid & ~asked.p.on)]
        with m.If(ask.valid & ask.ready):
            m.d.sync += ask.valid.eq(0)
        with m.If(start.valid):
            m.d.sync += [
                ask.valid.eq(1),
                ask.p.lid.eq(start.p.lid),
                ask.p.id.eq(start.p.id),
                ask.p.first.eq(start.p.id),
            ]
        with m.Elif(asked.valid & asked.p.on):
            m.d.sync += [ask.valid.eq(1), ask.p.id.eq(next_id)]
            with m.If(asked.p.hit):
                m.d.sync += ask.p.first.eq(next_id)
        return m
