"""What the bench's own tests run, on `echo.v` in the engine's place; `params["do"]` chooses."""

import json
from pathlib import Path

from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from ttpverif.bench.bench import Bench, BenchError, PerfectChannel, scenario

SIZES = [1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1023, 1024]


def payloads(bench, count=60):
    rng = bench.rng("payloads")
    return [rng.randbytes(size) for size in SIZES] + [
        rng.randbytes(rng.randint(1, 1024)) for _ in range(count)
    ]


async def traffic(bench):
    """Both ways at once, with whatever stalls the parameters ask for."""
    bench.connect(PerfectChannel(bench.params.get("delay", 0)), PerfectChannel(5))
    for node in bench.nodes:
        node.ready = {key: bench.params.get("ready", 1.0) for key in node.ready}
        node.sources["s_host_tx0"].gap = bench.params.get("gap", 0.0)
        node.sources["s_mac_rx"].gap = bench.params.get("gap", 0.0)
    there, back = payloads(bench), payloads(bench)[::-1]
    for first, second in zip(there, back, strict=True):
        bench.a.send(2, 0, first)
        bench.b.send(1, 0, second)
    await bench.until(
        lambda: len(bench.b.received) == len(there) and len(bench.a.received) == len(back),
        500_000,
        "all payloads",
    )
    await bench.cycles(50)
    for node, sent, got in ((bench.a, there, back), (bench.b, back, there)):
        assert [payload.data for payload in node.received] == got
        assert [payload.data for payload in node.sent] == sent
        assert [frame.data for frame in node.frames_out] == sent
        assert [frame.data for frame in node.frames_in] == got
        assert all((payload.id, payload.node) == (7, node.address) for payload in node.received)
        assert node.counts() == {"frame_sent": len(sent), "bad_frame": 0}
        for record in node.sent + node.received + node.frames_out + node.frames_in:
            beats = -(-len(record.data) // 8)
            spent = record.last_cycle - record.first_cycle + 1
            assert spent >= beats
            if not bench.params:
                assert spent == beats, (spent, beats)


async def fault(bench):
    for node in bench.nodes:
        node.ready["mac"] = 0.5
    bench.a.configure(fault=bench.params["fault"])
    for data in payloads(bench):
        bench.a.send(2, 0, data)
    await bench.cycles(20_000)


async def late(bench):
    bench.a.send(2, 0, b"x")
    await bench.until(lambda: bench.b.received, 123, "a payload without a wire")


async def sleep(bench):
    """Clocks without anything to do pass exactly, and cost no Python."""
    before, asked = bench.cycle, 0

    def count():
        nonlocal asked
        asked += 1
        return False

    try:
        await bench.until(count, 100_000)
    except BenchError:
        pass
    assert bench.cycle - before in (100_000, 100_001), bench.cycle - before
    assert asked < 10


async def bad_frame(bench):
    bench.a.play(b"good" * 20)
    bench.a.play(b"bad" * 20, bad=True)
    await bench.until(lambda: len(bench.a.received) == 2, 1_000)
    assert bench.a.counts()["bad_frame"] == 1
    assert [frame.bad for frame in bench.a.frames_in] == [False, True]


async def reset(bench):
    """A reset in mid-packet: what was under way is gone, what comes later is whole."""
    bench.connect()
    bench.a.send(2, 0, bytes(1024))
    await bench.until(lambda: bench.b.sources["s_mac_rx"].busy, 5_000)
    await bench.cycles(20)
    await bench.reset()
    bench.a.send(2, 0, b"after")
    await bench.until(lambda: bench.b.received, 5_000)
    await bench.cycles(500)
    assert [payload.data for payload in bench.b.received] == [b"after"]


async def axi(bench):
    """cocotbext-axi drives and reads the ports by their AXI names; the bench watches."""
    bench.connect()
    dut, rng = bench.dut, bench.rng("pauses")
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "a_s_host_tx0"), dut.clk, dut.rst)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "b_m_host_rx0"), dut.clk, dut.rst)
    bench.a.use_flat("s_host_tx0")
    bench.b.use_flat("m_host_rx0")
    source.set_pause_generator(iter(lambda: rng.random() < 0.3, None))
    sink.set_pause_generator(iter(lambda: rng.random() < 0.5, None))
    sent = payloads(bench, 20)
    for data in sent:
        await source.send(AxiStreamFrame(data, tdest=2))
    for data in sent:
        assert bytes((await sink.recv()).tdata) == data
    await bench.cycles(10)
    assert [payload.data for payload in bench.b.received] == sent


@scenario
async def run(bench):
    assert isinstance(bench, Bench)
    await globals()[bench.params.pop("do")](bench)
    Path("done.json").write_text(json.dumps({"cycle": bench.cycle}))
