"""What travels through Q0 to Q3: the event, and the outcome that Q2 hands to Q3."""

from amaranth.lib import data, enum

from ..layouts import HostResult, Notice, form_layout, header_layout
from ..link.fsm import GUARDS, Action, Event, LinkState
from ..link.table import tag_layout
from ..protocol import Opcode

__all__ = [
    "KINDS",
    "SILENT",
    "pipeline_event_layout",
    "entry_layout",
    "guards_layout",
    "event_fields",
    "outcome_layout",
    "committed_layout",
    "TxBase",
    "RxBase",
]


SILENT = (Event.SENT, Event.SEEK, Event.REPLAY, Event.WALKED, Event.PURGE, Event.RETIRE)
"""Events that send no control frame."""

KINDS = {
    "look": {"id": "tx_id", "ahead": "room"},  # the ID that is looked at; the one before is, too
    "ask": {"id": "tx_id"},
    "purge": {"place": "tx_id", "last": "room"},  # the place in the directory; it is the last one
    "seek": {"first": "rx_id", "last": "tx_id"},  # ends of the range, `count_bits` + 1 bits each
    "replay": {"id": "rx_id", "slot": "slot"},  # as many bits of the ID in `slot`
    "retire": {"slot": "slot", "count": "rx_id"},  # the last slot of the run, `RUN_BITS` of count
}
"""What background events say, {name: field of the record}: they use the places of a
received frame's fields. `event.purge.last` is the field `last` of a PURGE."""


class _Kind:
    """The fields of one kind of event by the names that they have there."""

    def __init__(self, event, kind):
        self._event, self._fields = event, KINDS[kind]

    def __getattr__(self, name):
        return self._event[self._fields[name]]


class _EventView(data.View):
    """A record with a view for each of `KINDS`; which one counts, `event` says."""

    look = property(lambda self: _Kind(self, "look"))
    ask = property(lambda self: _Kind(self, "ask"))
    purge = property(lambda self: _Kind(self, "purge"))
    seek = property(lambda self: _Kind(self, "seek"))
    replay = property(lambda self: _Kind(self, "replay"))
    retire = property(lambda self: _Kind(self, "retire"))


class _EventLayout(data.StructLayout):
    def __call__(self, target):
        return _EventView(self, target)


def event_fields(kind, **values):
    """`{field of the record: value}` from the fields of an event of one of `KINDS`."""
    return {KINDS[kind][name]: value for name, value in values.items()}


def pipeline_event_layout(config):
    """An event as it travels from Q0 to Q3; see `KINDS` for those of selective replay."""
    return _EventLayout(
        {
            "event": Event,
            "by_lid": 1,  # the link is known by its number, not by node and VC
            "lid": config.lid_bits,  # if `by_lid`
            **header_layout(without=("opcode",)),  # `node` counts if not `by_lid`
            "room": 1,
            "rx_slot": config.rx_slot_bits,
            "slot": config.slot_bits,  # the replay slot of HOST_PAYLOAD, REPLAY and RETIRE
            "may_send": 1,  # there is room in the PAYLOAD queue, and it is promised
            **form_layout(config),  # of the received frame
        }
    )


def entry_layout(config):
    """An event on its way into Q1, with what is looked up for it."""
    return data.StructLayout(
        {
            "event": pipeline_event_layout(config),
            "row": config.row_bits,  # of the link table
            "uses_place": 1,  # it concerns a place of the directory of kept packets ...
            "place": config.reorder_bits,  # ... this one
        }
    )


def guards_layout():
    """A bit for each of the state table's guards."""
    return data.StructLayout(dict.fromkeys(GUARDS, 1))


