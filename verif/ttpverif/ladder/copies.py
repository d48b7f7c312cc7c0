"""One frame that a capture of several interfaces has more than once: on its way in, and out again.

Linux's `any` device (SLL, SLL2) and a pcapng of several interfaces show a frame at every interface
that it passes. Shown twice it would look like a replay. A replay is seen again everywhere, so the
nth sighting at one place is a copy if another place has had n already. A router changes MACs, TTL,
service and checksum of the IPv4 form, and cuts or adds padding: these do not count.
"""

from collections import deque

from .capture import ETHERNET, SLL2

__all__ = ["Copies"]

_MOST = 50_000  # different frames that are remembered
_BEFORE = 64  # and so many of those before the first one at a second place


def _said(record):
    """The bytes of its headers that no bridge and no router changes."""
    return record.data[26:60] if record.form == "ipv4" else record.data[12:]


def _place(packet):
    """Interface of the capture, and of SLL2 the kernel's interface; SLL knows in from out only."""
    if packet.link_type == ETHERNET:
        return packet.interface
    end = slice(4, 8) if packet.link_type == SLL2 else slice(0, 2)
    return packet.interface, packet.data[end], packet.data[10:11] == b"\4"


class Copies:
    """Tells copies; costs little while there is one interface that is no `any` device."""

    def __init__(self):
        self._seen = {}  # frame -> {place: sightings}
        self._several = False
        self._before = deque(maxlen=_BEFORE)

    def is_copy(self, packet, record):
        """Whether this packet, decoded as `record`, has been seen at another place."""
        if not self._several:
            self._several = packet.link_type != ETHERNET or packet.interface > 0
            if not self._several:
                self._before.append((packet, record))
                return False
            for earlier in self._before:
                self._sighted(*earlier)
        return self._sighted(packet, record)

    def _sighted(self, packet, record):
        key = hash((_said(record), record.digest, record.src, record.dst))
        places = self._seen.pop(key, None) or {}
        self._seen[key] = places  # the youngest is last
        if len(self._seen) > _MOST:
            del self._seen[next(iter(self._seen))]
        place = _place(packet)
        mine = places[place] = places.get(place, 0) + 1
        return any(count >= mine for other, count in places.items() if other != place)
