"""The frame parser against the rules of section 1 and decisions F1 to F4."""

import pytest

from tests.long import BYTES, crossed
from tests.rx.rx_frames import (
    ACK,
    CAUSES,
    OPEN,
    OUR_NODE,
    PAYLOAD,
    boundary_lengths,
    drive,
    frame,
    outcome,
    random_good,
    rng_for,
    schedule,
    spoiled,
    with_byte,
    with_length,
)
from tests.simulated import made
from tests.streams import simulate
from ttpoe.config import Config
from ttpoe.rx.parser import DROP_CAUSES, FrameParser
from ttpverif import malformed
from ttpverif.frames.fields import field_of, with_field
from ttpverif.frames.frame import DROP_CAUSES as MODEL_CAUSES
from ttpverif.frames.frame import Opcode

FIELDS = ("opcode", "node", "vc", "ieee", "epoch", "selective", "tx_id", "rx_id")


def run(width, clocks, trailing=4):
    """Per frame: (cause or None, fields or None), and the clock of each result.

    A result's clock counts from the one in which the frame's last beat was taken.
    """
    return observe(Config(width_bits=8 * width), clocks, OUR_NODE, trailing)[0]


def observe(config, clocks, node, trailing=4):
    """The same of any configuration and node; and how many frames were marked."""
    dut, width, marked = made(FrameParser, config), config.width_bytes, 0
    fields = (*FIELDS, "ipv4") if config.ipv4 else FIELDS
    results, parsed_at, dropped_at, ends = [], [], [], []

    async def bench(ctx):
        nonlocal marked
        ctx.set(dut.cfg_node, node)
        if config.ipv4:
            ctx.set(dut.cfg_ipv4_prefix, 10)
        slot = {}
        for clock, beat in enumerate([*clocks, *[None] * trailing]):
            drive(ctx, dut.i_frame, beat)
            if beat is not None and beat[2]:
                ends.append(clock)
            if ctx.get(dut.o_write.valid):
                number = ctx.get(dut.o_write.p.beat)
                assert number not in slot, "payload beat written twice"
                slot[number] = ctx.get(dut.o_write.p.data).to_bytes(width, "little")
            marked += ctx.get(dut.stat_rx_marked) if config.ipv4 else 0
            for cause in CAUSES:
                if ctx.get(getattr(dut, f"stat_rx_{cause}")):
                    results.append((dropped_at_frame.pop(0), cause, None))
                    dropped_at.append(clock)
            if ctx.get(dut.o_parsed.valid):
                assert ctx.get(dut.frame_ended)
                parsed = {name: ctx.get(getattr(dut.o_parsed.p, name)) for name in fields}
                parsed["opcode"] = getattr(parsed["opcode"], "value", parsed["opcode"])
                parsed["payload"] = None
                if ctx.get(dut.o_parsed.p.payload):
                    last_beat = ctx.get(dut.o_parsed.p.last_beat)
                    last_lane = ctx.get(dut.o_parsed.p.last_lane)
                    octets = b"".join(slot[n] for n in range(last_beat + 1))
                    parsed["payload"] = octets[: last_beat * width + last_lane + 1]
                results.append((count[0], None, parsed))
                parsed_at.append(clock)
            if ctx.get(dut.frame_ended):
                if not ctx.get(dut.o_parsed.valid):
                    dropped_at_frame.append(count[0])
                count[0] += 1
                slot = {}
            await ctx.tick()

    count, dropped_at_frame = [0], []
    simulate(dut, bench)
    assert not dropped_at_frame, "a frame without any result"
    results.sort(key=lambda result: result[0])
    good = [end for end, result in zip(ends, results) if result[1] is None]
    bad = [end for end, result in zip(ends, results) if result[1] is not None]
    assert [at - end for at, end in zip(parsed_at, good)] == [1] * len(good)
    assert [at - end for at, end in zip(dropped_at, bad)] == [2] * len(bad)
    assert [result[0] for result in results] == list(range(len(ends)))
    return [result[1:] for result in results], marked


def check(width, frames, rng=None, stall=0.0):
    results = run(width, schedule(frames, width, rng, stall))
    assert len(results) == len(frames)
    for number, ((octets, error), result) in enumerate(zip(frames, results)):
        assert result == outcome(octets, error), (number, octets[:64].hex(), len(octets))
    return [result[0] for result in results]


def test_causes_and_their_order():
    assert list(DROP_CAUSES) == CAUSES


