"""Q2, third clock: the new tag, from the old one, the control bits and the facts.

`head`, `next` and `queued` are finished by Q3. Sections 2 to 6 and 10.1 of the protocol.
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import form_layout
from ..link.fsm import LinkState
from ..link.table import tag_layout
from ..protocol import DATA, Opcode
from ..replay.retirer import RUN_BITS
from .q2_guards import facts_layout
from .q2_rules import control_layout
from .records import TxBase, guards_layout, outcome_layout, pipeline_event_layout

__all__ = ["NewTag"]


class NewTag(wiring.Component):
    """The new tag, and the part of the outcome that depends on more than the action.

    Members
    -------
    i_event, i_tag, i_asking, i_first_id, i_epoch, cfg_init_id, cfg_selective, cfg_congestion : In
        See `q2_decide.Decide`.
    i_before, i_after : In(32)
        TxID - 1, RxID + 1 of the event.
    i_guards : In(guards_layout), i_facts : In(facts_layout), i_control : In(control_layout),
    i_outcome : In(outcome)
        What the clocks in front found.
    o_tag : Out(tag)
    o_outcome : Out(outcome)

    Timing: combinational.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_event": In(pipeline_event_layout(config)),
                "i_tag": In(tag_layout(config)),
                "i_before": In(32),
                "i_after": In(32),
                "i_guards": In(guards_layout()),
                "i_facts": In(facts_layout(config)),
                "i_control": In(control_layout()),
                "i_outcome": In(outcome_layout(config)),
                "i_asking": In(1),
                "i_first_id": In(32),
                "i_epoch": In(16),
                "cfg_init_id": In(32),
                "cfg_selective": In(1),
                "cfg_congestion": In(1),
                "o_tag": Out(tag_layout(config)),
                "o_outcome": Out(outcome_layout(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o_outcome.eq(self.i_outcome)
        self._replays(m)
        self._retire(m)
        self._new_tag(m)
        self._reorder(m)
        return m

    def _replays(self, m):
        """What a NACK sends at once (R7, R9, R12), and what the timer's NACK names (R6)."""
        tag, do, out, fact = self.i_tag, self.i_control, self.o_outcome, self.i_facts
        self.resends = Signal()
        overtaken = Signal()  # a packet sent after the oldest has arrived (R12)
        m.d.comb += [
            overtaken.eq(do.seeks & fact.overtakes),
            self.resends.eq(do.resends & fact.may_resend & (fact.named | overtaken)),
            out.resends.eq(self.resends),
            out.seeks.eq(do.seeks & ~tag.held & ~(self.resends & fact.ends_at_una)),
            out.clip_begin.eq(do.seeks & fact.before_una),
            out.clip_oldest.eq(self.resends & fact.named),
            out.clip_end.eq(do.seeks & fact.ends_past_sent),
            out.starts_walk.eq(do.starts_walk),
            out.walking.eq(fact.walks_on | do.starts_walk),
        ]
        with m.If(self.resends):
            m.d.comb += [
                out.frame.eq(1),
                out.opcode.eq(Opcode.PAYLOAD),
                out.tx_base.eq(TxBase.FIRST),
            ]

        with m.If(do.asks & tag.selective):
            asks_all = self.i_guards.KEPT_ANY & ~self.i_asking
            m.d.comb += [
                out.frame.eq(~tag.looking & ~asks_all),
                out.asks.eq(~tag.looking & asks_all),
                out.tx_base.eq(Mux(self.i_guards.KEPT_ANY, TxBase.MISSING, TxBase.SEEN)),
            ]
        m.d.comb += out.asks_on.eq(fact.within_gap & ~self.i_guards.AT_SEEN)

    def _retire(self, m):
        """How many IDs this event acknowledges, and whether slots leave the list.

        However many IDs an ACK covers, the window moves at once. One slot is freed now, or none
        while the first may not be; `lag` says how many are left. RETIRE frees a run of them.
        """
        do, fact = self.i_control, self.i_facts
        self.retire_count = Signal(self._config.count_bits)
        covers = Signal()  # the ID itself is acknowledged, not only older ones
        m.d.comb += covers.eq(do.ack | (fact.in_window & (do.open | (do.close & ~fact.tx_zero))))
        with m.If(covers):
            m.d.comb += self.retire_count.eq(fact.ack_next)
        with m.Elif(do.nack & fact.in_window):
            m.d.comb += self.retire_count.eq(fact.ack_low)
        self.covers = covers
        self.retires = Signal()
        m.d.comb += [
            self.retires.eq(self.retire_count != 0),
            self.o_outcome.retired.eq(self.retires),
            self.o_outcome.chain.eq(fact.chain),
            self.o_outcome.pop.eq(
                (
                    (do.ack | do.nack | do.close | do.open | do.one)
                    & (fact.lags | self.retires)
                    & ~fact.walking
                )
                | do.run
            ),
        ]

    def _new_tag(self, m):
        event, old, new = self.i_event, self.i_tag, self.o_tag
        do, guard, fact, out = self.i_control, self.i_guards, self.i_facts, self.o_outcome
        ours = Signal()
        first_send = Signal()
        m.d.comb += [
            ours.eq(do.fresh | do.answer),
            first_send.eq(do.sends & fact.at_sent),
            out.sends.eq(do.sends),
            out.first_sent.eq(first_send),
            new.eq(old),
            new.state.eq(do.next_state),
        ]
        self._new_window(m, ours, first_send)
        self._new_received(m)

        # Closing (decisions C1 to C6).
        acks_all = Mux(self.covers, fact.acks_all, fact.lows_all)
        completes = (self.retires & acks_all & ~guard.END_AHEAD) | (
            do.accepts & guard.END_AHEAD & fact.at_end & guard.EMPTY
        )
        with m.If(do.closes):
            m.d.comb += new.close_due.eq(0)
        with m.Elif(do.close_later | (completes & old.close_nacked)):
            m.d.comb += new.close_due.eq(1)
        declared = ~fact.tx_zero
        with m.If(do.end_last | do.as_nacked):
            m.d.comb += new.close_nacked.eq(1)
        with m.If(do.end_last & declared & ~guard.DUPLICATE):
            m.d.comb += [
                new.end.eq(event.tx_id),
                new.end_known.eq(1),
                new.end_ahead.eq(1),
                new.close_due.eq(0),
            ]
        with m.Elif(do.end_next & declared & (old.state != LinkState.CLOSE_SENT)):
            m.d.comb += [
                new.end.eq(self.i_before),
                new.end_known.eq(1),
                new.end_ahead.eq(~guard.DUPLICATE & ~guard.NEXT),
            ]
        with m.Elif(do.accepts & fact.at_end):
            m.d.comb += new.end_ahead.eq(0)

        # Timer (decisions L1 to L3).
        received = do.peer_progress & ~guard.UNACKED
        anew = received | self.retires | ours | do.moves
        with m.If(anew | first_send):
            m.d.comb += new.timer.eq(0)
        with m.Elif(do.marks):
            m.d.comb += new.timer.eq(1)
        wakes_again = do.peer_progress & guard.ZERO
        with m.If(anew | wakes_again | (first_send & (old.sent == 0))):
            m.d.comb += new.retries.eq(0)
        with m.Elif(do.counts & ~old.retries.all()):
            m.d.comb += new.retries.eq(old.retries + 1)

        # A new link, or a new incarnation of ours on this one.
        with m.If(ours):
            m.d.comb += [
                new.epoch.eq(self.i_epoch),
                new.node.eq(event.node),
                new.vc.eq(event.vc),
                *(
                    new[name].eq(0)
                    for name in (
                        "gap",
                        "held",
                        "heard",
                        "fed",
                        "guessed",
                        "doubted",
                        "asked",
                        "close_nacked",
                        "end_known",
                        "end_ahead",
                    )
                ),
            ]
        # A close that the host asked for before the link was open outlives the peer's restart.
        with m.If(ours & (old.state != LinkState.OPEN_RECD) & (old.state != LinkState.OPEN)):
            m.d.comb += new.close_due.eq(0)
        with m.If(ours | do.learns):
            m.d.comb += [new[name].eq(event[name]) for name in ("ieee", *form_layout(self._config))]
        with m.If(do.ends):
            # Of a free tag nothing else is looked at; the last word of the link still carries its
            # epoch and EtherType.
            m.d.comb += new.lag.eq(0)

    def _new_window(self, m, ours, first_send):
        """Our data: window, sending position, ends of the list (sections 3 and 5.2)."""
        event, old, new = self.i_event, self.i_tag, self.o_tag
        do, fact, out = self.i_control, self.i_facts, self.o_outcome
        # A peer whose epoch is 0 (Tesla's module) expects its OPEN's RxID + 1 (section 4).
        with m.If(self.covers | (do.answer & fact.epoch_zero)):
            m.d.comb += new.una.eq(self.i_after)
        with m.Elif(ours):
            m.d.comb += new.una.eq(self.i_first_id)
        with m.Elif(do.nack & fact.in_window):
            m.d.comb += new.una.eq(event.rx_id)

        freed = event.retire.count[:RUN_BITS]
        m.d.comb += [
            new.alloc.eq(old.alloc + out.append - self.retire_count),
            new.lag.eq(old.lag + self.retire_count - Mux(do.run, freed, out.pop)),
            new.sent.eq(old.sent + first_send - self.retire_count),
        ]
        with m.If(do.rewinds | (do.releases & old.held) | ours):
            m.d.comb += new.current.eq(do.rewinds & self.resends)
        with m.Elif(old.current >= self.retire_count):
            m.d.comb += new.current.eq(old.current + do.sends - self.retire_count)
        with m.Else():
            m.d.comb += new.current.eq(0)
        with m.If(ours):
            m.d.comb += new.sent.eq(0)
        with m.If(self.retires | self.resends | (do.sends & (old.current == 0))):
            m.d.comb += new.oldest_at.eq(new.sent)
        with m.If(out.free_all):
            m.d.comb += [new.alloc.eq(0), new.lag.eq(0)]
        # What goes out waits longest: in the list, if anything waits. What follows it is the
        # event's own, if that was the last one; the list does not say so yet.
        passes = do.sends & ~(out.append & fact.at_alloc)
        last = passes & out.append & fact.at_tail
        m.d.comb += [
            out.passes.eq(passes),
            out.follows.eq((passes & ~last) | (self.resends & ~old.selective)),
        ]
        with m.If(out.append):
            m.d.comb += new.tail.eq(event.slot)
            with m.If(self.i_guards.EMPTY & ~fact.lags):
                m.d.comb += new.head.eq(event.slot)
            with m.If(fact.at_alloc | last):
                m.d.comb += new.next.eq(event.slot)
        with m.If(do.holds):
            m.d.comb += new.held.eq(1)
        with m.If(do.releases):
            m.d.comb += new.held.eq(0)

    def _new_received(self, m):
        """The peer's data: receive position and gap (sections 3 and 4)."""
        event, old, new = self.i_event, self.i_tag, self.o_tag
        do, fact = self.i_control, self.i_facts
        with m.If(do.learns | do.accepts | (do.end_position & fact.behind)):
            m.d.comb += new.received.eq(event.tx_id)
        with m.Elif(do.end_position):  # as far from there as an ID can be (Z8)
            m.d.comb += new.received.eq(old.received ^ (1 << 31))
        with m.Elif(do.opened):
            with m.If(~fact.tx_zero):
                m.d.comb += new.received.eq(self.i_before)
            with m.Elif(~old.heard):
                m.d.comb += new.received.eq(self.cfg_init_id)
        # What the last in-order ID is worth (section 10.1).
        with m.If(do.accepts | do.learns | do.opened):
            m.d.comb += [
                new.fed.eq(do.accepts),
                new.guessed.eq(do.opened & fact.tx_zero & ~old.heard),
            ]
        with m.If(do.accepts | do.learns | do.open):
            m.d.comb += new.doubted.eq(0)
        with m.Elif(do.doubts):
            m.d.comb += new.doubted.eq(1)
        with m.If(do.learns | do.open | do.doubts):
            m.d.comb += new.asked.eq(0)
        with m.Elif(do.questions):
            m.d.comb += new.asked.eq(1)
        with m.If(do.learns | do.opened):
            m.d.comb += new.peer_epoch.eq(event.epoch)
        with m.Elif(do.fresh):  # a link that ended in the clock before left its own
            m.d.comb += new.peer_epoch.eq(0)
        with m.If(do.learns):
            m.d.comb += new.heard.eq(1)
        with m.If(do.learns | do.opened):
            m.d.comb += [new.seen.eq(new.received), new.gap.eq(0)]
        with m.Elif(do.accepts):
            behind = old.selective & old.gap & ~fact.at_seen
            m.d.comb += new.gap.eq(behind)
            with m.If(~behind):
                m.d.comb += new.seen.eq(event.tx_id)
        with m.If(do.opens_gap | (do.keeps & fact.past_seen)):
            m.d.comb += [new.gap.eq(1), new.seen.eq(event.tx_id)]

    def _reorder(self, m):
        """Selective replay: whether it is agreed (R1), and what is kept (R2 to R10)."""
        event, old, new = self.i_event, self.i_tag, self.o_tag
        do, fact, out = self.i_control, self.i_facts, self.o_outcome
        speaks = event.selective & ~fact.epoch_zero  # decision Z9
        with m.If(do.fresh):
            m.d.comb += new.selective.eq(self.cfg_selective)
        with m.Elif(do.answer):
            m.d.comb += new.selective.eq(self.cfg_selective & speaks)
        with m.Elif(do.learns | do.opened):
            m.d.comb += new.selective.eq(old.selective & speaks)

        # Congestion control likewise (K1), on DATA alone.
        obeys = event.controlled & ~fact.epoch_zero
        offers = self.cfg_congestion & (event.vc == DATA)
        with m.If(do.fresh):
            m.d.comb += new.controlled.eq(offers)
        with m.Elif(do.answer):
            m.d.comb += new.controlled.eq(offers & obeys)
        with m.Elif(do.learns | do.opened):
            m.d.comb += new.controlled.eq(old.controlled & obeys)

        ends = do.fresh | do.answer | do.ends
        purges = Signal()
        m.d.comb += [
            purges.eq(ends & (old.kept != 0)),
            out.keeps.eq(do.keeps),
            out.unkeeps.eq(do.unkeeps),
            out.looks.eq(do.looks & ~old.looking),
            out.purges.eq(purges),
            out.hit.eq(fact.asked & self.i_guards.HIT),
            out.old_seen.eq(old.seen),
        ]
        with m.If(do.looks):
            m.d.comb += new.looking.eq(1)
        with m.If(do.looked):
            m.d.comb += new.looking.eq(0)
        with m.If(ends):
            m.d.comb += [new.kept.eq(0), new.looking.eq(0)]
        with m.Elif(do.keeps):
            m.d.comb += new.kept.eq(old.kept + 1)
        with m.Elif(do.unkeeps & ~old.purging):
            m.d.comb += new.kept.eq(old.kept - 1)
        with m.If(purges):
            m.d.comb += new.purging.eq(1)
        with m.Elif(fact.purged):
            m.d.comb += new.purging.eq(0)
