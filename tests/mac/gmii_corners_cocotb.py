"""What runs inside the simulator: what a wire of GMII or MII seldom has, on `MacTop`.

`ttpoe coverage --macs` says what the other tests leave to this file.
"""

import random
import zlib

import cocotb
from cocotb.triggers import FallingEdge, Timer
from cocotbext.eth import GmiiFrame, GmiiSink, GmiiSource

from tests.mac.engine_side import EngineSide, idle_for, random_frames
from tests.mac.gmii_cocotb import drain

CONTROL = b"\x01\x80\xc2\0\0\x01" + bytes(6) + b"\x88\x08"
FALSE_CARRIER = 0x0E


def models(dut):
    """Of a wire whose speed is the MAC's."""
    return (
        GmiiSource(
            dut.gmii_rxd, dut.gmii_rx_er, dut.gmii_rx_dv, dut.gmii_rx_clk, mii_select=dut.cfg_mii
        ),
        GmiiSink(
            dut.gmii_txd, dut.gmii_tx_er, dut.gmii_tx_en, dut.mid_tx_clk, mii_select=dut.cfg_mii
        ),
    )


async def start(dut, mii=0):
    bench = EngineSide(dut)
    await bench.start(8000, 8000, 8000, mii)
    return bench


class Pins:
    """Drives the pins of what is received: (data, RX_DV, RX_ER) of a clock, one by one."""

    def __init__(self, dut):
        self.dut = dut

    async def drive(self, clocks):
        """All of them, then idle."""
        dut, edge = self.dut, FallingEdge(self.dut.gmii_rx_clk)
        for data, valid, error in [*clocks, (0, 0, 0)]:
            await edge
            dut.gmii_rxd.value, dut.gmii_rx_dv.value, dut.gmii_rx_er.value = data, valid, error


def on_wire(octets, preamble=7):
    """As clocks of GMII: preamble, SFD, frame, FCS."""
    frame = bytes([0x55]) * preamble + b"\xd5" + octets
    return [(byte, 1, 0) for byte in frame + zlib.crc32(octets).to_bytes(4, "little")]


def nibbles(octets, before):
    """As clocks of MII with so many nibbles before the SFD's second one."""
    frame = octets + zlib.crc32(octets).to_bytes(4, "little")
    halves = [half for byte in frame for half in (byte & 15, byte >> 4)]
    return [(half, 1, 0) for half in [5] * before + [0xD] + halves]


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def speed_between_frames(dut):
    """From 1000 Mb/s to nibbles and back while the wire is idle: nothing is lost or spoilt."""
    bench = await start(dut)
    source, sink = models(dut)
    sent = []
    for mii in (0, 1, 0, 1):
        dut.cfg_mii.value = mii
        await Timer(200, "ns")
        frames = random_frames([60, 61, 200], len(sent))
        source.ifg = 24 if mii else 12  # of the model, in clocks
        for frame in frames:
            source.send_nowait(GmiiFrame.from_payload(frame))
        await bench.send(frames)
        await idle_for(source, sink, 12_000)
        sent += frames
        wire = drain(sink)
        assert [bytes(frame.get_payload()) for frame in wire] == frames
        assert all(frame.check_fcs() and frame.error is None for frame in wire)
    assert bench.received == [(frame, 0) for frame in sent]
    assert bench.counts() == {"tx_sent": len(sent), "rx_good": len(sent)}
    bench.stop()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(to_mii=[1, 0], after=[2, 9, 40, 61])
