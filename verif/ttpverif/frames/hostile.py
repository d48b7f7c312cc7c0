"""Frames that nobody should have sent: malformed ones, and forged ones for links that are open.

Templates come from the Scapy layers, the mutations and what must become of each frame from
protocol section 1 and the decisions F1 to F4, L7, L8, L10, L12 and D1. `malformed` frames do not
parse; each says by which cause of F1 it is dropped. `forged` ones parse and carry the MAC of a
peer or of a stranger; each says what counts it and what answers it, and none may change a link.
"""

import random
from dataclasses import dataclass

from .frame import Frame, node_to_mac
from .scapy_ttp import ipv4_frame, ttp_frame

__all__ = ["CATEGORIES", "CONGESTION_BITS", "RESERVED_BITS", "Hostile", "Bad", "ANY_CAUSE"]

ANY_CAUSE = "any"
STRANGE_PLACES = 2  # forged frames name IDs at least so many windows of slots ahead

RESERVED_BITS = tuple(
    8 * byte + bit
    for byte, bits in (
        (15, range(8)),
        *((byte, range(8)) for byte in range(18, 40)),
        (42, (6, 7)),
        (44, range(8)),
        (45, range(8)),
        *((byte, range(8)) for byte in range(49, 52)),
    )
    for bit in bits
)
"""Header bits that a receiver ignores (F2, section 1), as 8 * byte + bit: via-gateway and reserved,
padding, TSH nodes, opcode [7:6], tx, rx, version; the extension of other frames than OPEN and
OPEN_ACK."""
CONGESTION_BITS = tuple(range(8 * 48, 8 * 49))
"""Byte 48, which is ignored but on a controlled link (K2)."""

PARSING = (
    "truncated",
    "TSH length lies",
    "total length lies",
    "both lengths lie",
    "bad opcode",
    "bad VC",
    "wrong OUI",
    "other node",
    "multicast or broadcast",
    "other EtherType",
    "VLAN tag",
    "IPv4/UDP form",
    "bad TTH byte 0",
    "bad FCS",
    "runt",
    "giant",
    "empty PAYLOAD",
    "own address",
    "noise",
    "noise behind a good header",
    "several faults",
    "odd keep",
)
FORGING = (
    "ACK not in flight",
    "NACK not in flight",
    "stale epoch",
    "answer to no OPEN",
    "CLOSE_ACK to no CLOSE",
    "CLOSE_NACK to no CLOSE",
    "NOLINK of another epoch",
    "older OPEN",
    "answer from a stranger",
    "ACK from a stranger",
    "PAYLOAD from a stranger",
    "CLOSE from a stranger",
    "repeated OPEN",
    "repeated PAYLOAD",
    "echo not in flight",
)
CATEGORIES = PARSING + FORGING

PEER, OWN = 1, 2  # epoch bases
OLDEST, RECEIVED, FRESH = 1, 2, 3  # ID bases


@dataclass
class Bad:
    """One frame and what must become of it.

    `cause`: drop cause of F1, `ANY_CAUSE`, or None: it parses. Then `stat` counts it (None:
    nothing does), `answer` (an opcode's number or None) answers it, and the host is told `notice`
    (None: nothing). With `vc`, IDs and epoch
    are those of the live link on it plus something: (base, plus), None where they stand.
    """

    category: str
    data: bytes
    cause: str | None = None
    bad_fcs: bool = False
    gaps: bool = False
    odd_keep: bool = False
    stat: str | None = None
    answer: int | None = None
    notice: str | None = None
    vc: int | None = None
    epoch: tuple | None = None
    tx: tuple | None = None
    rx: tuple | None = None


def _put(data, offset, length, value):
    data[offset : offset + length] = (value % (1 << 8 * length)).to_bytes(length, "big")


def _u16(data, offset):
    return int.from_bytes(data[offset : offset + 2], "big")


