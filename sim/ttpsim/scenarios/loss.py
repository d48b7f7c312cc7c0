"""A network that loses, duplicates, reorders and corrupts, both ways: exactly once, in order."""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.network import Channel

# fmt: off
RUNS = [
    {"sim": "verilator", "preset": "default", "name": f"{percent}pct",
     "params": {"loss": percent / 100, "payloads": payloads}, "short": {"payloads": 60}}
    for percent, payloads in ((1, 1000), (5, 600), (20, 250))
] + [
    {"sim": "verilator", "preset": "default", "name": "5pct_go_back_n",
     "params": {"loss": 0.05, "payloads": 600, "selective": 0}, "short": {"payloads": 60}},
    {"sim": "verilator", "preset": "full", "name": "5pct",
     "params": {"loss": 0.05, "payloads": 400}, "short": {"payloads": 60}},
    {"sim": "icarus", "preset": "tiny", "name": "5pct",
     "params": {"loss": 0.05, "payloads": 8}, "short": None},
    {"sim": "icarus", "preset": "tiny", "name": "5pct_protected",
     "config": {"name": "tiny_protected", "protect": "secded"},
     "params": {"loss": 0.05, "payloads": 4}, "short": None},
]
# fmt: on

VCS = (0, 1, 2)


@scenario
async def loss(bench):
    a, b = bench.a, bench.b
    p, count = bench.params["loss"], bench.params["payloads"]
    rng = bench.rng("payloads")
    channels = [
        Channel(
            bench.rng(f"{way} wire").getrandbits(32),
            loss=p,
            duplicate=p / 2,
            reorder=p / 2,
            corrupt=p / 2,
            delay_cycles=(20, 60),
            reorder_cycles=400,
        )
        for way in ("a to b", "b to a")
    ]
    bench.connect(*channels)
    for node in bench.nodes:
        node.configure(timer_tick=8, max_retry=0, selective=bench.params.get("selective", 1))
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    for node, peer in ((a, b), (b, a)):
        for number in range(count):
            size = rng.choice((1, 4, 5, 64, 1024)) if number % 4 == 0 else rng.randint(1, 700)
            node.send(peer.address, rng.choice(VCS), rng.randbytes(size))

    await bench.until(
        lambda: len(a.received) == len(b.received) == count,
        12_000 * count,
        f"{count} payloads each way",
    )
    slots = bench.config["slots"]
    await bench.until(
        lambda: all(n.level("free_slots") == slots for n in bench.nodes),
        400_000,
        "every slot acknowledged and free",
        poll=True,
    )
    for node, vc in ((a, 0), (b, 1), (a, 2)):
        node.close((b if node is a else a).address, vc)
    # A close may be answered by a CLOSE_ACK that is lost: the timer asks again.
    await bench.until(
        lambda: all(
            sum(notice.notice == 1 for notice in node.notices) == 3 for node in bench.nodes
        ),
        2_000_000,
        "three links closed on both sides",
    )
    await bench.cycles(5_000)
    deliveries.finish()
    for feed in followed:
        feed.finish()

    counts = [node.counts() for node in bench.nodes]
    assert not any(c["memory_corrected"] or c["memory_uncorrectable"] for c in counts)
    if p * count >= 5:  # else a short run may have had luck
        for channel in channels:
            assert all(
                channel.counters[what] for what in ("lost", "duplicated", "reordered", "corrupted")
            ), channel.counters
        assert sum(c["payload_replayed"] for c in counts) > 0
        assert sum(c["rx_bad_fcs"] for c in counts) > 0
        assert sum(c["drop_duplicate"] for c in counts) > 0
    bench.report(f"{sum(c['payload_replayed'] for c in counts)} replays")
