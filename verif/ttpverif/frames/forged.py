"""Frames that parse and carry the MAC of a peer or of a stranger.

Each says what counts it and what answers it, and none may change a link.
"""

from .bad import FORGING, RESERVED_BITS, Bad
from .frame import node_to_mac
from .templates import put, u16

__all__ = ["Forged"]

STRANGE_PLACES = 2  # forged frames name IDs at least so many windows of slots ahead
PEER, OWN = 1, 2  # epoch bases
OLDEST, RECEIVED, FRESH = 1, 2, 3  # ID bases


class Forged:
    """Forged frames towards `node`, made of the `Templates` `frames`; see `Hostile`."""

    def __init__(self, frames, slots, selective, controlled):
        self.frames, self.rng = frames, frames.rng
        self.node, self.peer, self.slots = frames.node, frames.peer, slots
        self.selective, self.controlled = selective, controlled

    def forged(self):
        """A frame that parses and that no honest peer would send now. Every link must be
        OPEN."""
        rng = self.rng
        name = rng.choice(FORGING)
        vc = rng.randrange(3)
        window = STRANGE_PLACES * self.slots
        older = lambda: -rng.choice((1, 2, rng.randint(1, 1 << 12), rng.randint(1, 1 << 30)))
        younger = lambda: rng.choice(
            (window, window + rng.randint(0, 1 << 12), rng.randint(window, 1 << 30))
        )
        other_epoch = lambda: (
            rng.choice((-1, 1))
            * rng.choice((1, 2, rng.randint(1, 0xE00), rng.randint(0x1200, 0x3FFF)))
        )
        bad = Bad(name, b"", vc=vc)
        src, opcode, size = self.peer, None, 0
        if name == "ACK not in flight":
            opcode, bad.stat = 7, "drop_bad_ack"
            bad.epoch, bad.rx = (PEER, 0), (OLDEST, rng.choice((older, younger))())
        elif name == "NACK not in flight":
            opcode, bad.stat, bad.epoch = 8, "drop_bad_ack", (PEER, 0)
            if not self.selective:  # an older one would replay, for Tesla's module (D2)
                bad.rx = (OLDEST, younger())
            elif rng.random() < 0.5:
                first = younger()
                bad.rx, bad.tx = (OLDEST, first), (OLDEST, first + rng.randint(0, 9))
            else:  # the range ends before what is in flight
                last = older()
                bad.tx, bad.rx = (OLDEST, last), (OLDEST, last - rng.randint(0, 9))
        elif name == "echo not in flight":
            opcode, bad.stat, bad.epoch = 7, "drop_bad_ack", (PEER, 0)
            if self.controlled and vc == 2:  # its RxID would retire, if it were no echo (K12)
                bad.tx, bad.rx = (OLDEST, rng.choice((older, younger))()), (OLDEST, 0)
            else:  # it is an ACK, and the TxID of an ACK says nothing
                bad.tx, bad.rx = (OLDEST, 0), (OLDEST, rng.choice((older, younger))())
        elif name == "stale epoch":
            opcode, bad.stat = rng.choice((3, 6, 7, 8, 9)), "drop_stale"
            size = rng.randint(1, 100)
            bad.epoch = None if rng.random() < 0.1 else (PEER, other_epoch())
            bad.tx, bad.rx = (RECEIVED, rng.randint(-2, 3)), (OLDEST, rng.randint(-1, 2))
        elif name == "answer to no OPEN":
            opcode, bad.stat = rng.choice((1, 2)), "drop_unexpected"
            bad.epoch = (rng.choice((PEER, OWN)), rng.choice((0, other_epoch())))
            bad.tx, bad.rx = (RECEIVED, rng.randint(-2, 3)), (OLDEST, rng.randint(-3, 2))
        elif name == "CLOSE_ACK to no CLOSE":
            opcode, bad.stat = 4, "drop_unexpected"
            bad.epoch = (rng.choice((PEER, OWN)), rng.choice((0, other_epoch())))
            bad.rx = (FRESH, rng.randint(-1, 1))
        elif name == "CLOSE_NACK to no CLOSE":
            opcode, bad.stat = 5, "drop_unexpected"  # of any epoch (L12)
            bad.epoch = (PEER, rng.choice((0, other_epoch())))
            bad.tx, bad.rx = (RECEIVED, rng.randint(0, 5)), (OLDEST, rng.randint(-1, 5))
        elif name == "NOLINK of another epoch":
            opcode, bad.stat = 10, "drop_stale"
            bad.epoch = rng.choice((None, (PEER, 0), (OWN, other_epoch())))
            bad.rx = (OLDEST, rng.randint(0, 2))
        elif name == "older OPEN":
            opcode, bad.stat, bad.epoch = 0, "drop_stale", (PEER, -abs(other_epoch()))
            bad.tx = (RECEIVED, rng.randint(-2, 2))
        elif name == "repeated OPEN":
            opcode, bad.answer, bad.epoch = 0, 2, (PEER, 0)
            bad.stat, bad.notice = "open_reused", "IDS_REUSED"  # L19
            bad.tx = (RECEIVED, older())
        elif name == "repeated PAYLOAD":
            opcode, bad.answer, bad.stat, size = 6, 7, "drop_duplicate", rng.randint(1, 100)
            bad.epoch, bad.tx = (PEER, 0), (RECEIVED, rng.choice((0, older())))
        else:
            src = self._stranger()
            size = rng.randint(1, 100)
            bad.epoch = (rng.choice((PEER, OWN)), 0)
            bad.tx, bad.rx = (RECEIVED, rng.randint(0, 2)), (OLDEST, rng.randint(0, 2))
            if name == "answer from a stranger":
                opcode, bad.stat = rng.choice((1, 2, 4, 5)), "drop_unexpected"
            elif name == "ACK from a stranger":
                opcode, bad.stat = rng.choice((7, 8, 9, 10)), "drop_unexpected"
            elif name == "PAYLOAD from a stranger":
                opcode, bad.stat, bad.answer = 6, "drop_no_link", 10
            else:
                opcode, bad.answer = 3, 4
        return self._finished(bad, src, opcode, vc, size)

    def _stranger(self):
        """The node of somebody else."""
        while True:
            node = self.rng.choice(
                (self.peer ^ 1 << self.rng.randrange(24), self.rng.randrange(1 << 24))
            )
            if node not in (self.peer, self.node):
                return node

    def _finished(self, bad, src, opcode, vc, size):
        rng = self.rng
        if opcode == 6:
            sizes = [frame for frame in self.frames.payloads if u16(frame, 40) - 26 <= max(size, 5)]
            data = bytearray(rng.choice(sizes))
        else:
            data = bytearray(rng.choice(self.frames.others))
        data[6:12] = node_to_mac(src)
        data[42], data[43] = opcode, vc
        for position in (46, 52, 56):
            put(data, position, 2 if position == 46 else 4, 0)
        for bit in rng.sample(RESERVED_BITS, rng.choice((0, 0, 1, 5))):
            if opcode > 1 or bit // 8 != 51:
                data[bit // 8] ^= 1 << bit % 8
        data[48] = self._congestion(bad, opcode, vc)
        bad.data = bytes(data)
        return bad

    def _congestion(self, bad, opcode, vc):
        """Byte 48: any. What is dropped or not believed says nothing about congestion, either.

        A PAYLOAD that is answered does say it, even a repeated one (K4).
        """
        if self.rng.random() < 0.7:
            return 0
        byte = self.rng.choice((0x10, 0xFF, 1 << self.rng.randrange(8), self.rng.randrange(256)))
        heard = self.controlled and vc == 2 and opcode == 6 and bad.answer == 7
        return byte & 0xFE if heard else byte
