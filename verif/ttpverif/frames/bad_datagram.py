"""Frames of the IPv4 form that nobody should have sent (decisions E1, E2, E6; RFC 791, RFC 768).

`BadDatagrams` is to the IPv4 form what `malformed.Malformed` is to the Ethernet form. Good frames come
from the Scapy layers; each is spoiled in one place, with a checksum that is right again unless it is
the fault.
"""

from collections.abc import Iterator

from .bad import Bad
from .datagram import Network, checksum, parse
from .frame import node_to_mac
from .scapy_ttp import ipv4_frame
from .templates import put, u16

__all__ = ["BadDatagrams"]

_SIZES = (1, 4, 5, 13, 64, 200, 1024)
_NETWORK = Network()
_OTHER = "other_ethertype"
"""What is no frame of the IPv4 form is ordinary traffic (E1)."""
_FIELDS = {
    "service": (15, 1),
    "IPv4 length lies": (16, 2),
    "fragment": (20, 2),
    "TTL": (22, 1),
    "other protocol": (23, 1),
    "source's address": (26, 4),
    "destination's address": (30, 4),
    "UDP ports": (34, 4),
    "UDP length lies": (38, 2),
    "bad opcode": (42, 1),
    "bad VC": (43, 1),
}
"""Places in which a frame of chance is spoiled."""


def _mended(data):
    """The same with the checksum that its IPv4 header should have."""
    data = bytearray(data)
    data[24:26] = bytes(2)
    data[24:26] = checksum(bytes(data[14:34])).to_bytes(2, "big")
    return data


class BadDatagrams:
    """Malformed datagrams of `peer` towards `node`, both in 10.0.0.0/8; `rng` chooses."""

    def __init__(self, rng, node, peer):
        self.rng, self.node = rng, node
        self.others = [
            bytes(ipv4_frame(peer, node, opcode, vc=vc, epoch=0x4568, tx_id=1000))
            for opcode in (*range(6), *range(7, 11))
            for vc in range(3)
        ]
        self.payloads = [
            bytes(ipv4_frame(peer, node, 6, rng.randbytes(size), vc=2, epoch=0x4568))
            for size in _SIZES
        ]

    def _any(self):
        rng = self.rng
        return bytearray(rng.choice(self.payloads if rng.random() < 0.3 else self.others))

    def structured(self):
        """Every case once, in an order of chance."""
        cases = [Bad(*case) for case in self._cases()]
        self.rng.shuffle(cases)
        return cases

    def _cases(self) -> Iterator[tuple]:
        for make in (self._headers, self._addresses, self._lengths, self._cuts, self._codes):
            yield from make()

    def _with(self, offset, length, value, data=None):
        """A frame with `value` there and a right checksum."""
        data = bytearray(data or self._any())
        put(data, offset, length, value)
        return bytes(_mended(data))

    def _headers(self):
        for bit in range(160):  # any one bit that the checksum covers, and it is not mended
            data, place = self._any(), 14 + bit // 8
            data[place] ^= 1 << bit % 8
            offset = place == 21 or place == 20 and bit % 8 < 5
            other = place in (14, 23) or offset
            cause = _OTHER if other else "not_ours" if place >= 30 else "bad_tth"
            yield "a bit of the IPv4 header", bytes(data), cause
        for first in (0x46, 0x4F):
            data, options = self._any(), 4 * (first & 0xF) - 20
            data[34:34] = b"\1" * options
            data[14] = first
            put(data, 16, 2, u16(data, 16) + options)
            data[24:26] = bytes(2)
            data[24:26] = checksum(bytes(data[14 : 34 + options])).to_bytes(2, "big")
            yield "IPv4 options", bytes(data), _OTHER
        for first in (0x44, 0x35, 0x55, 0x65):
            yield "IPv4 version or length", self._with(14, 1, first), _OTHER
        for value in (0x2000, 0x6000, 0xA000):
            yield "first fragment", self._with(20, 2, value), "bad_tth"
        for bit in range(13):
            yield "later fragment", self._with(20, 2, 1 << bit), _OTHER
        for protocol in (1, 6, 16, 19, 132):
            yield "other protocol", self._with(23, 1, protocol), _OTHER
        for bit in range(16):
            yield "other port", self._with(36, 2, 420 ^ 1 << bit), _OTHER

    def _addresses(self):
        for bit in range(8):
            yield "other network", self._with(26, 1, 10 ^ 1 << bit), "bad_tth"
        mine = int.from_bytes(_NETWORK.address(self.node), "big")
        for bit in range(32):
            yield "other address", self._with(30, 4, mine ^ 1 << bit), "not_ours"
        yield "own address", self._with(26, 4, mine), "own_source"
        for start, cause in ((0, "wrong_oui"), (3, "not_ours")):
            for bit in range(24):
                data = self._any()
                data[start + bit // 8] ^= 1 << bit % 8
                yield "other MAC", bytes(data), cause

    def _lengths(self):
        for data in (self.others[0], *self.payloads):
            true = u16(data, 38)
            for value in (0, 7, 8, 25, 1051, 2074, 0x8000, 0xFFFF):
                yield "UDP length lies", self._with(38, 2, value, data), "tsh_length"
            for value in (0, 20, true + 19):
                yield "IPv4 length lies", self._with(16, 2, value, data), "total_length"
            if true < 1050:
                longer = self._with(16, 2, 1070, self._with(38, 2, 1050, data))
                yield "both lengths lie", longer, "truncated"
            if data[42] == 6:
                yield "empty PAYLOAD", self._with(38, 2, 26, data), "empty_payload"

    def _cuts(self):
        for data in (*self.others[::5], *self.payloads):
            for length in range(1, 34 + u16(data, 38)):
                if length < 60:
                    other = 14 <= length < 38  # too short to be told from ordinary traffic
                    yield "runt", data[:length], _OTHER if other else "runt"
                else:
                    yield "truncated", data[:length], "truncated"

    def _codes(self):
        for opcode in range(11, 64):
            yield "bad opcode", self._with(42, 1, opcode), "bad_opcode"
        for vc in range(3, 256):
            yield "bad VC", self._with(43, 1, vc), "bad_vc"
        for data in (*self.others, *self.payloads):
            yield "bad FCS", data, "bad_fcs", True

    def malformed(self):
        """A frame of chance that does not parse."""
        while True:
            name, data, bad_fcs = self._draw()
            cause = parse(data, _NETWORK, self.node, bad_fcs)[1]
            if cause is not None:  # or the faults left it good
                return Bad(name, data, cause, bad_fcs)

    def _draw(self):
        rng, data = self.rng, self._any()
        if rng.random() < 0.1:
            kept = rng.choice((14, 23, 34, 38, 42, 44))
            return "noise", bytes(data[:kept]) + rng.randbytes(rng.randint(1, 200)), False
        for _ in range(rng.choice((1, 1, 2, 3))):
            name = rng.choice(list(_FIELDS))
            offset, length = _FIELDS[name]
            near = int.from_bytes(data[offset : offset + length], "big") + rng.randint(-3, 3)
            put(data, offset, length, rng.choice((near, rng.getrandbits(8 * length))))
        if rng.random() < 0.1:
            put(data, 27, 3, self.node)
        if rng.random() < 0.8:
            data = _mended(data)
        if rng.random() < 0.1:
            data[:6] = rng.choice((node_to_mac(self.node ^ 1), b"\xff" * 6, rng.randbytes(6)))
        if rng.random() < 0.2:
            name, data = "truncated", data[: rng.randint(1, len(data))]
        return name, bytes(data), rng.random() < 0.1
