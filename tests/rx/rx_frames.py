"""Frames and what must become of them, transcribed from section 1 and decisions F1 to F4.

Nothing here is taken from the hardware's own tables.
"""

import random
import struct

OUI = bytes.fromhex("98ed5c")
OUR_NODE = 0x0A0B0C
CAUSES = [
    "bad_fcs",
    "other_ethertype",
    "runt",
    "wrong_oui",
    "not_ours",
    "own_source",
    "bad_tth",
    "tsh_range",
    "total_mismatch",
    "truncated",
    "bad_opcode",
    "bad_vc",
    "empty_payload",
]
PAYLOAD, ACK, OPEN = 6, 7, 0


def frame(
    opcode=PAYLOAD,
    payload=b"",
    *,
    dst=OUR_NODE,
    src=0x010203,
    vc=0,
    ethertype=0x0AC6,
    epoch=0,
    extension=0,
    tx_id=0,
    rx_id=0,
    pad=True,
):
    """A well-formed frame; padded with zeros to 64 bytes."""
    mac = OUI + dst.to_bytes(3, "big") + OUI + src.to_bytes(3, "big")
    tth = struct.pack(">HBBH16x", ethertype, 5, 0, len(payload) + 46)
    tsh = (
        mac[9:12]
        + mac[3:6]
        + struct.pack(
            ">HBBBBHBHBII",
            len(payload) + 26,
            opcode,
            vc,
            0,
            0,
            epoch,
            0,
            0,
            extension,
            tx_id,
            rx_id,
        )
    )
    octets = mac + tth + tsh + payload
    assert len(octets) == 60 + len(payload)
    return octets.ljust(64, b"\0") if pad else octets


def patched(octets, offset, new):
    return octets[:offset] + new + octets[offset + len(new) :]


def outcome(octets, error, our_node=OUR_NODE):
    """(cause, None) of a frame to be dropped, or (None, what its event must say)."""
    if error:
        return "bad_fcs", None
    if len(octets) >= 14 and octets[12:14] not in (b"\x0a\xc6", b"\x9a\xc6"):
        return "other_ethertype", None
    if len(octets) < 64:
        return "runt", None
    ethertype, tth, total = struct.unpack_from(">HBxH", octets, 12)
    tsh, opcode, vc = struct.unpack_from(">HBB", octets, 40)
    epoch, extension, tx_id, rx_id = struct.unpack_from(">H3xBII", octets, 46)
    opcode &= 0x3F
    checks = [
        ("wrong_oui", octets[0:3] != OUI or octets[6:9] != OUI),
        ("not_ours", octets[3:6] != our_node.to_bytes(3, "big")),
        ("own_source", octets[9:12] == our_node.to_bytes(3, "big")),
        ("bad_tth", tth != 5),
        ("tsh_range", not 26 <= tsh <= 1050),
        ("total_mismatch", total != tsh + 20),
        ("truncated", len(octets) < 34 + tsh),
        ("bad_opcode", opcode > 10),
        ("bad_vc", vc > 2),
        ("empty_payload", opcode == PAYLOAD and tsh == 26),
    ]
    for cause, holds in checks:
        if holds:
            return cause, None
    return None, {
        "opcode": opcode,
        "node": int.from_bytes(octets[9:12], "big"),
        "vc": vc,
        "ieee": int(ethertype == 0x9AC6),
        "epoch": epoch,
        "selective": int(extension == 0x20),
        "tx_id": tx_id,
        "rx_id": rx_id,
        "payload": octets[60 : 34 + tsh] if opcode == PAYLOAD else None,
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
        "ethertype": rng.choice([0x0AC6, 0x9AC6]),
        "extension": rng.choice([0, 0x20, 0x21]),
        "tx_id": rng.getrandbits(32),
        "rx_id": rng.getrandbits(32),
    }


def random_good(rng, width):
    opcode = rng.choice([PAYLOAD, PAYLOAD, rng.randrange(11)])
    length = rng.choice([*boundary_lengths(width), rng.randint(1, 1024), rng.randint(1, 60)])
    if opcode != PAYLOAD and rng.random() < 0.8:
        length = 0
    octets = frame(opcode, rng.randbytes(length), **random_fields(rng))
    # F2: bits that nobody has defined yet.
    octets = patched(octets, 42, bytes([opcode | rng.choice([0, 0, 0x40, 0xC0])]))
    octets = patched(octets, 15, rng.choice([b"\0", b"\0", b"\x80", b"\xff"]))
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
            octets = octets[: rng.choice([1, 8, 14, 59, 60, 63, rng.randint(1, 63)])]
        elif kind == 2 and len(octets) > 60:
            octets = octets[: rng.randint(60, len(octets))]
        elif kind == 3:
            octets = patched(octets, 12, rng.choice([b"\x08\x00", b"\x0a\xc7", b"\x1a\xc6"]))
        elif kind == 4:
            octets = patched(octets, rng.choice([0, 1, 2, 6, 7, 8]), b"\x99")
        elif kind == 5:
            octets = patched(octets, rng.choice([3, 4, 5]), b"\x77")
        elif kind == 6:
            octets = patched(octets, 14, rng.choice([b"\x15", b"\x45", b"\x06", b"\x85"]))
        elif kind == 7:
            tsh = rng.choice([0, 25, 26, 27, 1050, 1051, 2047, 2048, 2074, 65535])
            total = (tsh + 20) % 65536
            octets = patched(
                patched(octets, 40, struct.pack(">H", tsh)), 16, struct.pack(">H", total)
            )
        elif kind == 8:
            octets = patched(octets, rng.choice([16, 17]), bytes([rng.getrandbits(8)]))
        elif kind == 9:
            octets = patched(octets, 42, bytes([rng.choice([11, 12, 22, 0x26, 0x3F])]))
        elif kind == 10:
            octets = patched(octets, 43, bytes([rng.choice([3, 4, 6, 0x80, 0xFF])]))
        elif kind == 11:
            octets = frame(PAYLOAD, b"")
        elif kind == 12:
            octets = patched(octets, 9, OUR_NODE.to_bytes(3, "big"))
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
