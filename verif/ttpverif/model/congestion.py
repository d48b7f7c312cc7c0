"""The law of congestion control (decisions K4 to K10, K13), without links, frames or clocks.

`Sender` is what one controlled link knows of its path: when, and how far, it may send. `Receiver`
is what one engine knows of those who send to it: it makes the code of its answers. Both are told
what happened by methods; nothing happens by itself. Times are in U (64 bytes of line time):
`now` and `next_at` are 16-bit serial numbers.
"""

from ..frames.code import gap_of
from ..frames.serial import id_distance

__all__ = ["UNKNOWN", "Receiver", "Sender", "time_ahead"]

_TIME = (1 << 16) - 1
_STAMP = (1 << 14) - 1
UNKNOWN = 4095
"""`base` when no round trip has been measured."""
_LONG, _HIGH = 160, 128  # delays that cut the window and make the engine slow, in 4 U
_FAR = 640  # a gap as long as the delay that cuts the window, in U
_CROWD = 16  # links that are counted
_FIRST = 2  # packets: the window of a new link


def time_ahead(a, b):
    """`a - b` of two times as a signed 16-bit number: positive if `a` is later."""
    ahead = (a - b) & _TIME
    return ahead - (1 << 16) if ahead >> 15 else ahead


class Sender:
    """One controlled link (K7 to K10).

    Attributes
    ----------
    window : int
        W: how many packets may be unacknowledged, 1 to `slots`.
    next_at, gap : int
        When the next packet may go, and the time between two, in U.
    growing, limited : bool
        The window doubles; the window held something back.
    timed : int or None
        ID of the packet whose round trip is measured; `stamp`: the lower 14 bits of when it went.
    base : int
        The shortest round trip so far, in 4 U.
    free : bool
        Whether a host's payload may go with its own event (K9).
    """

    def __init__(self, slots, now):
        self.slots = slots
        self.stamp = self.position = 0
        self.begin(now)

    def begin(self, now):
        """The link begins, or becomes controlled."""
        self.next_at = now
        self.limited = False
        self._start()

    def _start(self):
        self.window, self.growing, self.gap = _FIRST, True, 0
        self.timed, self.base = None, UNKNOWN

    # ---- the gate (K9) ---------------------------------------------------------------------

    def may_send(self, position, now):
        """Whether the packet `position` behind the oldest unacknowledged one may go now."""
        waits = self.gap or self.window == 1
        return position < self.window and not (waits and time_ahead(self.next_at, now) > 0)

    @property
    def free(self):
        return self.gap == 0 and self.position + 1 < self.window

    # ---- what an event says ----------------------------------------------------------------

    def heard(self, code, now, sends=False, opens=False):
        """A believed answer carries `code` (K7). `sends`: its event sends a PAYLOAD, too (K8);
        `opens`: it is the OPEN_ACK."""
        gap = gap_of(code)
        if gap is None:
            return
        self.gap = gap
        if opens and gap >= _FAR:
            self.next_at = (now + gap) & _TIME
        elif not sends and time_ahead(self.next_at, now + gap) > 0:
            self.next_at = (now + gap) & _TIME

    def sent(self, packet_id, first_time, now):
        """A PAYLOAD was sent (K8), for the first time or again (K10)."""
        late = now - self.gap // 2
        start = self.next_at if time_ahead(self.next_at, late) > 0 else late
        self.next_at = (start + self.gap) & _TIME
        if not first_time:
            if packet_id == self.timed:
                self.timed = None
        elif self.timed is None:
            self.timed, self.stamp = packet_id, now & _STAMP

    def arrived(self, packet_id, now, sends=False):
        """An answer tells of exactly this packet: a sample, if it is timed (K10). `sends`: as above.

        Returns whether the delay makes the engine slow.
        """
        if packet_id != self.timed:
            return False
        trip = min(UNKNOWN, (((now - self.stamp) & _STAMP) + 3) // 4)
        self.base = min(self.base, trip)
        delay = trip - self.base
        if delay >= _LONG:
            if self.window == 1 and self.gap < _FAR and not sends:
                self.next_at = (now + 2 * delay) & _TIME
            self.window = max(1, self.window - max(1, self.window // 4))
            self.growing = False
        elif self.limited:
            grown = 2 * self.window if self.growing else self.window + 1 + self.window // 32
            self.window = min(self.slots, grown)
        self.limited, self.timed = False, None
        return delay >= _HIGH

    def passed(self, packet_id):
        """This ID is awaited, or named by a NACK: the timing of one in front of it ends (K10)."""
        if self.timed is not None and id_distance(packet_id, self.timed) > 0:
            self.timed = None

    def held(self):
        """NACK_FULL."""
        self.timed = None

    def visited(self, now):
        """The link timer visits the link."""
        if -(1 << 15) < time_ahead(self.next_at, now) < 0:
            self.next_at = now

    def timed_out(self, time_outs, slow):
        """A time-out replays; `time_outs` came before it in a row; the engine is `slow` (K13)."""
        self.window = 1 if slow else max(_FIRST, self.window // 2)
        self.growing, self.timed = True, None
        if time_outs:
            self.base = UNKNOWN

    def rested(self):
        """The timer finds a link that has been empty for two rounds (K13)."""
        self._start()

    def settle(self, position, waiting):
        """After every event: `position` of what is sent next, and whether anything waits."""
        self.position = position
        if waiting and position >= self.window:
            self.limited = True


class Receiver:
    """One engine: which links of VC 2 are counted (K4), and what the code says (K5, K6).

    Links have any hashable name. `ages` has the counted ones.
    """

    _UNCONTROLLED_AGE = 2

    def __init__(self):
        self.ages = {}
        self.excess = 0
        """x: by how much the load shows more links than are counted, in 1/64."""
        self.elapsed = self.idle = self.packets = 0

    @property
    def links(self):
        """A: how many links are counted."""
        return len(self.ages)

    @property
    def crowded(self):
        """Whether packets of so many may be what keeps one of a silent peer waiting (Z7)."""
        return self.links >= _CROWD

    @property
    def load(self):
        """Ae, in 1/64 link."""
        return 64 * self.links + self.excess

    def _bound(self):
        links = self.links
        least, most = (64 - 64 * links, 16 * links) if links > 1 else (0, 0)
        self.excess = max(least, min(most, self.excess))

    # ---- what is counted (K4) --------------------------------------------------------------

    def payload(self, link, counts, new_gap=False):
        """A PAYLOAD of the link. `counts`: it says `more`, or a gap is open behind it, or the link
        is not controlled. `new_gap`: it makes one (K5)."""
        self.packets += 1
        if counts:
            self.ages[link] = 0
        else:
            self.ages.pop(link, None)
        self._bound()
        if new_gap and self.excess < 0:
            self.excess += (3 - self.excess) // 4
            self._bound()

    def opened(self, link):
        """The link became controlled by an OPEN that it answers."""
        self.ages[link] = 0
        self._bound()

    def ended(self, link):
        """The link ended, or a new incarnation takes its place."""
        self.ages.pop(link, None)
        self._bound()

    def age_limit(self, controlled):
        """The greatest age of a counted link."""
        return min(31, 2 + self.load // 2048) if controlled else self._UNCONTROLLED_AGE

    def visited(self, link, controlled):
        """The link timer visits the link."""
        if link not in self.ages:
            return
        limit = self.age_limit(controlled)
        self.ages[link] += 1
        if self.ages[link] > limit:
            self.ended(link)

    # ---- the load (K5) ---------------------------------------------------------------------

    def look(self, elapsed, idle):
        """512 U are over, which were `elapsed` clocks, `idle` of them without a beat."""
        self.elapsed += elapsed
        self.idle += idle
        if self.packets < 2 * self.links:
            return
        if 256 * self.idle < self.elapsed:
            self.excess += max(1, self.load // 128, -self.excess // 16)
        elif 64 * self.idle > self.elapsed:
            self.excess -= self.load // 64
        self._bound()
        self.elapsed = self.idle = self.packets = 0

    # ---- the code (K6) ---------------------------------------------------------------------

    def code(self, random, few_slots=False):
        """The byte of an answer. `random`: any number, of which the lowest bits count.

        `few_slots`: less than a quarter of the receive slots that DATA may take are free.
        """
        load = max(64, self.load) if self.links > 1 else 64
        load *= 4 if few_slots else 1
        load += random & (1 << load.bit_length() - 5) - 1
        exponent = load.bit_length() - 5
        if exponent > 15:
            return 0xEF
        return (exponent - 1 << 4) | (load >> exponent) & 15
