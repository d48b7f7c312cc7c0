"""The whole receive path: bytes, events, latency, reset."""

import pytest

from tests.long import BYTES, crossed
from tests.rx.rx_bench import RxBench
from tests.rx.rx_frames import (
    boundary_lengths,
    payload_frame,
    random_good,
    rng_for,
    schedule,
    spoiled,
)
from ttpoe.config import Config
from ttpverif.frames.frame import HEADER


def config(width, **changes):
    return Config(
        name="test", width_bits=8 * width, rx_slots=16, rx_reserved=2, reorder_slots=4
    ).replace(**changes)


@pytest.mark.parametrize("width, pace", crossed(BYTES, ["fast", "slow"]))
def test_random_traffic(width, pace):
    rng = rng_for("path", width, pace, 1)
    frames = []
    for _ in range(30 + width):
        good = random_good(rng, width)
        frames.append(spoiled(good, rng) if rng.random() < 0.25 else (good, False))
    busy = 1.0 if pace == "fast" else 0.35
    bench = RxBench(
        config(width, event_depth=4),
        frames,
        rng=rng,
        stall=0.0 if pace == "fast" else 0.1,
        trailing=900 if pace == "fast" else 1800,
        take_event=lambda clock: rng.random() < busy,
        host_ready=lambda vc, clock: rng.random() < busy,
        decide=lambda event: (rng.choice([0, 4, 4, 9]), rng.random() < 0.75),
    ).run()
    bench.check_drops()
    wanted = bench.check_events_and_hosts()
    assert all(wanted) and not bench.held


@pytest.mark.parametrize("width", BYTES)
def test_lengths_around_every_boundary(width):
    rng = rng_for("lengths", width)
    lengths = boundary_lengths(width)
    frames = [payload_frame(rng, length, n % 3, n) for n, length in enumerate(lengths)]
    bench = RxBench(config(width), frames).run()
    bench.check_drops()
    assert sum(map(len, bench.check_events_and_hosts())) == len(lengths)


@pytest.mark.parametrize("width", BYTES)
def test_latency_is_exact(width):
    """Last wire beat in clock 0: event in clock 2. Verdict in clock n: host in n + 3, no bubble."""
    rng = rng_for("latency", width)
    lengths = [1, 4, 5, width, width + 1, 64, 1024]
    frames = [payload_frame(rng, length, 1, length) for length in lengths]
    clocks = [None]
    for octets in frames:
        clocks += schedule([octets], width) + [None] * (1024 // width + 11)
    bench = RxBench(config(width), frames, clocks=clocks, decide=lambda event: (4, True)).run()
    assert [seen - end for end, (seen, _) in zip(bench.frame_ends, bench.events)] == [2] * len(
        frames
    )
    bench.check_events_and_hosts()
    assert len(bench.delivered[1]) == len(frames)
    for length, verdict, (beat_clocks, *_) in zip(lengths, bench.verdicts, bench.delivered[1]):
        first = verdict[0] + 3
        assert beat_clocks == list(range(first, first - (-length // width)))


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("beats", [1, 3])
def test_no_bubble_between_payloads(width, beats):
    """Payloads that wait for the host come out without a pause, ten of them."""
    rng = rng_for("bubbles", width, beats)
    frames = [payload_frame(rng, beats * width, 2, n) for n in range(10)]
    sent = len(schedule(frames, width))
    bench = RxBench(
        config(width, rx_slots=32), frames, host_ready=lambda vc, clock: clock > sent + 20
    ).run()
    bench.check_events_and_hosts()
    clocks = [clock for entry in bench.delivered[2] for clock in entry[0]]
    assert clocks == list(range(sent + 21, sent + 21 + 10 * beats))


def test_smallest_payload_in_every_clock():
    """512 bits: a whole PAYLOAD frame per clock, verdicts per clock, nothing is ever refused."""
    rng = rng_for("every clock")
    frames = [payload_frame(rng, 1 + n % 4, 1, n) for n in range(300)]
    bench = RxBench(
        config(64, rx_slots=64), frames, decide=lambda event: (4, event["tx_id"] % 5 > 0)
    ).run()
    bench.check_drops()
    bench.check_events_and_hosts()
    assert bench.stats["stat_rx_no_room"] == 0
    assert bench.stats["stat_rx_good"] == 300
    assert [seen - end for end, (seen, _) in zip(bench.frame_ends, bench.events)] == [2] * 300


@pytest.mark.parametrize("width", BYTES)
def test_reset_in_mid_packet(width):
    """Reset while a frame arrives, another is delivered and slots are held: all is forgotten."""
    rng = rng_for("reset", width)
    before = [payload_frame(rng, 1024, n % 3, n) for n in range(9)]
    clocks = schedule(before, width)
    clocks = clocks[: len(clocks) - 3]
    reset_at = len(clocks) - 1
    after = [payload_frame(rng, 100, n // 6, 100 + n) for n in range(17)]
    clocks += schedule(after, width) + [None] * 60
    bench = RxBench(
        config(width),
        after,
        clocks=clocks,
        reset_at=reset_at,
        decide=lambda event: None if event["tx_id"] < 9 and event["tx_id"] % 2 else (3, True),
    )
    bench.run()
    seen = [event for _, event in bench.events if event["tx_id"] >= 100]
    assert [event["tx_id"] for event in seen] == [100 + n for n in range(17)]
    assert [event["slot"] for event in seen][:16] == list(range(16))
    for vc in range(3):
        late = [entry for entry in bench.delivered[vc] if entry[2] >= 100]
        assert [entry[3] for entry in late] == [
            octets[HEADER:] for n, (octets, _) in enumerate(after) if n // 6 == vc
        ]
