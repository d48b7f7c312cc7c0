"""What the events of selective replay must do in every state: the scripts of `test_background`."""

import functools

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


class Step:
    """One event and what must come of it. `told` may depend on the link's replay slots."""

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
        if kind in (Event.SENT, Event.VISIT):
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

    def payload(self, action, offset, slot, **more):
        self.do(action, Event.RX_PAYLOAD, tx_id=START + offset, room=1, rx_slot=slot, **more)

    def look(self, row, offset, changes=None, told=None):
        self.background(Event.LOOK, row, changes, told, tx_id=START + offset)

    def ask(self, row, offset, first, **more):
        self.background(Event.ASK, row, tx_id=START + offset, rx_id=START + first, **more)

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
            self.do("CLOSE_NOT_YET", Event.RX_CLOSE, tx_id=START + 8, rx_id=FIRST - 1)

    def keep_three(self):
        for (packet_id, slot), action in zip(KEPT.items(), ("KEEP_NACK", "KEEP_NACK", "KEEP")):
            self.payload(action, packet_id - START, slot)

    def open_neighbour(self):
        """The other way's link keeps one packet, 0x23, in a place of the directory of its own."""
        self.open_sent(NEIGHBOUR_LID)
        self.to_open(NEIGHBOUR_LID, start=0x21)
        self.do("APPEND_SEND", Event.HOST_PAYLOAD, NEIGHBOUR_LID)
        self.do("KEEP_NACK", Event.RX_PAYLOAD, NEIGHBOUR_LID, tx_id=0x23, room=1, rx_slot=8)

    def start_walk(self):
        self.seek(0, 1, 2, told=lambda slots: {"walk": (slots[0], FIRST & RANGE_MASK, 0, 3)})

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


# ---- the scripts -------------------------------------------------------------------------------


