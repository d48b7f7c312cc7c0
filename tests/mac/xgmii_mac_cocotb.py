"""What runs inside the simulator: `XgmiiMac` between three clocks, with cocotbext-eth's models."""

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotbext.eth import XgmiiFrame, XgmiiSink, XgmiiSource

from tests.mac.xgmii_bench import PERIOD_PS, Beats, Counters, reset, rng, say, start
from tests.mac.xgmii_page import table
from tests.mac.xgmii_tx_cocotb import gaps_of
from ttpoe.mac.xgmii_mac import MAC_EVENTS


class Bench:
    """`sync` at `sync_ps`; the wire's clocks off by `ppm`, in opposite directions."""

    def __init__(self, dut):
        self.dut, self.rng, self.got = dut, rng(), []
        self.sink = XgmiiSink(dut.xgmii_txd, dut.xgmii_txc, dut.xgmii_tx_clk)
        self.source = XgmiiSource(dut.xgmii_rxd, dut.xgmii_rxc, dut.xgmii_rx_clk)
        self.i, self.o = Beats(dut, "i", dut.clk), Beats(dut, "o", dut.clk)
        self.paused = 0

    async def start(self, sync_ps=6400, ppm=0):
        dut = self.dut
        self.i.valid.value = 0
        self.dut.o__ready.value = 1
        off = round(PERIOD_PS * ppm * 1e-6 / 2) * 2
        cocotb.start_soon(start(dut.xgmii_tx_clk, dut.xgmii_tx_rst, PERIOD_PS + off))
        cocotb.start_soon(start(dut.xgmii_rx_clk, dut.xgmii_rx_rst, PERIOD_PS - off))
        await start(dut.clk, dut.rst, sync_ps)
        await ClockCycles(dut.clk, 12)
        self.counters = Counters(dut, MAC_EVENTS, dut.clk)
        cocotb.start_soon(self.o.receive(self.got, lambda: self.rng.random() >= self.paused))

    def frames(self, lengths):
        return [
            self.rng.randbytes(12) + b"\x0a\xc6" + self.rng.randbytes(length - 14)
            for length in lengths
        ]

    async def settle(self):
        await self.source.wait()
        await ClockCycles(self.dut.clk, 40)


