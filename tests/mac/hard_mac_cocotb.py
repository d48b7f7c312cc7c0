"""What runs inside the simulator: `HardMac` with cocotbext-axi's stream models as the MAC."""

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from tests.mac.xgmii_bench import Beats, Counters, reset, rng, start
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
    lengths = [
        1,
        40,
        59,
        60,
        61,
        64,
        65,
        2 * width - 1,
        2 * width,
        2 * width + 1,
        1514,
        9014,
        9018,
        70,
    ]
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


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def host_that_is_faster_than_the_mac(dut):
    """It fills the store while the MAC takes little, and waits; nothing is lost or interrupted."""
    bench = Bench(dut)
    await bench.start(3100)
    bench.sink.set_pause_generator(iter(lambda: bench.rng.random() < 0.7, None))
    sent = [bench.rng.randbytes(length) for length in [9018] * 3 + [60] * 40]

    async def feed():
        for octets in sent:
            await bench.i.send(octets)

    cocotb.start_soon(feed())
    for octets in sent:
        assert bytes((await bench.sink.recv()).tdata) == octets
    await bench.settle()
    assert bench.breaks == 0
    bench.counters.expect(stat_tx_sent=len(sent))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def a_source_that_runs_dry(dut):
    """Counted once for each frame, however long and often it lasts; the next one is whole."""
    bench = Bench(dut)
    await bench.start(8000)
    for pauses in ({120: 1}, {120: 40}, {110: 7, 125: 40, 139: 9}):
        dry, good = (bench.rng.randbytes(length) for length in (9018, 500))
        await bench.i.send(dry, pauses=lambda beat: 40 * pauses.get(beat, 0))
        await bench.i.send(good)
        frames = [bytes((await bench.sink.recv()).tdata) for _ in range(2)]
        assert frames == [dry, good] and bench.breaks
    await bench.settle()
    bench.counters.expect(stat_tx_sent=6, stat_tx_underrun=3)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def a_mac_that_pauses(dut):
    """A MAC may have no beat inside a frame."""
    bench = Bench(dut)
    await bench.start(3106)
    bench.source.set_pause_generator(iter(lambda: bench.rng.random() < 0.5, None))
    sent = [bench.rng.randbytes(length) for length in (60, 64, 65, 700, 1514)]
    for octets in sent:
        bench.source.send_nowait(AxiStreamFrame(octets, tuser=0))
    await bench.settle()
    assert bench.got == [(octets, 0) for octets in sent]
    bench.counters.expect(stat_rx_good=len(sent))


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(which=["rst", "mac_tx_rst", "mac_rx_rst"])
async def reset_of_one_domain(dut, which):
    """In the middle of frames both ways: no frame is made of two, and later ones are whole."""
    bench = Bench(dut)
    await bench.start(3106)
    sent = [bench.rng.randbytes(1500 + number) for number in range(12)]

    async def feed():
        for octets in sent:
            await bench.i.send(octets)

    feeding = cocotb.start_soon(feed())
    for octets in sent:
        bench.source.send_nowait(AxiStreamFrame(octets, tuser=0))
    while not bench.got:
        await ClockCycles(dut.clk, 7)
    clock = getattr(dut, which.replace("rst", "clk"))
    while not (int(dut.m_axis_tvalid.value) and int(dut.i__valid.value) and bench.o._octets):
        await RisingEdge(clock)
    await reset(dut, which, clock, bench, feeding)
    if which == "rst":
        sent.append(bench.rng.randbytes(100))
        await bench.i.send(sent[-1])
    else:
        await feeding
    await bench.settle()
    await ClockCycles(dut.clk, 300)
    good = [octets for octets, error in bench.got if not error]
    assert all(octets in sent for octets in good) and len(good) >= 4
    wire = []
    while not bench.sink.empty():
        frame = bench.sink.recv_nowait()
        user = frame.tuser if isinstance(frame.tuser, list) else [frame.tuser]
        wire += [bytes(frame.tdata)] * (not user[-1])
    assert wire[-1] == sent[-1]
    assert sum(octets not in sent for octets in wire) <= (which == "mac_tx_rst")
