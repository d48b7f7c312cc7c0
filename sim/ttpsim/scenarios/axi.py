"""The engine's AXI4-Stream ports driven and read by cocotbext-axi, with pauses on every port.

The other scenarios use the bench's own fast drivers; here somebody else's idea of the bus holds.
"""

from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_lockstep

RUNS = [
    {"sim": "verilator", "preset": "tiny", "params": {"payloads": 40}, "short": {"payloads": 15}},
    {"sim": "verilator", "preset": "full", "params": {"payloads": 40}, "short": {"payloads": 15}},
    {"sim": "icarus", "preset": "tiny", "params": {"payloads": 10}, "short": None},
]

VCS = (0, 1, 2)


@scenario
async def axi(bench):
    a, b, dut, rng = bench.a, bench.b, bench.dut, bench.rng("axi")
    bench.connect()
    for node in bench.nodes:
        # The ports pause at random, so an answer can be late: no link may give up for that.
        node.configure(max_retry=0)
    followed = follow_lockstep(bench)
    a.ready["mac"] = b.ready["mac"] = 0.7
    ports = {}
    for vc in VCS:
        for side in bench.nodes:
            source = AxiStreamSource(
                AxiStreamBus.from_prefix(dut, f"{side.name}_s_host_tx{vc}"), dut.clk, dut.rst
            )
            sink = AxiStreamSink(
                AxiStreamBus.from_prefix(dut, f"{side.name}_m_host_rx{vc}"), dut.clk, dut.rst
            )
            side.use_flat(f"s_host_tx{vc}")
            side.use_flat(f"m_host_rx{vc}")
            source.set_pause_generator(iter(lambda: rng.random() < 0.3, None))
            sink.set_pause_generator(iter(lambda: rng.random() < 0.4, None))
            ports[side.name, vc] = source, sink

    sent = {}
    for (name, vc), (source, _sink) in ports.items():
        peer = b if name == "a" else a
        sent[name, vc] = [
            rng.randbytes(rng.choice((1, 7, 8, 9, 63, 64, 65, 200, 1024)))
            for _ in range(bench.params["payloads"])
        ]
        for data in sent[name, vc]:
            # The bench does not see what another driver puts in: the model must be told.
            followed[name == "b"].lockstep.push_host(peer.address, vc, data)
            source.send_nowait(AxiStreamFrame(data, tdest=peer.address))
    for (name, vc), payloads in sent.items():
        sink = ports["b" if name == "a" else "a", vc][1]
        source_node = (a if name == "a" else b).address
        for number, data in enumerate(payloads):
            what = f"payload {number} of {name}, VC {vc}"
            await bench.until(lambda sink=sink: not sink.empty(), 50_000, what, poll=True)
            frame = sink.recv_nowait()
            assert bytes(frame.tdata) == data
            sides = frame.tuser if isinstance(frame.tuser, list) else [frame.tuser]
            assert {side & 0xFFFFFF for side in sides} == {source_node}
    slots = bench.config["slots"]
    await bench.until(
        lambda: a.level("free_slots") == b.level("free_slots") == slots,
        20_000,
        "all acknowledged",
        poll=True,
    )
    await bench.cycles(500)
    for feed in followed:
        feed.finish()