async def speed_within_frames(dut, to_mii, after):
    """Frames under way are spoilt, never changed; those that follow are whole."""
    bench = await start(dut, 1 - to_mii)
    source, sink = models(dut)
    hit, good = random_frames([300, 300], 1), random_frames([60, 77], 2)
    source.send_nowait(GmiiFrame.from_payload(hit[0]))
    sender = bench.run(bench.send(hit[:1]))
    await Timer(8 * (40 + after * (2 - to_mii)), "ns")
    assert int(dut.gmii_tx_en.value) and int(dut.gmii_rx_dv.value)
    dut.cfg_mii.value = to_mii
    await sender
    await idle_for(source, sink, 12_000)
    drain(sink)  # the model may have lost its place in the frame that was hit
    assert all(error for _frame, error in bench.received), "taken for a good one"
    bench.received.clear()
    for frame in good:
        source.send_nowait(GmiiFrame.from_payload(frame))
    await bench.send(good)
    await idle_for(source, sink, 12_000)
    assert bench.received == [(frame, 0) for frame in good]
    assert [bytes(frame.get_payload()) for frame in drain(sink)] == good
    assert bench.counts()["rx_good"] == len(good)
    bench.stop()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def any_preamble(dut):
    """Up to 40 bytes of it at 1000 Mb/s; any number of nibbles, odd ones at the end too, below."""
    bench, pins = await start(dut), Pins(dut)
    sent = random_frames([60 + number for number in range(12)], 3)
    for number, frame in enumerate(sent):
        await pins.drive(on_wire(frame, preamble=(0, 6, 7, 8, 9, 15, 16, 40)[number % 8]))
        await pins.drive([(0, 0, 0)] * 12)
    dut.cfg_mii.value = 1
    await Timer(200, "ns")
    for number, frame in enumerate(sent):
        clocks = nibbles(frame, before=(1, 2, 14, 15, 16, 17)[number % 6])
        await pins.drive([*clocks, *[(3, 1, 0)] * (number % 4 == 1)])
        await pins.drive([(0, 0, 0)] * 24)
    await Timer(2000, "ns")
    assert bench.received == [(frame, 0) for frame in [*sent, *sent]]
    assert bench.counts() == {"rx_good": 2 * len(sent)}
    bench.stop()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def gaps_of_few_bytes(dut):
    """A single idle byte time is enough."""
    bench, pins = await start(dut), Pins(dut)
    sent = random_frames([60 + number for number in range(12)], 4)
    clocks = []
    for number, frame in enumerate(sent):
        clocks += [*on_wire(frame), *[(0, 0, 0)] * (1 + number % 6)]
    await pins.drive(clocks)
    await Timer(2000, "ns")
    assert bench.received == [(frame, 0) for frame in sent]
    assert bench.counts() == {"rx_good": len(sent)}
    bench.stop()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def false_carriers(dut):
    """Counted once each, however long; the frame behind one is whole."""
    bench, pins = await start(dut), Pins(dut)
    sent = random_frames([60, 61, 62, 63], 5)
    for number, frame in enumerate(sent):
        false = [(FALSE_CARRIER, 0, 1)] * (1 + 3 * number)
        gap = [(0, 0, 0)] * (0, 1, 12, 30)[number]
        await pins.drive([*false, *gap, *on_wire(frame), *[(0, 0, 0)] * 12])
    await Timer(2000, "ns")
    assert bench.received == [(frame, 0) for frame in sent]
    assert bench.counts() == {"rx_good": len(sent), "rx_false_carrier": len(sent)}
    bench.stop()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def mac_control_of_every_kind(dut):
    """Nothing of it is good; a bad or short one counts as that; nor is a frame without a byte."""
    bench, rng = await start(dut), random.Random(6)
    source, sink = models(dut)
    good = random_frames([64], 6)[0]
    for opcode in (2, 1, 0x0101, 0xFFFF, 0x0100):
        payload = (CONTROL + opcode.to_bytes(2, "big")).ljust(60, b"\0")
        source.send_nowait(GmiiFrame.from_payload(payload))
    bad = GmiiFrame.from_payload((CONTROL + b"\0\x01").ljust(60, b"\0"))
    bad.data[-1] ^= 1
    source.send_nowait(bad)
    source.send_nowait(GmiiFrame.from_payload(CONTROL + bytes(6), min_len=0))
    for length in range(5):  # not even an FCS
        raw = bytes(byte & 0x7F for byte in rng.randbytes(length))
        source.send_nowait(GmiiFrame(b"\x55" * 7 + b"\xd5" + raw))
    source.send_nowait(GmiiFrame.from_payload(good))
    await idle_for(source, sink)
    assert [frame for frame, error in bench.received if not error] == [good]
    assert bench.counts() == {
        "rx_pause": 1,
        "rx_pfc": 1,
        "rx_control": 3,
        "rx_bad_fcs": 1,
        "rx_runt": 6,
        "rx_good": 1,
    }
    bench.stop()
