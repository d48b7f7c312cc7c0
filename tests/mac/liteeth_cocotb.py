"""What runs inside the simulator: frames between `GmiiMac` and LiteEth's MAC core, both ways."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from cocotb.utils import get_sim_time

from tests.mac.engine_side import LONG, EngineSide, random_frames

LENGTHS = (
    list(range(1, 1519))
    if LONG
    else [*range(1, 20), *range(52, 76), 127, 128, 129, 1500, 1507, *range(1511, 1519)]
)
GAP = 12
"""Byte times between two frames that are there."""


class Half:
    """The ports of one side as a bench that knows one MAC takes them."""

    def __init__(self, dut, side):
        self._dut, self._side = dut, side

    def __getattr__(self, name):
        return getattr(self._dut, f"{self._side}_{name}")


async def carriers(enable, byte_ps, found):
    """Byte times of each carrier of a wire, and of the gap before it."""
    end = None
    while True:
        await RisingEdge(enable)
        begin = get_sim_time("ps")
        gap = None if end is None else round((begin - end) / byte_ps)
        await FallingEdge(enable)
        end = get_sim_time("ps")
        found.append((round((end - begin) / byte_ps), gap))


async def start(dut, sync_ps=(8000, 8000), wire_ps=(8000, 8000)):
    """`(ours, LiteEth's, carriers from ours, carriers from LiteEth's)`."""
    sides, wires = [EngineSide(Half(dut, side)) for side in "ab"], ([], [])
    dut.spoil_ab.value = dut.spoil_ba.value = 0
    for name, period in zip(("clk_ab", "clk_ba"), wire_ps):
        sides[0].run(Clock(getattr(dut, name), period, "ps").start(start_high=False))
    for side, period in zip(sides, sync_ps):
        await side.start(period)
    for enable, period, found in zip((dut.en_ab, dut.en_ba), wire_ps, wires):
        sides[0].run(carriers(enable, period, found))
    return (*sides, *wires)


async def both_send(ours, theirs, frames, dut, ns=4000):
    """The frames both ways at once, without a pause; until all is quiet."""
    tasks = [side.run(side.send(frames)) for side in (ours, theirs)]
    for task in tasks:
        await task
    quiet = 0
    while quiet < 10:
        await Timer(ns / 10, "ns")
        quiet = 0 if int(dut.en_ab.value) or int(dut.en_ba.value) else quiet + 1


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(clocks=["equal", "apart"])
async def every_length(dut, clocks):
    """Each side takes every frame of the other as it was, padded, with the gap between them."""
    apart = clocks == "apart"
    sync, wire = ((10_000, 20_000), (8002, 7998)) if apart else ((8000, 8000), (8000, 8000))
    ours, theirs, from_us, from_them = await start(dut, sync, wire)
    frames = random_frames(LENGTHS[:: 5 if apart else 1], 1)
    await both_send(ours, theirs, frames, dut)
    padded = [(frame.ljust(60, b"\0"), 0) for frame in frames]
    for taker in (ours, theirs):
        for got, wanted in zip(taker.received, padded):
            assert got == wanted, f"{len(wanted[0])} bytes"
        assert len(taker.received) == len(padded)
    for found in (from_us, from_them):
        assert [length for length, _gap in found] == [8 + len(f) + 4 for f, _error in padded]
        assert {gap for _length, gap in found[1:]} == {GAP}
    assert ours.counts() == {"tx_sent": len(frames), "rx_good": len(frames)}
    ours.stop()
    theirs.stop()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def back_to_back(dut):
    """The shortest frames, without a pause: none is lost."""
    ours, theirs, *wires = await start(dut)
    number = 1000 if LONG else 100
    frames = random_frames([60] * number, 2)
    begin = get_sim_time("ns")
    await both_send(ours, theirs, frames, dut)
    assert ours.received == theirs.received == [(frame, 0) for frame in frames]
    assert all({gap for _length, gap in found[1:]} == {GAP} for found in wires)
    # 1.488 million a second, and what is between the last frame and the end.
    assert get_sim_time("ns") - begin < number * 84 * 8 * (85 / 84) + 6000
    ours.stop()
    theirs.stop()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def a_bad_fcs(dut):
    """A wrong bit at each place of a frame, on both wires; every second frame is left whole."""
    ours, theirs, *_wires = await start(dut)
    whole, bad = random_frames([60], 3)[0], 0
    for place in range(8, 72, 1 if LONG else 3):
        tasks = [side.run(side.send([whole, whole])) for side in (ours, theirs)]
        spoils = [
            ours.run(spoil(wire, enable, mid, place))
            for wire, enable, mid in (
                (dut.spoil_ab, dut.en_ab, dut.mid_ab),
                (dut.spoil_ba, dut.en_ba, dut.mid_ba),
            )
        ]
        for task in (*tasks, *spoils):
            await task
        await Timer(2, "us")
        bad += 1
    assert ours.counts() == {"tx_sent": 2 * bad, "rx_bad_fcs": bad, "rx_good": bad}
    for taker in (ours, theirs):
        assert [error for _frame, error in taker.received] == [1, 0] * bad
        assert all(frame == whole for frame, error in taker.received if not error)
    ours.stop()
    theirs.stop()


async def spoil(wire, enable, mid, place):
    """Turns a bit of this byte of the next carrier over."""
    await RisingEdge(enable)
    for _ in range(place):
        await RisingEdge(mid)
    wire.value = 1
    await RisingEdge(mid)
    wire.value = 0
