"""Q2, first clock: what the state table asks of an event and the tag of its link.

Serial distances, the guards of the table, and the facts that the new tag will need: all in
parallel, from registers, so that the clocks behind have bits to work with and no 32-bit number.
Sections 3 and 10.1 of the protocol.
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..link.fsm import GUARDS, Event, LinkState
from ..link.table import tag_layout
from ..reorder.directory import kept_layout
from .records import pipeline_event_layout

__all__ = ["FAR", "PARTS", "Guards", "at_share", "facts_layout", "kinds_layout", "parts_layout"]

_WORDS = 2  # time-outs in a row that repeat the CLOSE_ACK to such a peer (decision Z3)
_WAKES = 8  # time-outs in a row that wake a peer with epoch 0 (decision Z7)
_SELDOM = 2  # ... but while many links are backlogged only the third and the seventh
_SLOW = 2  # time-outs in a row that send nothing again while round trips are long (decision K13)
_RARE = 3  # ... after which every second one does not

PARTS = (
    "QUIET",
    "OPEN_AGREES",
    "OUT_OF_STEP",
    "RANGE_OK",
    "RESEND_OK",
    "LAST_ACK",
    "GOOD_0",
    "ECHO_OK",
)
"""Guards that come as two bits, both of which must be high: together they would take too long."""

FAR = ("overtakes", "ends_past_sent")
"""Facts that also hold if TxID is `far` from the oldest unacknowledged ID: seen a clock later."""


def at_share(count):
    """Three quarters of all slots, or more: what a controlled link may hold (decision K11)."""
    return count[-1] | (count[-2] & count[-3])


def parts_layout():
    """A bit for each guard, and a second one for those that need it."""
    return data.StructLayout({**dict.fromkeys(GUARDS, 1), **{f"{name}_2": 1 for name in PARTS}})


def kinds_layout():
    """One bit for each event and each state: which it is."""
    return data.StructLayout(
        {**{event.name: 1 for event in Event}, **{f"in_{state.name}": 1 for state in LinkState}}
    )


def facts_layout(config):
    """What of the distances the new tag needs."""
    return data.StructLayout(
        {
            "in_window": 1,  # the RxID is sent and unacknowledged
            "ack_low": config.count_bits,  # RxID - oldest unacknowledged
            "ack_next": config.count_bits,  # ... + 1
            "acks_all": 1,  # `ack_next` is all that is allocated
            "lows_all": 1,  # `ack_low` is
            "named": 1,  # the RxID is the oldest unacknowledged one, or older
            "before_una": 1,  # it is older
            "overtakes": 1,  # TxID: the oldest went out before this one did (R12)
            "ends_at_una": 1,  # TxID is the oldest, if not `far`
            "far": 1,  # TxID is far from the oldest ...
            "far_2": 1,  # ... by one half of its bits or the other
            "ends_past_sent": 1,  # TxID is not sent yet
            "may_resend": 1,  # the oldest may go out now, out of turn
            "behind": 1,  # TxID is older than the last in-order ID
            "within_gap": 1,  # it is younger and a place of the directory is for it
            "at_end": 1,  # it is the end that the peer declared
            "at_seen": 1,  # it is the ID seen last behind the gap
            "past_seen": 1,  # it is younger than that
            "tx_zero": 1,
            "at_sent": 1,  # the sending position has passed all that was ever sent
            "at_alloc": 1,  # ... all that is allocated
            "at_tail": 1,  # ... all but the last one
            "lags": 1,  # acknowledged slots wait to be freed
            "chain": config.count_bits,  # slots of the whole list
            "walking": 1,  # the slots at the head of the list may not be freed one by one
            "walks_on": 1,  # ... and the event does not end it
            "asked": 1,  # it is ASK
            "purged": 1,  # it is the last PURGE
            "epoch_zero": 1,  # the frame's epoch
        }
    )


class Guards(wiring.Component):
    """Distances, guards and facts.

    Parameters
    ----------
    config : Config
    registered : bool
        Whether the outputs are registers; see `q2_decide.Decide`.

    Members
    -------
    i_event, i_tag, i_full, i_self, i_lid, i_kept, i_walking, i_stands, i_stands_near, i_retiring,
    i_run, i_free, i_slow, i_coin, i_crowded,
    cfg_* : In
        See `q2_decide.Decide`.
    o_parts : Out(parts_layout)
        The guards; `KEEP_OK` lacks that a reorder slot is free.
    o_kinds : Out(kinds_layout)
    o_facts : Out(facts_layout)

    Timing: one clock (`registered`); the longest path is a 32-bit subtraction and a comparison with
    zero.
    """

    def __init__(self, config, registered=False):
        self._config, self._registered = config, registered
        super().__init__(
            {
                "i_event": In(pipeline_event_layout(config)),
                "i_tag": In(tag_layout(config)),
                "i_full": In(1),
                "i_self": In(1),
                "i_lid": In(config.lid_bits),
                "i_kept": In(kept_layout(config)),
                "i_walking": In(1),
                "i_retiring": In(1),
                "i_run": In(1),
                "i_stands": In(1),
                "i_stands_near": In(1),
                "i_free": In(1),
                "i_slow": In(1),
                "i_coin": In(1),
                "i_crowded": In(1),
                "cfg_max_retry": In(10),
                "cfg_idle_limit": In(10),
                "cfg_link_slots": In(config.count_bits),
                "o_parts": Out(parts_layout()),
                "o_kinds": Out(kinds_layout()),
                "o_facts": Out(facts_layout(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._distances(m)
        event, state = self.i_event.event, self.i_tag.state
        kinds = {kind.name: event == kind for kind in Event} | {
            f"in_{kind.name}": state == kind for kind in LinkState
        }
        # Each bit by itself: as fields of one signal they would depend on one another.
        border = m.d.sync if self._registered else m.d.comb
        for output, values in (
            (self.o_parts, self._parts()),
            (self.o_kinds, kinds),
            (self.o_facts, self._facts()),
        ):
            assert values.keys() == output.shape().members.keys()
            border += [output[name].eq(value) for name, value in values.items()]
        return m

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
        self.range_end = Signal(32)  # TxID - oldest unacknowledged
        self.younger_open = Signal(16)  # epoch - the peer's known epoch
        m.d.comb += [
            self.ack_ahead.eq(event.rx_id - tag.una),
            self.in_order.eq(event.tx_id - tag.received),
            self.past_seen.eq(event.tx_id - tag.seen),
            self.past_end.eq(event.tx_id - tag.end),
            self.range_end.eq(event.tx_id - tag.una),
            self.ack_low.eq(self.ack_ahead),
            self.in_window.eq((self.ack_ahead[count_bits:] == 0) & (self.ack_low < tag.sent)),
            self.younger_open.eq(event.epoch - tag.peer_epoch),
        ]

    def _parts(self):
        """{guard or second part of it: value}"""
        event, tag, count_bits = self.i_event, self.i_tag, self._config.count_bits
        window_bits = self._config.reorder_bits
        self.in_reach = in_reach = self.in_order[window_bits:] == 0
        here = self.i_kept.valid & (self.i_kept.lid == self.i_lid)
        zero = tag.peer_epoch == 0
        last_acked = self.ack_ahead.all()
        end_low, far, far_2 = self._range_end()
        # The REPLAY's ID in what is in flight; an older one is a large number (R7).
        resent = self.ack_ahead[: count_bits + 1]
        nack_ok = (tag.sent != 0) & (self.in_window | Mux(zero, last_acked, self.ack_ahead[31]))
        both_zero = (event.epoch == 0) & zero
        same_epoch = event.epoch == tag.peer_epoch
        # Less one on the side that is early: in the window something is allocated.
        acks_last = self.ack_low == (tag.alloc - 1)[:count_bits]
        all_acked = (tag.alloc == 0) | ((event.tx_id != 0) & self.in_window & acks_last & ~zero)
        fits = self.in_window | last_acked
        ahead = (self.in_order != 0) & ~self.in_order[31]
        nothing_waits = tag.current == tag.alloc
        knows_next = (tag.current != 0) | (tag.lag == 0)
        ends_at_max = tag.una[count_bits:].all() & (
            (tag.una[:count_bits] + tag.alloc)[:count_bits] == 0
        )
        guards = {
            "FULL": self.i_full,
            "SELF": self.i_self,
            "ZERO": zero,
            "AT_LIMIT": (
                ((self.cfg_link_slots != 0) & (tag.alloc >= self.cfg_link_slots))
                | (tag.controlled & at_share(tag.alloc))
            ),
            "CAN_SEND": (nothing_waits | knows_next) & ~tag.held & (self.i_free | ~tag.controlled),
            "ROOM": event.room,
            "STALE": (tag.peer_epoch != 0) & ~same_epoch,
            "OWN_EPOCH": (event.epoch == tag.epoch) | both_zero,
            "MATCH": last_acked,
            "REPEAT": same_epoch & ~zero,
            "USED": (self.in_order != 0) | tag.gap,
            "OLDER": (event.epoch != 0) & (tag.peer_epoch != 0) & self.younger_open[15],
            "BOTH_ZERO": both_zero,
            "OPEN_FITS": fits,
            "OPEN_AGREES": (fits, (self.in_order == 0) | (self.in_order.all() & tag.fed)),
            "FIRST_AGAIN": (event.tx_id == event.rx_id) & (self.in_order != 0),
            "ASKED": tag.asked,
            "DOUBTED": tag.doubted,
            "FED": tag.fed,
            "OUT_OF_STEP": (
                zero,
                tag.doubted
                | (self.in_order != 1)
                & (tag.guessed | (~tag.fed & ahead) | (tag.gap & (self.past_seen == 0))),
            ),
            "QUIET": (all_acked, zero | (event.tx_id == 0) | (self.in_order == 1)),
            "IN_WINDOW": self.in_window,
            "GOOD_0": (self.in_window, zero & (event.rx_id == 0)),
            "LAST_ACK": (self.in_window, acks_last),
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
            "WAKE": zero
            & (tag.retries < _WAKES)
            & ~(self.i_crowded & (tag.retries[:2] != _SELDOM)),
            "END_AHEAD": tag.end_known & tag.end_ahead,
            "LAG": (tag.lag != 0) & ~self.i_stands & ~self.i_retiring,
            "RETIRING": self.i_retiring & ~self.i_stands_near,
            "CLOSE_DUE": tag.close_due,
            "CLOSE_WAITS": (tag.alloc != 0) & (zero | ends_at_max),
            "UNSENT": ~nothing_waits & ~tag.held & knows_next,
            "SELECTIVE": tag.selective,
            "LOOKING": tag.looking,
            "AHEAD": event.look.ahead,
            "KEPT_ANY": tag.kept != 0,
            "HIT": here & in_reach & ~tag.purging,
            "KEEP_OK": (event.room & in_reach & ~self.i_kept.valid & ~tag.purging),
            "NEW_GAP": (self.past_seen[1:] != 0) & ~self.past_seen[31],
            "RUN": self.i_run,
            # Not behind the youngest one: there a question is ahead of the round's end.
            "AT_SEEN": (self.past_seen == 0)
            | (in_reach & self.in_order[:window_bits].all() & self.past_seen[31]),
            "OLD_KEPT": here & tag.purging,
            "RANGE_OK": (nack_ok, ~self.range_end[31]),
            "SEEK_OK": tag.selective & (tag.current != 0),
            "RESEND_OK": (self.i_walking & ~tag.held, resent < tag.current),
            "CONTROLLED": tag.controlled,
            "ECHO": event.tx_id != 0,
            "ECHO_OK": ((end_low < tag.sent) & ~far, ~far_2),
            "PACED": tag.controlled & (tag.current == 0) & (tag.sent != 0),
            "PATIENT": tag.controlled
            & ~tag.held
            & ((self.i_slow & (tag.retries < _SLOW)) | (self.i_coin & (tag.retries >= _RARE))),
        }
        assert guards.keys() == GUARDS.keys()
        parts = {}
        for name, value in guards.items():
            both = value if isinstance(value, tuple) else (value,)
            assert (len(both) == 2) == (name in PARTS)
            parts |= dict(zip((name, f"{name}_2"), both))
        return parts

    def _range_end(self):
        """TxID - oldest unacknowledged: the low bits; whether any of two halves of the others is high."""
        bits = self._config.count_bits
        half = (bits + len(self.range_end)) // 2
        end = self.range_end
        return end[:bits], end[bits:half].any(), end[half:].any()

    def _facts(self):
        """{fact: value}"""
        event, tag, count_bits = self.i_event, self.i_tag, self._config.count_bits
        end_low, far, far_2 = self._range_end()
        return {
            "in_window": self.in_window,
            "ack_low": self.ack_low,
            "ack_next": self.ack_low + 1,
            "acks_all": self.ack_low == (tag.alloc - 1)[:count_bits],
            "lows_all": self.ack_low == tag.alloc,
            "named": self.ack_ahead[31] | (self.ack_ahead == 0),
            "before_una": self.ack_ahead[31],
            "overtakes": end_low >= tag.oldest_at,
            "ends_at_una": end_low == 0,
            "far": far,
            "far_2": far_2,
            "ends_past_sent": end_low >= tag.sent,
            "may_resend": ~tag.held & (tag.lag == 0) & (tag.current != 0) & event.may_send,
            "behind": self.in_order[31],
            "within_gap": tag.gap & self.in_reach & (self.in_order != 0),
            "at_end": self.past_end == 0,
            "at_seen": self.past_seen == 0,
            "past_seen": (self.past_seen != 0) & ~self.past_seen[31],
            "tx_zero": event.tx_id == 0,
            "at_sent": tag.current == tag.sent,
            "at_alloc": tag.current == tag.alloc,
            "at_tail": tag.current + 1 == tag.alloc,
            "lags": tag.lag != 0,
            "chain": tag.alloc + tag.lag,
            "walking": self.i_stands | self.i_retiring,
            # A RETIRE that comes too early does not go on at once: it would find the same again.
            "walks_on": (self.i_stands & (event.event != Event.WALKED))
            | Mux(event.event == Event.RETIRE, self.i_stands_near, self.i_retiring),
            "asked": event.event == Event.ASK,
            "purged": (event.event == Event.PURGE) & event.purge.last,
            "epoch_zero": event.epoch == 0,
        }