async def both_ways(bench, lengths, pauses=None):
    """The same frames in both directions at once; what the sink has."""
    sent = bench.frames(lengths)

    async def feed():
        for octets in sent:
            await bench.i.send(octets, pauses=pauses)

    cocotb.start_soon(feed())
    for octets in sent:
        bench.source.send_nowait(XgmiiFrame.from_payload(octets))
    wire = []
    for octets in sent:
        frame = await bench.sink.recv()
        assert frame.ctrl is None and frame.check_fcs()
        assert frame.get_payload() == octets.ljust(60, b"\0")
        wire.append(frame)
    await bench.settle()
    assert bench.got == [(octets.ljust(60, b"\0"), 0) for octets in sent]
    bench.got.clear()
    return wire


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def line_rate_both_ways(dut):
    """64-byte frames, 14.88 million a second in and out, all there; the gap is 12 each time."""
    bench = Bench(dut)
    await bench.start()
    wire = await both_ways(bench, [60] * 60)
    assert gaps_of(wire) == [12] * 59
    bench.counters.expect(stat_tx_sent=60, stat_rx_good=60)


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(
    (("sync_ps", "ppm"), [(8000, 100), (8000, -100), (6400, 100), (4000, 300), (2560, -10_000)])
)
async def clocks_apart(dut, sync_ps, ppm):
    """An engine slower than the wire, as fast, faster; crystals off by 100 ppm and far more."""
    bench = Bench(dut)
    await bench.start(sync_ps, ppm)
    lengths = [60, 9014, 61, 1014, 1515, 63, 64]
    await both_ways(bench, lengths)
    bench.counters.expect(stat_tx_sent=len(lengths), stat_rx_good=len(lengths))


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def host_that_takes_too_little(dut):
    """Frames are delivered whole, or with `error`, or not at all; those are counted."""
    bench = Bench(dut)
    await bench.start()
    bench.paused = 0.75
    sent = bench.frames([60 + number % 9 for number in range(60)] + [1500] * 4)
    for octets in sent:
        bench.source.send_nowait(XgmiiFrame.from_payload(octets))
    await bench.source.wait()
    bench.paused = 0
    await ClockCycles(dut.clk, 400)
    good = [octets for octets, error in bench.got if not error]
    assert 10 < len(good) < len(sent)
    left = iter(sent)
    assert all(octets in left for octets in good), "in order, unchanged"
    bench.counters.expect(stat_rx_good=len(sent), stat_rx_overflow=len(sent) - len(good))


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def host_that_stops(dut):
    """Until the crossing is full, and longer: a frame is cut, those behind it are dropped whole,
    and all that come later are there."""
    bench = Bench(dut)
    await bench.start()
    for number in range(3):
        bench.paused = 1
        sent = bench.frames([60 + 8 * number] * 90)
        for octets in sent:
            bench.source.send_nowait(XgmiiFrame.from_payload(octets))
        await bench.source.wait()
        bench.paused = 0
        await ClockCycles(dut.clk, 900)
        good = [octets for octets, error in bench.got if not error]
        assert good == sent[: len(good)] and 20 < len(good) < 80
        assert sum(error for _octets, error in bench.got) <= 1
        bench.counters.expect(stat_rx_good=90, stat_rx_overflow=90 - len(good))
        bench.counters.counts = dict.fromkeys(bench.counters.counts, 0)
        bench.got.clear()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def host_that_is_faster_than_the_wire(dut):
    """It fills the store, and waits; both ways nothing is lost."""
    bench = Bench(dut)
    await bench.start(2560)
    lengths = [9018, 9018, *[60] * 700, 9017]  # between short ones the wire has more to add
    await both_ways(bench, lengths)
    bench.counters.expect(stat_tx_sent=len(lengths), stat_rx_good=len(lengths))


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(which=["rst", "xgmii_tx_rst", "xgmii_rx_rst"])
async def reset_of_one_domain(dut, which):
    """In the middle of frames both ways: no frame is made of two, and later ones are whole."""
    bench = Bench(dut)
    await bench.start()
    sent = bench.frames([200 + 8 * number for number in range(24)])
    clock = getattr(dut, which.replace("rst", "clk"))

    async def feed():
        for octets in sent:
            await bench.i.send(octets)

    feeding = cocotb.start_soon(feed())
    for octets in sent:
        bench.source.send_nowait(XgmiiFrame.from_payload(octets))
    await ClockCycles(clock, 250)
    await reset(dut, which, clock, bench, feeding)
    if which == "rst":
        (last,) = bench.frames([100])
        sent.append(last)
        await bench.i.send(last)
    await bench.settle()
    await ClockCycles(dut.clk, 900)
    got = [octets for octets, error in bench.got if not error]
    wire = []
    while not bench.sink.empty():
        frame = bench.sink.recv_nowait()
        if frame.ctrl is None and frame.check_fcs():
            wire.append(bytes(frame.get_payload()))
    for frames in (got, wire):
        assert all(octets in sent for octets in frames)
    assert len(got) >= 20 and wire[-1] == sent[-1]
    assert len(wire) >= (4 if which == "rst" else 20)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def latency(dut):
    """First beat to /S/, and first word of a frame to its first beat; all clocks 6.4 ns."""
    bench = Bench(dut)
    await bench.start()
    (octets,) = bench.frames([60])
    clocks = {"tx": [], "rx": []}
    for _ in range(8):
        began = get_sim_time("ps")
        cocotb.start_soon(bench.i.send(octets))
        frame = await bench.sink.recv()
        clocks["tx"].append((frame.sim_time_start - began) / PERIOD_PS - 1)
        sent = []
        bench.source.send_nowait(XgmiiFrame.from_payload(octets, tx_complete=sent.append))
        while not int(dut.o__valid.value):
            await ClockCycles(dut.clk, 1)
        came = get_sim_time("ps")
        await bench.settle()
        # /S/ is driven at its start and seen a clock later; the first byte is a word behind it.
        clocks["rx"].append((came - sent[0].sim_time_start) / PERIOD_PS - 2)
    # The frame's 8 beats, 5 clocks of crossing, 2 of the store, 6; and 8, and 5 of crossing.
    assert max(clocks["tx"]) <= 7 + 5 + 2 + 6 and max(clocks["rx"]) <= 8 + 5, clocks
    say(tx_clocks=max(clocks["tx"]), rx_clocks=max(clocks["rx"]))
    told = table("path")
    assert max(clocks["tx"]) == int(told["first beat of a 60-byte frame to /S/ on the wire"])
    assert max(clocks["rx"]) == int(told["first byte on the wire to first beat"])
