"""The source's packets against their description in plain Python, and its pace."""

import pytest

from tests.long import BYTES
from tests.simulated import made_with_reset
from tests.streams import simulate
from tests.traffic.traffic_twin import LONG, MIXED, SHORT, UNIFORM, Twin, octets_of, rng_for
from ttpoe.config import Config
from ttpoe.traffic.source import TrafficSource

NODE = 0x5A5A01


def run(
    width,
    lengths,
    packets,
    ready_rate=1.0,
    seed=0x1234ABCD,
    stream=4,
    gap_mask=0,
    stall=0,
    reset_at=None,
):
    """`(packets as bytes, clocks in which each began, clocks from reset to each beat)`."""
    rng = rng_for("source", width, lengths, ready_rate)
    config = Config(width_bits=8 * width)
    source, reset, simulated = made_with_reset(TrafficSource, config, stream)
    got, began, beats = [], [], []

    async def bench(ctx):
        ctx.set(source.cfg_seed, seed)
        ctx.set(source.cfg_lengths, lengths)
        ctx.set(source.cfg_node, NODE)
        ctx.set(source.cfg_gap_mask, gap_mask)
        ctx.set(source.cfg_stall, stall)
        ctx.set(source.i_enable, 1)
        octets, held, clock = b"", None, 0
        while len(got) < packets:
            if clock == reset_at:
                ctx.set(reset, 1)
                await ctx.tick()
                ctx.set(reset, 0)
                got.clear()
                octets, held = b"", None
            ready = rng.random() < ready_rate
            ctx.set(source.o.ready, ready)
            payload = source.o.payload
            valid, data, keep, last, node = (
                ctx.get(signal)
                for signal in (
                    source.o.valid,
                    payload.data,
                    payload.keep,
                    payload.last,
                    payload.node,
                )
            )
            if held is not None:
                assert valid and held == (data, keep, last), f"not stable in clock {clock}"
            held = (data, keep, last) if valid and not ready else None
            if valid:
                assert node == NODE and ctx.get(source.o_busy)
            if valid and ready:
                if not octets:
                    began.append(clock)
                beats.append(clock)
                octets += octets_of(data, keep, width)
                assert last or keep == (1 << width) - 1
                if last:
                    got.append(octets)
                    octets = b""
            await ctx.tick()
            clock += 1
            assert ctx.get(source.sent) == bool(valid and ready and last)
            assert clock < 200 * packets + 5000, "the source has stopped"

    simulate(simulated, bench)
    return got, began, beats


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("lengths", [SHORT, LONG, UNIFORM, MIXED])
def test_bytes_and_lengths(width, lengths):
    packets, _began, beats = run(width, lengths, 60 if lengths == SHORT else 12)
    twin = Twin(0x1234ABCD, 4, lengths, width)
    assert packets == [twin.packet() for _ in packets]
    # A beat in every clock, from the fourth clock after reset on and across packets.
    assert beats == list(range(beats[0], beats[0] + len(beats))) and beats[0] == 4


@pytest.mark.parametrize("width", [8, 64])
def test_stalls(width):
    packets, *_ = run(width, MIXED, 15, ready_rate=0.6, stall=100, gap_mask=31, seed=77)
    twin = Twin(77, 4, MIXED, width)
    assert packets == [twin.packet() for _ in packets]


def test_lengths_reach_the_ends():
    lengths = [len(Twin(seed, 0, kind, 8).packet()) for seed in range(1) for kind in (SHORT, LONG)]
    twins = {kind: Twin(5, 0, kind, 8) for kind in (SHORT, LONG, UNIFORM, MIXED)}
    seen = {kind: {len(twin.packet()) for _ in range(3000)} for kind, twin in twins.items()}
    assert seen[SHORT] == set(range(1, 65)) and seen[LONG] == set(range(961, 1025)), lengths
    assert {1, 1024} <= seen[MIXED] and len(seen[UNIFORM]) > 900


def test_gaps_are_random_and_bounded():
    _packets, began, beats = run(64, SHORT, 200, gap_mask=15)
    gaps = {later - earlier - 1 for earlier, later in zip(beats, beats[1:])}
    assert gaps == set(range(16)), sorted(gaps)


def test_stall_rate():
    _packets, began, beats = run(8, LONG, 10, stall=128)
    stalled = 1 - len(beats) / (beats[-1] - beats[0] + 1)
    assert 0.4 < stalled < 0.6


def test_reset_in_mid_packet_begins_anew():
    packets, *_ = run(8, LONG, 3, reset_at=300)
    twin = Twin(0x1234ABCD, 4, LONG, 8)
    assert packets == [twin.packet() for _ in packets]


def test_disabled_after_the_packet():
    source = TrafficSource(Config(), 0)

    async def bench(ctx):
        ctx.set(source.cfg_lengths, LONG)
        ctx.set(source.o.ready, 1)
        await ctx.tick().repeat(50)
        assert not ctx.get(source.o.valid) and not ctx.get(source.o_busy)
        ctx.set(source.i_enable, 1)
        await ctx.tick().repeat(20)
        assert ctx.get(source.o_busy)
        ctx.set(source.i_enable, 0)
        await ctx.tick().until(source.sent)  # the packet that had begun goes on
        for _ in range(200):
            await ctx.tick()
            assert not ctx.get(source.o.valid) and not ctx.get(source.o_busy)

    simulate(source, bench)
