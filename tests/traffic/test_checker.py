"""The checker takes what is right, and names the first thing that is not."""

import pytest

from tests.long import BYTES
from tests.simulated import made
from tests.streams import simulate
from tests.traffic.traffic_twin import MIXED, SHORT, UNIFORM, Twin, beats_of, rng_for
from ttpoe.config import Config
from ttpoe.traffic.checker import TrafficChecker, TrafficError

SEED, STREAM, NODE, FIRST_ID = 0xCAFE0042, 2, 0x00A5C3, 0xFFFFFFF0


def packets_for(width, count, lengths=UNIFORM):
    """`[octets, node, id]` of each packet, all right."""
    twin = Twin(SEED, STREAM, lengths, width)
    return [[twin.packet(), NODE, (FIRST_ID + n) % 2**32] for n in range(count)]


def run(width, packets, lengths=UNIFORM, stall=0, hold=0, relinked_after=()):
    """`(packets received with their lengths, error, number, found, beat, clocks)`."""
    rng = rng_for("checker", width, len(packets))
    checker = made(TrafficChecker, Config(width_bits=8 * width), STREAM)
    received, result = [], {}

    async def bench(ctx):
        ctx.set(checker.cfg_seed, SEED)
        ctx.set(checker.cfg_lengths, lengths)
        ctx.set(checker.cfg_node, NODE)
        ctx.set(checker.cfg_stall, stall)
        ctx.set(checker.cfg_hold_mask, hold)
        clocks = 0

        async def tick():
            nonlocal clocks
            await ctx.tick()
            clocks += 1
            if ctx.get(checker.received):
                received.append(ctx.get(checker.o_length_bytes))

        payload = checker.i.payload
        for index, (octets, node, packet_id) in enumerate(packets):
            for data, keep, last in beats_of(octets, width):
                if keep != (1 << width) - 1:  # lanes without keep hold anything
                    data |= rng.getrandbits(8 * width) & ~((1 << 8 * keep.bit_length()) - 1)
                for signal, value in (
                    (payload.data, data),
                    (payload.keep, keep),
                    (payload.last, last),
                    (payload.node, node),
                    (payload.id, packet_id),
                    (checker.i.valid, 1),
                ):
                    ctx.set(signal, value)
                while not ctx.get(checker.i.ready):
                    await tick()
                await tick()
            if index in relinked_after:
                ctx.set(checker.i.valid, 0)
                await tick()
                ctx.set(checker.i_relinked, 1)
                await tick()
                ctx.set(checker.i_relinked, 0)
        ctx.set(checker.i.valid, 0)
        before = len(received)
        await tick()
        result["latency"] = (before, len(received))
        await tick()
        await tick()
        result.update(
            error=ctx.get(checker.o_error),
            number=ctx.get(checker.o_error_number),
            found=ctx.get(checker.o_error_found),
            beat=ctx.get(checker.o_error_beat),
            clocks=clocks,
        )

    simulate(checker, bench)
    return received, result


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("lengths", [SHORT, MIXED])
def test_right_packets_pass(width, lengths):
    packets = packets_for(width, 40, lengths)
    received, result = run(width, packets, lengths)
    assert result["error"] == TrafficError.NONE
    assert received == [len(octets) for octets, *_ in packets]
    beats = sum(-(-len(octets) // width) for octets, *_ in packets)
    # Ready from the third clock on, then a beat per clock; `received` two clocks after the beat.
    assert result["clocks"] == 3 + beats + 3
    assert result["latency"] == (39, 40)


def test_stalls():
    packets = packets_for(8, 40)
    received, result = run(8, packets, stall=128)
    beats = sum(-(-len(octets) // 8) for octets, *_ in packets)
    assert len(received) == 40 and 1.7 < result["clocks"] / beats < 2.3


def test_holds():
    """About one in 4,096 clocks begins a long pause of at most as many clocks as it may."""
    checker = TrafficChecker(Config(), STREAM)
    pauses = [0]

    async def bench(ctx):
        ctx.set(checker.cfg_seed, SEED)
        ctx.set(checker.cfg_hold_mask, 255)
        await ctx.tick().until(checker.i.ready)
        for _ in range(30_000):
            _clk, _rst, ready = await ctx.tick().sample(checker.i.ready)
            if ready and pauses[-1]:
                pauses.append(0)
            pauses[-1] += not ready

    simulate(checker, bench)
    assert 3 <= len(pauses) <= 20 and 50 < max(pauses) <= 255, pauses


def flip(packets, at, octet):
    packets[at][0] = bytes(
        value ^ (0x10 if n == octet else 0) for n, value in enumerate(packets[at][0])
    )


def long_enough(packets, size, start=5):
    return next(n for n in range(start, len(packets)) if len(packets[n][0]) > size)


MUTATIONS = {
    "a byte altered": ("DATA", lambda p, n: flip(p, n, 77)),
    "the last byte altered": ("DATA", lambda p, n: flip(p, n, len(p[n][0]) - 1)),
    "lost": ("NUMBER", lambda p, n: p.pop(n)),
    "doubled": ("NUMBER", lambda p, n: p.insert(n, list(p[n - 1]))),
    "swapped": ("NUMBER", lambda p, n: p.insert(n, p.pop(n + 1))),
    "a byte short": ("LENGTH", lambda p, n: p[n].__setitem__(0, p[n][0][:-1])),
    "a byte long": ("LENGTH", lambda p, n: p[n].__setitem__(0, p[n][0] + b"x")),
    "two joined": ("LENGTH", lambda p, n: p[n].__setitem__(0, p[n][0] + p.pop(n + 1)[0])),
    "another node": ("NODE", lambda p, n: p[n].__setitem__(1, NODE ^ 0x800000)),
    "an ID repeated": ("ID", lambda p, n: p[n].__setitem__(2, p[n - 1][2])),
    "an ID skipped": ("ID", lambda p, n: p[n].__setitem__(2, (p[n][2] + 1) % 2**32)),
}


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_is_caught(name, width):
    packets = packets_for(width, 24)
    at = long_enough(packets, 100)
    error, mutate = MUTATIONS[name]
    mutate(packets, at)
    received, result = run(width, packets)
    assert TrafficError(result["error"]) == TrafficError[error]
    assert result["number"] == at and len(received) == at, "nothing is counted after an error"
    if name in ("lost", "swapped"):
        assert result["found"] == at + 1
    if name == "doubled":
        assert result["found"] == at - 1
    if name == "a byte altered":
        assert result["beat"] == 77 // width


def test_every_byte_of_a_packet_is_checked():
    clean = packets_for(64, 4, SHORT)
    at = max(range(4), key=lambda n: len(clean[n][0]))
    for octet in range(len(clean[at][0])):
        packets = packets_for(64, 4, SHORT)
        flip(packets, at, octet)
        _received, result = run(64, packets, SHORT)
        assert result["error"] != TrafficError.NONE and result["number"] == at, octet


def test_short_packet_lost():
    """Packets too short to hold a number are told apart by bytes, length or ID."""
    packets = packets_for(8, 400, SHORT)
    at = next(n for n in range(3, 400) if len(packets[n][0]) < 4)
    del packets[at]
    received, result = run(8, packets, SHORT)
    assert result["error"] != TrafficError.NONE and len(received) == at


def test_a_new_link_may_begin_anywhere():
    packets = packets_for(8, 10)
    for n in range(5, 10):
        packets[n][2] = 1000 + n
    assert run(8, packets)[1]["error"] == TrafficError.ID
    received, result = run(8, packets, relinked_after=(4,))
    assert result["error"] == TrafficError.NONE and len(received) == 10
