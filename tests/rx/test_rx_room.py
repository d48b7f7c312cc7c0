"""Who gets a receive slot, who is dropped at the door, and how the hosts share the memory."""

import pytest

from tests.long import BYTES
from tests.rx.rx_bench import RxBench
from tests.rx.rx_frames import ACK, frame, payload_frame, rng_for, schedule
from ttpoe.config import Config


def config(width, **changes):
    return Config(
        name="test", width_bits=8 * width, rx_slots=16, rx_reserved=2, reorder_slots=4
    ).replace(**changes)


@pytest.mark.parametrize(
    "rx_slots,reserved,reorder", [(16, 2, 4), (8, 1, 4), (16, 4, 4), (128, 4, 16), (128, 32, 32)]
)
def test_room_rule(rx_slots, reserved, reorder):
    """A VC gets what it owns and what is shared; the others still get what they own. What is set
    aside for reordering nobody gets."""
    rng = rng_for("room", rx_slots)
    shared = rx_slots - 3 * reserved - reorder
    vcs = [2] * (reserved + shared + 3) + [0] * (reserved + 1) + [1] * (reserved + 1)
    frames = [payload_frame(rng, 4, vc, n) for n, vc in enumerate(vcs)]
    bench = RxBench(
        config(64, rx_slots=rx_slots, rx_reserved=reserved, reorder_slots=reorder),
        frames,
        decide=lambda event: None,
    ).run()
    room = [event["room"] for _, event in bench.events]
    assert room == (
        [1] * (reserved + shared) + [0] * 3 + [1] * reserved + [0] + [1] * reserved + [0]
    )
    assert len(bench.held) == rx_slots - reorder
    assert bench.stats["stat_rx_no_room"] == 5


@pytest.mark.parametrize("deliver", [False, True])
@pytest.mark.parametrize("rx_slots", [16, 128])
def test_a_slot_given_back_is_room_again(deliver, rx_slots):
    """Full, then one verdict: exactly one more payload of that VC has room, and one only."""
    rng = rng_for("again", rx_slots)
    most = rx_slots - 4 - 4  # of one VC: without the others' own, and reordering
    fill = [payload_frame(rng, 9, 0, n) for n in range(most)]
    probes = [payload_frame(rng, 9, 0, 1000 + n) for n in range(3)]
    clocks = schedule(fill, 64) + [None] * 20
    for probe in probes:
        clocks += schedule([probe], 64) + [None] * 10
    bench = RxBench(
        config(64, rx_slots=rx_slots),
        fill + probes,
        clocks=clocks,
        decide=lambda event: (most + 6, deliver) if event["tx_id"] == 3 else None,
    ).run()
    room = [event["room"] for _, event in bench.events]
    assert room == [1] * most + [1, 0, 0]


@pytest.mark.parametrize("width", BYTES)
def test_slot_that_comes_in_mid_frame_is_for_the_next_frame(width):
    """All slots are held, the last four of them kept; one is given back while a frame arrives.
    That frame has no room and touches no slot; the next one has."""
    rng = rng_for("mid-frame", width)
    fill = [payload_frame(rng, 20, vc, n) for n, vc in enumerate([0, 0, 0, 0, 0, 2, 1, 0])]
    late, following = payload_frame(rng, 1024, 0, 8), payload_frame(rng, 500, 0, 9)
    clocks = []
    for one in fill:  # what is kept becomes room for the next but one within four clocks
        clocks += schedule([one], width) + [None] * 5
    release = len(clocks) + 5
    clocks += schedule([late, following], width) + [None] * 10
    end = len(clocks)

    def decide(event):
        verdict = (release if event["tx_id"] == 4 else end) - bench.clock, True
        return (*verdict, 0) if event["tx_id"] < 4 else verdict

    bench = RxBench(
        config(width, rx_slots=8, rx_reserved=1),
        [*fill, late, following],
        clocks=clocks + [None] * 200,
        decide=decide,
    )
    bench.run()
    bench.check_drops()
    bench.check_events_and_hosts()
    assert [event["room"] for _, event in bench.events] == [1] * 8 + [0, 1]
    assert not bench.held


@pytest.mark.parametrize("rx_slots", [32, 128])
def test_slots_go_round(rx_slots):
    """Many times more payloads than slots, hosts now faster and now slower than the wire."""
    rng = rng_for("round", rx_slots)
    frames, clocks = [], []
    for n in range(3 * rx_slots):
        frames.append(payload_frame(rng, rng.choice([1, 30, 64, 130]), rng.choice([0, 0, 1]), n))
        clocks += schedule(frames[-1:], 64) + [None] * rng.choice([0, 0, 1, 2])
    bench = RxBench(
        config(64, rx_slots=rx_slots),
        frames,
        clocks=clocks + [None] * 4 * rx_slots,
        host_ready=lambda vc, clock: clock % 200 > 60 and rng.random() < 0.95,
        decide=lambda event: (rng.choice([0, 0, 1, 4, 20]), rng.random() < 0.7),
    ).run()
    bench.check_drops()
    assert sum(map(len, bench.check_events_and_hosts())) > rx_slots
    assert not bench.held