@pytest.mark.parametrize("width", BYTES)
def test_every_cause_alone(width):
    good = frame(
        PAYLOAD,
        bytes(range(100)),
        vc=2,
        src=0xABCDEF,
        tx_id=0x01020304,
        rx_id=0xA1A2A3A4,
        epoch=0xBEEF,
        extension=0x20,
        ethertype=0x9AC6,
    )
    too_long = frame(PAYLOAD, bytes(1025))
    frames = [
        (good, True),
        (good[:63], False),
        (with_field(good, "ethertype", 0x0800), False),
        (with_byte(good, "dst_oui", 2, 0x5D), False),
        (with_byte(good, "src_oui", 2, 0x5D), False),
        (with_byte(good, "dst", 2, 0), False),
        (with_field(good, "src", OUR_NODE), False),
        (with_field(good, "version", 0x15), False),
        (too_long, False),
        (with_length(good, -1), False),
        (with_field(good, "total_length", field_of(good, "total_length") ^ 1), False),
        (good[:-1], False),
        (with_field(good, "opcode", max(Opcode) + 1), False),
        (with_field(good, "vc", 3), False),
        (frame(PAYLOAD), False),
    ]
    # A good frame right behind each bad one, no idle clock.
    mixed = [entry for bad in frames for entry in (bad, (good, False))]
    causes = check(width, mixed)
    assert causes[::2] == [
        "bad_fcs",
        "runt",
        "other_ethertype",
        "wrong_oui",
        "wrong_oui",
        "not_ours",
        "own_source",
        "bad_tth",
        "tsh_range",
        "tsh_range",
        "total_mismatch",
        "truncated",
        "bad_opcode",
        "bad_vc",
        "empty_payload",
    ]
    assert causes[1::2] == [None] * len(frames)


@pytest.mark.parametrize("width", BYTES)
def test_short_frames_of_others_are_no_runts(width):
    """An ARP of 60 bytes is not TTP's business; under 14 bytes there is no EtherType (F1, N2)."""
    arp = with_field(bytes(60), "ethertype", 0x0806)
    ttp = frame(ACK)
    frames = [
        (octets[:length], error)
        for length in (60, 8, 15, 1, 14, 7, 60, 13, 12, 9)
        for octets in (arp, ttp, arp)
        for error in (False, True)
    ]
    causes = check(width, frames)
    other = "other_ethertype"
    assert causes[::6] == [other, "runt", other, "runt", other, "runt", other] + ["runt"] * 3
    assert causes[2::6] == ["runt"] * 10
    assert causes[1::2] == ["bad_fcs"] * 30


@pytest.mark.parametrize("width", BYTES)
def test_payload_lengths_around_every_boundary(width):
    rng = rng_for("lengths", width)
    frames = [
        (frame(PAYLOAD, rng.randbytes(n), vc=n % 3, tx_id=n), False)
        for n in boundary_lengths(width)
    ]
    assert check(width, frames) == [None] * len(frames)


@pytest.mark.parametrize("width", BYTES)
def test_frames_of_odd_sizes_harm_nobody(width):
    """From one byte to far beyond a jumbo frame, each followed at once by a good one."""
    rng = rng_for("sizes", width)
    good = (frame(PAYLOAD, rng.randbytes(77), vc=1, tx_id=9), False)
    ack = (frame(ACK, rx_id=5), False)
    sizes = [1, 2, width - 1, width, width + 1, 59, 60, 61, 63, 64, 1084, 2048, 2112, 9018, 16500]
    frames = []
    for size in sizes:
        long_one = (good[0] + rng.randbytes(size))[:size] if size > 64 else rng.randbytes(size)
        frames += [(long_one, False), good, ack]
    check(width, frames)


@pytest.mark.parametrize("width", BYTES)
def test_control_frames_without_a_pause(width):
    """At 512 bits: a whole frame in every clock."""
    frames = [
        (frame(n % 11 if n % 11 != PAYLOAD else OPEN, vc=n % 3, tx_id=n, rx_id=~n & 0xFFFF), False)
        for n in range(150)
    ]
    assert check(width, frames) == [None] * len(frames)
    assert len(schedule(frames, width)) == 150 * 64 // width


@pytest.mark.parametrize("width, stall", crossed(BYTES, [0.0, 0.4]))
def test_random_frames(width, stall):
    rng = rng_for("random", width, stall)
    frames = []
    for _ in range(40 + 2 * width):
        good = random_good(rng, width)
        frames.append(spoiled(good, rng) if rng.random() < 0.6 else (good, False))
    causes = check(width, frames, rng, stall)
    assert len(set(causes)) >= 8, "the seed spoils too little"


def test_node_number_is_configured():
    dut = FrameParser(Config(width_bits=512))
    seen = []

    async def bench(ctx):
        for node in (0, 0xFFFFFF, 0x123456):
            ctx.set(dut.cfg_node, node)
            for dst in (0, 0xFFFFFF, 0x123456):
                drive(ctx, dut.i_frame, schedule([(frame(ACK, dst=dst), False)], 64)[0])
                await ctx.tick()
                seen.append((node == dst, ctx.get(dut.o_parsed.valid)))

    simulate(dut, bench)
    assert all(same == taken for same, taken in seen)


@pytest.mark.parametrize("width", BYTES)
def test_the_table_of_malformed_frames(width, monkeypatch):
    """Each frame for which the ladder, Scapy and Wireshark have a verdict has the same one here."""
    monkeypatch.setitem(globals(), "OUR_NODE", malformed.DST)
    same = dict(zip(MODEL_CAUSES, DROP_CAUSES, strict=True))
    cases = [
        case
        for case in malformed.table()
        if case.form == "ipv4" or case.cause is None or case.cause in same
    ]
    found = [
        cause
        for cause, _ in run(
            width, schedule([(case.data, False) for case in cases], width, None, 0.0)
        )
    ]
    assert found == [
        same[case.cause]
        if case.cause and case.form == "ethernet"
        else "other_ethertype"
        if case.form == "ipv4"
        else None
        for case in cases
    ]
    assert len(cases) > 75
