"""Urgent channels overtake (sections 1.3, 7): REQ_HI among saturated DATA, beside a stalled one.

Clocks from the host's last beat to the far host's first beat of a 16-byte REQ_HI, first on idle
engines, then while every other VC is saturated in both directions, then while the reader of DATA
has stopped. The bound is counted in frames of the longest kind. The model of the wire hands over whole
frames, so that a frame's beats count twice.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep

RUNS = [
    {"sim": "verilator", "preset": preset, "params": {"probes": probes}, "short": short}
    for preset, probes, short in (
        ("tiny", 40, {"probes": 10}),
        ("default", 40, {"probes": 10}),
        ("full", 8, None),
    )
]

REQ_HI, REQ_LO, DATA = 1, 0, 2
HEADER_BYTES, LONGEST = 60, 1084


def frames_ahead(config):
    """DATA frames that may be before a REQ_HI on one wire, whatever the hosts do.

    One on the wire, one read ahead, those in the PAYLOAD queue; a DATA frame that is admitted to
    the pipeline in the few clocks before the REQ_HI; and one that has its turn (1 of 4).
    """
    return 1 + 1 + config["payload_depth"] + 1 + 1


async def probe(bench, source, sink, count, pause):
    """Latencies of `count` REQ_HI packets, sent one after the other at random moments."""
    rng, clocks = bench.rng(f"probe {pause} {source.name} {bench.cycle}"), []
    for _ in range(count):
        await bench.cycles(rng.randint(*pause))
        got = sum(p.vc == REQ_HI for p in sink.received)
        packet = source.send(sink.address, REQ_HI, rng.randbytes(16))
        await bench.until(
            lambda: sum(p.vc == REQ_HI for p in sink.received) > got,
            20_000,
            "a REQ_HI at the far host",
        )
        arrived = [p for p in sink.received if p.vc == REQ_HI][-1]
        assert arrived.data == packet.data
        clocks.append(arrived.first_cycle - packet.last_cycle)
    return clocks


@scenario
async def urgency(bench):
    a, b = bench.a, bench.b
    bench.connect()
    for node in bench.nodes:
        # The limit per link is what keeps a stalled link from holding the whole pool (section 5.2).
        node.configure(
            timer_tick=4096 // bench.config["links"] + 8,
            max_retry=0,
            link_slots=bench.config["slots"] * 3 // 4,
        )
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    count = bench.params["probes"]
    a.open(b.address, REQ_HI)
    await bench.until(lambda: a.notices and b.notices, 2_000, "the link")
    idle = await probe(bench, a, b, count, (60, 200))

    # Saturated: both hosts always have DATA and REQ_LO to send.
    rng, flowing = bench.rng("load"), {REQ_LO, DATA}

    def refill(kind, record, node):
        if kind == "sent" and record.vc in flowing:
            node.send((b if node is a else a).address, record.vc, rng.randbytes(1024))

    for node, peer in ((a, b), (b, a)):
        node.listeners.append(lambda kind, record, node=node: refill(kind, record, node))
        for vc in (REQ_LO, DATA):
            for _ in range(3):
                node.send(peer.address, vc, rng.randbytes(1024))
    await bench.cycles(6_000)
    loaded = await probe(bench, a, b, count, (50, 400))
    beats = -(-LONGEST // a.width_bytes)
    bound = max(idle) + frames_ahead(bench.config) * (beats + 1)
    assert max(loaded) <= bound, f"{max(loaded)} clocks, more than {bound}: {sorted(loaded)[-5:]}"

    # The reader of DATA stops; DATA piles up, REQ_HI does not notice. (REQ_LO, being more urgent,
    # would leave too little of the wire to DATA for that.)
    flowing.discard(REQ_LO)
    b.ready[DATA] = 0.0
    await bench.cycles(20_000)
    stalled = await probe(bench, a, b, count, (50, 400))
    assert b.counts()["drop_no_room"] > 0, "DATA was not stalled"
    assert max(stalled) <= bound, f"{max(stalled)} clocks, more than {bound}"

    b.ready[DATA] = 1.0
    flowing.clear()
    slots = bench.config["slots"]
    await bench.until(
        lambda: all(node.level("free_slots") == slots for node in bench.nodes),
        400_000,
        "everything acknowledged",
        poll=True,
    )
    # What is acknowledged may still lie in the receive memory, a full one of long packets.
    await bench.cycles(200 * bench.config["rx_slots"])
    deliveries.finish()
    for feed in followed:
        feed.finish()
    bench.record(
        "urgency",
        {"idle": max(idle), "loaded": max(loaded), "stalled": max(stalled), "bound": bound},
    )
    bench.report(
        f"REQ_HI: idle {max(idle)}, loaded {max(loaded)}, DATA stalled {max(stalled)}, "
        f"bound {bound} clocks"
    )