@pytest.mark.parametrize("rx_slots", [16, 128])
@pytest.mark.parametrize("first_beats", [1, 2, 3, 4, 5])
def test_verdicts_in_consecutive_clocks_keep_their_order(rx_slots, first_beats):
    """Wherever the end of one payload falls between the verdicts of those behind it."""
    rng = rng_for("order", first_beats)
    lengths = [64 * first_beats, 64, 64, 128, 64, 64, 64]
    frames = [payload_frame(rng, length, 1, n) for n, length in enumerate(lengths)]
    bench = RxBench(
        config(64, rx_slots=rx_slots),
        frames,
        trailing=80,
        decide=lambda event: (50 - bench.clock, True),
    )
    bench.run()
    bench.check_events_and_hosts()
    assert [entry[2] for entry in bench.delivered[1]] == list(range(len(lengths)))


@pytest.mark.parametrize("width", BYTES)
def test_full_event_queue_drops_whole_frames(width):
    """The frames that find no place are counted; their slots serve the next frames."""
    rng = rng_for("queue", width)
    depth = 4
    frames = [payload_frame(rng, 20, n % 3, n) for n in range(depth + 5)]
    frames += [(frame(ACK, rx_id=77), False)]
    sent = len(schedule(frames[:-1], width))
    clocks = schedule(frames[:-1], width) + [None] * 10
    release = len(clocks)
    clocks += [None] * 10 + schedule(frames[-1:], width) + [None] * 60
    bench = RxBench(
        config(width, event_depth=depth),
        frames,
        clocks=clocks,
        take_event=lambda clock: clock >= release,
    ).run()
    bench.check_drops()
    bench.check_events_and_hosts()
    assert sent < release
    assert bench.stats["stat_rx_queue_full"] == 5
    assert [event["tx_id"] for _, event in bench.events] == [*range(depth), 0]
    assert [event["slot"] for _, event in bench.events] == [*range(depth), depth]


@pytest.mark.parametrize("event_depth", [2, 16, 128])
def test_event_queue_holds_what_it_says(event_depth):
    frames = [(frame(ACK, vc=n % 3, rx_id=n), False) for n in range(event_depth + 3)]
    bench = RxBench(
        config(64, event_depth=event_depth),
        frames,
        trailing=2 * event_depth + 20,
        take_event=lambda clock: clock > event_depth + 10,
    ).run()
    bench.check_drops()
    bench.check_events_and_hosts()
    assert bench.stats["stat_rx_queue_full"] == 3


def test_bad_frames_use_no_slot():
    rng = rng_for("rollback")
    good = payload_frame(rng, 300, 0, 1)
    frames = [(good[0], True), good, (good[0][:200], False), good, (frame(ACK), False), good]
    bench = RxBench(config(8), frames, decide=lambda event: None).run()
    assert [event["slot"] for _, event in bench.events if event["room"]] == [0, 1, 2]


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("stalled", [0, 1, 2])
def test_a_stalled_vc_delays_nobody(width, stalled):
    """One host never takes a beat: each of the others gets every beat in the same clock as if
    that VC did not exist."""

    def run(include):
        rng = rng_for("stalled", width, stalled)
        clocks, frames = [], []
        for n in range(12):
            one = payload_frame(rng, 3 * width, (stalled, *others)[n % 3], n)
            part = schedule([one], width)
            if n % 3 == 0 and not include:
                clocks += [None] * len(part)
            else:
                clocks += part
                frames.append(one)
        return RxBench(
            config(width),
            frames,
            clocks=clocks + [None] * 40,
            host_ready=lambda vc, clock: vc != stalled,
        ).run()

    others = [vc for vc in range(3) if vc != stalled]
    with_it, without = run(True), run(False)
    assert with_it.delivered[stalled] == []
    for vc in others:
        assert len(with_it.delivered[vc]) == 4
        # The stalled VC may read the four beats of its buffer, no more.
        late = [
            a - b
            for (x, *_), (y, *_) in zip(with_it.delivered[vc], without.delivered[vc])
            for a, b in zip(x, y)
        ]
        assert all(0 <= n <= 4 for n in late) and late[-1] == 0


def test_urgency_and_its_bound():
    """All three VCs always have beats: VC 1 gets most, and no VC waits longer than 12 beats."""
    rng = rng_for("urgency")
    frames = [payload_frame(rng, 1024, n % 3, n) for n in range(12)]
    sent = len(schedule(frames, 32))
    bench = RxBench(
        config(32, rx_reserved=4),
        frames,
        trailing=500,
        host_ready=lambda vc, clock: clock > sent + 20,
    ).run()
    bench.check_events_and_hosts()
    clocks = {vc: [c for entry in bench.delivered[vc] for c in entry[0]] for vc in range(3)}
    end_of_first = clocks[1][-1]
    share = {vc: sum(c <= end_of_first for c in clocks[vc]) for vc in range(3)}
    assert share[1] == 128 and share[1] > 4 * share[0] >= 4
    for vc in range(3):
        # While everybody asks.
        waits = [b - a for a, b in zip(clocks[vc], clocks[vc][1:]) if b <= end_of_first]
        assert waits and max(waits) <= 12
    # VC 0 before VC 2 once VC 1 is done.
    assert clocks[0][-1] < clocks[2][-1]
