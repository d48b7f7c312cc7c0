"""What runs inside the simulator: `HardMac` with cocotbext-axi's stream models as the MAC."""

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from tests.mac.xgmii_bench import Beats, Counters, rng, start
from ttpoe.mac.hard_mac import HARD_MAC_EVENTS


class Bench:
    def __init__(self, dut):
        self.dut, self.rng, self.got, self.breaks = dut, rng(), [], 0
        self.width = len(dut.m_axis_tkeep)
        self.sink = AxiStreamSink(
            AxiStreamBus.from_prefix(dut, "m_axis"), dut.mac_tx_clk, dut.mac_tx_rst
        )
        self.source = AxiStreamSource(
            AxiStreamBus.from_prefix(dut, "s_axis"), dut.mac_rx_clk, dut.mac_rx_rst
        )
        self.i = Beats(dut, "i", dut.clk, self.width)
        self.o = Beats(dut, "o", dut.clk, self.width)
        self.paused = 0

    async def start(self, sync_ps, mac_ps=3104):
        dut = self.dut
        self.i.valid.value = 0
        cocotb.start_soon(start(dut.mac_tx_clk, dut.mac_tx_rst, mac_ps))
        cocotb.start_soon(start(dut.mac_rx_clk, dut.mac_rx_rst, mac_ps - 2))
        await start(dut.clk, dut.rst, sync_ps)
        await ClockCycles(dut.clk, 12)
        self.counters = Counters(dut, HARD_MAC_EVENTS, dut.clk)
        cocotb.start_soon(self.o.receive(self.got, lambda: self.rng.random() >= self.paused))
        cocotb.start_soon(self._watch())

    async def _watch(self):
        """Clocks within a frame in which `tvalid` was 0."""
        inside, dut = False, self.dut
        while True:
            await RisingEdge(dut.mac_tx_clk)
            valid = int(dut.m_axis_tvalid.value)
            self.breaks += inside and not valid
            if valid and int(dut.m_axis_tready.value):
                inside = not int(dut.m_axis_tlast.value)

    async def settle(self):
        await self.source.wait()
        await ClockCycles(self.dut.clk, 60)


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(sync_ps=[8000, 3106, 3100, 2000], paused=[0, 0.4])
async def frames_both_ways(dut, sync_ps, paused):
    """Lengths around every beat's end; the MAC takes each clock, or now and then none."""
    bench = Bench(dut)
    await bench.start(sync_ps)
    bench.sink.set_pause_generator(iter(lambda: bench.rng.random() < paused, None))
    width = bench.width
    lengths = [1, 59, 60, 61, 64, 65, 2 * width - 1, 2 * width, 2 * width + 1, 1500, 9014, 70]
    sent = [bench.rng.randbytes(length) for length in lengths]

    async def feed():
        for octets in sent:
            await bench.i.send(octets)

    cocotb.start_soon(feed())
    for octets in sent:
        bench.source.send_nowait(AxiStreamFrame(octets, tuser=0))
    for octets in sent:
        frame = await bench.sink.recv()
        assert bytes(frame.tdata) == octets.ljust(60 if width == 64 else 1, b"\0")
        assert not any(frame.tuser if isinstance(frame.tuser, list) else [frame.tuser])
    await bench.settle()
    assert bench.got == [(octets, 0) for octets in sent]
    assert bench.breaks == 0
    bench.counters.expect(stat_tx_sent=len(sent), stat_rx_good=len(sent))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def errors(dut):
    """`error` at a frame's end becomes `tuser`, and the other way round."""
    bench = Bench(dut)
    await bench.start(3106)
    sent = [(bench.rng.randbytes(length), length % 3 == 0) for length in range(60, 200, 7)]
    for octets, bad in sent:
        await bench.i.send(octets, error=bad)
        beats = -(-len(octets) // bench.width)
        flags = [0] * ((beats - 1) * bench.width) + [int(bad)] * (
            len(octets) - (beats - 1) * bench.width
        )
        bench.source.send_nowait(AxiStreamFrame(octets, tuser=flags))
        frame = await bench.sink.recv()
        user = frame.tuser if isinstance(frame.tuser, list) else [frame.tuser]
        assert bytes(frame.tdata) == octets and user[-1] == bad
    await bench.settle()
    assert bench.got == [(octets, int(bad)) for octets, bad in sent]
    bad = sum(bad for _, bad in sent)
    bench.counters.expect(stat_tx_sent=len(sent), stat_rx_good=len(sent) - bad, stat_rx_bad=bad)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def host_that_takes_too_little(dut):
    bench = Bench(dut)
    await bench.start(3106)
    bench.paused = 0.8
    sent = [bench.rng.randbytes(60 + 3 * number) for number in range(120)]
    for octets in sent:
        bench.source.send_nowait(AxiStreamFrame(octets, tuser=0))
    await bench.source.wait()
    bench.paused = 0
    await ClockCycles(dut.clk, 400)
    good = [octets for octets, error in bench.got if not error]
    assert 10 < len(good) < len(sent)
    left = iter(sent)
    assert all(octets in left for octets in good), "in order, unchanged"
    bench.counters.expect(stat_rx_good=len(sent), stat_rx_overflow=len(sent) - len(good))
