"""`FaultyWire`: a network by rates that notes each fault, or with the faults listed.

Faults are named by the kind of frame and how many of that kind passed before, so that a script
from which other frames have been taken away still hits the same frames.
"""

import heapq
import random
from collections import Counter

from ..frames.datagram import is_datagram, mark, route
from ..frames.frame import Opcode, is_ttp

__all__ = ["FaultyWire"]

MARKED = 0.2
"""Share of the frames that a router marks: congestion experienced."""


def _kind(data):
    """(opcode name, VC) of a TTP frame; ("OS", 0) of any other."""
    if not (is_ttp(data) or is_datagram(data)):
        return "OS", 0
    return Opcode(data[42]).name, data[43]


class FaultyWire:
    """One direction; the interface of `network.Channel`.

    Parameters
    ----------
    name : str
        "ab" or "ba", as in a script's faults.
    seed : int
        Decides what the rates do.
    faults : list or None
        Of a script. None: drawn by rates (`rates`), and noted in `noted`.
    """

    def __init__(self, name, seed, faults=None):
        self.name = name
        self.noted = []
        self.counters = Counter()
        self._random, self._marks = random.Random(seed), random.Random(f"{seed}/marks")
        self._router = None
        self._listed = None
        if faults is not None:
            self._listed = {}
            for wire, opcode, vc, nth, action, argument in faults:
                if wire == name:
                    self._listed.setdefault((opcode, vc, nth), []).append((action, argument))
        self._seen = Counter()
        self._queue, self._order, self._last = [], 0, 0
        self._rates, self._delay, self._late = (0, 0, 0, 0), 0, 1
        self._quiet = False

    def through(self, router, sink):
        """From now on a router is in it: frames of the IPv4 form to the MAC `router` go on to the
        MAC `sink`, some of them marked. It has this MAC on both sides."""
        self._router = router, sink

    def _routed(self, data):
        if self._router is None or data[:6] != self._router[0] or not is_datagram(data):
            return data
        router, sink = self._router
        data = route(data, router, sink)
        return mark(data) if data is not None and self._marks.random() < MARKED else data

    def rates(self, loss, doubled, late, corrupted, delay, lateness):
        """From now on: permille of the frames, and clocks. Listed faults need only `delay`."""
        self._rates = loss, corrupted, late, doubled
        self._delay, self._late = delay, max(1, lateness)

    def quiet(self):
        """From now on a perfect wire, as long as it is."""
        self._quiet = True

    def _faults_of(self, data):
        kind = _kind(data)
        nth = self._seen[kind]
        self._seen[kind] += 1
        if self._quiet:
            return []
        if self._listed is not None:
            return self._listed.get((*kind, nth), [])
        if not any(self._rates):
            return []
        draw, found = self._random.random, []
        for action, rate in zip(("lose", "corrupt", "late", "double"), self._rates):
            if draw() * 1000 < rate:
                argument = {"lose": 0, "corrupt": self._random.randrange(8 * len(data))}.get(action)
                if argument is None:
                    argument = self._random.randint(1, self._late)
                found.append((action, argument))
        self.noted += [[self.name, *kind, nth, *fault] for fault in found]
        return found

    def push(self, data, now):
        """A frame enters at clock `now`."""
        data = self._routed(bytes(data))
        if data is None:  # the router drops it: its TTL is used up
            return
        due, bad, copies = now + self._delay, False, []
        late = False
        for action, argument in self._faults_of(data):
            self.counters[action] += 1
            if action == "lose":
                return
            if action == "corrupt":
                broken = bytearray(data)
                broken[argument // 8 % len(data)] ^= 1 << argument % 8
                data, bad = bytes(broken), True
            elif action == "late":
                due, late = due + argument, True
            else:
                copies.append(argument)
        if not late:  # frames overtake only what is late
            due = self._last = max(self._last, due)
        self._put(due, data, bad)
        for after in copies:
            self._put(due + after, data, bad)

    def _put(self, due, data, bad):
        heapq.heappush(self._queue, (due, self._order, data, bad))
        self._order += 1

    def pop(self, now):
        """`[(bytes, bad FCS)]` of what has arrived."""
        arrived = []
        while self._queue and self._queue[0][0] <= now:
            arrived.append(heapq.heappop(self._queue)[2:])
        return arrived

    @property
    def next_time(self):
        return self._queue[0][0] if self._queue else None

    def __len__(self):
        return len(self._queue)
