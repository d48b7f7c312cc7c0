"""What runs inside the simulator: `XgmiiRx` and cocotbext-eth's XgmiiSource."""

import zlib

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotbext.eth import XgmiiFrame, XgmiiSource

from tests.mac.xgmii_bench import PERIOD_PS, Beats, Counters, params, rng, say, start
from ttpoe.mac.xgmii_rx import RX_EVENTS

IDLE, START, TERMINATE, ERROR, SEQUENCE = 0x07, 0xFB, 0xFD, 0xFE, 0x9C
SFD = 0xD5


class Bench:
    """`deliver` sends, waits, and compares what came out and what was counted."""

    def __init__(self, dut):
        self.dut, self.rng, self.got = dut, rng(), []
        self.source = XgmiiSource(dut.xgmii_d, dut.xgmii_c, dut.clk)
        self.beats = Beats(dut, "o", dut.clk)

    async def start(self):
        await start(self.dut.clk, self.dut.rst)
        self.counters = Counters(self.dut, RX_EVENTS, self.dut.clk)
        cocotb.start_soon(self.beats.receive(self.got))

    def octets(self, length):
        """A frame of `length` bytes without FCS; no MAC control."""
        octets = bytearray(self.rng.randbytes(length))
        octets[12:13] = b"\x0a"[: max(0, min(1, length - 12))]
        return bytes(octets)

    async def settle(self):
        await self.source.wait()
        await ClockCycles(self.dut.clk, 12)

    def take(self):
        got = list(self.got)
        self.got.clear()
        return got

    def expect(self, **counts):
        self.counters.expect(**counts)
        self.counters.counts = dict.fromkeys(self.counters.counts, 0)


def with_fcs(octets):
    return octets + zlib.crc32(octets).to_bytes(4, "little")


