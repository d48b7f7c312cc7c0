"""Events per clock through the pipeline: frames of one beat in every clock, for one link.

Only at 512 bits is a 64-byte frame one beat, so that the wire can bring one event per clock. The
frames are ACKs, NACKs and PAYLOADs of four bytes in random order, for the same link; each PAYLOAD
is a duplicate or the next one in order. What is counted are the pipeline's own records.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import Desk

RX_EVENTS = range(11)
MIXES = {"acks": ("ACK",), "payloads": ("PAYLOAD",), "mixed": ("ACK", "PAYLOAD", "NACK", "PAYLOAD")}


async def measure(bench, desk, kinds):
    a, count = bench.a, bench.params["frames"]
    await desk.fresh()
    peer = await desk.link("OPEN", selective=False)
    await desk.quiet()
    rng, link = bench.rng(f"kinds {kinds}"), peer.link
    received, acknowledged = link.received, link.oldest - 1
    since, before = len(a.trace), a.counts()
    for _ in range(count):
        kind = rng.choice(kinds)
        if kind == "PAYLOAD":
            received += rng.randint(0, 1)
            peer.play("PAYLOAD", tx=received, payload=b"four")
        else:
            peer.play(kind, rx=acknowledged)
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
        "every_event": len(
            {r["cycle"] for r in a.trace[since:] if cycles[0] <= r["cycle"] <= cycles[-1]}
        )
        / (cycles[-1] - cycles[0] + 1),
        "lost_at_the_door": counts["rx_queue_full"] - before["rx_queue_full"],
    }


@scenario
async def events(bench):
    desk = Desk(bench)
    bench.record(
        "events", {name: await measure(bench, desk, kinds) for name, kinds in MIXES.items()}
    )
