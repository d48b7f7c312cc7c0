"""Random events that make sense: they look at the tags as the events before have left them."""

import random
from collections import defaultdict

from tests.pipeline.pipeline_bench import CONFIG, OWN, WALKS, row_of
from ttpoe.link.fsm import Event

__all__ = ["Script"]

_MASK = (1 << 32) - 1
_RX_EVENTS = [event for event in Event if event.value <= Event.RX_NACK_NOLINK.value]
_BY_NUMBER = (Event.VISIT, Event.TIMER, Event.SENT, Event.VICTIM)
_BACKGROUND = {
    Event.LOOK: 6,
    Event.ASK: 6,
    Event.PURGE: 3,
    Event.SEEK: 4,
    Event.REPLAY: 7,
    Event.WALKED: 0.5,
    Event.RETIRE: 4,
}
_WEIGHTS = {
    Event.HOST_PAYLOAD: 9,
    Event.VISIT: 8,
    Event.TIMER: 8,
    Event.HOST_OPEN: 2,
    Event.HOST_CLOSE: 1,
    Event.VICTIM: 0.3,
    Event.SENT: 2,
    **dict(zip(_RX_EVENTS, (3, 3, 0.2, 1, 0.4, 0.5, 16, 7, 5, 0.7, 0.4))),
    **_BACKGROUND,
}


