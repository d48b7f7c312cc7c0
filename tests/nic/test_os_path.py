"""Mixed traffic to and from the operating system (claim S3), with every counter."""

from functools import cache

import pytest

from tests.long import BYTES, crossed
from tests.nic.nic_bench import (
    OS,
    TTP,
    Bench,
    Receiver,
    Sender,
    beats,
    mixture,
    ordinary,
    rng_for,
    ttp,
)
from ttpoe.config import Config
from ttpoe.nic.os_path import STATS, OsPath
from ttpverif.frames.fields import field_of


@cache
def path(width, room=16384):
    return OsPath(Config(width_bits=8 * width, os_buffer_bytes=room))


def counts(**others):
    """Every statistic; those that are not named are zero."""
    return {name: others.get(name.removeprefix("stat_os_"), 0) for name in STATS}


@pytest.mark.parametrize("width, gap", crossed(BYTES, [0.0, 0.3]))
def test_what_is_not_ttp_reaches_the_os_unchanged_and_in_order(width, gap):
    rng = rng_for("rx", width, gap)
    frames = mixture(rng, 60)
    dut = path(width)
    receiver = Receiver(dut.o_os, width)
    bench = Bench(
        dut, [Sender(dut.i_mac, [f[:2] for f in frames], width, rng, gap)], [receiver], STATS
    ).run()
    wanted = [octets for octets, _, whose in frames if whose == OS]
    assert receiver.frames == wanted
    assert len(wanted) > 10
    assert sum(whose == TTP for _, _, whose in frames) > 8
    assert bench.counts == counts(rx_kept=len(wanted))


@pytest.mark.parametrize("width", BYTES)
def test_a_slow_os_loses_whole_frames_and_they_are_counted(width):
    rng = rng_for("slow", width)
    frames = mixture(rng, 120, jumbo=1500)
    dut = path(width, room=2048)
    receiver = Receiver(dut.o_os, width, lambda clock: rng.random() < 0.15)
    bench = Bench(
        dut, [Sender(dut.i_mac, [f[:2] for f in frames], width, rng)], [receiver], STATS
    ).run()
    remaining = iter(octets for octets, _, whose in frames if whose == OS)
    for octets in receiver.frames:
        assert octets in remaining, "changed, or out of order"
    kept = len(receiver.frames)
    total = sum(whose == OS for _, _, whose in frames)
    assert bench.counts == counts(rx_kept=kept, rx_full=total - kept)
    assert 5 < kept < total - 5


