"""Two reference models that talk over a bad network, with a clock: behind `ttpoe model`."""

import random
from collections import Counter

from ..check.scoreboard import DeliveryChecker, DeliveryError
from ..frames.frame import Frame
from ..frames.network import Channel
from ..frames.pcap import PcapWriter
from .endpoint import TAKEN, Endpoint, Parameters
from .peer import Peer

__all__ = ["Conversation"]

_VC = 2
_SLOTS = 64  # replay slots, and packets that may be kept behind a gap
_DELAY_CLOCKS = 10
_TIMER_CLOCKS = 500  # a round of the link timer
_STILL_CLOCKS = 200_000  # without a delivery: something hangs


class Conversation:
    """Nodes 1 and 2, each with `payloads` to send to the other, over two `Channel`s.

    In one clock each node may take a payload of its host, receives what arrives, and does one
    visit of its ready queue. `run` returns what went wrong, or "".
    """

    def __init__(self, seed, faults, payloads, length_bytes, selective=True):
        self._random = random.Random(seed)
        self._length = length_bytes
        self._left = {1: payloads, 2: payloads}
        self._expected = 2 * payloads
        self._peers = {
            node: Peer(
                Endpoint(Parameters(node, slots=_SLOTS, reorder_slots=_SLOTS, selective=selective))
            )
            for node in (1, 2)
        }
        self._to = {
            node: Channel(2 * seed + node, delay_cycles=_DELAY_CLOCKS, **faults) for node in (1, 2)
        }
        self._wire = []
        self.checker = DeliveryChecker()
        self.frames = Counter()
        self.now = 0

    @property
    def network(self):
        """What both directions of the network did, counted."""
        return sum((channel.counters for channel in self._to.values()), Counter())

    @property
    def replays(self):
        """PAYLOADs that were sent again."""
        return self.frames["PAYLOAD"] - (self._expected - sum(self._left.values()))

    def _settle(self, node):
        """What one event left behind goes to the wire and to the host."""
        peer = self._peers[node]
        for data in peer.take_sent():
            self.frames[Frame.unpack(data).opcode.name] += 1
            self._wire.append((data, self.now))
            self._to[3 - node].push(data, self.now)
        while peer.delivered:
            source, vc, _id, data = peer.delivered.popleft()
            self.checker.got(source, node, vc, data)

    def _host(self, node):
        if not self._left[node]:
            return
        number = self._left[node].to_bytes(8, "big")
        data = number + self._random.randbytes(self._length - len(number))
        if self._peers[node].payload(3 - node, _VC, data).result == TAKEN:
            self.checker.put(node, 3 - node, _VC, data)
            self._left[node] -= 1
        self._settle(node)

    def _clock(self):
        self.now += 1
        for node, peer in self._peers.items():
            self._host(node)
            for data, bad in self._to[node].pop(self.now):
                peer.receive(data, bad)
                self._settle(node)
            peer.visit_once()
            self._settle(node)
            if self.now % _TIMER_CLOCKS == 0:
                peer.timer_round()
                self._settle(node)

    def run(self):
        """Until everything has arrived and is acknowledged."""
        progress, delivered = 0, -1
        try:
            while self.checker.delivered < self._expected or any(
                link.stored for peer in self._peers.values() for link in peer.endpoint.links
            ):
                self._clock()
                if self.checker.delivered != delivered:
                    progress, delivered = self.now, self.checker.delivered
                elif self.now - progress > _STILL_CLOCKS:
                    return f"nothing arrived for {_STILL_CLOCKS:,} clocks"
            self.checker.finish()
        except DeliveryError as error:
            return str(error)
        return ""

    def write_pcap(self, path):
        """Every frame that was sent, lost ones too, with its clock."""
        with PcapWriter(path) as writer:
            for data, clock in self._wire:
                writer.write(data, clock)
