"""The packets of a `Pattern` in plain Python, from its description; packets as beats."""

import random

MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
SHORT, LONG, UNIFORM, MIXED = range(4)


def rng_for(*parts):
    """Seeded by the test and its parameters; the seed is in the failure as these parts."""
    return random.Random(repr(parts))


def xorshift32(x):
    x ^= x << 13 & MASK32
    x ^= x >> 17
    return x ^ (x << 5 & MASK32)


def xorshift64(x):
    x ^= x << 13 & MASK64
    x ^= x >> 7
    return x ^ (x << 17 & MASK64)


def rotl(x, n, bits):
    n %= bits
    return (x << n | x >> bits - n) & (1 << bits) - 1 if n else x


def length_of(draw, lengths):
    """Length in bytes from 32 random bits."""
    if lengths == MIXED:
        lengths = (draw >> 16) % 4
        lengths = {0: SHORT, 2: LONG, 1: UNIFORM, 3: None}[lengths]
    if lengths == SHORT:
        return draw % 64 + 1
    if lengths == LONG:
        return draw % 64 + 961
    if lengths == UNIFORM:
        return draw % 1024 + 1
    return (draw >> 6) % 16 * 64 + (60 if draw >> 2 & 1 else 0) + draw % 4 + 1


class Twin:
    """Packet after packet of one stream, as bytes."""

    def __init__(self, seed, stream, lengths, width_bytes):
        self.seed, self.stream, self.lengths, self.width = seed, stream, lengths, width_bytes
        self.number = 0
        salt = (0x101 + stream) * GOLDEN & MASK32
        self.draw = seed ^ salt ^ seed or salt  # at 32 bits the seed is mixed in twice

    def packet(self):
        length = length_of(self.draw, self.lengths)
        self.draw = xorshift32(self.draw)
        high = (
            rotl(self.seed, 11, 32)
            ^ (self.stream + 1) * 0x01000193 & MASK32
            ^ int(f"{self.number:032b}"[::-1], 2)
        )
        word, octets = high << 32 | self.seed ^ self.number, b""
        while len(octets) < length:
            lanes = [rotl(word, 5 * n, 64) ^ GOLDEN * n & MASK64 for n in range(self.width // 8)]
            if not octets:
                lanes[0] = lanes[0] & ~MASK32 | self.number
            octets += b"".join(lane.to_bytes(8, "little") for lane in lanes)
            word = xorshift64(word)
        self.number += 1
        return octets[:length]


def beats_of(octets, width):
    """`(data, keep, last)` of each beat."""
    for start in range(0, len(octets), width):
        part = octets[start : start + width]
        yield int.from_bytes(part, "little"), (1 << len(part)) - 1, start + width >= len(octets)


def octets_of(data, keep, width):
    return data.to_bytes(width, "little")[: keep.bit_length()]
