"""What the model remembers of links: tags, the hashed table they live in, and fresh IDs."""

from dataclasses import dataclass, field

from ..frames.serial import ID_MASK, id_add, id_distance
from .states import State

__all__ = ["Link", "LinkTable", "WeylIds", "link_hash"]


@dataclass
class Link:
    """One incarnation of a link. All IDs are 32-bit serial numbers.

    Sending: `oldest` (not acknowledged), `position` (sent next by a visit), `fresh` (first ID
    never sent), `end` (the next host payload gets it), in this order. Receiving: `received`
    is the last in-order ID.
    """

    node: int
    vc: int
    ethertype: int
    state: State
    epoch: int
    first_id: int
    received: int = 0
    peer_epoch: int | None = None
    """None: no OPEN and no OPEN_ACK heard yet."""
    data: dict = field(default_factory=dict)
    held: bool = False
    gap: bool = False
    seen: int = 0
    fed: bool = False
    """`received` is the ID of a PAYLOAD that was accepted on this link (Z4 to Z8)."""
    guessed: bool = False
    """`received` is INIT_ID, as nobody has said better (L8, Z4, Z5)."""
    doubted: bool = False
    """An OPEN came that does not fit; it may have been late (Z4)."""
    asked: bool = False
    """A NACK_NOLINK of ours has asked the peer for an OPEN (Z4)."""
    timer_bit: bool = False
    count: int = 0
    """Time-outs without progress: retries, or idle rounds of a link with nothing in flight."""
    close_wanted: bool = False
    """The host closed in OPEN_RECD (L4)."""
    close_due: bool = False
    nack_heard: bool = False
    """A CLOSE_NACK answered our CLOSE (C4)."""
    peer_end: int | None = None
    offered: bool = False
    """Our OPEN says, or would say, that we can keep younger packets (R1)."""
    selective: bool = False
    control_offered: bool = False
    """Our OPEN says, or would say, that we pace what we send and say how many do (K1)."""
    controlled: bool = False
    """Congestion control was agreed."""
    sent_then: int = 0
    """`fresh` when the oldest packet was last sent from here or became the oldest (R12)."""
    looking: bool = False
    """A look-up is under way: the ACK of what is delivered waits for its end (R5)."""
    kept: dict = field(default_factory=dict)
    """ID -> bytes of the packets that came before their turn (R2)."""
    walks: list = field(default_factory=list)
    """[first, last] of NACKed ranges that are to be sent once more, oldest NACK first (R7)."""

    def __post_init__(self):
        self.oldest = self.position = self.fresh = self.end = self.first_id
        self.sent_then = self.first_id

    @property
    def zero(self):
        """Whether the peer is known to send epoch 0, as Tesla's module does (10.1)."""
        return self.peer_epoch == 0

    @property
    def open_id(self):
        """The TxID of our OPEN: one before the first data ID."""
        return id_add(self.first_id, -1)

    @property
    def in_flight(self):
        """IDs sent at least once and not acknowledged."""
        return (self.fresh - self.oldest) & ID_MASK

    @property
    def stored(self):
        """Payloads that occupy a slot."""
        return (self.end - self.oldest) & ID_MASK

    @property
    def waiting(self):
        """Whether a visit has a PAYLOAD to send, hold aside."""
        return self.position != self.end

    @property
    def youngest(self):
        """s: the youngest ID noted; the last in-order one while no gap is open (R3)."""
        return self.seen if self.gap else self.received

    @property
    def end_reached(self):
        return self.peer_end is None or id_distance(self.peer_end, self.received) <= 0

    @property
    def settled(self):
        """Both conditions for sending CLOSE again (C4)."""
        return not self.stored and self.end_reached

    def store(self, data):
        """Put one host payload into a slot; its ID."""
        packet_id, self.end = self.end, id_add(self.end, 1)
        self.data[packet_id] = data
        return packet_id

    def accept(self):
        """A PAYLOAD of the peer was accepted: its position is known to be right."""
        self.fed, self.guessed = True, False

    def retire(self, count):
        """Free the `count` oldest slots; an acknowledged ID needs no replay (D7)."""
        for _ in range(count):
            del self.data[self.oldest]
            self.oldest = id_add(self.oldest, 1)
        if id_distance(self.position, self.oldest) < 0:
            self.position = self.oldest
        if count:
            self.sent_then = self.fresh
        self.walks = [
            [first if id_distance(first, self.oldest) > 0 else self.oldest, last]
            for first, last in self.walks
            if id_distance(last, self.oldest) >= 0
        ]

    def check(self):
        """Assert what must hold after every event."""
        assert self.state != State.CLOSED
        order = [(value - self.oldest) & ID_MASK for value in (self.position, self.fresh, self.end)]
        assert order == sorted(order), f"pointers out of order: {self}"
        assert set(self.data) == {id_add(self.oldest, n) for n in range(order[-1])}
        assert not (self.held and self.state == State.OPEN_SENT)
        assert not (self.fed and self.guessed)
        assert self.zero or not (self.doubted or self.asked)
        assert not (self.zero and (self.selective or self.peer_end is not None))  # Z1, Z8, Z9
        assert not self.controlled or self.control_offered and self.vc == 2 and not self.zero
        assert self.selective or not (self.kept or self.looking or self.walks)
        if self.selective:
            noted = id_distance(self.youngest, self.received)
            assert (noted > 0) == self.gap
            ahead = [id_distance(packet_id, self.received) for packet_id in self.kept]
            assert all(1 <= n <= noted for n in ahead)
            assert 1 not in ahead or self.looking, f"nobody looks for what is next: {self}"


