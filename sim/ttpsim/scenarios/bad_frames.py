"""Malformed frames of every kind among good traffic: none becomes an event, each is counted by the
first cause of F1 that holds for it, and the traffic does not notice.

The long form is `ttpoe abuse`; here the reference model follows, and every counter is exact. An
engine that knows the IPv4 form gets bad datagrams, too, and half of the good traffic is in that form.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.bad_datagram import BadDatagrams
from ttpverif.frames.frame import DROP_CAUSES
from ttpverif.frames.hostile import Hostile

RUNS = [
    {"sim": "verilator", "preset": "tiny", "params": {"frames": 1500}, "short": {"frames": 700}},
    {
        "sim": "verilator",
        "preset": "tiny",
        "name": "ipv4",
        "config": {"name": "tiny_ipv4", "encapsulation": "ipv4"},
        "params": {"frames": 3000},
        "short": {"frames": 1000},
    },
]

VCS = (0, 1, 2)


def knows_ipv4(bench):
    return bench.config.get("encapsulation") == "ipv4"


def bad_ones(bench, node, peer, count, rng):
    """`count` bad frames towards `node`, in an order of chance."""
    makers: list[Hostile | BadDatagrams] = [
        Hostile(bench.seed, node.address, peer.address, bench.config["slots"])
    ]
    good = ()
    if knows_ipv4(bench):
        makers.append(BadDatagrams(bench.rng("datagrams"), node.address, peer.address))
        good = ("IPv4/UDP form",)  # to such an engine
    every = [bad for maker in makers for bad in maker.structured() if bad.category not in good]
    rng.shuffle(every)
    chosen = [next(bad for bad in every if bad.cause == cause) for cause in DROP_CAUSES]
    chosen += every[: count // 2]
    while len(chosen) < count:
        bad = rng.choice(makers).malformed()
        if bad.category not in good:
            chosen.append(bad)
    rng.shuffle(chosen)
    return chosen


@scenario
async def bad_frames(bench):
    a, b, rng = bench.a, bench.b, bench.rng("traffic")
    count = bench.params["frames"]
    bench.connect()
    for node in bench.nodes:
        # No replay for want of time: the bad frames take more of the wire than the good ones.
        node.configure(timer_tick=4000, max_retry=0)
        if knows_ipv4(bench):
            node.configure(ipv4=node is a, ipv4_prefix=10)
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    for node, peer in ((a, b), (b, a)):
        for number, bad in enumerate(bad_ones(bench, node, peer, count, rng)):
            node.play(bad.data, bad.bad_fcs)
            if number % 10 == 0:
                peer.send(node.address, rng.choice(VCS), rng.randbytes(rng.randint(1, 200)))
    wanted = -(-count // 10)
    await bench.until(
        lambda: (
            len(a.received) == len(b.received) == wanted
            and not any(node.sources["s_mac_rx"].busy for node in bench.nodes)
        ),
        1_000 * count,
        "every payload, and the last bad frame",
        poll=True,
    )
    slots = bench.config["slots"]
    await bench.until(
        lambda: all(node.level("free_slots") == slots for node in bench.nodes),
        400_000,
        "every slot acknowledged and free",
        poll=True,
    )
    await bench.cycles(500)
    deliveries.finish()
    for feed in followed:
        feed.finish()
        assert all(feed.causes[cause] for cause in DROP_CAUSES), feed.causes
        assert not feed.counts()["payload_replayed"]
    bench.report(f"{count} bad frames each way, {2 * wanted} payloads")
