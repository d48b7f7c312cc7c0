"""Events per clock through the pipeline: frames of one beat in every clock.

Only at 512 bits is a 64-byte frame one beat, so that the wire can bring one event per clock. The
frames are ACKs, NACKs and PAYLOADs of four bytes in random order, for links of different sets in
turn, or all for one link; each PAYLOAD is a duplicate or the next one in order. What is counted are
the pipeline's own records.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import Desk

RX_EVENTS = range(11)
MIXES = {"acks": ("ACK",), "payloads": ("PAYLOAD",), "mixed": ("ACK", "PAYLOAD", "NACK", "PAYLOAD")}
LINKS = {"one link": 1, "links of different sets": 16}


async def peers_of_different_sets(desk, count):
    """So many open links, no two of one set."""
    peers, rows = [], set()
    while len(peers) < count:
        peer = await desk.link("OPEN", selective=False)
        row = desk.a.trace[-1]["lid"] >> 1
        if row not in rows:
            rows.add(row)
            peers.append(peer)
    return peers


async def measure(bench, desk, kinds, links):
    a, count = bench.a, bench.params["frames"]
    await desk.fresh()
    peers = await peers_of_different_sets(desk, links)
    await desk.quiet()
    rng = bench.rng(f"kinds {kinds}")
    received = [peer.link.received for peer in peers]
    acknowledged = [peer.link.oldest - 1 for peer in peers]
    since, before = len(a.trace), a.counts()
    for number in range(count):
        turn = number % links
        kind = rng.choice(kinds)
        if kind == "PAYLOAD":
            received[turn] += rng.randint(0, 1)
            peers[turn].play("PAYLOAD", tx=received[turn], payload=b"four")
        else:
            peers[turn].play(kind, rx=acknowledged[turn])
    await bench.until(lambda: not a.sources["s_mac_rx"].busy, 20 * count, "all frames in")
    await bench.cycles(300)
    counts = a.counts()
    frames = a.frames_in[-count:]
    records = [r for r in a.trace[since:] if r["event"] in RX_EVENTS]
    cycles = [r["cycle"] for r in records]
    return {
        "frames": count,
        "offered": count / (frames[-1].last_cycle - frames[0].last_cycle + 1),
        "events_per_clock": len(cycles) / (cycles[-1] - cycles[0] + 1),
        "clocks_per_event": (cycles[-1] - cycles[0]) / (len(cycles) - 1),
        "lost_at_the_door": counts["rx_queue_full"] - before["rx_queue_full"],
    }


@scenario
async def events(bench):
    desk = Desk(bench)
    bench.record(
        "events",
        {
            where: {name: await measure(bench, desk, kinds, links) for name, kinds in MIXES.items()}
            for where, links in LINKS.items()
        },
    )
