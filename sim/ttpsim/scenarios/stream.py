"""Payloads of 1 to 1024 bytes, each way at once, as fast as the datapath carries them."""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep

# fmt: off
RUNS = [
    {"sim": "verilator", "preset": "default", "params": {"payloads": 2000},
     "short": {"payloads": 200}},
    {"sim": "verilator", "preset": "tiny", "params": {"payloads": 2000},
     "short": {"payloads": 200}},
    # A VC hands over one packet for each passage through the pipeline, which at 512 bits is longer
    # than a packet: all three VCs, and not quite the whole wire (docs/start/limits.md).
    {"sim": "verilator", "preset": "full",
     "params": {"payloads": 2000, "vcs": (0, 1, 2), "wire": 0.88},
     "short": {"payloads": 300}},
    *({"sim": "verilator", "preset": "tiny", "name": f"{bits}bit",
       "config": {"name": f"tiny{bits}", "width_bits": bits}, "params": {"payloads": 500},
       "short": None} for bits in (128, 256)),
    {"sim": "icarus", "preset": "tiny", "params": {"payloads": 30}, "short": {"payloads": 10}},
]
# fmt: on

DATA = 2
WIRE_SHARE = 0.985  # of the clocks, at least, a wire carries a beat while there is data


def wire_beats(node, width_bytes):
    return sum(-(-len(frame.data) // width_bytes) for frame in node.frames_out)


@scenario
async def stream(bench):
    a, b = bench.a, bench.b
    bench.connect()
    for node in bench.nodes:  # a round of the timer is longer than a round trip, as after reset
        node.configure(timer_tick=8192 // bench.config["links"])
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    count, rng = bench.params["payloads"], bench.rng("payloads")
    vcs = bench.params.get("vcs", (DATA,))
    for node, peer in ((a, b), (b, a)):
        for number in range(count):
            vc = vcs[number % len(vcs)]
            node.send(peer.address, vc, rng.randbytes(rng.randint(1, 1024)))

    await bench.until(
        lambda: len(a.received) == len(b.received) == count,
        400 * count + 5_000,
        f"{count} payloads each way",
    )
    await bench.cycles(2_000)
    deliveries.finish()
    for feed in followed:
        feed.finish()

    # The busier wire may rest only while the link opens and while the last ACKs come in.
    for node in bench.nodes:
        counts = node.counts()
        assert counts["payload_replayed"] == 0, counts
        assert counts["delivered"] == counts["payload_first_sent"] == count
    first = min(node.frames_out[2].first_cycle for node in bench.nodes)
    last = max(payload.last_cycle for node in bench.nodes for payload in node.received)
    busiest = max(wire_beats(node, a.width_bytes) for node in bench.nodes)
    share = busiest / (last - first)
    bench.report(f"wire {100 * share:.1f} % busy")
    if count >= 1000:
        least = bench.params.get("wire", WIRE_SHARE)
        assert share >= least, f"the busier wire carried a beat in {share:.1%} of the clocks"