def every_row(state):
    """Each row of the seven events in a state where data flows, but for PURGE's first."""
    s = Script()
    s.reach("OPEN", 3)
    s.keep_three()
    s.open_neighbour()
    s.to_close(state)

    s.look(2, 2, told={"looked": 0})  # none is under way
    run = dict(stats={"nack_run"})
    s.ask(0, 2, 1, told=dict(run, control=("NACK", START + 1, START + 1), asked=(1, 1)))
    s.ask(2, 2, 2, told={"asked": (1, 1)})  # kept, but nothing missing in front
    s.ask(2, 3, 3, told={"asked": (1, 0)})  # missing, but not the run's end
    s.ask(0, 4, 3, told=dict(run, control=("NACK", START + 3, START + 3), asked=(1, 1)))
    s.ask(2, 5, 5, told={"asked": (0, 1)})  # the youngest: nothing behind it
    s.ask(
        1,
        WINDOW - 1,
        6,
        told=dict(run, control=("NACK", START + WINDOW - 1, START + 6), asked=(0, 0)),
    )

    s.replay(1, 0)  # nobody walks
    s.start_walk()
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST, told={"stats": {"ack_retired"}})
    s.background(Event.RETIRE, 1)  # lags, but somebody walks
    s.replay(1, 0)  # acknowledged meanwhile
    for ahead in (1, 2):
        s.replay(
            0,
            ahead,
            slot=9 + ahead,
            told={"payload": (9 + ahead, FIRST + ahead), "stats": {"payload_replayed"}},
        )
    s.replay(1, 3)  # not sent yet
    s.replay(1, 0, lid=NEIGHBOUR_LID)  # another link's list
    s.do("HOLD", Event.RX_NACK_FULL)
    s.replay(1, 1)
    s.background(Event.WALKED, 0, {"queued": 1}, {"push": LID, "lag": 1})
    s.background(
        Event.RETIRE,
        0,
        lambda slots: {"lag": 0, "head": slots[1]},
        lambda slots: {"free": (slots[0], 1), "stats": {"slot_retired"}},
    )
    s.background(Event.RETIRE, 1)

    s.payload("DELIVER_LOOK", 1, 4)
    s.look(2, 1, told={"looked": START + 2})  # asks for the last one's ID
    s.look(
        0,
        2,
        {"received": START + 2, "kept": 2, "timer": 0},
        {"looked": START + 3, "verdict": (1, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(1, 3, {"looking": 0}, {"looked": 0, "control": ("ACK", 0, START + 2)})
    s.background(Event.PURGE, 1, tx_id=START + 4 & WINDOW - 1)  # of this link: it stays
    s.payload("DELIVER_LOOK", 3, 5)
    s.look(
        0,
        4,
        {"received": START + 4, "kept": 1},
        {"looked": START + 5, "verdict": (2, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(
        0,
        5,
        {"received": START + 5, "kept": 0, "gap": 0},
        {"looked": START + 6, "verdict": (3, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(1, 6, {"looking": 0}, {"looked": 0, "control": ("ACK", 0, START + 5)})
    s.ask(2, 6, 6, told={"asked": (0, 0)})  # no gap

    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 2)
    s.seek(1, 1, 2, told={"walk": 0, "lag": 1})  # all is acknowledged
    return s


def too_late(state, ending):
    """A link with all of it under way ends, and the next one on its number is brought to `state`.

    What was under way still arrives: it must touch nothing and send nothing. The PURGEs free each
    kept packet once, whatever the new link does, and it keeps packets from then on.
    """
    s = Script()
    s.reach("OPEN", 3)
    s.keep_three()
    s.open_neighbour()
    s.start_walk()
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST)
    s.payload("DELIVER_LOOK", 1, 4)
    s.end(ending)
    if ending == "closed":
        s.peer = OTHER_PEER
    s.reach(state, 3, ENDINGS[ending])

    early = state in EARLY  # then each has one row only
    for offset in (1, 2, 3):
        s.look(0 if early else 2, offset, told={"looked": 0})
    for ahead in range(4):
        s.replay(0 if early else 1, ahead)  # sends nothing (safety)
    s.background(Event.RETIRE, 0 if early else 1)
    s.background(Event.WALKED, 0)
    s.replay(0 if early else 1, 0)
    if early:
        s.ask(0, 2, 1, told={"asked": (0, 0)})
        s.ask(0, 5, 1, told={"asked": (0, 0)})
        s.seek(0, 0, 2, told={"walk": 0})
    else:
        s.ask(2, 2, 1, told={"asked": (0, 0)})  # no gap yet
        s.payload("NACK_ALL", 2, 5)  # not kept, nor taken for kept
        s.ask(
            1,
            2,
            1,
            told=dict(control=("NACK", START + 2, START + 1), asked=(0, 0), stats={"nack_run"}),
        )
        s.payload("LOSE", 4, 5)

    kept = {packet_id & WINDOW - 1: slot for packet_id, slot in KEPT.items()}
    last = WINDOW - 1
    for place in range(WINDOW):
        s.background(
            Event.PURGE,
            0 if place in kept else 1,
            {"purging": 0} if place == last else {},
            {"verdict": (kept[place], 0, 1), "stats": {"purged"}} if place in kept else {},
            tx_id=place,
            room=place == last,
        )
        if place == last - 1 and not early:  # two are free again: not yet
            s.payload("LOSE", 2, 5)
            s.payload("LOSE", 3, 5)
    for place in range(WINDOW):  # no packet is freed twice
        s.background(Event.PURGE, 1, tx_id=place, room=place == last)

    if state == "CLOSED":
        s.reach("OPEN", 3)
    elif early:
        s.to_open()
        for _ in range(3):
            s.do("SEND", Event.VISIT)
    s.replay(1, 0)
    s.payload("KEEP_NACK" if early else "KEEP", 2, 5)
    s.payload("KEEP", 3, 6)
    s.payload("KEEP_NACK", 5, 7)
    s.payload("LOSE", 6, 9)  # three, and the neighbour's: full
    s.background(Event.PURGE, 1, tx_id=START + 2 & WINDOW - 1)
    s.payload("DELIVER_LOOK", 1, 4)
    s.look(
        0,
        2,
        {"received": START + 2, "kept": 2},
        {"looked": START + 3, "verdict": (5, 1, 1), "stats": {"delivered_kept"}},
    )
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 1)  # two: one of them lags behind
    # Its list is free to be shortened: the old walk is forgotten.
    s.background(
        Event.RETIRE,
        0,
        lambda slots: {"lag": 0, "head": slots[6]},
        lambda slots: {"free": (slots[5], 1), "stats": {"slot_retired"}},
    )
    s.do("DELIVER_LOOK", Event.RX_PAYLOAD, NEIGHBOUR_LID, tx_id=0x22, room=1, rx_slot=10)
    s.background(
        Event.LOOK,
        0,
        {"received": 0x23, "kept": 0, "gap": 0},
        {"looked": 0x24, "verdict": (8, 1, 1), "stats": {"delivered_kept"}},
        lid=NEIGHBOUR_LID,
        tx_id=0x23,
    )
    return s


IMPOSSIBLE = [("restart", state) for state in EARLY] + [
    ("restart_closing", state) for state in EARLY[:2]
]
SCRIPTS = {f"every_row {state}": functools.partial(every_row, state) for state in DATA}
SCRIPTS |= {
    f"too_late {state} {ending}": functools.partial(too_late, state, ending)
    for ending in ENDINGS
    for state in (*EARLY, *DATA)
    if (ending, state) not in IMPOSSIBLE
}
