"""Frames, good and bad, and what must become of them: by `Frame`, which knows nothing of the RTL.

`Frame` itself is held against Scapy and the captures in tests/verif.
"""

import random

from ttpverif.frames.fields import FIELDS, with_field
from ttpverif.frames.frame import (
    DROP_CAUSES,
    ETHERTYPES,
    HEADER,
    MAX_PAYLOAD,
    MIN_FRAME,
    Frame,
    Opcode,
)

OUR_NODE = 0x0A0B0C
PAYLOAD, ACK, OPEN = Opcode.PAYLOAD, Opcode.ACK, Opcode.OPEN
OTHER_NAMES = {"tsh_length": "tsh_range", "total_length": "total_mismatch"}
CAUSES = [OTHER_NAMES.get(cause, cause) for cause in DROP_CAUSES]
"""As the hardware calls them."""


def with_length(octets, size):
    """The frame says that its payload has `size` bytes."""
    return with_field(with_field(octets, "length", size + 26), "total_length", size + 46)


def frame(opcode=PAYLOAD, payload=b"", *, dst=OUR_NODE, src=0x010203, **fields):
    """As `Frame.pack`, but the payload may have any length, which no good frame's may."""
    allowed = payload[:MAX_PAYLOAD] or b"?"
    head = Frame(src, dst, Opcode(opcode), payload=allowed, **fields).pack()[:HEADER]
    return (with_length(head, len(payload)) + payload).ljust(MIN_FRAME, b"\0")


def with_byte(octets, name, number, value):
    """The frame with another byte in the field `name`; the field's first byte has number 0."""
    place = FIELDS[name][0] + number
    return octets[:place] + bytes([value]) + octets[place + 1 :]


def outcome(octets, error, our_node=OUR_NODE):
    """(cause, None) of a frame to be dropped, or (None, what its event must say)."""
    good, cause = Frame.parse(octets, our_node, bool(error))
    if cause:
        return OTHER_NAMES.get(cause, cause), None
    return None, {
        "opcode": good.opcode,
        "node": good.src,
        "vc": good.vc,
        "ieee": ETHERTYPES.index(good.ethertype),
        "epoch": good.epoch,
        "selective": int(good.extension == 0x20),
        "tx_id": good.tx_id,
        "rx_id": good.rx_id,
        "payload": good.payload if good.opcode == PAYLOAD else None,
    }


def payload_frame(rng, length, vc, number):
    """(octets, no error): a PAYLOAD told apart by `number`."""
    return frame(PAYLOAD, rng.randbytes(length), vc=vc, src=0x5A0000 + number, tx_id=number), False


def boundary_lengths(width):
    """Payload lengths around every place where a beat or the frame's padding begins."""
    edges = {4, width - 4, width, width + 4, 2 * width - 4, 2 * width, 1020, 1024 - width, 1024}
    return sorted({edge + n for edge in edges for n in (-1, 0, 1)} & set(range(1, 1025)) | {1, 2})


def random_fields(rng):
    return {
        "src": rng.getrandbits(24),
        "vc": rng.randrange(3),
        "epoch": rng.getrandbits(16),
        "ethertype": rng.choice(ETHERTYPES),
        "extension": rng.choice([0, 0x20, 0x21]),
        "tx_id": rng.getrandbits(32),
        "rx_id": rng.getrandbits(32),
    }


def random_good(rng, width):
    opcode = rng.choice([PAYLOAD, PAYLOAD, rng.choice(list(Opcode))])
    length = rng.choice([*boundary_lengths(width), rng.randint(1, 1024), rng.randint(1, 60)])
    if opcode != PAYLOAD and rng.random() < 0.8:
        length = 0
    octets = frame(opcode, rng.randbytes(length), **random_fields(rng))
    # F2: bits that nobody has defined yet.
    octets = with_field(octets, "opcode", opcode | rng.choice([0, 0, 0x40, 0xC0]))
    octets = with_field(octets, "control", rng.choice([0, 0, 0x80, 0xFF]))
    if rng.random() < 0.3:  # F3: longer than it says
        octets += rng.randbytes(rng.choice([1, width - 1, width, 70]))
    return octets


def spoiled(octets, rng):
    """The frame with one or more things wrong (or nothing, by chance)."""
    error = False
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.randrange(14)
        if kind == 0:
            error = True
        elif kind == 1:
            octets = octets[: rng.choice([1, 8, 14, 59, HEADER, 63, rng.randint(1, 63)])]
        elif kind == 2 and len(octets) > HEADER:
            octets = octets[: rng.randint(HEADER, len(octets))]
        elif kind == 3:
            octets = with_field(octets, "ethertype", rng.choice([0x0800, 0x0AC7, 0x1AC6]))
        elif kind == 4:
            octets = with_byte(octets, rng.choice(("dst_oui", "src_oui")), rng.randrange(3), 0x99)
        elif kind == 5:
            octets = with_byte(octets, "dst", rng.randrange(3), 0x77)
        elif kind == 6:
            octets = with_field(octets, "version", rng.choice([0x15, 0x45, 0x06, 0x85]))
        elif kind == 7:
            tsh = rng.choice([0, 25, 26, 27, 1050, 1051, 2047, 2048, 2074, 65535])
            octets = with_field(octets, "length", tsh)
            octets = with_field(octets, "total_length", (tsh + 20) % 65536)
        elif kind == 8:
            octets = with_byte(octets, "total_length", rng.randrange(2), rng.getrandbits(8))
        elif kind == 9:
            octets = with_field(octets, "opcode", rng.choice([11, 12, 22, 0x26, 0x3F]))
        elif kind == 10:
            octets = with_field(octets, "vc", rng.choice([3, 4, 6, 0x80, 0xFF]))
        elif kind == 11:
            octets = frame(PAYLOAD, b"")
        elif kind == 12:
            octets = with_field(octets, "src", OUR_NODE)
        else:
            octets += rng.randbytes(rng.choice([2000, 9000]))
    return octets, error


def beats(octets, error, width, rng=None):
    """(data, keep, last, error) per beat; with `rng`, junk where nothing counts."""

    def junk(bits):
        return rng.getrandbits(bits) if rng else 0

    result = []
    for start in range(0, len(octets), width):
        part = octets[start : start + width]
        last = start + width >= len(octets)
        data = int.from_bytes(part, "little") | junk(8 * (width - len(part))) << 8 * len(part)
        result.append((data, (1 << len(part)) - 1, int(last), int(error) if last else junk(1)))
    return result


def drive(ctx, port, beat):
    """Puts one beat, or an idle clock (None) with junk, on a beat port."""
    ctx.set(port.valid, beat is not None)
    if beat is None:
        ctx.set(port.p.last, 1)
        ctx.set(port.p.error, 1)
        return
    for name, value in zip(("data", "keep", "last", "error"), beat):
        ctx.set(getattr(port.p, name), value)


def schedule(frames, width, rng=None, stall=0.0):
    """One entry per clock: a beat or None. `frames`: (octets, error)."""
    clocks = []
    for octets, error in frames:
        for beat in beats(octets, error, width, rng):
            while stall and rng.random() < stall:
                clocks.append(None)
            clocks.append(beat)
    return clocks


def rng_for(*parts):
    return random.Random(repr(parts))
