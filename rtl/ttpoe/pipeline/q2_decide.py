"""Q2: one event and the tag of its link in, the new tag and everything that follows out.

Purely combinational; the pipeline registers what goes in and what comes out. The state table
(`link.fsm`) chooses the action, `link.effects` says what it means; this file computes the guards
and the new fields of the tag. Sections 2 to 6 and 10.1 of the protocol.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..link.effects import EFFECTS, FLAGS, WORDS
from ..link.fsm import GUARDS, TABLE, Action, Event, LinkState
from ..link.table import tag_layout
from ..protocol import Opcode
from ..reorder.directory import kept_layout
from .records import RxBase, TxBase, outcome_layout, pipeline_event_layout

__all__ = ["Decide"]

_TX_BASE = {
    None: TxBase.ZERO,
    "open_id": TxBase.OPEN_ID,
    "first": TxBase.FIRST,
    "end": TxBase.END,
    "last": TxBase.LAST,
    "current": TxBase.CURRENT,
    "position": TxBase.POSITION,
    "tx_id": TxBase.TX_ID,
    "before": TxBase.BEFORE_TX,
    "run_end": TxBase.TX_ID,
}  # BEFORE_TX if the event's ID is kept
_RX_BASE = {
    None: RxBase.ZERO,
    "tx_id": RxBase.TX_ID,
    "r": RxBase.RECEIVED,
    "missing": RxBase.MISSING,
    "gap": RxBase.GAP,
    "rx_id": RxBase.RX_ID,
}
assert _TX_BASE.keys() - {None} == set(WORDS["tx"])
assert _RX_BASE.keys() - {None} == set(WORDS["rx"])
_WORDS = 2  # time-outs in a row that repeat the CLOSE_ACK to such a peer (decision Z3)
_WAKES = 8  # time-outs in a row that wake a peer with epoch 0 (decision Z7)


def _any(bits):
    """Any of these bits."""
    bits = list(bits)
    return Cat(*bits).any() if bits else Const(0, 1)


def _joined(choices):
    """The number whose bit is high, of (bit, number) of which at most one is; else 0."""
    joined = Const(0)
    for bit, number in choices:
        if number:
            joined = joined | Mux(bit, number, 0)
    return joined


class Decide(wiring.Component):
    """The decision of Q2.

    Members
    -------
    i_event : In(pipeline event)
    i_tag : In(tag)
        The link's tag, every older event taken into account; all zero but `queued` and `touch`
        if the link is not in the table (then it is the free way that the link would take).
    i_full : In(1)
        The link is not in the table and there is no free way.
    i_self : In(1)
        The event's node is our own.
    i_lid : In(lid_bits)
        The link's number.
    i_kept : In(directory entry)
        What the directory of kept packets holds for the event's TxID (`reorder.directory`).
    i_reorder_free : In(1)
        A reorder slot is free.
    i_asking : In(1)
        A round of questions for some link's gaps is under way already.
    i_walking : In(1)
        Somebody walks along this link's list of slots: none of them may be freed.
    i_first_id : In(32), i_epoch : In(16)
        First data ID and epoch of the next incarnation of ours.
    cfg_init_id, cfg_max_retry, cfg_idle_limit, cfg_link_slots, cfg_selective : In
        See `engine.Engine`.
    o_tag : Out(tag)
        The new tag; `head`, `next` and `queued` are finished by Q3.
    o_outcome : Out(outcome)

    Timing: combinational; the longest path is tag -> 32-bit subtraction -> guard -> action -> tag.
    """

    def __init__(self, config):
        self._config = config
        tag = tag_layout(config)
        super().__init__(
            {
                "i_event": In(pipeline_event_layout(config)),
                "i_tag": In(tag),
                "i_full": In(1),
                "i_self": In(1),
                "i_lid": In(config.lid_bits),
                "i_kept": In(kept_layout(config)),
                "i_reorder_free": In(1),
                "i_asking": In(1),
                "i_walking": In(1),
                "i_first_id": In(32),
                "i_epoch": In(16),
                "cfg_init_id": In(32),
                "cfg_max_retry": In(10),
                "cfg_idle_limit": In(10),
                "cfg_link_slots": In(config.count_bits),
                "cfg_selective": In(1),
                "o_tag": Out(tag),
                "o_outcome": Out(outcome_layout(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._distances(m)
        self._ranges(m)
        self._guards(m)
        self._table(m)
        self._effects(m)
        self._replays(m)
        self._retire(m)
        self._new_tag(m)
        self._reorder(m)
        return m

    # ---- what the decision looks at ------------------------------------------------------------

    def _distances(self, m):
        """Serial distances (section 3) of the frame's IDs from the link's."""
        event, tag = self.i_event, self.i_tag
        count_bits = self._config.count_bits
        self.ack_ahead = Signal(32)  # RxID - oldest unacknowledged
        self.in_order = Signal(32)  # TxID - last in-order ID
        self.past_seen = Signal(32)  # TxID - last ID seen behind the gap
        self.past_end = Signal(32)  # TxID - the peer's declared end
        self.ack_low = Signal(count_bits)
        self.in_window = Signal()
        self.younger_open = Signal(16)  # epoch - the peer's known epoch
        m.d.comb += [
            self.ack_ahead.eq(event.rx_id - tag.una),
            self.in_order.eq(event.tx_id - tag.received),
            self.past_seen.eq(event.tx_id - tag.seen),
            self.past_end.eq(event.tx_id - tag.end),
            self.ack_low.eq(self.ack_ahead),
            self.in_window.eq((self.ack_ahead[count_bits:] == 0) & (self.ack_low < tag.sent)),
            self.younger_open.eq(event.epoch - tag.peer_epoch),
        ]

    def _ranges(self, m):
        """Where a NACKed range, and what is sent again of it, lie in what is in flight (R7)."""
        event, tag, count_bits = self.i_event, self.i_tag, self._config.count_bits
        self.range_end = Signal(32)  # TxID - oldest unacknowledged
        self.resent = Signal(count_bits + 1)  # the REPLAY's ID; an older one is a large number
        m.d.comb += [
            self.range_end.eq(event.tx_id - tag.una),
            self.resent.eq(self.ack_ahead[: count_bits + 1]),
        ]

    def _guards(self, m):
        event, tag, count_bits = self.i_event, self.i_tag, self._config.count_bits
        window_bits = self._config.reorder_bits
        in_reach = self.in_order[window_bits:] == 0
        here = self.i_kept.valid & (self.i_kept.lid == self.i_lid)
        zero = tag.peer_epoch == 0
        last_acked = self.ack_ahead.all()
        nack_ok = (tag.sent != 0) & (self.in_window | Mux(zero, last_acked, self.ack_ahead[31]))
        both_zero = (event.epoch == 0) & zero
        same_epoch = event.epoch == tag.peer_epoch
        # Less one on the side that is early: in the window something is allocated.
        last_ack = self.in_window & (self.ack_low == (tag.alloc - 1)[:count_bits])
        all_acked = (tag.alloc == 0) | ((event.tx_id != 0) & last_ack & ~zero)
        fits = self.in_window | last_acked
        agrees = fits & ((self.in_order == 0) | (self.in_order.all() & tag.fed))
        ahead = (self.in_order != 0) & ~self.in_order[31]
        nothing_waits = tag.current == tag.alloc
        ends_at_max = tag.una[count_bits:].all() & (
            (tag.una[:count_bits] + tag.alloc)[:count_bits] == 0
        )
        guards = {
            "FULL": self.i_full,
            "SELF": self.i_self,
            "ZERO": zero,
            "AT_LIMIT": (self.cfg_link_slots != 0) & (tag.alloc >= self.cfg_link_slots),
            "CAN_SEND": nothing_waits & ~tag.held,
            "ROOM": event.room,
            "STALE": (tag.peer_epoch != 0) & ~same_epoch,
            "OWN_EPOCH": (event.epoch == tag.epoch) | both_zero,
            "MATCH": last_acked,
            "REPEAT": same_epoch & ~zero,
            "USED": (self.in_order != 0) | tag.gap,
            "OLDER": (event.epoch != 0) & (tag.peer_epoch != 0) & self.younger_open[15],
            "BOTH_ZERO": both_zero,
            "OPEN_FITS": fits,
            "OPEN_AGREES": agrees,
            "FIRST_AGAIN": (event.tx_id == event.rx_id) & (self.in_order != 0),
            "ASKED": tag.asked,
            "DOUBTED": tag.doubted,
            "FED": tag.fed,
            "OUT_OF_STEP": zero
            & (
                tag.doubted
                | (self.in_order != 1)
                & (tag.guessed | (~tag.fed & ahead) | (tag.gap & (self.past_seen == 0)))
            ),
            "QUIET": all_acked & (zero | (event.tx_id == 0) | (self.in_order == 1)),
            "IN_WINDOW": self.in_window,
            "GOOD_0": zero & self.in_window & (event.rx_id == 0),
            "LAST_ACK": last_ack,
            "NACK_OK": nack_ok,
            "UNACKED": tag.sent != 0,
            "DUPLICATE": ~ahead,
            "NEXT": self.in_order == 1,
            "BEYOND_END": tag.end_known & (self.past_end != 0) & ~self.past_end[31],
            "NACK_DUE": ~tag.gap | (self.past_seen == 0) | self.past_seen[31],
            "TIMER_BIT": tag.timer,
            "RETRIES_UP": (self.cfg_max_retry != 0) & (tag.retries >= self.cfg_max_retry),
            "IDLE_UP": (self.cfg_idle_limit != 0) & (tag.retries >= self.cfg_idle_limit),
            "EMPTY": tag.alloc == 0,
            "GAP": tag.gap & ~zero,
            "TOLD": tag.retries >= _WORDS,
            "WAKE": zero & (tag.retries < _WAKES),
            "END_AHEAD": tag.end_known & tag.end_ahead,
            "LAG": (tag.lag != 0) & ~self.i_walking,
            "CLOSE_DUE": tag.close_due,
            "CLOSE_WAITS": (tag.alloc != 0) & (zero | ends_at_max),
            "UNSENT": (~nothing_waits & ~tag.held & ~((tag.current == 0) & (tag.lag != 0))),
            "SELECTIVE": tag.selective,
            "LOOKING": tag.looking,
            "KEPT_ANY": tag.kept != 0,
            "HIT": here & in_reach & ~tag.purging,
            "KEEP_OK": (
                event.room & self.i_reorder_free & in_reach & ~self.i_kept.valid & ~tag.purging
            ),
            "NEW_GAP": (self.past_seen[1:] != 0) & ~self.past_seen[31],
            "RUN": event.rx_id != event.tx_id,
            "AT_SEEN": (self.past_seen == 0) | (in_reach & self.in_order[:window_bits].all()),
            "OLD_KEPT": here & tag.purging,
            "RANGE_OK": nack_ok & ~self.range_end[31],
            "SEEK_OK": tag.selective & (tag.current != 0),
            "RESEND_OK": self.i_walking & (self.resent < tag.current) & ~tag.held,
        }
        self.in_reach = in_reach
        assert guards.keys() == GUARDS.keys()
        self.guard = {name: Signal(name=f"guard_{name.lower()}") for name in GUARDS}
        m.d.comb += [self.guard[name].eq(value) for name, value in guards.items()]

    def _table(self, m):
        """The state table: which action is taken, one bit for each, and the next state.

        The bits come straight from the rows, and all that follows from an action straight from its
        bit: a number in between would have to be encoded and decoded in the longest path.
        """
        event, state = self.i_event.event, self.i_tag.state
        taken = {action: [] for action in Action}
        moves = {next_state: [] for next_state in LinkState}
        for kind, cells in TABLE.items():
            alike = {}  # states with the same alternatives, but for staying where they are
            for old, alternatives in cells.items():
                key = tuple(
                    (guards, action, next_state if next_state != old else None)
                    for guards, action, next_state in alternatives
                )
                alike.setdefault(key, []).append(old)
            for alternatives, states in alike.items():
                left = (event == kind) & Cat(*(state == old for old in states)).any()
                for guards, action, next_state in alternatives:
                    met = Cat(
                        *(
                            ~self.guard[guard[1:]] if guard.startswith("!") else self.guard[guard]
                            for guard in guards
                        )
                    )
                    row = left & met.all()
                    left = left & ~met.all()
                    taken[action].append(row)
                    if next_state is not None:
                        moves[next_state].append(row)
        self.taken = {action: Signal(name=f"takes_{action.name.lower()}") for action in Action}
        self.next_state = Signal(LinkState)
        m.d.comb += [self.taken[action].eq(_any(rows)) for action, rows in taken.items()]
        moves = {next_state: _any(rows) for next_state, rows in moves.items()}
        m.d.comb += self.next_state.as_value().eq(
            Mux(
                _any(moves.values()),
                _joined((move, to.value) for to, move in moves.items()),
                state.as_value(),
            )
        )

    def _effects(self, m):
        """One control bit per effect, from the actions that have it."""
        out, taken = self.o_outcome, self.taken

        def those(having):
            return _any(taken[action] for action, effects in EFFECTS.items() if having(effects))

        def chosen(field, value_of):
            """The outcome's field, from what each action says of it; None says nothing."""
            values = {action: value_of(effects) for action, effects in EFFECTS.items()}
            m.d.comb += Value.cast(field).eq(
                _joined(
                    (taken[action], value.value)
                    for action, value in values.items()
                    if value is not None
                )
            )

        self.do = {
            name: Signal(name=f"do_{name}")
            for name in (
                *FLAGS,
                *WORDS["ours"],
                *WORDS["slots"],
                *(f"end_{word}" for word in WORDS["notes_end"]),
            )
        }
        m.d.comb += [
            *(self.do[name].eq(those(lambda e, name=name: getattr(e, name))) for name in FLAGS),
            *(
                self.do[word].eq(those(lambda e, word=word: word in (e.ours, e.slots)))
                for word in (*WORDS["ours"], *WORDS["slots"])
            ),
            *(
                self.do[f"end_{word}"].eq(those(lambda e, word=word: e.notes_end == word))
                for word in WORDS["notes_end"]
            ),
            Value.cast(out.action).eq(
                _joined((bit, action.value) for action, bit in taken.items())
            ),
            out.old_state.eq(self.i_tag.state),
            out.append.eq(self.do["append"]),
            out.free_own.eq(self.do["refuse"]),
            out.free_all.eq(self.do["free_all"]),
            out.evicts.eq(self.do["evicts"]),
            out.copies.eq(self.do["copies"]),
            out.wakes.eq(self.do["wakes"]),
            out.stepped.eq(those(lambda e: e.ours is not None)),
            out.noticed.eq(those(lambda e: e.notice is not None)),
            out.frame.eq(those(lambda e: e.frame is not None)),
        ]
        chosen(out.result, lambda e: e.result)
        chosen(out.notice, lambda e: e.notice)
        chosen(out.opcode, lambda e: e.frame)
        chosen(out.rx_base, lambda e: _RX_BASE[e.rx])
        chosen(out.tx_base, lambda e: _TX_BASE[e.tx])
        with m.If(those(lambda e: e.tx == "run_end") & self.guard["HIT"]):
            m.d.comb += out.tx_base.eq(TxBase.BEFORE_TX)

    # ---- what follows --------------------------------------------------------------------------

    def _replays(self, m):
        """What a NACK sends at once (R7, R9, R12), and what the timer's NACK names (R6)."""
        tag, do, out, event = self.i_tag, self.do, self.o_outcome, self.i_event
        held_back = tag.held | (tag.lag != 0) | (tag.current == 0) | ~event.may_send
        self.resends = Signal()
        named = Signal()  # the oldest is one of those that the NACK names
        overtaken = Signal()  # ... or a packet sent after it has arrived (R12)
        m.d.comb += [
            named.eq(self.ack_ahead[31] | (self.ack_ahead == 0)),
            overtaken.eq(do["seeks"] & (self.range_end >= tag.oldest_at)),
            self.resends.eq(do["resends"] & ~held_back & (named | overtaken)),
            out.resends.eq(self.resends),
            out.seeks.eq(do["seeks"] & ~tag.held & ~(self.resends & (self.range_end == 0))),
            out.clip_begin.eq(do["seeks"] & self.ack_ahead[31]),
            out.clip_oldest.eq(self.resends & named),
            out.clip_end.eq(do["seeks"] & (self.range_end >= tag.sent)),
            out.starts_walk.eq(do["starts_walk"]),
            out.walking.eq((self.i_walking & (event.event != Event.WALKED)) | do["starts_walk"]),
        ]
        with m.If(self.resends):
            m.d.comb += [
                out.frame.eq(1),
                out.opcode.eq(Opcode.PAYLOAD),
                out.tx_base.eq(TxBase.FIRST),
            ]

        with m.If(do["asks"] & tag.selective):
            asks_all = self.guard["KEPT_ANY"] & ~self.i_asking
            m.d.comb += [
                out.frame.eq(~tag.looking & ~asks_all),
                out.asks.eq(~tag.looking & asks_all),
                out.tx_base.eq(Mux(self.guard["KEPT_ANY"], TxBase.MISSING, TxBase.SEEN)),
            ]
        m.d.comb += out.asks_on.eq(
            tag.gap & self.in_reach & (self.in_order != 0) & ~self.guard["AT_SEEN"]
        )

    def _retire(self, m):
        """How many IDs this event acknowledges, and whether a slot leaves the list.

        However many IDs an ACK covers, the window moves at once; one slot is freed now, the rest
        later (`lag` of them wait in front of the list).
        """
        tag, do, count_bits = self.i_tag, self.do, self._config.count_bits
        self.retire_count = Signal(count_bits)
        covers = Signal()  # the ID itself is acknowledged, not only older ones
        m.d.comb += covers.eq(
            do["ack"] | (self.in_window & (do["open"] | (do["close"] & (self.i_event.tx_id != 0))))
        )
        with m.If(covers):
            m.d.comb += self.retire_count.eq(self.ack_low + 1)
        with m.Elif(do["nack"] & self.in_window):
            m.d.comb += self.retire_count.eq(self.ack_low)
        self.covers = covers
        self.retires = Signal()
        m.d.comb += [
            self.retires.eq(self.retire_count != 0),
            self.o_outcome.retired.eq(self.retires),
            self.o_outcome.chain.eq(tag.alloc + tag.lag),
            self.o_outcome.pop.eq(
                (do["ack"] | do["nack"] | do["close"] | do["open"] | do["one"])
                & ((tag.lag != 0) | self.retires)
                & ~self.i_walking
            ),
        ]

    def _new_tag(self, m):
        event, old, new, do, out = self.i_event, self.i_tag, self.o_tag, self.do, self.o_outcome
        guard = self.guard
        ours = Signal()
        first_send = Signal()
        m.d.comb += [
            ours.eq(do["fresh"] | do["answer"]),
            first_send.eq(do["sends"] & (old.current == old.sent)),
            out.sends.eq(do["sends"]),
            out.first_sent.eq(first_send),
            new.eq(old),
            new.state.eq(self.next_state),
        ]
        self._new_window(m, ours, first_send)
        self._new_received(m)

        # Closing (decisions C1 to C6).
        completes = (self.retires & (self.retire_count == old.alloc) & ~guard["END_AHEAD"]) | (
            do["accepts"] & guard["END_AHEAD"] & (self.past_end == 0) & (old.alloc == 0)
        )
        with m.If(do["closes"]):
            m.d.comb += new.close_due.eq(0)
        with m.Elif(do["close_later"] | (completes & old.close_nacked)):
            m.d.comb += new.close_due.eq(1)
        declared = event.tx_id != 0
        with m.If(do["end_last"] | do["as_nacked"]):
            m.d.comb += new.close_nacked.eq(1)
        with m.If(do["end_last"] & declared & ~guard["DUPLICATE"]):
            m.d.comb += [
                new.end.eq(event.tx_id),
                new.end_known.eq(1),
                new.end_ahead.eq(1),
                new.close_due.eq(0),
            ]
        with m.Elif(do["end_next"] & declared & (old.state != LinkState.CLOSE_SENT)):
            m.d.comb += [
                new.end.eq(event.tx_id - 1),
                new.end_known.eq(1),
                new.end_ahead.eq(~guard["DUPLICATE"] & ~guard["NEXT"]),
            ]
        with m.Elif(do["accepts"] & (self.past_end == 0)):
            m.d.comb += new.end_ahead.eq(0)

        # Timer (decisions L1 to L3).
        received = do["peer_progress"] & ~guard["UNACKED"]
        anew = received | self.retires | ours | (self.next_state != old.state)
        with m.If(anew | first_send):
            m.d.comb += new.timer.eq(0)
        with m.Elif(do["marks"]):
            m.d.comb += new.timer.eq(1)
        wakes_again = do["peer_progress"] & guard["ZERO"]
        with m.If(anew | wakes_again | (first_send & (old.sent == 0))):
            m.d.comb += new.retries.eq(0)
        with m.Elif(do["counts"] & ~old.retries.all()):
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
        with m.If(ours | do["learns"]):
            m.d.comb += new.ieee.eq(event.ieee)
        with m.If(self.next_state == LinkState.CLOSED):
            # Of a free tag nothing else is looked at; the last word of the link still carries its
            # epoch and EtherType.
            m.d.comb += new.lag.eq(0)

    def _new_window(self, m, ours, first_send):
        """Our data: window, sending position, ends of the list (sections 3 and 5.2)."""
        event, old, new, do, out = self.i_event, self.i_tag, self.o_tag, self.do, self.o_outcome
        after_rx = Signal(32)
        m.d.comb += after_rx.eq(event.rx_id + 1)
        # A peer whose epoch is 0 (Tesla's module) expects its OPEN's RxID + 1 (section 4).
        with m.If(self.covers | (do["answer"] & (event.epoch == 0))):
            m.d.comb += new.una.eq(after_rx)
        with m.Elif(ours):
            m.d.comb += new.una.eq(self.i_first_id)
        with m.Elif(do["nack"] & self.in_window):
            m.d.comb += new.una.eq(event.rx_id)

        m.d.comb += [
            new.alloc.eq(old.alloc + out.append - self.retire_count),
            new.lag.eq(old.lag + self.retire_count - out.pop),
            new.sent.eq(old.sent + first_send - self.retire_count),
        ]
        with m.If(do["rewinds"] | (do["releases"] & old.held) | ours):
            m.d.comb += new.current.eq(do["rewinds"] & self.resends)
        with m.Elif(old.current >= self.retire_count):
            m.d.comb += new.current.eq(old.current + do["sends"] - self.retire_count)
        with m.Else():
            m.d.comb += new.current.eq(0)
        with m.If(ours):
            m.d.comb += new.sent.eq(0)
        with m.If(self.retires | self.resends | (do["sends"] & (old.current == 0))):
            m.d.comb += new.oldest_at.eq(new.sent)
        with m.If(out.free_all):
            m.d.comb += [new.alloc.eq(0), new.lag.eq(0)]
        with m.If(out.append):
            m.d.comb += new.tail.eq(event.slot)
            with m.If((old.alloc == 0) & (old.lag == 0)):
                m.d.comb += new.head.eq(event.slot)
            with m.If(old.current == old.alloc):
                m.d.comb += new.next.eq(event.slot)
        with m.If(do["holds"]):
            m.d.comb += new.held.eq(1)
        with m.If(do["releases"]):
            m.d.comb += new.held.eq(0)

    def _new_received(self, m):
        """The peer's data: receive position and gap (sections 3 and 4)."""
        event, old, new, do = self.i_event, self.i_tag, self.o_tag, self.do
        with m.If(do["learns"] | do["accepts"] | (do["end_position"] & self.in_order[31])):
            m.d.comb += new.received.eq(event.tx_id)
        with m.Elif(do["end_position"]):  # as far from there as an ID can be (Z8)
            m.d.comb += new.received.eq(old.received ^ (1 << 31))
        with m.Elif(do["opened"]):
            with m.If(event.tx_id != 0):
                m.d.comb += new.received.eq(event.tx_id - 1)
            with m.Elif(~old.heard):
                m.d.comb += new.received.eq(self.cfg_init_id)
        # What the last in-order ID is worth (section 10.1).
        with m.If(do["accepts"] | do["learns"] | do["opened"]):
            m.d.comb += [
                new.fed.eq(do["accepts"]),
                new.guessed.eq(do["opened"] & (event.tx_id == 0) & ~old.heard),
            ]
        with m.If(do["accepts"] | do["learns"] | do["open"]):
            m.d.comb += new.doubted.eq(0)
        with m.Elif(do["doubts"]):
            m.d.comb += new.doubted.eq(1)
        with m.If(do["learns"] | do["open"] | do["doubts"]):
            m.d.comb += new.asked.eq(0)
        with m.Elif(do["questions"]):
            m.d.comb += new.asked.eq(1)
        with m.If(do["learns"] | do["opened"]):
            m.d.comb += new.peer_epoch.eq(event.epoch)
        with m.Elif(do["fresh"]):  # a link that ended in the clock before left its own
            m.d.comb += new.peer_epoch.eq(0)
        with m.If(do["learns"]):
            m.d.comb += new.heard.eq(1)
        with m.If(do["learns"] | do["opened"]):
            m.d.comb += [new.seen.eq(new.received), new.gap.eq(0)]
        with m.Elif(do["accepts"]):
            behind = old.selective & old.gap & (self.past_seen != 0)
            m.d.comb += new.gap.eq(behind)
            with m.If(~behind):
                m.d.comb += new.seen.eq(event.tx_id)
        with m.If(do["opens_gap"] | (do["keeps"] & (self.past_seen != 0) & ~self.past_seen[31])):
            m.d.comb += [new.gap.eq(1), new.seen.eq(event.tx_id)]

    def _reorder(self, m):
        """Selective replay: whether it is agreed (R1), and what is kept (R2 to R10)."""
        event, old, new, do, out = self.i_event, self.i_tag, self.o_tag, self.do, self.o_outcome
        speaks = event.selective & (event.epoch != 0)  # decision Z9
        with m.If(do["fresh"]):
            m.d.comb += new.selective.eq(self.cfg_selective)
        with m.Elif(do["answer"]):
            m.d.comb += new.selective.eq(self.cfg_selective & speaks)
        with m.Elif(do["learns"] | do["opened"]):
            m.d.comb += new.selective.eq(old.selective & speaks)

        ends = do["fresh"] | do["answer"] | (self.next_state == LinkState.CLOSED)
        purges = Signal()
        m.d.comb += [
            purges.eq(ends & (old.kept != 0)),
            out.keeps.eq(do["keeps"]),
            out.unkeeps.eq(do["unkeeps"]),
            out.looks.eq(do["looks"] & ~old.looking),
            out.purges.eq(purges),
            out.hit.eq((event.event == Event.ASK) & self.guard["HIT"]),
            out.old_seen.eq(old.seen),
        ]
        with m.If(do["looks"]):
            m.d.comb += new.looking.eq(1)
        with m.If(do["looked"]):
            m.d.comb += new.looking.eq(0)
        with m.If(ends):
            m.d.comb += [new.kept.eq(0), new.looking.eq(0)]
        with m.Elif(do["keeps"]):
            m.d.comb += new.kept.eq(old.kept + 1)
        with m.Elif(do["unkeeps"] & ~old.purging):
            m.d.comb += new.kept.eq(old.kept - 1)
        with m.If(purges):
            m.d.comb += new.purging.eq(1)
        with m.Elif((event.event == Event.PURGE) & event.purge.last):
            m.d.comb += new.purging.eq(0)