def frame_of(octets, preamble=6):
    """As cocotbext-eth has it: its first byte becomes /S/."""
    return XgmiiFrame(bytes([0x55]) * (preamble + 1) + bytes([SFD]) + with_fcs(octets))


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def every_length(dut):
    bench = Bench(dut)
    await bench.start()
    sent = [bench.octets(length) for length in params()["lengths"]]
    for offset in (False, True):
        bench.source.force_offset_start = offset
        for octets in sent:
            bench.source.send_nowait(frame_of(octets))
        await bench.settle()
        assert bench.take() == [(octets, 0) for octets in sent]
    bench.expect(stat_rx_good=2 * len(sent))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def gaps(dut):
    """From 5, the least that clause 46 allows, to 20; both ways of filling the deficit."""
    bench = Bench(dut)
    await bench.start()
    total, lanes = 0, set()
    for gap in range(5, 21):
        bench.source.ifg, bench.source.enable_dic = gap, bool(gap % 3)
        frames = [frame_of(bench.octets(60 + number)) for number in range(9)]
        sent = []
        for frame in frames:
            copy = XgmiiFrame(frame, tx_complete=sent.append)
            bench.source.send_nowait(copy)
        await bench.settle()
        assert [octets for octets, error in bench.take() if not error] == [
            bytes(frame.get_payload()) for frame in frames
        ], gap
        lanes |= {frame.start_lane for frame in sent}
        total += len(frames)
    assert lanes == {0, 4}
    bench.expect(stat_rx_good=total)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def shortest_frames_at_line_rate(dut):
    bench = Bench(dut)
    await bench.start()
    count, ends = params()["shortest"], []
    sent = [bench.octets(60) for _ in range(count)]
    for octets in sent:
        bench.source.send_nowait(XgmiiFrame(frame_of(octets), tx_complete=ends.append))
    await bench.settle()
    assert bench.take() == [(octets, 0) for octets in sent]
    rate = (count - 1) / ((ends[-1].sim_time_end - ends[0].sim_time_end) * 1e-12)
    bench.expect(stat_rx_good=count)
    say(frames_per_second=rate)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def any_preamble(dut):
    """0 to 20 bytes between /S/ and SFD, 0xFB among them as data."""
    bench = Bench(dut)
    await bench.start()
    sent = []
    for preamble in range(21):
        for length in (60, 61, 67):
            octets = bench.octets(length)
            frame = frame_of(octets, preamble)
            if preamble > 3:
                frame.data[2] = START
            bench.source.force_offset_start = bool(length % 2)
            bench.source.send_nowait(frame)
            sent.append((octets, 0))
    await bench.settle()
    assert bench.take() == sent
    bench.expect(stat_rx_good=len(sent))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def one_wrong_bit_in_any_byte(dut):
    bench = Bench(dut)
    await bench.start()
    length = 75
    for place in range(length + 4):
        frame = frame_of(bench.octets(length))
        frame.data[8 + place] ^= 1 << bench.rng.randrange(8)
        bench.source.send_nowait(frame)
    await bench.settle()
    got = bench.take()
    assert len(got) == length + 4 and all(error for _, error in got)
    bench.expect(stat_rx_bad_fcs=length + 4)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def control_character_in_any_byte(dut):
    """/E/, or an idle where /T/ is missing: counted once, and the next frame is whole."""
    bench = Bench(dut)
    await bench.start()
    for char, cause in ((ERROR, "code_error"), (IDLE, "bad_end"), (SEQUENCE, "bad_end")):
        good = bench.octets(64)
        for place in range(66):
            frame = frame_of(bench.octets(66))
            frame.normalize()
            frame.data[8 + place], frame.ctrl[8 + place] = char, 1
            bench.source.send_nowait(frame)
            bench.source.send_nowait(frame_of(good))
        await bench.settle()
        got = bench.take()
        assert sum(not error for _, error in got) == 66
        assert all(error or octets == good for octets, error in got)
        assert len(got) <= 2 * 66
        bench.expect(**{f"stat_rx_{cause}": 66}, stat_rx_good=66)


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(offset=[False, True])
async def start_inside_a_frame(dut, offset):
    """/S/ ends a frame badly; in lane 0 or 4 it begins one without an SFD, which is lost, too."""
    bench = Bench(dut)
    await bench.start()
    bench.source.force_offset_start, starts = offset, 0
    good = bench.octets(64)
    for place in range(1, 65):
        frame = frame_of(bytes(byte & 0x7F for byte in bench.octets(66)))
        frame.normalize()
        frame.data[8 + place], frame.ctrl[8 + place] = START, 1
        frame.data[74:] = bytes(4)  # no SFD in what was the FCS
        starts += (8 + place + 4 * offset) % 4 == 0
        bench.source.send_nowait(frame)
        bench.source.send_nowait(frame_of(good))
    await bench.settle()
    got = bench.take()
    assert sum(not error for _, error in got) == 64
    assert all(error or octets == good for octets, error in got)
    bench.expect(stat_rx_bad_end=64, stat_rx_bad_start=starts, stat_rx_good=64)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def runts_and_frames_too_long(dut):
    bench = Bench(dut)
    await bench.start()
    longest = params()["longest"]
    for length in range(60):
        bench.source.send_nowait(frame_of(bench.octets(length)))
    for raw in range(4):  # not even an FCS
        bench.source.send_nowait(XgmiiFrame(frame_of(b"").data[: 8 + raw]))
    await bench.settle()
    assert all(error for _, error in bench.take())
    bench.expect(stat_rx_runt=64)
    lengths = [longest - 4 + more for more in (-9, 0, 1, 2, 7, 8, 9, 300, -8, 0)]
    sent = [bench.octets(length) for length in lengths]
    for octets in sent:
        bench.source.send_nowait(frame_of(octets))
    await bench.settle()
    got = bench.take()
    assert len(got) == len(sent)
    for octets, (came, error) in zip(sent, got):
        too_long = len(octets) > longest - 4
        assert error == too_long and len(came) <= longest + 4
        assert too_long or came == octets
    bench.expect(stat_rx_good=4, stat_rx_too_long=6)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def mac_control_is_dropped(dut):
    """Nothing of it comes out; a bad one counts as bad; a type elsewhere is none."""
    bench = Bench(dut)
    await bench.start()

    def control(opcode):
        return bytes(6) + bytes(6) + b"\x88\x08" + opcode.to_bytes(2, "big") + bytes(44)

    for opcode in (1, 0x0101, 2, 1, 0x0100):
        bench.source.send_nowait(frame_of(control(opcode)))
    bad = frame_of(control(1))
    bad.data[-1] ^= 1
    bench.source.send_nowait(bad)
    bench.source.send_nowait(frame_of(control(1)[:30]))
    near = [
        bytes(12) + b"\x88\x09" + bytes(46),
        bytes(14) + b"\x88\x08" + bytes(44),
        bytes(4) + b"\x88\x08" + bytes(54),
    ]
    for octets in near:
        bench.source.send_nowait(frame_of(octets))
    await bench.settle()
    assert bench.take() == [(octets, 0) for octets in near]
    bench.expect(
        stat_rx_pause=2,
        stat_rx_pfc=1,
        stat_rx_control=2,
        stat_rx_bad_fcs=1,
        stat_rx_runt=1,
        stat_rx_good=3,
    )


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def starts_that_are_none(dut):
    """/S/ without SFD, twice in a row, or without a gap: counted, and the next frame is whole."""
    bench = Bench(dut)
    await bench.start()
    good = bench.octets(64)
    for extra in range(1, 12):
        bench.source.send_nowait(XgmiiFrame(bytes([0x55]) * extra))
        bench.source.send_nowait(frame_of(good))
    await bench.settle()
    assert bench.take() == [(good, 0)] * 11
    bench.expect(stat_rx_bad_start=11, stat_rx_good=11)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def faults(dut):
    """Begin with four ordered sets and end when none comes; a frame after them is whole."""
    bench = Bench(dut)
    await bench.start()
    for kind, name in ((1, "local_fault"), (2, "remote_fault")):
        bench.source.set_seq_os(kind)
        await ClockCycles(dut.clk, 8)
        assert int(getattr(dut, name).value) == 1
        bench.source.set_seq_os(None)
        await ClockCycles(dut.clk, 30)
        assert int(getattr(dut, name).value) == 1, "128 columns have not passed"
        await ClockCycles(dut.clk, 50)
        assert int(getattr(dut, name).value) == 0
        bench.expect(**{f"stat_rx_{name}": 1})
    bench.source.set_seq_os(3)  # a set that is no fault
    await ClockCycles(dut.clk, 8)
    bench.source.set_seq_os(None)
    octets = bench.octets(100)
    await bench.source.send(frame_of(octets))
    await bench.settle()
    assert bench.take() == [(octets, 0)]
    bench.expect(stat_rx_good=1)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def latency(dut):
    bench = Bench(dut)
    await bench.start()
    bench.source.send_nowait(frame_of(bench.octets(100)))
    while int(dut.xgmii_c.value) != 1:
        await ClockCycles(dut.clk, 1)
    began = get_sim_time("ps")  # /S/ in lane 0: the first byte is a word later
    while not int(dut.o__valid.value):
        await ClockCycles(dut.clk, 1)
    clocks = (get_sim_time("ps") - began) // PERIOD_PS - 1
    assert clocks == 8, clocks
    say(latency_clocks=clocks)
    await bench.settle()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_inside_a_frame(dut):
    bench = Bench(dut)
    await bench.start()
    bench.source.send_nowait(frame_of(bench.octets(300)))
    good = bench.octets(80)
    bench.source.send_nowait(frame_of(good))
    await ClockCycles(dut.clk, 15)
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    bench.beats.forget()
    await bench.settle()
    assert bench.take() == [(good, 0)]
