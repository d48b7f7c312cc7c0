"""Peers whose node numbers use all 24 bits, on every VC: each bit of an address is in its place.

The wire renames nodes, as in `links`: both engines talk to nodes drawn at random and to the
complements of these, one link after the other.
"""

from ttpsim.scenarios.links import Renaming
from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_lockstep
from ttpverif.check.scoreboard import DeliveryChecker

RUNS = [{"sim": "verilator", "preset": "tiny", "params": {"nodes": 20}, "short": {"nodes": 6}}]

VCS = (0, 1, 2)
PAYLOADS = 3


@scenario
async def strangers(bench):
    a, b, rng = bench.a, bench.b, bench.rng("nodes")
    bench.connect(Renaming(b.address), Renaming(a.address))
    followed, checker = follow_lockstep(bench), DeliveryChecker()
    for node in bench.nodes:

        def listen(kind, record, way=node.name):
            if kind == "sent":
                checker.put(way, record.node, record.vc, record.data)
            elif kind == "received":
                checker.got("b" if way == "a" else "a", record.node, record.vc, record.data)

        node.listeners.append(listen)

    drawn = [rng.randrange(0x100, (1 << 24) - 0x100) for _ in range(bench.params["nodes"])]
    total = 0
    for peer in (name for node in drawn for name in (node, node ^ 0xFFFFFF)):
        for vc in VCS:
            for side in rng.sample((a, b), 2):
                for _ in range(PAYLOADS):
                    side.send(peer, vc, rng.randbytes(rng.randint(1, 60)))
                    total += 1
        await bench.until(
            lambda: len(a.received) + len(b.received) == total,
            20_000,
            f"everything to and from {peer:06x}",
        )
        for vc in VCS:
            closed = len(a.notices)
            a.close(peer, vc)
            await bench.until(lambda: len(a.notices) > closed, 20_000, "the end of the link")
    await bench.cycles(1_000)
    checker.finish()
    for feed in followed:
        feed.finish()
    bench.report(f"{2 * len(drawn)} nodes on {len(VCS)} VCs")
