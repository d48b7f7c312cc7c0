"""What the benches of the transmit path share: the frames that must come, and a sink."""

from ttpoe.tx.payload_queue import length_beat
from ttpverif.frames.frame import ETHERTYPES, Frame, Opcode

CONTROL_OPCODES = [opcode for opcode in Opcode if opcode != Opcode.PAYLOAD]


def expected_frame(opcode, node, source, *, ieee=0, selective=0, **fields):
    """The bytes of a frame by `Frame`, which shares nothing with the RTL."""
    extension = 0x20 if selective else 0
    ethertype = ETHERTYPES[ieee]
    return Frame(source, node, opcode, extension=extension, ethertype=ethertype, **fields).pack()


def words_of(payload, width_bytes, filler=0):
    """The payload in memory words; bytes behind its end are `filler`."""
    for start in range(0, len(payload), width_bytes):
        chunk = payload[start : start + width_bytes]
        yield int.from_bytes(chunk.ljust(width_bytes, bytes([filler])), "little")


def host_beats(payload, width_bytes, node, trailing=False):
    """(data, keep, last, node) per beat; `trailing`: the end comes in a beat without bytes."""
    chunks = [payload[n : n + width_bytes] for n in range(0, len(payload), width_bytes)]
    if trailing or not chunks:
        chunks.append(b"")
    return [
        (
            int.from_bytes(chunk.ljust(width_bytes, b"\xcc"), "little"),
            (1 << len(chunk)) - 1,
            number == len(chunks) - 1,
            node,
        )
        for number, chunk in enumerate(chunks)
    ]


def random_control(rng, lid_bits, report=0):
    return {
        "opcode": rng.choice(CONTROL_OPCODES),
        "node": rng.getrandbits(24),
        "vc": rng.randrange(3),
        "ieee": rng.getrandbits(1),
        "epoch": rng.getrandbits(16),
        "selective": rng.getrandbits(1),
        "tx_id": rng.getrandbits(32),
        "rx_id": rng.getrandbits(32),
        "lid": rng.getrandbits(lid_bits),
        "report": report,
    }


def control_bytes(control, source):
    fields = {name: value for name, value in control.items() if name not in ("lid", "report")}
    return expected_frame(source=source, **fields)


def payload_bytes(descriptor, source, payload):
    fields = {name: descriptor[name] for name in ("node", "vc", "ieee", "epoch", "tx_id")}
    return expected_frame(Opcode.PAYLOAD, source=source, payload=payload, **fields)


class FrameSink:
    """Collects frames from an `o_frame`, one `sample` per clock, and checks the stream rules.

    `frames`: (bytes, clock in which the first beat was first offered, clock of the last beat).
    """

    def __init__(self, stream, width_bytes):
        self.stream, self.width_bytes = stream, width_bytes
        self.frames, self.collected = [], b""
        self.first_clock, self.waiting = None, None
        self.valid = False

    def sample(self, ctx, clock, ready):
        self.valid = bool(ctx.get(self.stream.valid))
        if self.waiting is not None:
            assert self.valid, f"clock {clock}: valid fell before ready"
        if not self.valid:
            assert self.first_clock is None, f"clock {clock}: bubble inside a frame"
            return
        beat = ctx.get(self.stream.payload)
        now = (beat.data, beat.keep, beat.last, beat.error)
        if self.waiting is not None:
            assert now == self.waiting, f"clock {clock}: payload changed while waiting"
        if self.first_clock is None:
            self.first_clock = clock
        self.waiting = None if ready else now
        if not ready:
            return
        count = beat.keep.bit_count()
        assert beat.keep == (1 << count) - 1 and count and not beat.error
        assert beat.last or count == self.width_bytes
        self.collected += beat.data.to_bytes(self.width_bytes, "little")[:count]
        if beat.last:
            self.frames.append((self.collected, self.first_clock, clock))
            self.collected, self.first_clock = b"", None


async def offer_payload(ctx, builder, config, descriptor, length, checksum=0):
    """Offers a PAYLOAD to a `FrameBuilder` until it is taken. Its length, and with `Config.ipv4`
    its checksum, is there `length_beat` clocks after the start, and in that clock only."""
    late = length_beat(config)

    def tell(length, checksum):
        ctx.set(builder.i_length, length)
        if config.ipv4:
            ctx.set(builder.i_checksum, checksum)

    ctx.set(builder.i_payload.payload, descriptor)
    ctx.set(builder.i_payload.valid, 1)
    tell(*((0, 0) if late else (length, checksum)))
    taken = False
    while not taken:
        *_, taken = await ctx.tick().sample(builder.i_payload.ready)
    ctx.set(builder.i_payload.valid, 0)
    if late:
        for _ in range(late - 1):
            await ctx.tick()
        tell(length, checksum)
        await ctx.tick()
        tell(0, 0)
