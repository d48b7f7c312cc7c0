"""What runs inside the simulator: cocotbext-eth's GMII and MII models on `MacTop`."""

import random

import cocotb
from cocotb.triggers import RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.eth import GmiiFrame, GmiiPhy, GmiiSink, GmiiSource, MiiPhy

from tests.mac.engine_side import LONG, EngineSide, gaps_of, idle_for, random_frames

ALL_LENGTHS = (
    [*range(1, 1519), 4000, 9000, 9014, 9018]
    if LONG
    else [*range(1, 20), *range(57, 76), 127, 128, 129, 1513, 1514, 1518, 9018]
)
CLOCKS = {  # sync, tx, rx in ps
    "equal": (8000, 8000, 8000),
    "rx 250 ppm fast": (8000, 8000, 7998),
    "sync 250 ppm fast": (7998, 8000, 8000),
    "sync 250 ppm slow": (8002, 8000, 8000),
    "far off": (8000, 8400, 7600),
    "fast engine": (4000, 8000, 8000),
    "slow engine": (62000, 8000, 8000),
}


def models(dut):
    return (
        GmiiSource(dut.gmii_rxd, dut.gmii_rx_er, dut.gmii_rx_dv, dut.gmii_rx_clk),
        GmiiSink(dut.gmii_txd, dut.gmii_tx_er, dut.gmii_tx_en, dut.mid_tx_clk),
    )


def drain(sink):
    return [sink.recv_nowait() for _ in range(sink.count())]


def check_sent(wire, frames, byte_ps=8000):
    """Each frame on the wire: preamble, padding, FCS; no errors.

    The models of GMII leave out the first byte of a carrier, but say when it was.
    """
    assert len(wire) == len(frames)
    for got, frame in zip(wire, frames):
        assert bytes(got.get_preamble()).endswith(b"\x55" * 6 + b"\xd5")
        assert round((got.sim_time_sfd - got.sim_time_start) / byte_ps) == 8
        assert bytes(got.get_payload()) == frame.ljust(60, b"\0")
        assert got.check_fcs() and got.error is None


