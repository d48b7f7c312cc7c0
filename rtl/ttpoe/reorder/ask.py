"""Background events of a selective receiver: the timer's questions for what is missing.

Two ASKs of a round are under way at a time. What the first found the second learns in the pipeline
(`pipeline.pipeline`), where they follow each other. Source: decision R6.
"""

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature

__all__ = ["Ask", "ask_layout", "ask_start_layout", "asked_layout"]

_AHEAD = 2
"""ASKs of one round that are under way at a time."""


def ask_start_layout(config):
    """A round of questions begins: link, and its first missing ID."""
    return data.StructLayout({"lid": config.lid_bits, "id": 32})


def ask_layout(config):
    """An ASK for ID `id`."""
    return data.StructLayout({"lid": config.lid_bits, "id": 32})


def asked_layout():
    """An ASK has left Q3: whether the round goes on behind its ID."""
    return data.StructLayout({"on": 1})


class Ask(wiring.Component):
    """Asks for what is missing of one link, ID by ID, so that each gap is NACKed again by itself.

    Members
    -------
    i_start : In(event of ask start)
        Begin with the first missing ID. Only while no round of questions is under way.
    o_ask : Out(stream of ask)
        The next ASK. The event itself sends the NACK, where a run of missing IDs ends.
    i_asked : In(event of asked)
        An ASK has left Q3.
    o_over : Out(1)
        One clock high: the round is over, and none of its ASKs is under way.

    Timing: the first ASK one clock after `i_start`, the second one as soon as that has entered,
    each further one in the clock after an answer. `o_over` with the last answer.

    Reset: no round is under way.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_start": In(event_signature(ask_start_layout(config))),
                "o_ask": Out(stream.Signature(ask_layout(config))),
                "i_asked": In(event_signature(asked_layout())),
                "o_over": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ask, start, asked = self.o_ask, self.i_start, self.i_asked
        waits = Signal(range(_AHEAD + 1))  # ASKs without an answer, also one that has not entered
        ends = Signal()  # an answer was that the round is over
        entered, over, more = Signal(), Signal(), Signal()
        m.d.comb += [
            entered.eq(ask.valid & ask.ready),
            over.eq(ends | (asked.valid & ~asked.p.on)),
            # Another one: the last has entered, and fewer are under way than may be.
            more.eq((entered | ~ask.valid) & ~over & ((waits == 1) | asked.valid)),
            self.o_over.eq(asked.valid & over & (waits == 1)),
        ]
        with m.If(entered):
            m.d.sync += ask.p.id.eq(ask.p.id + 1)
        with m.If(start.valid):
            m.d.sync += [ask.valid.eq(1), waits.eq(1), ends.eq(0), ask.p.eq(start.p)]
        with m.Elif(waits != 0):
            m.d.sync += [
                ask.valid.eq(more | (ask.valid & ~entered)),
                waits.eq(waits + more - asked.valid),
                ends.eq(over),
            ]
        return m
