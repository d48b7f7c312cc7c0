"""What runs inside the simulator: `XgmiiTx` and cocotbext-eth's XgmiiSink."""

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotbext.eth import XgmiiSink

from tests.mac.xgmii_bench import BYTE_PS, Beats, Counters, params, rng, say, start
from ttpoe.mac.xgmii_tx import TX_EVENTS


class Bench:
    def __init__(self, dut):
        self.dut, self.rng = dut, rng()
        self.beats = Beats(dut, "i", dut.clk)
        self.sink = XgmiiSink(dut.xgmii_d, dut.xgmii_c, dut.clk)

    async def start(self):
        self.beats.valid.value = 0
        await start(self.dut.clk, self.dut.rst)
        self.counters = Counters(self.dut, TX_EVENTS, self.dut.clk)

    def frames(self, lengths):
        return [self.rng.randbytes(length) for length in lengths]

    async def check(self, octets):
        """The next frame on the wire is this one, whole; returns it."""
        frame = await self.sink.recv()
        assert frame.ctrl is None, "a control character inside"
        assert frame.data[:8] == bytes.fromhex("55555555555555d5")
        assert frame.get_payload() == octets + bytes(max(0, 60 - len(octets))), len(octets)
        assert frame.check_fcs()
        return frame


def gaps_of(frames):
    """Bytes between frames: from /T/ to the next /S/."""
    return [
        (after.sim_time_start - before.sim_time_end) // BYTE_PS
        for before, after in zip(frames, frames[1:])
    ]


async def back_to_back(bench, frames):
    """Send all, keeping the store filled; returns what the sink has."""

    async def feed():
        for octets in frames:
            await bench.beats.send(octets)

    cocotb.start_soon(feed())
    return [await bench.check(octets) for octets in frames]


def check_gaps(gaps):
    """12 on average: the deficit never leaves 0 to 3."""
    deficit = 0
    for gap in gaps:
        assert 9 <= gap <= 15
        deficit += 12 - gap
        assert 0 <= deficit <= 3, gaps
    assert (sum(gaps) - 12 * len(gaps)) in range(-3, 1)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def every_length(dut):
    bench = Bench(dut)
    await bench.start()
    lengths = params()["lengths"]
    frames = await back_to_back(bench, bench.frames(lengths))
    check_gaps(gaps_of(frames))
    assert {frame.start_lane for frame in frames} == {0, 4}
    await ClockCycles(dut.clk, 8)
    bench.counters.expect(
        stat_tx_sent=len(lengths), stat_tx_padded=sum(length < 60 for length in lengths)
    )


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def shortest_frames_at_line_rate(dut):
    """60 bytes and FCS: 84 bytes a frame, 14.88 million a second at 156.25 MHz."""
    bench = Bench(dut)
    await bench.start()
    count = params()["shortest"]
    frames = await back_to_back(bench, bench.frames([60] * count))
    gaps = gaps_of(frames)
    assert gaps == [12] * (count - 1)
    seconds = (frames[-1].sim_time_start - frames[0].sim_time_start) * 1e-12
    rate = (count - 1) / seconds
    assert abs(rate - 10e9 / 8 / 84) < 1, rate
    say(frames_per_second=rate, mean_gap=sum(gaps) / len(gaps))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def every_gap(dut):
    """Ends in every lane behind every deficit: all gaps from 9 to 15, and 12 on average."""
    bench = Bench(dut)
    await bench.start()
    wire = await back_to_back(
        bench, bench.frames([60 + bench.rng.randrange(8) for _ in range(200)])
    )
    gaps = gaps_of(wire)
    check_gaps(gaps)
    assert set(gaps) == set(range(9, 16))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def a_frame_that_the_source_calls_bad(dut):
    """It ends with /E/, whatever its length, and the frames beside it are whole."""
    bench = Bench(dut)
    await bench.start()
    for length in (1, 8, 60, 64, 65, 100):
        good, bad = bench.frames([70, length])
        await bench.beats.send(good)
        await bench.beats.send(bad, error=1)
        await bench.beats.send(good)
        await bench.check(good)
        frame = await bench.sink.recv()
        assert frame.ctrl and frame.ctrl[-1] == 1 and frame.data[-1] == 0xFE
        assert frame.data[8:-1] == bad[: (length - 1) // 8 * 8]
        await bench.check(good)
    await ClockCycles(dut.clk, 8)
    bench.counters.expect(stat_tx_sent=12, stat_tx_bad=6)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_inside_a_frame(dut):
    bench = Bench(dut)
    await bench.start()
    first, second = bench.frames([300, 64])
    sending = cocotb.start_soon(bench.beats.send(first))
    await ClockCycles(dut.clk, 20)
    sending.cancel()
    bench.beats.valid.value = 0
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    assert int(dut.xgmii_c.value) == 0xFF and int(dut.xgmii_d.value) == 0x0707070707070707
    dut.rst.value = 0
    cut = await bench.sink.recv()
    assert cut.ctrl and cut.ctrl[-1] == 1, "cut off by an idle"
    await ClockCycles(dut.clk, 4)
    await bench.beats.send(second)
    await bench.check(second)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def a_source_that_runs_dry(dut):
    """/E/ where the beat is missing; the rest is thrown away; the next frame is whole."""
    bench = Bench(dut)
    await bench.start()
    dry = 0
    for missing in (*range(6, 20), 23):
        long, good = bench.frames([24 * 8 - missing % 8, 64 + missing])
        await bench.beats.send(long, pauses=lambda beat: 40 * (beat == missing))
        await bench.beats.send(good)
        frame = await bench.sink.recv()
        assert frame.ctrl and frame.ctrl[-1] == 1 and frame.data[-1] == 0xFE
        assert frame.data[8:-1] == long[: 8 * missing], missing
        dry += 1
        await bench.check(good)
    await ClockCycles(dut.clk, 8)
    bench.counters.expect(stat_tx_sent=dry, stat_tx_underrun=dry)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def latency(dut):
    """The beat that lets a frame begin to /S/: 2 clocks in the store, 6 in the rest."""
    bench = Bench(dut)
    await bench.start()
    began = get_sim_time("ps")
    (octets,) = bench.frames([1500])
    cocotb.start_soon(bench.beats.send(octets))
    frame = await bench.check(octets)
    clocks = (frame.sim_time_start - began) // 6400 - 1
    assert clocks == params()["start_beats"] - 1 + 2 + 6, clocks
    say(latency_clocks=clocks)
