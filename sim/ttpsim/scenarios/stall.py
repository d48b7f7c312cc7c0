"""Physical backpressure (claim S11): the reader stops, the gate closes; one slot, one packet."""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep

RUNS = [
    {"sim": "verilator", "preset": "tiny", "params": {"payloads": 120}, "short": {"payloads": 60}},
    {
        "sim": "verilator",
        "preset": "default",
        "params": {"payloads": 300},
        "short": {"payloads": 150},
    },
]

DATA = 2


@scenario
async def stall(bench):
    a, b = bench.a, bench.b
    bench.connect()
    for node in bench.nodes:
        # Without congestion control one link may take all slots (K11).
        node.configure(timer_tick=8, max_retry=0, congestion=0)
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    slots, count, rng = bench.config["slots"], bench.params["payloads"], bench.rng("payloads")
    b.ready[DATA] = 0.0
    for _ in range(count):
        a.send(b.address, DATA, rng.randbytes(rng.randint(1, 300)))

    def admitted():
        return len(a.sent)

    def freed():
        return a.counts()["slot_retired"]

    # The receive memory fills, then the replay memory; then the host's stream stalls.
    await bench.until(lambda: a.level("free_slots") == 0, 60_000, "the gate closes", poll=True)
    await bench.cycles(20_000)
    held_by_b = freed()
    assert a.level("free_slots") == 0
    assert admitted() == slots + held_by_b, "every free slot admitted a packet, and no more"
    assert not b.received and b.counts()["drop_no_room"] > 0 and a.counts()["link_held"] > 0
    assert held_by_b < count - slots, "the run is too short to close the gate"

    # Other VCs are not held up by the reader of this one.
    b_before = bench.cycle
    b.send(a.address, 1, b"urgent")
    await bench.until(lambda: a.received, 2_000, "REQ_HI the other way, while DATA is stalled")
    bench.report(f"REQ_HI took {a.received[0].first_cycle - b_before} clocks incl. opening")

    # The reader takes one packet at a time: each slot that is freed admits exactly one packet.
    for taken in range(1, 9):
        b.ready[DATA] = 1.0
        bench.kick()
        await bench.until(lambda: len(b.received) >= taken, 60_000, f"packet {taken} read")
        b.ready[DATA] = 0.0
        await bench.until(
            lambda: a.level("free_slots") == 0 and admitted() == slots + freed(),
            60_000,
            "the gate closed again",
            poll=True,
        )
        await bench.cycles(6_000)
        assert admitted() == slots + freed() and a.level("free_slots") == 0

    b.ready[DATA] = 1.0
    await bench.until(lambda: len(b.received) == count, 4_000 * count, "everything delivered")
    await bench.until(lambda: a.level("free_slots") == slots, 60_000, "all slots free", poll=True)
    await bench.cycles(2_000)
    deliveries.finish()
    for feed in followed:
        feed.finish()
