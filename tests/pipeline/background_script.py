"""What the scripts of `test_background` are made of: an event, and what must come of it."""

from ttpoe.config import preset
from ttpoe.link.fsm import Event

CONFIG = preset("tiny")
MASK = (1 << 32) - 1
RANGE_MASK = (2 << CONFIG.count_bits) - 1  # a range is known by count_bits + 1 bits of its IDs
WINDOW = CONFIG.reorder_window  # 16: PURGE n meets the IDs whose lowest 4 bits are n

EARLY = ("CLOSED", "OPEN_SENT", "OPEN_RECD")
DATA = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")
PEER, OTHER_PEER, NEIGHBOUR = 0x01, 0x10, 0x04  # all of set 1
LID, NEIGHBOUR_LID = 2, 3  # its two ways
FIRST = 0xFFFFFFFE  # our first data ID: the window wraps behind it
START = 0xFFFFFFFA  # the peer's ID before its first data ID
KEPT = {START + 2: 1, START + 4: 2, START + 5: 3}  # by the old link: ID -> receive slot
ENDINGS = {"lost": "CLOSED", "closed": "CLOSED", "restart": "OPEN", "restart_closing": "OPEN_RECD"}
"""How the old link ends -> the state that follows in the same event."""


RUN = 16
"""How many slots the retirer's run may have: the replayer must have passed so many."""


class Step:
    """One event and what must come of it. `told` and the fields may depend on the replay slots.

    Without a kind: `fields` are what the other blocks say from then on (`background_bench.put`).
    """

    def __init__(self, kind, lid, action, fields, row=None, changes=None, told=None):
        self.kind, self.lid, self.action, self.fields = kind, lid, action, fields
        self.row, self.changes, self.told = row, changes, told