@cocotb.test(timeout_time=60, timeout_unit="ms")
@cocotb.parametrize(clocks=list(CLOCKS))
async def both_ways(dut, clocks):
    """Every length, every gap, preambles down to the SFD alone, whatever the clocks."""
    bench, (sync, tx, rx) = EngineSide(dut), CLOCKS[clocks]
    source, sink = models(dut)
    await bench.start(sync, tx, rx)
    lengths = ALL_LENGTHS if clocks == "equal" else [1, 8, 9, 60, 61, 64, 127, 1514]
    frames = random_frames(lengths, 1)
    sender = bench.run(bench.send(frames))
    arriving = [frame.ljust(60, b"\0") for frame in frames]
    for number, frame in enumerate(arriving):
        model = GmiiFrame.from_payload(frame)
        del model.data[: number % 8]
        source.ifg = 8 + number % 13
        source.send_nowait(model)
        await source.wait()
    await sender
    await idle_for(source, sink, 10_000)
    assert bench.received == [(frame, 0) for frame in arriving]
    wire = drain(sink)
    check_sent(wire, frames, tx)
    if clocks != "slow engine":
        assert set(gaps_of(wire, tx)) == {12}
    assert bench.counts() == {"tx_sent": len(frames), "rx_good": len(frames)}
    bench.stop()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def line_rate_both_ways(dut):
    """64-byte frames (with FCS) back to back: 1.488 million a second, none lost, no extra gap."""
    number, byte_ps = 2_000 if LONG else 120, 8000
    bench = EngineSide(dut)
    source, sink = models(dut)
    await bench.start(8000, byte_ps, byte_ps)
    frames = random_frames([60] * number, 2)
    for frame in frames:
        source.send_nowait(GmiiFrame.from_payload(frame))
    await bench.send(frames)
    await idle_for(source, sink)
    wire = drain(sink)
    check_sent(wire, frames)
    assert set(gaps_of(wire, byte_ps)) == {12}
    seconds = (wire[-1].sim_time_start - wire[0].sim_time_start) * 1e-12
    assert abs((number - 1) / seconds - 1_488_095) < 1
    assert bench.received == [(frame, 0) for frame in frames]
    assert bench.counts() == {"tx_sent": number, "rx_good": number}
    bench.stop()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def errors_at_any_byte(dut):
    """RX_ER, and a wrong bit, at each place of a frame; between them whole frames."""
    bench = EngineSide(dut)
    source, sink = models(dut)
    await bench.start(8000, 8000, 8000)
    whole = random_frames([60], 3)[0]
    wanted = {"rx_good": 0, "rx_code_error": 0, "rx_bad_fcs": 0}
    for place in range(72):
        hurt, wrong = (GmiiFrame.from_payload(whole) for _ in range(2))
        hurt.error = [int(n == place) for n in range(72)]
        source.send_nowait(hurt)
        wanted["rx_code_error"] += 1
        if place >= 8:
            wrong.data[place] ^= 1 << place % 8
            source.send_nowait(wrong)
            wanted["rx_bad_fcs"] += 1
        if place % 5 == 0:
            source.send_nowait(GmiiFrame.from_payload(whole))
            wanted["rx_good"] += 1
    await idle_for(source, sink)
    assert bench.counts() == wanted
    assert [error for _frame, error in bench.received].count(0) == wanted["rx_good"]
    assert all(frame == whole for frame, error in bench.received if not error)
    bench.stop()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def what_is_dropped(dut):
    """Runts, too long ones, MAC control: an error for each, counted, and nothing is obeyed."""
    bench = EngineSide(dut)
    source, sink = models(dut)
    await bench.start(8000, 8000, 8000)
    good = random_frames([60], 4)[0]
    control = b"\x01\x80\xc2\0\0\x01" + bytes(6) + b"\x88\x08"
    pause = (control + b"\0\x01\xff\xff").ljust(60, b"\0")
    pfc = (control + b"\x01\x01\0\xff" + b"\xff" * 16).ljust(60, b"\0")
    payloads = [good, good[:59], good[:1], good, bytes(9019), pause, pfc, good]
    for payload in payloads:
        source.send_nowait(GmiiFrame.from_payload(payload, min_len=0))
    source.send_nowait(GmiiFrame(b"\x55" * 12))
    source.send_nowait(GmiiFrame.from_payload(good))
    await source.wait()
    await bench.send([good])
    await idle_for(source, sink)
    assert bench.counts() == {
        "tx_sent": 1,
        "rx_good": 4,
        "rx_runt": 2,
        "rx_too_long": 1,
        "rx_pause": 1,
        "rx_pfc": 1,
        "rx_bad_start": 1,
    }
    assert [error for _frame, error in bench.received] == [0, 1, 1, 0, 1, 1, 1, 0, 0]
    check_sent(drain(sink), [good])
    bench.stop()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def slow_reader(dut):
    """The engine holds beats back: frames are lost whole, never mixed."""
    bench, rng = EngineSide(dut), random.Random(5)
    source, sink = models(dut)
    await bench.start(8000, 8000, 8000)
    frames = random_frames([rng.choice([60, 61, 200, 300]) for _ in range(60)], 5)
    for frame in frames:
        source.send_nowait(GmiiFrame.from_payload(frame))
    pause = 0

    def held():
        nonlocal pause
        pause = pause - 1 if pause else (rng.randrange(300, 700) if rng.random() < 0.01 else 0)
        return pause

    bench.held = held
    await idle_for(source, sink, 20_000)
    good = [frame for frame, error in bench.received if not error]
    counts = bench.counts()
    assert 5 < counts["rx_overflow"] < 55
    assert counts == {"rx_good": len(good), "rx_overflow": len(frames) - len(good)}
    left = iter(frames)
    assert all(frame in left for frame in good), "not in order, or not one of those sent"
    bench.stop()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def engine_too_slow(dut):
    """Frames that the engine cannot feed are spoilt and counted; others are not touched."""
    bench = EngineSide(dut)
    _source, sink = models(dut)
    await bench.start(100_000, 8000, 8000)
    frames = random_frames([300, 8, 300, 60], 6)
    await bench.send(frames, errors=())
    await Timer(10, "us")
    wire = drain(sink)
    assert [frame.error is None and frame.check_fcs() for frame in wire] == [0, 1, 0, 0]
    assert bench.counts() == {"tx_underrun": 3, "tx_sent": 1}
    bench.stop()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def latency(dut):
    """From the beat that starts a frame to TX_EN, and from the pins to the engine, in clocks."""
    bench = EngineSide(dut)
    source, _sink = models(dut)
    await bench.start(8000, 8000, 8000)
    frame = random_frames([60], 12)[0]
    bench.run(bench.send([frame]))
    await RisingEdge(dut.i_valid)
    await RisingEdge(dut.clk)  # taken
    begun = get_sim_time("ns")
    await RisingEdge(dut.gmii_tx_en)
    clocks = {"to the wire": (get_sim_time("ns") - begun) / 8}
    source.send_nowait(GmiiFrame.from_payload(frame))
    await RisingEdge(dut.gmii_rx_dv)
    begun = get_sim_time("ns")
    await RisingEdge(dut.o_valid)
    clocks["beat"] = (get_sim_time("ns") - begun) / 8 - 15
    while not bench.received:
        await RisingEdge(dut.o_valid)
        end = get_sim_time("ns")
        await Timer(12, "ns")
    clocks["verdict"] = (end - begun) / 8 - 71
    assert clocks["to the wire"] in (3, 4), clocks
    assert clocks["beat"] in (11, 12) and clocks["verdict"] in (7, 8), clocks
    bench.stop()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def error_of_the_engine(dut):
    bench = EngineSide(dut)
    _source, sink = models(dut)
    await bench.start(8000, 8000, 8000)
    frames = random_frames([60, 300, 61], 7)
    await bench.send(frames, errors=(1,))
    await Timer(8, "us")
    wire = drain(sink)
    assert [frame.error is None and frame.check_fcs() for frame in wire] == [1, 0, 1]
    assert bench.counts() == {"tx_bad": 1, "tx_sent": 2}
    bench.stop()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def reset_within_frames(dut):
    bench = EngineSide(dut)
    source, sink = models(dut)
    await bench.start(8000, 8000, 8000)
    before, after = random_frames([400] * 2, 8), random_frames([70] * 3, 9)
    source.send_nowait(GmiiFrame.from_payload(before[0]))
    source.send_nowait(GmiiFrame.from_payload(after[0]))
    sender = bench.run(bench.send(before))
    await Timer(1500, "ns")
    dut.rst.value = 1
    sender.cancel()
    dut.i_valid.value = 0
    await Timer(100, "ns")
    assert not bench.received and bench.arriving
    bench.arriving.clear()
    dut.rst.value = 0
    await Timer(5, "us")
    drain(sink)
    await bench.send(after)
    await idle_for(source, sink)
    check_sent(drain(sink), after)
    assert bench.received == [(after[0], 0)]
    assert bench.counts() == {"tx_sent": 3, "rx_good": 1}
    bench.stop()