class Hostile:
    """Frames towards engine `node` whose peer is `peer`, both of `slots` replay slots.

    `selective`, `controlled`: what the links that are forged for have agreed on; controlled are
    those of VC 2 only.
    """

    SIZES = (1, 3, 4, 5, 12, 13, 64, 200, 1024)

    def __init__(self, seed, node, peer, slots, selective=True, controlled=False):
        self.rng = random.Random(f"hostile/{seed}/{node}")
        self.node, self.peer, self.slots = node, peer, slots
        self.selective, self.controlled = selective, controlled
        self._templates = [
            bytes(
                ttp_frame(
                    peer,
                    node,
                    opcode,
                    vc=vc,
                    ethertype=ethertype,
                    epoch=0x4568,
                    tx_id=1000,
                    rx_id=2000,
                )
            )
            for opcode in (*range(6), *range(7, 11))
            for vc in range(3)
            for ethertype in (0x0AC6, 0x9AC6)
        ]
        self._payloads = [
            bytes(
                ttp_frame(
                    peer, node, 6, payload=self.rng.randbytes(size), vc=2, epoch=0x4568, tx_id=1000
                )
            )
            for size in self.SIZES
        ]
        self._ipv4 = [
            bytes(ipv4_frame(peer, node, opcode, payload=b"ipv4" * (opcode == 6)))
            for opcode in range(11)
        ]

    # ---- malformed -----------------------------------------------------------------------

    def structured(self):
        """Every case once, in an order of chance."""
        cases = [
            bad
            for make in (self._cuts, self._lies, self._codes, self._addresses, self._others)
            for bad in make()
        ]
        self.rng.shuffle(cases)
        return cases

    def _base(self):
        rng = self.rng
        return bytearray(
            rng.choice(self._payloads) if rng.random() < 0.3 else rng.choice(self._templates)
        )

    def _cuts(self):
        for frame in (*self._templates[::6], *self._payloads):
            needed = max(64, 34 + _u16(frame, 40))
            for length in range(1, needed):
                cause = "truncated" if length >= 64 else "runt"
                yield Bad(
                    "truncated" if length >= 64 else "runt",
                    frame[:length],
                    cause,
                    gaps=length % 2 == 1,
                )
        for size in (1515, 2048, 2049, 4000, 9018):  # too long to look at, and still wrong
            yield Bad(
                "giant", bytes(self._templates[0][:43] + b"\x07").ljust(size, b"\xa5"), "bad_vc"
            )

    def _lies(self):
        values = {
            0,
            1,
            25,
            26,
            27,
            28,
            45,
            46,
            47,
            1049,
            1050,
            1051,
            1052,
            2047,
            2048,
            2074,
            0x8000,
            0xFFFE,
            0xFFFF,
            *(1 << bit for bit in range(16)),
        }
        for frame in (self._templates[0], *self._payloads):
            true = _u16(frame, 40)
            for value in values | {true - 1, true + 1, true ^ 0x100}:
                tsh, total, both = (bytearray(frame) for _ in range(3))
                _put(tsh, 40, 2, value)
                _put(total, 16, 2, value)
                _put(both, 40, 2, value)
                _put(both, 16, 2, value + 20)
                outside = not 26 <= value <= 1050
                for name, data in (
                    ("TSH length lies", tsh),
                    ("total length lies", total),
                    ("both lengths lie", both),
                ):
                    if name == "TSH length lies":
                        cause = "tsh_length" if outside else "total_length"
                        wrong = value != true
                    elif name == "total length lies":
                        cause, wrong = "total_length", value != true + 20
                    else:  # only too much can be told; 26 is a PAYLOAD without a byte
                        cause = (
                            "tsh_length"
                            if outside
                            else "empty_payload"
                            if value == 26
                            else "truncated"
                        )
                        wrong = outside or 34 + value > len(data) or value == 26 and data[42] == 6
                    if wrong:
                        yield Bad(name, bytes(data), cause)

    def _codes(self):
        for opcode in range(11, 64):
            for top in range(4):
                data = self._base()
                data[42] = top << 6 | opcode
                yield Bad("bad opcode", bytes(data), "bad_opcode")
        for vc in range(3, 256):
            data = self._base()
            data[43] = vc
            yield Bad("bad VC", bytes(data), "bad_vc")
        for value in range(256):
            if value != 5:
                data = self._base()
                data[14] = value
                yield Bad("bad TTH byte 0", bytes(data), "bad_tth")
        for vc in range(3):
            data = bytearray(bytes(ttp_frame(self.peer, self.node, 7, vc=vc)))
            data[42] = 6
            yield Bad("empty PAYLOAD", bytes(data), "empty_payload")

    def _addresses(self):
        for start, cause, name in (
            (0, "wrong_oui", "wrong OUI"),
            (6, "wrong_oui", "wrong OUI"),
            (3, "not_ours", "other node"),
        ):
            for bit in range(24):
                data = self._base()
                data[start + bit // 8] ^= 1 << bit % 8
                yield Bad(name, bytes(data), cause)
        for mac in (
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:01",
            "33:33:00:00:00:01",
            "99:ed:5c:00:00:02",
            "01:80:c2:00:00:00",
            "00:00:00:00:00:00",
        ):
            data = self._base()
            data[:6] = bytes.fromhex(mac.replace(":", ""))
            yield Bad("multicast or broadcast", bytes(data), "wrong_oui")
        for _ in range(12):  # as if from ourselves (L20)
            data = self._base()
            data[6:12] = node_to_mac(self.node)
            yield Bad("own address", bytes(data), "own_source")

    def _others(self):
        for good in (0x0AC6, 0x9AC6):
            for bit in range(16):
                if good ^ 1 << bit not in (0x0AC6, 0x9AC6):
                    data = self._base()
                    _put(data, 12, 2, good ^ 1 << bit)
                    yield Bad("other EtherType", bytes(data), "other_ethertype")
        for value in (0x0800, 0x0806, 0x86DD, 0x88CC, 0, 0xFFFF, 64):
            data = self._base()
            _put(data, 12, 2, value)
            yield Bad("other EtherType", bytes(data), "other_ethertype")
        for tag in (b"\x81\x00\x00\x02", b"\x88\xa8\x00\x02", b"\x81\x00\xe0\x00"):
            data = self._base()
            yield Bad("VLAN tag", bytes(data[:12] + tag + data[12:]), "other_ethertype")
        for frame in self._ipv4:
            yield Bad("IPv4/UDP form", frame, "other_ethertype")
        for frame in (*self._templates, *self._payloads):
            yield Bad("bad FCS", frame, "bad_fcs", bad_fcs=True)

    def malformed(self):
        """A frame of chance that does not parse."""
        while True:
            name = self.rng.choice(PARSING)
            bad = self._draw(name)
            _, bad.cause = Frame.parse(bad.data, self.node, bad.bad_fcs)
            if bad.cause is None:  # a mutation that left it good
                continue
            if bad.odd_keep:
                bad.cause = ANY_CAUSE
            bad.gaps = self.rng.random() < 0.1
            return bad

    def _draw(self, name):
        rng = self.rng
        data = self._base()
        if name in ("noise", "runt"):
            size = (
                rng.randint(1, 63)
                if name == "runt"
                else rng.choice((rng.randint(1, 130), rng.randint(64, 80), rng.randint(1, 1600)))
            )
            return Bad(name, rng.randbytes(size), bad_fcs=rng.random() < 0.1)
        if name == "noise behind a good header":
            kept = rng.choice((6, 12, 14, 15, 16, 18, 34, 40, 42, 43))
            return Bad(name, bytes(data[:kept]) + rng.randbytes(rng.randint(1, 200)))
        if name == "giant":
            data[43] = rng.randint(3, 255)
            return Bad(name, bytes(data).ljust(rng.randint(1100, 1700), b"\x5a"))
        if name == "several faults":
            for _ in range(rng.randint(2, 4)):
                self._spoil(data, rng.choice(PARSING[:13]))
            data = data[: rng.randint(1, len(data))] if rng.random() < 0.3 else data
            return Bad(name, bytes(data), bad_fcs=rng.random() < 0.2)
        if name == "odd keep":
            data[43] = rng.randint(3, 255)
            return Bad(name, bytes(data), odd_keep=True)
        if name == "IPv4/UDP form":
            return Bad(name, rng.choice(self._ipv4))
        if name == "bad FCS":
            for _ in range(rng.randint(0, 3)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return Bad(name, bytes(data), bad_fcs=True)
        if name == "truncated":
            return Bad(name, bytes(data[: rng.randint(1, len(data))]))
        if name == "empty PAYLOAD":
            data = bytearray(self._templates[0])
            data[42:44] = bytes((6, rng.randint(0, 2)))
            return Bad(name, bytes(data))
        self._spoil(data, name)
        return Bad(name, bytes(data))

    def _spoil(self, data, name):
        """One fault of the kind `name` in a whole frame."""
        rng = self.rng
        if "length" in name:
            value = rng.choice(
                (rng.randrange(1 << 16), rng.randrange(1100), _u16(data, 40) + rng.randint(-3, 3))
            )
            if "TSH" in name or "both" in name:
                _put(data, 40, 2, value)
            if "total" in name or "both" in name:
                _put(data, 16, 2, value + 20)
        elif name == "bad opcode":
            data[42] = rng.randrange(256)
        elif name == "bad VC":
            data[43] = rng.randint(3, 255)
        elif name == "wrong OUI":
            data[rng.choice((0, 1, 2, 6, 7, 8))] ^= rng.randint(1, 255)
        elif name == "other node":
            data[rng.randint(3, 5)] ^= rng.randint(1, 255)
        elif name == "multicast or broadcast":
            data[:6] = rng.choice((b"\xff" * 6, b"\x01\x00\x5e" + rng.randbytes(3)))
        elif name == "other EtherType":
            _put(data, 12, 2, rng.randrange(1 << 16))
        elif name == "VLAN tag":
            data[12:12] = b"\x81\x00" + rng.randbytes(2)
        elif name == "bad TTH byte 0":
            data[14] ^= rng.randint(1, 255)
        elif name == "own address":
            data[6:12] = node_to_mac(self.node)

    # ---- forged --------------------------------------------------------------------------

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
            sizes = [frame for frame in self._payloads if _u16(frame, 40) - 26 <= max(size, 5)]
            data = bytearray(rng.choice(sizes))
        else:
            data = bytearray(rng.choice(self._templates))
        data[6:12] = node_to_mac(src)
        data[42], data[43] = opcode, vc
        for position in (46, 52, 56):
            _put(data, position, 2 if position == 46 else 4, 0)
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
