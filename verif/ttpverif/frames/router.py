"""`Router`: a network in which two nodes are joined by a router, or by a switch beside it."""

import random

from .datagram import is_datagram, mark, route
from .frame import is_ttp
from .network import Channel

__all__ = ["Router"]


class Router(Channel):
    """One direction through a router: frames of the IPv4 form that are sent to its MAC go on with
    other MACs and a lower TTL, as by any router; what else the channel does is `Channel`'s.

    Frames of the Ethernet form pass as through a switch. Everything else that is sent to the
    router, or to nobody here, gets lost.

    Parameters
    ----------
    seed : int
    mac : bytes
        The router's MAC on the sender's side.
    far_mac, sink : bytes
        Its MAC on the other side, and that of the node there.
    hops : int
        So many routers in a row, of which each counts the TTL down.
    marked : float
        Share of frames that it marks: congestion experienced.
    **channel
        As of `Channel`.
    """

    def __init__(self, seed, mac, far_mac, sink, hops=1, marked=0.0, **channel):
        super().__init__(seed, **channel)
        self._mac, self._far_mac, self._sink, self._hops = mac, far_mac, sink, hops
        self._marked, self._mark_random = marked, random.Random(f"{seed}/marks")
        self.counters.update(routed=0, switched=0, marked=0, stray=0)

    def push(self, data: bytes, now: float) -> None:
        """A frame leaves its sender at time `now`."""
        data = bytes(data)
        if is_datagram(data) and data[:6] == self._mac:
            for _ in range(self._hops):
                routed = route(data, self._far_mac, self._sink)
                if routed is None:
                    self.counters["stray"] += 1
                    return
                data = routed
            self.counters["routed"] += 1
            if self._mark_random.random() < self._marked:
                data = mark(data)
                self.counters["marked"] += 1
        elif is_ttp(data) and data[:6] == self._sink:
            self.counters["switched"] += 1
        else:
            self.counters["stray"] += 1
            return
        super().push(data, now)
