"""The other half of Q3: hands the outcome to the wire, the memories and the host.

From the registers of Q3, into registers. The frame's IDs are computed here, so that Q2 has less to
do: all are sums with the new tag. Sections 1.2, 5.1, 5.2 and 7 of the protocol.
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import (
    control_frame_layout,
    event_signature,
    form_layout,
    host_result_layout,
    notice_layout,
    payload_frame_layout,
    rx_verdict_layout,
    slot_append_layout,
    slot_free_layout,
    trace_layout,
)
from ..link.effects import EFFECTS, LINK_STATS
from ..link.fsm import Action, Event, LinkState
from ..link.ready import push_layout
from ..protocol import Opcode
from ..reorder.ask import ask_start_layout, asked_layout
from ..reorder.lookup import look_job_layout, looked_layout
from ..replay.replayer import range_layout, walk_layout
from ..replay.retirer import RUN_BITS, lag_layout
from .q2_guards import at_share
from .records import SILENT, RxBase, TxBase, committed_layout
from .trace import Trace

__all__ = ["Commit", "STATS"]

STATS = {
    **{f"stat_{name}": meaning for name, meaning in LINK_STATS.items()},
    "stat_payload_replayed": "PAYLOAD handed to the wire again",
    "stat_payload_first_sent": "PAYLOAD handed to the wire for the first time",
    "stat_slot_retired": "event that freed replay slots whose PAYLOADs were acknowledged",
    "stat_woken": "ACK or NACK sent to wake a peer with epoch 0 that may wait for ever",
}

_DELIVERS = (Action.DELIVER, Action.DELIVER_LOOK, Action.DELIVER_KEPT)


def _outputs(config):
    """`{name: member}` of all that is handed out."""
    return {
        "o_control": Out(stream.Signature(control_frame_layout(config))),
        "o_payload": Out(stream.Signature(payload_frame_layout(config))),
        "o_append": Out(event_signature(slot_append_layout(config))),
        "o_free": Out(event_signature(slot_free_layout(config))),
        "o_withdraw": Out(event_signature(config.lid_bits)),
        "o_push": Out(event_signature(push_layout(config))),
        "o_verdict": Out(event_signature(rx_verdict_layout(config))),
        "o_result": Out(event_signature(host_result_layout)),
        "o_notice": Out(event_signature(notice_layout)),
        "o_trace": Out(event_signature(trace_layout(config))),
        "o_kept": Out(event_signature(2)),
        "o_look_job": Out(event_signature(look_job_layout(config))),
        "o_looked": Out(event_signature(looked_layout())),
        "o_ask_start": Out(event_signature(ask_start_layout(config))),
        "o_asked": Out(event_signature(asked_layout())),
        "o_range": Out(event_signature(range_layout(config))),
        "o_walk": Out(event_signature(walk_layout(config))),
        "o_lag": Out(event_signature(lag_layout(config))),
        "o_retired": Out(1),
        "o_victim": Out(event_signature(config.lid_bits)),
        "o_control_unused": Out(1),
        "o_payload_unused": Out(1),
        "o_retry": Out(1),
        **{name: Out(1) for name in STATS},
    }


class Commit(wiring.Component):
    """Everything that follows from an event in Q3, except the tag.

    Parameters
    ----------
    config : Config
    registered : bool
        Whether the outputs are registers. Without them they are a function of the event, which is
        what tests and proofs of a single event look at.

    Members
    -------
    i_done : In(event of `committed_layout`)
    o_control : Out(stream of control frame), o_payload : Out(stream of PAYLOAD frame)
        To the transmit queues. `ready` is not looked at: Q0's credits promise room.
    o_append, o_free : Out(event)
        To `replay.lists`; never both in one clock.
    o_withdraw : Out(event of lid)
        A go-back-N NACK, or NACK_FULL: what the link has in the transmit queue goes out later, in
        order.
    o_push : Out(event of push)
        To `link.ready`.
    o_verdict, o_result, o_notice, o_trace : Out(event)
    o_kept : Out(event of vc)
        The received payload is kept: its verdict comes later.
    o_look_job, o_looked, o_ask_start, o_asked : Out(event)
        To `reorder.lookup` and `reorder.ask`.
    o_range, o_walk, o_lag : Out(event), o_retired : Out(1)
        To `replay.replayer` and `replay.retirer`.
    o_victim : Out(event of lid)
        This link may be asked to close (decision L5).
    o_control_unused, o_payload_unused : Out(1)
        The event leaves without the frame that Q0 promised it room for.
    o_retry : Out(1)
        All slots of a link have been freed, as whenever a tag is: a payload of the host that waits
        for either may try again.
    stat_* : Out(1)
        See `STATS`.

    Timing: one clock (`registered`), all outputs of one event in the same one.
    """

    def __init__(self, config, registered=False):
        self._config, self._registered = config, registered
        super().__init__(
            {"i_done": In(event_signature(committed_layout(config))), **_outputs(config)}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.outcomes = outcomes = _Outcomes(self._config)
        wiring.connect(m, wiring.flipped(self.i_done), outcomes.i_done)
        for path, member, here in self.signature.flatten(self):
            there = outcomes
            for part in path:
                there = getattr(there, part)
            if path[0] == "i_done" or member.flow == In:
                continue
            if self._registered:
                m.d.sync += here.eq(there)
            else:
                m.d.comb += here.eq(there)
        return m


class _Outcomes(wiring.Component):
    """What `Commit` hands out, combinational."""

    def __init__(self, config):
        self._config = config
        super().__init__(
            {"i_done": In(event_signature(committed_layout(config))), **_outputs(config)}
        )

    def elaborate(self, platform):
        m = Module()
        valid = self.i_done.valid
        done = self.i_done.payload
        event, outcome, tag = done.event, done.outcome, done.tag
        is_payload = outcome.opcode == Opcode.PAYLOAD

        self._frame(m, is_payload)
        self._slots(m)
        self._background(m)
        delivers = outcome.action.as_value().matches(*_DELIVERS)
        m.d.comb += [
            self.o_push.valid.eq(valid & done.push),
            self.o_push.payload.lid.eq(done.lid),
            self.o_push.payload.vc.eq(tag.vc),
            self.o_verdict.valid.eq(
                valid
                & (
                    outcome.unkeeps
                    | ((event.event == Event.RX_PAYLOAD) & event.room & ~outcome.keeps)
                )
            ),
            self.o_verdict.payload.slot.eq(Mux(outcome.unkeeps, done.kept_slot, event.rx_slot)),
            self.o_verdict.payload.vc.eq(done.vc),
            self.o_verdict.payload.deliver.eq(delivers),
            self.o_verdict.payload.kept.eq(outcome.unkeeps),
            self.o_kept.valid.eq(valid & outcome.keeps),
            self.o_kept.payload.eq(event.vc),
            self.o_result.valid.eq(valid & (event.event == Event.HOST_PAYLOAD)),
            self.o_result.payload.vc.eq(event.vc),
            self.o_result.payload.result.eq(outcome.result),
            self.o_notice.valid.eq(valid & outcome.noticed),
            self.o_notice.payload.notice.eq(outcome.notice),
            self.o_notice.payload.node.eq(done.node),
            self.o_notice.payload.vc.eq(done.vc),
            self.o_retry.eq(valid & outcome.free_all),
            self.o_victim.valid.eq(valid & done.victim_valid),
            self.o_victim.payload.eq(done.victim),
            self.o_control_unused.eq(
                valid & ~event.event.as_value().matches(*SILENT) & ~(outcome.frame & ~is_payload)
            ),
            self.o_payload_unused.eq(valid & event.may_send & ~(outcome.frame & is_payload)),
        ]
        self._trace(m, is_payload)
        self._stats(m)
        return m

    def _frame(self, m, is_payload):
        done = self.i_done.payload
        event, outcome, tag = done.event, done.outcome, done.tag
        control, payload = self.o_control.payload, self.o_payload.payload

        ahead = Signal(self._config.count_bits)
        one_back = Signal()
        tx_id, rx_id = Signal(32), Signal(32)
        tx_from, rx_from = Signal(32), Signal(32)
        m.d.comb += tx_from.eq(tag.una)
        with m.Switch(outcome.tx_base):
            with m.Case(TxBase.END, TxBase.LAST):
                m.d.comb += ahead.eq(tag.alloc)
            with m.Case(TxBase.CURRENT):
                m.d.comb += ahead.eq(tag.current)
            with m.Case(TxBase.POSITION):
                m.d.comb += ahead.eq(event.replay.id[: len(ahead)] - tag.una[: len(ahead)])
            with m.Case(TxBase.TX_ID, TxBase.BEFORE_TX):
                m.d.comb += tx_from.eq(event.tx_id)
            with m.Case(TxBase.SEEN):
                m.d.comb += tx_from.eq(tag.seen)
            with m.Case(TxBase.MISSING):
                m.d.comb += [tx_from.eq(tag.received), ahead.eq(1)]
        m.d.comb += one_back.eq(
            outcome.tx_base.as_value().matches(
                TxBase.OPEN_ID, TxBase.LAST, TxBase.CURRENT, TxBase.BEFORE_TX
            )
        )
        with m.If(outcome.tx_base != TxBase.ZERO):
            m.d.comb += tx_id.eq(tx_from + ahead - one_back)
        one_on = outcome.rx_base.as_value().matches(RxBase.MISSING, RxBase.GAP, RxBase.RUN)
        with m.Switch(outcome.rx_base):
            with m.Case(RxBase.TX_ID):
                m.d.comb += rx_from.eq(event.tx_id)
            with m.Case(RxBase.RECEIVED, RxBase.MISSING):
                m.d.comb += rx_from.eq(tag.received)
            with m.Case(RxBase.GAP):
                m.d.comb += rx_from.eq(outcome.old_seen)
            with m.Case(RxBase.RUN):
                m.d.comb += rx_from.eq(done.before_run)
        m.d.comb += rx_id.eq(rx_from + one_on)

        m.d.comb += [
            self.o_control.valid.eq(self.i_done.valid & outcome.frame & ~is_payload),
            control.opcode.eq(outcome.opcode),
            control.node.eq(done.node),
            control.vc.eq(done.vc),
            *(
                control[name].eq(Mux(outcome.copies, event[name], tag[name]))
                for name in ("ieee", *form_layout(self._config))
            ),
            control.epoch.eq(Mux(outcome.copies, event.epoch, tag.epoch)),
            control.selective.eq(
                tag.selective
                & ((outcome.opcode == Opcode.OPEN) | (outcome.opcode == Opcode.OPEN_ACK))
            ),
            control.controlled.eq(
                tag.controlled
                & ((outcome.opcode == Opcode.OPEN) | (outcome.opcode == Opcode.OPEN_ACK))
            ),
            control.announces.eq(
                tag.controlled
                & ~outcome.copies
                & outcome.opcode.as_value().matches(Opcode.ACK, Opcode.NACK, Opcode.OPEN_ACK)
            ),
            control.tx_id.eq(tx_id),
            control.rx_id.eq(rx_id),
            control.lid.eq(done.lid),
            control.report.eq(
                (outcome.opcode == Opcode.OPEN_ACK) & (tag.state == LinkState.OPEN_RECD)
            ),
            self.o_payload.valid.eq(self.i_done.valid & outcome.frame & is_payload),
            payload.slot.eq(done.sent_slot),
            payload.lid.eq(done.lid),
            payload.node.eq(done.node),
            payload.vc.eq(done.vc),
            *(payload[name].eq(tag[name]) for name in ("ieee", *form_layout(self._config))),
            payload.epoch.eq(tag.epoch),
            payload.tx_id.eq(tx_id),
            payload.more.eq(
                tag.controlled
                & (
                    ~(outcome.sends & outcome.first_sent)
                    | (tag.current != tag.alloc)
                    | at_share(tag.alloc)
                )
            ),
        ]

    def _slots(self, m):
        done = self.i_done.payload
        outcome = done.outcome
        free = self.o_free.payload
        m.d.comb += [
            self.o_append.valid.eq(self.i_done.valid & outcome.append & (outcome.chain != 0)),
            self.o_append.payload.tail.eq(done.old_tail),
            self.o_append.payload.slot.eq(done.event.slot),
            self.o_free.valid.eq(
                self.i_done.valid
                & (outcome.pop | outcome.free_own | (outcome.free_all & (outcome.chain != 0)))
            ),
            self.o_withdraw.valid.eq(
                self.i_done.valid
                & ((outcome.action == Action.RETIRE_REPLAY) | (outcome.action == Action.HOLD))
            ),
            self.o_withdraw.payload.eq(done.lid),
            free.lid.eq(done.lid),
            free.whole_link.eq(outcome.free_all),
            free.head.eq(Mux(outcome.free_own, done.event.slot, done.old_head)),
            free.tail.eq(
                Mux(
                    outcome.free_own | outcome.run,
                    done.event.slot,
                    Mux(outcome.free_all, done.old_tail, done.old_head),
                )
            ),
            free.count.eq(
                Mux(
                    outcome.free_all,
                    outcome.chain,
                    Mux(outcome.run, done.event.retire.count[:RUN_BITS], 1),
                )
            ),
        ]

    def _background(self, m):
        """What the blocks of selective replay are told (sections 3 and 5.3)."""
        done, valid = self.i_done.payload, self.i_done.valid
        event, outcome, tag = done.event, done.outcome, done.tag
        m.d.comb += [
            self.o_look_job.valid.eq(valid & (outcome.looks | outcome.purges)),
            self.o_look_job.p.purge.eq(outcome.purges),
            self.o_looked.valid.eq(valid & (event.event == Event.LOOK)),
            self.o_looked.p.on.eq(tag.looking),
            self.o_looked.p.hit.eq(outcome.unkeeps),
            self.o_looked.p.id.eq(tag.received + 1),
            self.o_ask_start.valid.eq(valid & outcome.asks),
            self.o_ask_start.p.id.eq(tag.received + 1),
            self.o_asked.valid.eq(valid & (event.event == Event.ASK)),
            self.o_asked.p.on.eq(outcome.asks_on & (tag.state != LinkState.CLOSED)),
            self.o_lag.valid.eq(
                valid & tag.lag[1:].any() & ~outcome.walking & (tag.state != LinkState.CLOSED)
            ),
            self.o_lag.p.count.eq(tag.lag),
            self.o_lag.p.head.eq(tag.head),
            self.o_retired.eq(valid & (event.event == Event.RETIRE)),
            *(
                port.p.lid.eq(done.lid)
                for port in (self.o_look_job, self.o_ask_start, self.o_range, self.o_lag)
            ),
        ]
        # What of a range was acknowledged or not yet sent when the NACK came needs no replay, nor
        # does what the NACK's own event sends again.
        first, last = self.o_range.p.first, self.o_range.p.last
        m.d.comb += [
            self.o_range.valid.eq(valid & outcome.seeks),
            first.eq(Mux(outcome.clip_begin, tag.una, event.rx_id) + outcome.clip_oldest),
            last.eq(Mux(outcome.clip_end, tag.una + tag.sent - 1, event.tx_id)),
        ]
        walk = self.o_walk.p
        m.d.comb += [
            self.o_walk.valid.eq(valid & (event.event == Event.SEEK)),
            walk.found.eq(outcome.starts_walk),
            walk.head.eq(tag.head),
            walk.una.eq(tag.una),
            walk.lag.eq(tag.lag),
            walk.current.eq(tag.current),
        ]

    def _trace(self, m, is_payload):
        m.submodules.trace = trace = Trace(self._config)
        m.d.comb += [
            trace.i_done.valid.eq(self.i_done.valid),
            trace.i_done.payload.eq(self.i_done.payload),
            trace.i_frame.eq(self.o_control.payload),
            trace.i_more.eq(self.o_payload.payload.more & is_payload),
            trace.i_delivers.eq(self.o_verdict.payload.deliver),
        ]
        wiring.connect(m, trace.o_trace, wiring.flipped(self.o_trace))

    def _stats(self, m):
        valid, outcome = self.i_done.valid, self.i_done.payload.outcome
        for name in LINK_STATS:
            actions = [action for action, effects in EFFECTS.items() if effects.stat == name]
            m.d.comb += getattr(self, f"stat_{name}").eq(
                valid & outcome.action.as_value().matches(*actions)
            )
        m.d.comb += [
            self.stat_payload_first_sent.eq(valid & outcome.sends & outcome.first_sent),
            self.stat_payload_replayed.eq(
                valid
                & (
                    (outcome.sends & ~outcome.first_sent)
                    | outcome.resends
                    | (outcome.action == Action.RESEND)
                )
            ),
            self.stat_slot_retired.eq(valid & outcome.pop),
            self.stat_woken.eq(valid & outcome.wakes),
        ]
