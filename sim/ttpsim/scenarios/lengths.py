"""Lengths at which a datapath is easily wrong, on every VC, both ways, with readers that pause.

One byte, one less than a beat, a beat, one more, and the two longest, at every width: what arrives
is what was sent, byte for byte, and each length was really there.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.coverage.points import LENGTHS

RUNS = [
    {"sim": "verilator", "preset": "tiny"},
    *(
        {
            "sim": "verilator",
            "preset": "tiny",
            "name": f"{bits}bit",
            "config": {"name": f"tiny{bits}", "width_bits": bits},
            "short": None,
        }
        for bits in (128, 256)
    ),
    {"sim": "verilator", "preset": "full"},
]

VCS = (0, 1, 2)


@scenario
async def lengths(bench):
    a, b = bench.a, bench.b
    bench.connect()
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    rng = bench.rng("payloads")
    sizes = LENGTHS[bench.config["width_bits"]]
    for node, peer in ((a, b), (b, a)):
        for port in VCS:
            node.ready[port] = 0.8
        for vc in VCS:
            for size in sizes:
                node.send(peer.address, vc, rng.randbytes(size))
    count = len(sizes) * len(VCS)
    await bench.until(
        lambda: len(a.received) == len(b.received) == count, 40_000, f"{count} payloads each way"
    )
    for node in bench.nodes:
        for vc in VCS:
            assert [len(p.data) for p in node.received if p.vc == vc] == list(sizes)
    slots = bench.config["slots"]
    await bench.until(
        lambda: all(node.level("free_slots") == slots for node in bench.nodes),
        20_000,
        "everything acknowledged",
        poll=True,
    )
    await bench.cycles(500)
    deliveries.finish()
    for feed in followed:
        feed.finish()
    bench.report(f"{', '.join(map(str, sizes))} bytes")
