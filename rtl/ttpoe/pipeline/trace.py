"""The record of an event that leaves the pipeline; the scoreboard reads nothing else."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import (
    HEADER_FIELDS,
    RECEIVED_FIELDS,
    control_frame_layout,
    event_signature,
    form_layout,
    trace_layout,
)
from ..link.fsm import Action
from .records import committed_layout

__all__ = ["Trace"]


class Trace(wiring.Component):
    """Puts together what `layouts.trace_layout` says of the event in Q3.

    Members
    -------
    i_done : In(event of `committed_layout`)
    i_frame : In(control frame)
        The frame that the event sends, if it sends one; a PAYLOAD has the same fields.
    i_more : In(1)
        It is a PAYLOAD with more behind it.
    i_delivers : In(1)
        It hands a payload to the host.
    o_trace : Out(event of trace)
        In the same clock as `i_done`.

    Timing: combinational.
    """

    def __init__(self, config):
        self._forms = form_layout(config)
        super().__init__(
            {
                "i_done": In(event_signature(committed_layout(config))),
                "i_frame": In(control_frame_layout(config)),
                "i_more": In(1),
                "i_delivers": In(1),
                "o_trace": Out(event_signature(trace_layout(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        done, trace = self.i_done.payload, self.o_trace.payload
        event, outcome = done.event, done.outcome
        m.d.comb += [
            self.o_trace.valid.eq(self.i_done.valid),
            trace.event.eq(event.event),
            trace.lid.eq(done.lid),
            trace.node.eq(done.node),
            trace.vc.eq(done.vc),
            trace.old_state.eq(outcome.old_state),
            trace.new_state.eq(done.tag.state),
            trace.action.eq(outcome.action),
            *(trace[name].eq(event[name]) for name in (*RECEIVED_FIELDS, "room")),
            *(trace[name].eq(outcome[name]) for name in ("free", "slow", "coin", "crowded")),
            trace.frame_more.eq(self.i_more),
            trace.delivered.eq(self.i_delivers),
            trace.kept.eq(outcome.keeps),
            trace.background.eq(
                outcome.action.as_value().matches(Action.RETIRE_ONE, Action.RETIRE_RUN)
            ),
            trace.frees.eq(outcome.pop),
            trace.result.eq(outcome.result),
            trace.frame.eq(outcome.frame),
            *(
                trace[f"frame_{name}"].eq(self.i_frame[name])
                for name in (*HEADER_FIELDS, *self._forms)
            ),
            trace.noticed.eq(outcome.noticed),
            trace.notice.eq(outcome.notice),
        ]
        return m
