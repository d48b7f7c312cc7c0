"""A full link table: every set holds two links whose hash collides, all open at once.

The wire renames nodes, so that each engine meets as many peers as its table has room for: what `a`
sends to node X reaches `b` as coming from X, and the other way round. So both tables are full, and
every link has the other engine at its end.
"""

from ttpverif.bench.bench import PerfectChannel, scenario
from ttpverif.bench.follow import follow_lockstep
from ttpverif.check.scoreboard import DeliveryChecker
from ttpverif.model.link import link_hash

RUNS = [
    {
        "sim": "verilator",
        "preset": "default",
        "params": {"links": 128, "each": 3},
        "short": {"links": 128, "each": 1},
    },
    {
        "sim": "verilator",
        "preset": "full",
        "params": {"links": 512, "each": 2},
        "short": {"links": 64, "each": 1},
    },
]

VC = 0
LINK_UP, LINK_DOWN = 0, 1


class Renaming(PerfectChannel):
    """To node X becomes: from node X, to the engine at the other end."""

    def __init__(self, sink):
        super().__init__(delay_cycles=5)
        self.sink = sink.to_bytes(3, "big")

    def push(self, frame, now_cycle):
        super().push(frame[:3] + self.sink + frame[6:9] + frame[3:6] + frame[12:], now_cycle)


def colliding_nodes(config, links, rng):
    """As many nodes as asked for, two in each set that is used."""
    sets = {}
    while sum(len(nodes) == 2 for nodes in sets.values()) < links // 2:
        node = rng.randrange(0x100, 1 << 24)
        nodes = sets.setdefault(link_hash(node, VC, config["sets"], config["vc_tables"]), [])
        if len(nodes) < 2 and node not in nodes:
            nodes.append(node)
    nodes = [node for pair in sets.values() if len(pair) == 2 for node in pair][:links]
    rng.shuffle(nodes)
    return nodes


@scenario
async def links(bench):
    a, b = bench.a, bench.b
    config, rng = bench.config, bench.rng("nodes")
    nodes = colliding_nodes(config, bench.params["links"], rng)
    bench.connect(Renaming(b.address), Renaming(a.address))
    followed, checker = follow_lockstep(bench), DeliveryChecker()

    # a's packet to X comes out at b as from X.
    for node in bench.nodes:

        def listen(kind, record, way=node.name):
            if kind == "sent":
                checker.put(way, record.node, record.vc, record.data)
            elif kind == "received":
                checker.got("b" if way == "a" else "a", record.node, record.vc, record.data)

        node.listeners.append(listen)

    # Opened by the first payload, from either side.
    for number, node in enumerate(nodes):
        (a, b)[number % 2].send(node, VC, rng.randbytes(rng.randint(1, 100)))
    await bench.until(
        lambda: len(a.notices) == len(b.notices) == len(nodes),
        600 * len(nodes) + 5_000,
        "all links open",
    )
    assert all(notice.notice == LINK_UP for side in bench.nodes for notice in side.notices)
    assert {notice.node for notice in a.notices} == set(nodes)

    # Used, both ways, in any order.
    todo = [(side, node) for node in nodes for side in (a, b) for _ in range(bench.params["each"])]
    rng.shuffle(todo)
    for side, node in todo:
        side.send(node, VC, rng.randbytes(rng.randint(1, 200)))
    total = len(todo) + len(nodes)
    await bench.until(
        lambda: len(a.received) + len(b.received) == total, 600 * total + 5_000, "all payloads"
    )
    await bench.until(
        lambda: all(n.level("free_slots") == config["slots"] for n in bench.nodes),
        20_000,
        "all acknowledged",
        poll=True,
    )
    for side in bench.nodes:
        assert side.counts()["payload_replayed"] == 0
        assert side.counts()["open_nacked"] == side.counts()["host_blocked"] == 0

    # A node that finds its set full is refused nothing: the less recently used link makes room.
    if bench.params["links"] == config["links"]:
        newcomer = next(n for n in range(0x200, 1 << 24) if n not in nodes)
        a.send(newcomer, VC, b"room for one more")
        await bench.until(
            lambda: any(p.node == newcomer for p in b.received),
            20_000,
            "the newcomer's payload",
            poll=True,
        )
        assert a.counts()["host_blocked"] >= 1
        gone = [notice.node for notice in a.notices if notice.notice == LINK_DOWN]
        assert len(gone) == 1
        index = link_hash(newcomer, VC, config["sets"], config["vc_tables"])
        assert link_hash(gone[0], VC, config["sets"], config["vc_tables"]) == index
        nodes = [node for node in nodes if node != gone[0]] + [newcomer]

    # Closed from either side; every tag is free again.
    closed = sum(notice.notice == LINK_DOWN for notice in a.notices)
    for number, node in enumerate(nodes):
        (b, a)[number % 2].close(node, VC)
    await bench.until(
        lambda: all(
            sum(notice.notice == LINK_DOWN for notice in side.notices) == closed + len(nodes)
            for side in bench.nodes
        ),
        600 * len(nodes) + 5_000,
        "all links closed",
    )
    await bench.cycles(2_000)
    checker.finish()
    for feed in followed:
        feed.finish()
    bench.report(f"{len(nodes)} links at once")