@pytest.mark.parametrize("width", BYTES)
def test_a_flood_of_ttp_takes_no_room(width):
    """The OS reads nothing; a hundred TTP and bad frames later its next frame still fits."""
    rng = rng_for("flood", width)
    first, second = (bytes(12) + b"\x08\x06" + rng.randbytes(46) for _ in range(2))
    flood = [(ttp(rng), False) for _ in range(50)] + [(bytes(1000), True)] * 50
    rng.shuffle(flood)
    dut = path(width, room=2048)
    receiver = Receiver(dut.o_os, width, lambda clock: clock > 100_000 // width)
    bench = Bench(
        dut,
        [Sender(dut.i_mac, [(first, False), *flood, (second, False)], width, rng)],
        [receiver],
        STATS,
    ).run(clocks=100_000 // width + 40)
    assert receiver.frames == [first, second]
    assert bench.counts == counts(rx_kept=2)


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("gap, ready", [(0.0, 1.0), (0.5, 1.0), (0.2, 0.5)])
def test_what_the_os_sends(width, gap, ready):
    """A slow OS leaves no gap in a frame (the receiver checks it); what it may not send is gone."""
    rng = rng_for("tx", width, gap, ready)
    frames = mixture(rng, 40, jumbo=3000)
    frames.insert(7, (bytes(12) + b"\x08\x00" + bytes(4096), False, "too long"))
    frames.insert(9, (bytes(12) + b"\x0a\xc6" + bytes(4096), False, TTP))
    dut = path(width, room=4096)
    receiver = Receiver(dut.o_frame, width, lambda clock: rng.random() < ready)
    bench = Bench(
        dut, [Sender(dut.i_os, [f[:2] for f in frames], width, rng, gap)], [receiver], STATS
    ).run()
    assert receiver.frames == [octets for octets, _, whose in frames if whose == OS]
    aborted = sum(error for _, error, _ in frames)
    tell = [whose for _, _, whose in frames]
    assert bench.counts == counts(
        tx_sent=len(receiver.frames),
        tx_aborted=aborted,
        tx_too_long=1,
        tx_ttp=tell.count(TTP),
        tx_short=tell.count(None) - aborted,
    )
    assert all(bench.counts[f"stat_os_tx_{name}"] for name in ("sent", "aborted", "short", "ttp"))


@pytest.mark.parametrize("width", BYTES)
def test_latency(width):
    """Three clocks behind the last beat, each way."""
    rng = rng_for("latency", width)
    dut = path(width)
    frames = [(bytes(12) + b"\x08\x00" + rng.randbytes(size), False) for size in (46, 200, 1)]
    ways = []
    for source, sink in ((dut.i_mac, dut.o_os), (dut.i_os, dut.o_frame)):
        ways.append((Sender(source, frames, width, rng), Receiver(sink, width)))
    Bench(dut, [way[0] for way in ways], [way[1] for way in ways], STATS).run()
    for sender, receiver in ways:
        assert receiver.clocks[0][0] == sender.taken[0][1] + 3
        assert len(receiver.frames) == 3


@pytest.mark.parametrize("width", BYTES)
def test_the_two_ways_do_not_touch(width):
    """Both at once: the OS reads nothing and what it sends still leaves, and the other way."""
    rng = rng_for("both", width)
    dut = path(width, room=2048)
    frames = [(ordinary(rng, 900)[1], False) for _ in range(20)]
    outgoing = Receiver(dut.o_frame, width)
    stuck = Receiver(dut.o_os, width, lambda clock: False)
    Bench(
        dut,
        [Sender(dut.i_mac, frames * 3, width, rng), Sender(dut.i_os, frames, width, rng)],
        [outgoing, stuck],
        STATS,
    ).run(clocks=80 * sum(len(f[0]) for f in frames) // width // 10)
    assert outgoing.frames == [octets for octets, _ in frames]


@pytest.mark.parametrize("width", BYTES)
def test_reset_within_a_frame(width):
    rng = rng_for("reset", width)
    dut = path(width)
    cut = bytes(12) + b"\x08\x00" + rng.randbytes(300)
    whole = bytes(12) + b"\x86\xdd" + rng.randbytes(100)
    ways = [
        (Sender(dut.i_mac, [(cut, False)], width, rng), Receiver(dut.o_os, width)),
        (Sender(dut.i_os, [(cut, False)], width, rng), Receiver(dut.o_frame, width)),
    ]
    at = len(beats(cut, width)) - 1
    for sender, _ in ways:
        sender.beats.pop()

    def go_on(ctx, clock):
        if clock == at + 1:
            for sender, _ in ways:
                sender.beats += Sender(sender.port, [(whole, False)], width, rng).beats

    bench = Bench(dut, [way[0] for way in ways], [way[1] for way in ways], STATS).run(
        clocks=at + 300 // width + 60, resets=(at,), each_clock=go_on
    )
    assert [receiver.frames for _, receiver in ways] == [[whole], [whole]]
    assert bench.counts == counts(rx_kept=1, tx_sent=1)


@pytest.mark.parametrize("count", [300])
def test_a_frame_in_every_clock(count):
    """512 bits: single-beat frames back to back, every other one TTP or bad."""
    rng = rng_for("single")
    frames = [
        (
            (
                bytes(12)
                + (b"\x0a\xc6", b"\x08\x06", b"\x9a\xc6", b"\x86\xdd")[n % 4]
                + rng.randbytes(rng.choice((46, 50, 1)))
            ),
            n % 5 == 0,
        )
        for n in range(count)
    ]
    dut = path(64)
    sender, receiver = Sender(dut.i_mac, frames, 64, rng), Receiver(dut.o_os, 64)
    bench = Bench(dut, [sender], [receiver], STATS).run()
    assert sender.taken[-1][1] == count - 1
    wanted = [
        octets
        for octets, error in frames
        if not error and field_of(octets, "ethertype") in (0x0806, 0x86DD)
    ]
    assert receiver.frames == wanted
    assert bench.counts == counts(rx_kept=len(wanted))


@pytest.mark.parametrize("width", BYTES)
def test_the_path_can_be_switched_off(width):
    """Frames that end while it is off are dropped, both ways; all others pass."""
    rng = rng_for("off", width)
    frames = [(ordinary(rng, jumbo=1500)[1], False) for _ in range(40)]
    dut = path(width)
    to_os, to_mac = Receiver(dut.o_os, width), Receiver(dut.o_frame, width)
    senders = [Sender(port, frames, width, rng) for port in (dut.i_mac, dut.i_os)]

    def switch(ctx, clock):
        ctx.set(dut.cfg_os_enable, not 3000 // width <= clock < 9000 // width)

    bench = Bench(dut, senders, [to_os, to_mac], STATS).run(each_clock=switch)
    for receiver in (to_os, to_mac):
        assert 0 < len(receiver.frames) < len(frames)
        remaining = iter(octets for octets, _bad in frames)
        assert all(octets in remaining for octets in receiver.frames), "in order, unchanged"
    dropped = len(frames) - len(to_mac.frames)
    assert bench.counts == counts(
        rx_kept=len(to_os.frames), tx_aborted=dropped, tx_sent=len(to_mac.frames)
    )