def _reverse_bits(byte):
    return int(f"{byte:08b}"[::-1], 2)


def link_hash(node, vc, sets, vc_tables):
    """`(table, set)` of a link (5.1): `mac[3] ^ reverse_bits(mac[4]) ^ mac[5]` for 256 sets.

    Fewer sets: the eight bits folded by XOR; more: MAC bytes 4 and 3 above them. With a single
    table for all VCs the VC is mixed in.
    """
    mac3, mac4, mac5 = node.to_bytes(3, "big")
    h8 = mac3 ^ _reverse_bits(mac4) ^ mac5
    bits = sets.bit_length() - 1
    if bits <= 8:
        index = 0
        for shift in range(0, 8, bits):
            index ^= h8 >> shift
    else:
        index = h8 | mac4 << 8 | mac3 << 16
    if vc_tables == 1:
        return 0, (index ^ vc) & (sets - 1)
    return vc, index & (sets - 1)


def _index(ways, link):
    """`list.index` by identity; dataclasses compare by content."""
    return next(way for way, held in enumerate(ways) if held is link)


class _Row:
    def __init__(self):
        self.ways = [None, None]
        self.last_used = 0


class LinkTable:
    """Two ways per set; iterating gives every link that is not CLOSED."""

    def __init__(self, sets, vc_tables):
        self.sets, self.vc_tables = sets, vc_tables
        self._rows = {}

    def _row(self, node, vc):
        return self._rows.setdefault(link_hash(node, vc, self.sets, self.vc_tables), _Row())

    def __iter__(self):
        for key in sorted(self._rows):
            yield from (link for link in self._rows[key].ways if link is not None)

    def find(self, node, vc):
        for link in self._row(node, vc).ways:
            if link is not None and (link.node, link.vc) == (node, vc):
                return link
        return None

    def number(self, link):
        """Number of the link's place: the row, and the way in the lowest bit."""
        table, index = link_hash(link.node, link.vc, self.sets, self.vc_tables)
        ways = self._row(link.node, link.vc).ways
        return (table * self.sets + index) * 2 + _index(ways, link)

    def has_room(self, node, vc):
        return None in self._row(node, vc).ways

    def add(self, link):
        """Way 0 if it is free, else way 1."""
        ways = self._row(link.node, link.vc).ways
        ways[ways.index(None)] = link

    def replace(self, old, new):
        """A new incarnation in the way of the old one."""
        ways = self._row(old.node, old.vc).ways
        ways[_index(ways, old)] = new

    def remove(self, link):
        ways = self._row(link.node, link.vc).ways
        ways[_index(ways, link)] = None

    def touch(self, link):
        """Note that this way of its set was used last (L5)."""
        row = self._row(link.node, link.vc)
        row.last_used = _index(row.ways, link)

    def victim(self, node, vc):
        """The link that a full set gives up (L5), or None."""
        row = self._row(node, vc)
        for way in (1 - row.last_used, row.last_used):
            link = row.ways[way]
            if link is not None and link.state == State.OPEN and not link.stored and link.timer_bit:
                return link
        return None


class WeylIds:
    """Source of (open ID, epoch), one pair per incarnation (L11), for stand-alone use."""

    STEP = 0x4F1BBCDD  # odd, near 2^31 / golden ratio: every value once, neighbours far apart

    def __init__(self, seed=1):
        self._open_id = seed & 0x7FFFFFFF
        self._epoch = (seed & 0xFFFF) or 1

    def __call__(self):
        pair = self._open_id, self._epoch
        self._open_id = (self._open_id + self.STEP) & 0x7FFFFFFF
        self._epoch = self._epoch % 0xFFFF + 1
        return pair
