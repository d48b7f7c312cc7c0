"""The model network and the pcap files."""

import struct
from collections import Counter

import pytest

from ttpverif.frames.network import Channel
from ttpverif.frames.pcap import PcapWriter, read_pcap

COUNT = 2000


def frame(number):
    return number.to_bytes(4, "big") * 16


def run(channel, count=COUNT):
    """Push one frame per clock, pop every clock; [(time, bytes, bad)]."""
    seen = []
    for now in range(count + 1000):
        if now < count:
            channel.push(frame(now), now)
        seen += [(now, *item) for item in channel.pop(now)]
    assert not channel and channel.next_time is None
    return seen


def test_perfect_channel_keeps_order_and_delay():
    seen = run(Channel(1, delay_cycles=17))
    assert seen == [(n + 17, frame(n), False) for n in range(COUNT)]


def test_varying_delay_never_reorders():
    seen = run(Channel(2, delay_cycles=(5, 50)))
    assert [data for _, data, _ in seen] == [frame(n) for n in range(COUNT)]
    times = [when - n for n, (when, _, _) in enumerate(seen)]
    assert min(times) >= 5 and max(times) <= 50 and len(set(times)) > 5


def test_each_fault_at_its_rate_and_counted():
    channel = Channel(3, loss=0.1, duplicate=0.2, reorder=0.1, corrupt=0.05, delay_cycles=3)
    seen = run(channel)
    counts = channel.counters
    assert counts["pushed"] == COUNT and counts["popped"] == len(seen)
    assert len(seen) == COUNT - counts["lost"] + counts["duplicated"]
    for name, rate in (
        ("lost", 0.1),
        ("duplicated", 0.18),
        ("reordered", 0.09),
        ("corrupted", 0.045),
    ):
        assert abs(counts[name] / COUNT - rate) < 0.03, name
    good = {frame(n) for n in range(COUNT)}
    assert all((data in good) == (not bad) for _, data, bad in seen)
    bad_frames = {(when, data) for when, data, bad in seen if bad}
    assert counts["corrupted"] <= sum(bad for _, _, bad in seen)
    assert all(len(data) == 64 for _, data in bad_frames)
    order = [int.from_bytes(data[:4], "big") for _, data, bad in seen if not bad]
    assert order != sorted(order)


def test_loss_of_one_fault_does_not_move_another():
    def lost(**more):
        got = Counter(data[:4] for _, data, _ in run(Channel(9, loss=0.1, **more)))
        return {n for n in range(COUNT) if frame(n)[:4] not in got}

    assert lost() == lost(duplicate=0.3, reorder=0.3) != set()


def test_reproducible_and_seed_matters():
    faults = dict(loss=0.1, duplicate=0.1, reorder=0.2, corrupt=0.1, delay_cycles=(1, 9))
    assert run(Channel(4, **faults)) == run(Channel(4, **faults)) != run(Channel(5, **faults))


def test_scripted_faults():
    channel = Channel(6)
    channel.script(lambda data: data[3] % 2 == 1, nth=2)
    channel.script(lambda data: True, nth=1, action="duplicate")
    channel.script(lambda data: data == frame(5), action="corrupt")
    channel.script(lambda data: data == frame(6), action="delay", delay_cycles=2)
    seen = run(channel, 10)
    got = [(when, int.from_bytes(data[:4], "big")) for when, data, bad in seen if not bad]
    assert got == [(0, 0), (0, 0), (1, 1), (2, 2), (4, 4), (7, 7), (8, 6), (8, 8), (9, 9)]
    assert [when for when, _, bad in seen if bad] == [5]
    assert channel.counters["lost"] == 1


@pytest.mark.parametrize(
    "arguments, text",
    [
        (dict(loss=1.5), "loss must be from 0 to 1; got 1.5"),
        (dict(delay_cycles=(5, 2)), "delay_cycles must be a range of times"),
    ],
)
def test_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        Channel(0, **arguments)
    with pytest.raises(ValueError, match="action must be one of"):
        Channel(0).script(bool, action="eat")


def test_pcap_round_trip(tmp_path):
    path = tmp_path / "run.pcap"
    cycles = (0, 1, 125_000_000, 125_000_001)
    with PcapWriter(path, clock_period_ns=8.0) as writer:
        for cycle in cycles:
            writer.write(frame(cycle & 0xFF), cycle)
    assert read_pcap(path) == [(cycle * 8, frame(cycle & 0xFF)) for cycle in cycles]
    raw = path.read_bytes()
    path.write_bytes(raw[:-1])
    with pytest.raises(ValueError, match="cut off in frame 4"):
        read_pcap(path)
    path.write_bytes(raw[:30])
    with pytest.raises(ValueError, match="cut off in a record header"):
        read_pcap(path)


def test_pcap_of_others(tmp_path):
    path = tmp_path / "big.pcap"
    path.write_bytes(
        struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        + struct.pack(">IIII", 2, 3, 4, 4)
        + b"abcd"
    )
    assert read_pcap(path) == [(2_000_003_000, b"abcd")]
    path.write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(40))
    with pytest.raises(ValueError, match="not a classic pcap"):
        read_pcap(path)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    with pytest.raises(ValueError, match="link type 101"):
        read_pcap(path)