class TxBase(enum.Enum, shape=4):
    """TxID of the frame to be sent: from the new tag, or from the event."""

    ZERO = 0
    OPEN_ID = 1  # una - 1
    FIRST = 2  # una
    END = 3  # una + alloc
    LAST = 4  # una + alloc - 1
    CURRENT = 5  # una + current - 1: the one just passed
    POSITION = 6  # una + distance of the REPLAY's ID from there
    TX_ID = 7  # the event's TxID
    BEFORE_TX = 8  # the event's TxID - 1
    SEEN = 9  # youngest ID noted
    MISSING = 10  # last in-order ID + 1


class RxBase(enum.Enum, shape=3):
    """RxID of the frame to be sent."""

    ZERO = 0
    TX_ID = 1  # the received TxID
    RECEIVED = 2  # last in-order ID
    MISSING = 3  # last in-order ID + 1
    GAP = 4  # youngest ID noted before the event + 1
    RUN = 5  # the first ID of the run of missing ones


def outcome_layout(config):
    """What Q2 decided, besides the new tag; carried out in Q3."""
    return data.StructLayout(
        {
            "action": Action,
            "old_state": LinkState,
            "frame": 1,  # a frame is sent ...
            "opcode": Opcode,
            "tx_base": TxBase,
            "rx_base": RxBase,
            "copies": 1,  # ... for a link that is not there
            "wakes": 1,  # ... to wake a peer with epoch 0
            "append": 1,  # the host's slot joins the list
            "pop": 1,  # the oldest slot leaves the list ...
            "run": 1,  # ... and those behind it, up to the one that RETIRE names
            "free_own": 1,  # the host's slot is freed
            "free_all": 1,  # the whole list is freed, `chain` slots
            "chain": config.count_bits,
            "noticed": 1,
            "notice": Notice,
            "result": HostResult,
            "evicts": 1,
            "stepped": 1,  # an open ID and an epoch were used
            "retired": 1,  # an ID left the window
            "sends": 1,  # a PAYLOAD goes out ...
            "first_sent": 1,  # ... for the first time
            "passes": 1,  # ... the one that waits longest, not the event's own
            "follows": 1,  # the list's successor is the next one to be sent
            "resends": 1,  # the oldest PAYLOAD goes out again, out of turn
            # selective replay, as sender
            "seeks": 1,  # a range is to be sent again: it joins the queue ...
            "clip_begin": 1,  # ... but what is older than `una` is acknowledged
            "clip_oldest": 1,  # ... and the oldest goes out with this event
            "clip_end": 1,  # ... and what is behind the youngest sent not yet sent
            "starts_walk": 1,
            "walking": 1,  # the slots at the list's head may not be freed one by one after this event
            # selective replay, as receiver
            "looks": 1,  # a look-up starts
            "asks": 1,  # a round of questions for the gaps starts
            "asks_on": 1,  # ... and goes on behind this ID
            "purges": 1,  # kept packets of an incarnation that ended are to be freed
            "keeps": 1,  # the receive slot is kept
            "unkeeps": 1,  # a kept slot is delivered or freed
            "hit": 1,  # the event's ID is kept
            "old_seen": 32,
            # congestion control
            "free": 1,  # what the law said when the event was decided: four inputs, for the trace
            "slow": 1,
            "coin": 1,
            "crowded": 1,
        }
    )


def committed_layout(config):
    """An event at the end of Q3: everything that the other blocks carry out."""
    return data.StructLayout(
        {
            "event": pipeline_event_layout(config),
            "outcome": outcome_layout(config),
            "tag": tag_layout(config),  # as it is written back
            "lid": config.lid_bits,
            "owns": 1,  # the link is in the table, or a free place was there
            "node": 24,
            "vc": 2,
            "old_head": config.slot_bits,  # ends of the list before the event
            "old_tail": config.slot_bits,
            "sent_slot": config.slot_bits,  # slot of the PAYLOAD that is sent
            "kept_slot": config.rx_slot_bits,  # receive slot of the event's ID, if that is kept
            "push": 1,  # the link joins its ready queue
            "before_run": 32,  # ID in front of the run of missing ones that the ASKs are in
            "victim_valid": 1,
            "victim": config.lid_bits,
        }
    )