@cocotb.test(timeout_time=200, timeout_unit="ms")
@cocotb.parametrize(speed=[100e6, 10e6], phy=["mii", "gmii"])
async def nibbles(dut, speed, phy):
    """A PHY at 10 and 100 Mb/s, which makes both clocks; with MII's pins and with GMII's."""
    bench = EngineSide(dut)
    if phy == "mii":
        model = MiiPhy(
            dut.mii_txd,
            dut.gmii_tx_er,
            dut.gmii_tx_en,
            dut.gmii_tx_clk,
            dut.mii_rxd,
            dut.gmii_rx_er,
            dut.gmii_rx_dv,
            dut.gmii_rx_clk,
            speed=speed,
        )
    else:
        model = GmiiPhy(
            dut.gmii_txd,
            dut.gmii_tx_er,
            dut.gmii_tx_en,
            dut.gmii_tx_clk,
            dut.gmii_tx_clk,
            dut.gmii_rxd,
            dut.gmii_rx_er,
            dut.gmii_rx_dv,
            dut.gmii_rx_clk,
            speed=speed,
        )
    bench.run(model._clock_cr)
    model.rx.ifg = 24  # of these models, in nibbles
    await bench.start(8000 if speed == 100e6 else 200_000, mii=1)
    lengths = [1, 60, 61, 300] + [*range(62, 140), 1514] * (LONG and speed == 100e6)
    frames = random_frames(lengths, 10)
    for frame in frames:
        model.rx.send_nowait(GmiiFrame.from_payload(frame))
    await bench.send(frames)
    await idle_for(model.rx, model.tx, 1_000_000 if speed == 10e6 else 100_000)
    wire = drain(model.tx)
    check_sent(wire, frames, 8e12 / speed)
    assert set(gaps_of(wire, 4e12 / speed)) == {24}
    assert bench.received == [(frame.ljust(60, b"\0"), 0) for frame in frames]
    assert bench.counts() == {"tx_sent": len(frames), "rx_good": len(frames)}
    bench.stop()
