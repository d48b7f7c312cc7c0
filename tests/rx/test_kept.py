"""Kept payloads through the whole receive path: bytes, order and room until their verdict."""

import pytest

from tests.long import BYTES, crossed
from tests.rx.rx_bench import RxBench
from tests.rx.rx_frames import payload_frame, rng_for, schedule
from ttpoe.config import Config


def config(width, **changes):
    return Config(
        name="test", width_bits=8 * width, rx_slots=16, rx_reserved=2, reorder_slots=4
    ).replace(**changes)


@pytest.mark.parametrize("width, deliver", crossed(BYTES, [False, True]))
def test_kept_payloads_come_late_and_whole(width, deliver):
    """Every third payload is kept until many others went by; then it is delivered, or dropped."""
    rng = rng_for("kept", width, deliver)
    frames = [
        payload_frame(rng, rng.choice([1, width, 3 * width + 1, 200]), n % 3, n) for n in range(24)
    ]
    late = len(schedule(frames, width)) + 100
    kept = (1, 5, 9, 15)

    def decide(event):
        if event["tx_id"] in kept:
            return late + 40 * event["tx_id"] - bench.clock, deliver, 3
        return 3, True

    bench = RxBench(config(width), frames, trailing=1100, decide=decide)
    bench.run()
    bench.check_drops()
    wanted = bench.check_events_and_hosts()
    assert bench.stats["stat_rx_no_room"] == 0 and not bench.held
    assert sum(map(len, wanted)) == 24 - 4 * (not deliver)
    verdicts = [at for at, *_ in bench.verdicts][-4:]
    # Dropped: told two clocks after the verdict. Delivered: when the host sees its last beat.
    assert len(bench.kept_freed) == 4
    if deliver:
        ends = sorted(
            entry[0][-1] for vc in range(3) for entry in bench.delivered[vc] if entry[2] in kept
        )
        assert bench.kept_freed == ends
    else:
        assert bench.kept_freed == [at + 2 for at in verdicts]


@pytest.mark.parametrize("stalled", [False, True])
def test_room_of_a_vc_is_what_it_was(stalled):
    """Four kept of VC 0, and delivered to a host that does not read: VC 0 still gets its eight
    slots, and the other two what they own; the kept ones are given back when the host reads."""
    rng = rng_for("kept room", stalled)
    vcs = [0] * 4 + [0] * 10 + [1] * 3 + [2] * 3
    frames = [payload_frame(rng, 65, vc, n) for n, vc in enumerate(vcs)]
    clocks = schedule(frames[:4], 64) + [None] * 20 + schedule(frames[4:], 64) + [None] * 20
    reads = len(clocks)

    def decide(event):
        if event["tx_id"] < 4:
            return ((5 if stalled else reads - bench.clock), True, 3)
        return None

    bench = RxBench(
        config(64),
        frames,
        clocks=clocks + [None] * 40,
        decide=decide,
        host_ready=lambda vc, clock: clock >= reads,
    )
    bench.run()
    room = [event["room"] for _, event in bench.events]
    assert room == [1] * 4 + [1] * 8 + [0] * 2 + [1, 1, 0] + [1, 1, 0]
    # Stalled: each but those whose beats fit into the reader's buffer waits for its host.
    early = [at for at in bench.kept_freed if at < reads]
    assert len(bench.kept_freed) == 4 and len(early) == (2 if stalled else 0)
    assert len(bench.delivered[0]) == 4


def test_one_slot_is_counted_once():
    """Kept slots go round many times: room never shrinks nor grows."""
    rng = rng_for("kept round")
    frames, clocks = [], []
    for n in range(120):
        frames.append(payload_frame(rng, rng.choice([4, 64, 100]), 0, n))
        clocks += schedule(frames[-1:], 64) + [None] * 6
    probe = [payload_frame(rng, 4, 0, 1000 + n) for n in range(10)]
    clocks += [None] * 60 + schedule(probe, 64) + [None] * 20

    def decide(event):
        if event["tx_id"] >= 1000:
            return None
        if event["tx_id"] % 3 == 0:
            return 12, event["tx_id"] % 2 == 0, 3
        return 3, event["tx_id"] % 5 > 0

    bench = RxBench(config(64), frames + probe, clocks=clocks, decide=decide)
    bench.run()
    bench.check_drops()
    bench.check_events_and_hosts()
    room = [event["room"] for _, event in bench.events]
    assert room == [1] * 120 + [1] * 8 + [0] * 2
    assert len(bench.kept_freed) == 40