class Script:
    """Events in their order, for one link in way 0 of its set and a neighbour in way 1.

    Our IDs are the same in every incarnation, as with `cfg_fixed_open_id`, and so are the peer's:
    the new link's numbers are those of the old one.
    """

    def __init__(self):
        self.steps = []
        self.epoch, self.link_epoch, self.peer_epoch, self.peer = 0, 0, 0x100, PEER
        self.opened_by_us = False

    def do(self, action, kind, lid=LID, told=None, **fields):
        """An ordinary event, on the way to where a background event is tried."""
        if kind in (Event.SENT, Event.VISIT, Event.TIMER):
            fields |= dict(by_lid=1, lid=lid)
        else:
            peer = (
                dict(node=self.peer, epoch=self.peer_epoch)
                if lid == LID
                else dict(node=NEIGHBOUR, epoch=0x80)
            )
            fields = dict(peer, selective=1) | fields
        self.steps.append(Step(kind, lid, action, fields, told=told))

    def background(self, kind, row, changes=None, told=None, lid=LID, **fields):
        """It must take alternative `row`; `changes` in the tag and `told` are all that follows."""
        self.steps.append(
            Step(kind, lid, None, dict(fields, by_lid=1, lid=lid), row, changes or {}, told or {})
        )

    def tell(self, **signals):
        self.steps.append(Step(None, LID, None, signals))

    def payload(self, action, offset, slot, **more):
        self.do(action, Event.RX_PAYLOAD, tx_id=START + offset, room=1, rx_slot=slot, **more)

    def look(self, row, offset, changes=None, told=None, ahead=0):
        self.background(Event.LOOK, row, changes, told, tx_id=START + offset, room=ahead)

    def ask(self, row, offset, **more):
        self.background(Event.ASK, row, tx_id=START + offset, **more)

    def ask_anew(self, told=None):
        """The timer begins a round of questions."""
        told = {"ask_start": START + 1, "stats": {"nack_gap"}} if told is None else told
        self.do("MARK_NACK", Event.TIMER, told=told)

    def retire(self, row, last, count, *changes):
        """The run of `count` slots up to that of the payload number `last`."""
        self.background(Event.RETIRE, row, *changes, slot=lambda slots: slots[last], rx_id=count)

    def seek(self, row, first, last, **more):
        self.background(
            Event.SEEK,
            row,
            rx_id=FIRST + first & RANGE_MASK,
            tx_id=FIRST + last & RANGE_MASK,
            **more,
        )

    def replay(self, row, ahead, slot=0, **more):
        self.background(
            Event.REPLAY, row, rx_id=FIRST + ahead & RANGE_MASK, slot=slot, may_send=1, **more
        )

    def open_sent(self, lid=LID):
        self.epoch, self.opened_by_us = self.epoch + 1, True
        if lid == LID:
            self.link_epoch = self.epoch
        self.do("OPEN_BY_HOST", Event.HOST_OPEN, lid)

    def open_recd(self, action="ANSWER_OPEN"):
        self.epoch, self.opened_by_us = self.epoch + 1, False
        self.peer_epoch += 1
        self.do(action, Event.RX_OPEN, tx_id=START)

    def to_open(self, lid=LID, start=START):
        if self.opened_by_us:
            self.do("OPENED", Event.RX_OPEN_ACK, lid, tx_id=start + 1, rx_id=FIRST - 1)
        else:
            self.do("BECOME_OPEN", Event.SENT, lid)

    def reach(self, state, payloads, start="CLOSED"):
        """From CLOSED, or from the state of a restart, with `payloads` of the host."""
        if state == "CLOSED":
            return
        if start == "CLOSED":
            if state == "OPEN_RECD":
                self.open_recd()
            else:
                self.open_sent()
        if state in DATA and start != "OPEN":
            self.to_open()
        for _ in range(payloads):
            self.do("APPEND_SEND" if state in DATA else "APPEND", Event.HOST_PAYLOAD)
        self.to_close(state)

    def to_close(self, state):
        if state == "CLOSE_SENT":
            self.do("CLOSE", Event.HOST_CLOSE)
        elif state == "CLOSE_RECD":  # it declares more than has come: not quiet
            self.do("CLOSE_NOT_YET", Event.RX_CLOSE, tx_id=START + 12, rx_id=FIRST - 1)

    def keep_three(self):
        for (packet_id, slot), action in zip(KEPT.items(), ("KEEP_NACK", "KEEP_NACK", "KEEP")):
            self.payload(action, packet_id - START, slot)

    def open_neighbour(self):
        """The other way's link keeps one packet, 0x23, in a place of the directory of its own."""
        self.open_sent(NEIGHBOUR_LID)
        self.to_open(NEIGHBOUR_LID, start=0x21)
        self.do("APPEND_SEND", Event.HOST_PAYLOAD, NEIGHBOUR_LID)
        self.do("KEEP_NACK", Event.RX_PAYLOAD, NEIGHBOUR_LID, tx_id=0x23, room=1, rx_slot=8)

    def start_walk(self, current=3):
        walk = FIRST & RANGE_MASK, 0, current
        self.seek(0, 1, 2, told=lambda slots: {"walk": (slots[0], *walk)})

    def end(self, how):
        """The link ends and says that what it kept is to be freed."""
        told = {"look_job": "purge", "notice": "LINK_DOWN"}
        if how == "lost":
            self.do("LINK_LOST", Event.RX_NACK_NOLINK, epoch=self.link_epoch)
            stat = "link_lost"
        elif how == "closed":
            self.do("CLOSE", Event.HOST_CLOSE)
            self.do("CLOSE_DONE", Event.RX_CLOSE_ACK)
            stat = "link_closed"
        else:
            if how == "restart_closing":
                self.do("CLOSE", Event.HOST_CLOSE)
            self.open_recd(how.upper())
            stat = "peer_restarted"
            told["control"] = "OPEN_ACK", FIRST, START
            if how == "restart":
                told["notice"] = "PEER_RESTARTED"
        self.steps[-1].told = lambda slots: dict(told, free=(slots[0], 3), stats={stat, "retry"})