class Script:
    """Chooses events one by one; told what came of the last one before it chooses the next.

    Parameters
    ----------
    nodes : sequence of int
        The peers.
    vcs : sequence of int
    hasty : float
        Share of events that help a link to open.
    zero : float
        Share of peers that send epoch 0.
    """

    def __init__(self, seed, nodes, vcs=(0,), hasty=0.15, zero=0):
        self.random = random.Random(seed)
        self.nodes, self.vcs, self.hasty, self.zero = nodes, vcs, hasty, zero
        assert row_of(dict(node=nodes[0])) == WALKS
        self.lists = defaultdict(list)  # lid -> slots of the link, the oldest first
        self.slot = 0  # the host's next one
        self.tags = {}  # lid -> last record
        self.old_kept = []  # (lid, ID) that an ended link may have kept

    def note(self, record):
        """An event has left Q3."""
        before = self.tags.get(record["lid"])
        if before and before["tag.state"] != record["outcome.old_state"]:
            return  # of a link that found no place: the number is another's
        if record["outcome.purges"]:
            self.old_kept += [(record["lid"], before["tag.received"] + n) for n in range(2, 9)]
        self.tags[record["lid"]] = record
        self._follow_list(record)

    def _follow_list(self, record):
        slots = self.lists[record["lid"]]
        if record["outcome.free_all"]:
            slots.clear()
        if record["outcome.append"]:
            slots.append(record["event.slot"])
        if record["outcome.pop"]:
            run = record["outcome.run"]
            del slots[: record["event.rx_id"] % 32 if run else 1]

    def event(self):
        """The fields of an event."""
        rng = self.random
        node, vc = rng.choice(self.nodes), rng.choice(self.vcs)
        known = [r for r in self.tags.values() if r["tag.state"] != "CLOSED"]
        tag = rng.choice(known) if known and rng.random() < 0.85 else None
        if tag:
            node, vc = tag["node"], tag["vc"]
        kind = self._kind(tag)
        if kind in (Event.HOST_PAYLOAD, Event.HOST_OPEN) and rng.random() < 0.03:
            node = OWN
        fields = dict(
            event=kind,
            node=node,
            vc=vc,
            ieee=rng.randrange(2),
            slot=self.slot,
            room=rng.random() < 0.8,
            may_send=kind in (Event.HOST_PAYLOAD, Event.VISIT, Event.REPLAY)
            or (kind == Event.RX_NACK and rng.random() < 0.7),
            selective=rng.random() < 0.75,
            controlled=rng.random() < 0.8,
            congestion=rng.getrandbits(8),
            rx_slot=rng.randrange(CONFIG.rx_slots),
        )
        if kind == Event.HOST_PAYLOAD:
            self.slot += 1
            assert self.slot < CONFIG.slots
        elif kind in _BACKGROUND:
            fields |= self._background(kind, tag)
        elif kind in _BY_NUMBER:
            lid = rng.choice(sorted(self.tags)) if self.tags else 0
            lid = tag["lid"] if tag and rng.random() < 0.8 else lid
            if kind == Event.TIMER and lid >> 1 != WALKS and self.tags.get(lid, {}).get("tag.kept"):
                fields["event"] = Event.VISIT  # no questions of another set
            fields |= dict(by_lid=1, lid=lid)
        elif kind in _RX_EVENTS:
            fields |= self._ids(kind, tag)
        return fields

    def _kind(self, tag):
        rng, state = self.random, tag["tag.state"] if tag else None
        (kind,) = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        if rng.random() < self.hasty:  # links that open, and then carry data
            kind = {"OPEN_SENT": Event.RX_OPEN_ACK, "OPEN_RECD": Event.SENT}.get(state, kind)
        elif tag and tag["tag.looking"] and rng.random() < 0.3:
            kind = Event.LOOK
        elif tag and tag["tag.lag"] > 1 and rng.random() < 0.9:
            kind = Event.RETIRE
        if kind in _BACKGROUND and state in (None, "OPEN_SENT", "OPEN_RECD"):
            kind = Event.PURGE if rng.random() < 0.5 else Event.HOST_PAYLOAD
        # There is one walk, and one round of questions, at a time: those of one set cannot meet.
        if tag is None or tag["lid"] >> 1 != WALKS:
            if kind in (Event.SEEK, Event.WALKED, Event.RETIRE, Event.ASK):
                kind = Event.VISIT
        return kind

    def _background(self, kind, tag):
        """By link number; IDs as `pipeline.records` says."""
        rng = self.random
        if kind == Event.PURGE and self.old_kept:
            lid, packet_id = self.old_kept.pop(rng.randrange(len(self.old_kept)))
            place = packet_id % CONFIG.reorder_window
            return dict(by_lid=1, lid=lid, tx_id=place, room=rng.random() < 0.1)
        if tag is None:
            lid = rng.randrange(CONFIG.links)
            return dict(by_lid=1, lid=lid, rx_id=rng.randrange(4), tx_id=rng.randrange(64))
        received, una = tag["tag.received"], tag["tag.una"]
        tx_id, rx_id = received + 1, 0
        room = kind == Event.ASK and rng.random() < 0.3
        if kind == Event.LOOK:
            tx_id += rng.random() < (0.1 if tag["tag.kept"] else 0.5)
            room = rng.random() < 0.3
        elif kind == Event.ASK:
            tx_id += rng.randrange(6)
        elif kind == Event.RETIRE and tag["tag.lag"]:
            rx_id = rng.randint(1, min(tag["tag.lag"], 16))
            slot = self.lists[tag["lid"]][rx_id - 1]
            return dict(by_lid=1, lid=tag["lid"], rx_id=rx_id, slot=slot)
        elif kind == Event.SEEK:
            rx_id = una + rng.choice((-1, 0, 0, 1, 2))
            tx_id = rx_id + rng.choice((0, 1, 3))
        elif kind == Event.REPLAY:
            rx_id = una + rng.randrange(-1, 1 + tag["tag.alloc"])
        return dict(by_lid=1, lid=tag["lid"], tx_id=tx_id & _MASK, rx_id=rx_id & _MASK, room=room)

    def _ids(self, kind, tag):
        """What a received frame says: near to what its link waits for, if there is one."""
        rng = self.random
        zero = rng.random() < self.zero
        if tag is None:
            tx_id = rng.getrandbits(32)
            rx_id = tx_id if zero else rng.getrandbits(32)
            return dict(tx_id=tx_id, rx_id=rx_id, epoch=0 if zero else rng.randrange(3))
        una, end = tag["tag.una"], tag["tag.una"] + tag["tag.alloc"] - 1
        tx_id = tag["tag.received"] + rng.choice((-1, 0, 0, 1, 1, 1, 2, 3, 4, 5))
        rx_id = rng.choice((una - 1, una, una, una, una + 1, una + 2, end))
        epoch = tag["tag.peer_epoch"]
        if kind == Event.RX_OPEN_ACK:
            rx_id, epoch = una - 1, rng.randrange(1 << 16)
        if kind == Event.RX_OPEN and rng.random() < 0.7:
            epoch = (epoch + rng.choice((0, 1, 1, 0xFFFF))) & 0xFFFF
        if kind == Event.RX_OPEN_NACK:
            rx_id, epoch = una - 1, tag["tag.epoch"]
        if kind == Event.RX_NACK_NOLINK:
            epoch = tag["tag.epoch"]
        if zero and kind in (Event.RX_OPEN, Event.RX_OPEN_ACK):
            epoch = 0
            if kind == Event.RX_OPEN_ACK:
                tx_id = rng.choice((0, tx_id))
            else:
                rx_id = rng.choice((tx_id, una - 1, rx_id, rx_id - 3))
        if rng.random() < 0.05 * (not zero):
            epoch = rng.getrandbits(16)
        if kind == Event.RX_CLOSE and rng.random() < 0.3:
            tx_id = 0
        elif kind == Event.RX_CLOSE and rng.random() < 0.6:  # agreed, if all is sent
            tx_id, rx_id = tag["tag.received"] + 1, end
        if kind == Event.RX_NACK:
            tx_id = rx_id + rng.choice((-1, 0, 0, 1, 3))
        if kind == Event.RX_ACK:  # on a controlled link an echo, if it is not 0
            tx_id = rng.choice((0, 0, una, una + 1, tx_id))
        return dict(tx_id=tx_id & _MASK, rx_id=rx_id & _MASK, epoch=epoch)
