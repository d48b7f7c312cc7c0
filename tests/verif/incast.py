"""Governed models behind one port of a switch, packet by packet: time goes in U, 64 bytes each."""

import random
from collections import deque

from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.endpoint import Endpoint, Parameters
from ttpverif.model.governed import Governed
from ttpverif.model.link import WeylIds
from ttpverif.model.peer import Peer

SINK = 1
PAYLOAD_U = 17  # of a full PAYLOAD, with preamble and gap; every other frame takes 1
ROUND_U, LOOK_U = 1024, 512
VC = 2


class Incast:
    """`senders` nodes that always have more to send, to one node.

    Attributes
    ----------
    got : dict
        Packets that were delivered, by node, since `measure`.
    drops : int
        Frames that found no room in the port.
    """

    def __init__(self, senders, governed=True, buffer_u=1024, delay_u=4, loss=0.0, seed=1):
        make = Governed if governed else Endpoint
        self.rng = random.Random(seed)
        self.nodes = {
            node: Peer(
                make(
                    Parameters(node, slots=64, reorder_slots=64, congestion=governed),
                    WeylIds(977 * node),
                ),
                check=False,
            )
            for node in range(SINK, SINK + senders + 1)
        }
        self.governed, self.buffer_u, self.delay_u, self.loss = governed, buffer_u, delay_u, loss
        self.now = self.drops = 0
        self.free_at = dict.fromkeys(self.nodes, 0)  # when a node's line is free
        self.out = {node: deque() for node in self.nodes}
        self.air = deque()  # (when, frame, node): in order, as all delays are the same
        self.port, self.port_u, self.port_until = deque(), 0, 0
        self.phase = {node: self.rng.randrange(ROUND_U) for node in self.nodes}
        self.arriving, self.idle = None, 0
        self.measure()

    def measure(self):
        self.got = dict.fromkeys(self.nodes, 0)
        self.drops, self.since = 0, self.now

    @property
    def used(self):
        """Share of the sink's line that delivered packets took."""
        return sum(self.got.values()) * PAYLOAD_U / (self.now - self.since)

    @property
    def fairness(self):
        """Jain's index."""
        shares = [count for node, count in self.got.items() if node != SINK]
        return sum(shares) ** 2 / (len(shares) * sum(count**2 for count in shares) or 1)

    def run(self, units):
        for _ in range(units):
            self._unit()
        return self

    def _unit(self):
        self.now += 1
        for node, peer in self.nodes.items():
            if self.governed:
                peer.endpoint.now = self.now & 0xFFFF
            if node != SINK and self.now % PAYLOAD_U == node % PAYLOAD_U:
                peer.payload(SINK, VC, b"ours")
            if self.now % ROUND_U == self.phase[node]:
                peer.timer_round()
                if self.governed:
                    peer.endpoint.round_ended()
            if self.free_at[node] <= self.now:
                peer.background_once()
                self._send(node, peer)
        while self.air and self.air[0][0] <= self.now:
            _, data, node = self.air.popleft()
            self._switch(data, node) if node == SINK else self.nodes[node].receive(data)
        self._port()

    def _send(self, node, peer):
        self.out[node].extend(peer.take_sent())
        if not self.out[node]:
            peer.visit_once()
            self.out[node].extend(peer.take_sent())
        if self.out[node]:
            data = self.out[node].popleft()
            self.free_at[node] = self.now + _units(data)
            to = Frame.parse(data)[0].dst
            self.air.append((self.now + self.delay_u, data, to))

    def _switch(self, data, node):
        if self.port_u + _units(data) > self.buffer_u:
            self.drops += 1
        elif self.rng.random() >= self.loss:
            self.port.append(data)
            self.port_u += _units(data)

    def _port(self):
        sink = self.nodes[SINK]
        if self.arriving is not None and self.now >= self.port_until:
            sink.receive(self.arriving)
            self.arriving = None
        while sink.delivered:
            self.got[sink.delivered.popleft()[0]] += 1
        if self.arriving is None and self.port:
            self.arriving = self.port.popleft()
            self.port_u -= _units(self.arriving)
            self.port_until = self.now + _units(self.arriving)
        self.idle += self.arriving is None
        if self.now % LOOK_U == 0 and self.governed:
            sink.endpoint.governor.receiver.look(LOOK_U, self.idle)
            self.idle = 0


def _units(data):
    return PAYLOAD_U if opcode_of(data) == Opcode.PAYLOAD else 1
