"""Clocks on an idle engine (claims S5, S6): always the same, for every size."""

import statistics

from ttpverif.bench.bench import scenario
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Opcode

RUNS = [
    {"sim": "verilator", "preset": preset, "params": {"repeats": 25}, "short": {"repeats": 8}}
    for preset in ("tiny", "default", "full")
]

DATA = 2
SIZES = (1, 64, 256, 1024)
GOAL_CLOCKS = 16


@scenario
async def latency(bench):
    a, b = bench.a, bench.b
    bench.connect()
    # The link timer stands still: an event right behind its visit of the very same link would keep
    # its distance from it.
    for node in bench.nodes:
        node.configure(timer_tick=(1 << 24) - 1)
    rng = bench.rng("pauses")
    a.open(b.address, DATA)
    await bench.until(lambda: a.notices and b.notices, 2_000, "the link")
    results = {}
    for size in SIZES:
        samples = []
        for _ in range(bench.params["repeats"]):
            await bench.cycles(rng.randint(60, 300))
            outs = len(a.frames_out)
            packet = a.send(b.address, DATA, rng.randbytes(size))
            got = len(b.received)
            await bench.until(
                lambda: len(b.received) > got and len(a.frames_in) > outs,
                2_000,
                "the payload and its ACK",
            )
            wire = next(f for f in a.frames_out[outs:] if opcode_of(f.data) == Opcode.PAYLOAD)
            heard = next(f for f in b.frames_in if f.data == wire.data)
            out = b.received[-1]
            samples.append(
                (
                    wire.first_cycle - packet.last_cycle,
                    out.first_cycle - heard.last_cycle,
                    out.first_cycle - packet.last_cycle - (heard.last_cycle - wire.last_cycle),
                )
            )
        # Host to host: what the model of the wire took to hand the frame over is left out.
        tx, rx, through = zip(*samples)
        for name, clocks in (("tx", tx), ("rx", rx), ("host_to_host", through)):
            results[f"{name}_{size}_bytes"] = {
                "clocks": clocks[0],
                "spread": max(clocks) - min(clocks),
                "mean": statistics.mean(clocks),
                "samples": len(clocks),
            }
            assert max(clocks) == min(clocks), f"{name}, {size} bytes: {sorted(set(clocks))}"
    assert all(
        results[f"{name}_{size}_bytes"]["clocks"] <= GOAL_CLOCKS
        for name in ("tx", "rx")
        for size in SIZES
    ), results
    bench.record("latency", results)
    bench.report(
        " ".join(
            f"{size} B: {results[f'tx_{size}_bytes']['clocks']}+"
            f"{results[f'rx_{size}_bytes']['clocks']}, "
            f"{results[f'host_to_host_{size}_bytes']['clocks']}"
            for size in SIZES
        )
    )
