"""Links opened and closed through a table of N, as fast as they go: what TCP's TIME_WAIT forbids.

As many links as the table holds are always somewhere between opening and closing, each with another
node; a link that is down is followed by one with the next node at once. The wire renames nodes, so
that two engines are enough (scenario `links`). No payload: opening and closing alone.
"""

from ttpsim.scenarios.links import LINK_DOWN, LINK_UP, Renaming, colliding_nodes
from ttpverif.bench.bench import scenario

VC = 0


@scenario
async def churn(bench):
    a, b = bench.a, bench.b
    links, rounds = bench.config["links"], bench.params["rounds"]
    delay = round(bench.params["rtt_us"] * bench.params["clock_mhz"] / 2)
    wires = Renaming(b.address), Renaming(a.address)
    for wire in wires:
        wire.delay_cycles = delay
    bench.connect(*wires)
    for node in bench.nodes:
        node.configure(timer_tick=1_000)
    nodes = colliding_nodes(bench.config, links, bench.rng("nodes"))
    ended, ends = {}, []

    def listen(kind, record):
        if kind != "notice":
            return
        if record.notice == LINK_UP:
            a.close(record.node, VC)
        else:
            assert record.notice == LINK_DOWN, record
            ended[record.node] = ended.get(record.node, 0) + 1
            ends.append(record.cycle)
            if ended[record.node] < rounds:
                a.open(record.node, VC)

    a.listeners.append(listen)
    for node in nodes:
        a.open(node, VC)
    total = links * rounds
    await bench.until(
        lambda: len(ends) == total,
        200 * total + 20 * rounds * (delay + 500),
        "all links closed again and again",
    )
    assert set(ended.values()) == {rounds} and len(ended) == links
    # The table is full between the first and the last round.
    steady = ends[links : total - links]
    bench.record(
        "churn", {"links": links, "recycled": len(steady) - 1, "clocks": steady[-1] - steady[0]}
    )
    bench.report(f"{len(steady) - 1} links in {steady[-1] - steady[0]} clocks")
