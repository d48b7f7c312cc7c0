"""Frames from GMII: found behind any preamble, judged, counted by cause."""

import random

import pytest

from tests.mac.wire import PREAMBLE, carrier, idle, with_fcs
from tests.streams import simulate
from ttpoe.mac.gmii_rx import RX_CAUSES, GmiiRx

GOOD = with_fcs(bytes(range(60)))


def receive(times, longest=1518, step=lambda clock: True):
    """What comes of these byte times: [(bytes, error)], and the causes in their order."""
    dut = GmiiRx(longest)
    frames, causes, open_ = [], [], bytearray()

    async def bench(ctx):
        waiting, clock = [*idle(2), *times, *idle(9)], 0
        while waiting:
            dv, er, data = waiting[0]
            stepped = step(clock)
            clock += 1
            for port, value in (
                (dut.i_dv, dv),
                (dut.i_er, er),
                (dut.i_data, data),
                (dut.step, stepped),
            ):
                ctx.set(port, value if stepped else random.getrandbits(1))
            ctx.set(dut.step, stepped)
            *_, valid, beat, pulses = await ctx.tick().sample(
                dut.o.valid, dut.o.payload, dut.pulses
            )
            causes.extend(name for n, name in enumerate(RX_CAUSES) if pulses >> n & 1)
            if valid:
                open_.append(beat.data)
                if beat.last:
                    frames.append((bytes(open_), beat.error))
                    open_.clear()
            if stepped:
                waiting.pop(0)

    from amaranth.hdl import Cat

    dut.pulses = Cat(getattr(dut, name) for name in RX_CAUSES)
    simulate(dut, bench)
    assert not open_, "a frame without an end"
    return frames, [cause.removeprefix("stat_rx_") for cause in causes]


def frame_of(length, seed=0):
    """`length` bytes with a good FCS."""
    return with_fcs(random.Random(length ^ seed << 16).randbytes(length - 4))


@pytest.mark.parametrize("step", ["every", "second", "random"])
def test_good_frames_with_any_gap_and_preamble(step):
    rng = random.Random(3)
    steps = {
        "every": lambda clock: True,
        "second": lambda clock: clock % 2,
        "random": lambda clock: rng.random() < 0.6,
    }[step]
    lengths = [64, 65, 66, 67, 127, 64, 128, 129] if step == "every" else [64, 65]
    frames = [frame_of(length) for length in lengths]
    times = []
    for number, frame in enumerate(frames):
        times += carrier(PREAMBLE[number % 9 - 8 or 7 :] + frame) + idle(1 + number % 21)
    found, causes = receive(times, step=steps)
    assert found == [(frame[:-4], 0) for frame in frames] and not causes


def test_latency():
    dut = GmiiRx()
    seen = []

    async def bench(ctx):
        ctx.set(dut.step, 1)
        for dv, er, data in idle(2) + carrier(PREAMBLE[7:] + GOOD) + idle(9):
            ctx.set(dut.i_dv, dv)
            ctx.set(dut.i_data, data)
            *_, valid, beat = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            seen.append((valid, bool(valid and beat.last)))

    simulate(dut, bench)
    first = 3  # where the first byte is on the pins
    assert seen.index((1, False)) - first == 6
    assert seen.index((1, True)) - (first + len(GOOD) - 1) == 2


def test_runts():
    """With a good FCS where there is room for one."""
    lengths = [*range(9), 16, 17, 62, 63]
    runts = [frame_of(length) if length > 4 else bytes(length) for length in lengths]
    times = [time for runt in runts for time in carrier(PREAMBLE + runt) + idle(2)]
    found, causes = receive(times + carrier(PREAMBLE + GOOD))
    assert found == [(runt[:-4], 1) for runt in runts if len(runt) > 4] + [(GOOD[:-4], 0)]
    assert causes == ["runt"] * len(runts)


@pytest.mark.parametrize("length", [101, 102, 250])
def test_too_long(length):
    frame = frame_of(length)
    found, causes = receive(carrier(PREAMBLE + frame) + idle(1) + carrier(PREAMBLE + GOOD), 100)
    assert [(len(data), error) for data, error in found] == [(96, 1), (60, 0)]
    assert frame.startswith(found[0][0]) and causes == ["too_long"]


def test_a_wrong_bit():
    places, times = [0, 1, 12, 15, 17, 40, 59, 60, 61, 62, 63], []
    for place in places:
        bad = bytearray(GOOD)
        bad[place] ^= 1 << place % 8
        times += carrier(PREAMBLE + bad) + idle(1)
    found, causes = receive(times + carrier(PREAMBLE + GOOD))
    assert [error for _data, error in found] == [1] * len(places) + [0]
    assert causes == ["bad_fcs"] * len(places)


def test_rx_er():
    places, times = [0, 3, 7, 8, 9, 30, 66, 70, 71], []
    for place in places:
        times += carrier(PREAMBLE + GOOD, [place]) + idle(1)
    found, causes = receive(times + carrier(PREAMBLE + GOOD))
    assert found == [(GOOD[:-4], 1)] * len(places) + [(GOOD[:-4], 0)]
    assert causes == ["code_error"] * len(places)


@pytest.mark.parametrize(
    "header,cause",
    [
        (bytes.fromhex("8808 0001"), "pause"),
        (bytes.fromhex("8808 0101"), "pfc"),
        (bytes.fromhex("8808 0002"), "control"),
        (bytes.fromhex("8808 0100"), "control"),
        (bytes.fromhex("8809 0001"), None),
        (bytes.fromhex("0808 0101"), None),
    ],
)
def test_control_frames(header, cause):
    frame = with_fcs((bytes.fromhex("0180c2000001 020000000001") + header + b"\xff\xff").ljust(60))
    found, causes = receive(carrier(PREAMBLE + frame) + idle(1) + carrier(PREAMBLE + GOOD))
    assert found == [(frame[:-4], int(cause is not None)), (GOOD[:-4], 0)]
    assert causes == [cause] * (cause is not None)


def test_a_control_frame_with_a_wrong_fcs_is_no_control_frame():
    frame = bytearray(with_fcs(bytes(12) + bytes.fromhex("8808 0001") + bytes(44)))
    frame[-1] ^= 1
    assert receive(carrier(PREAMBLE + frame))[1] == ["bad_fcs"]


def test_carriers_without_a_frame():
    false_carrier = [(0, 1, 0x0E)]
    other = [(0, 1, 0x0F)] * 4  # carrier extension is none of ours
    times = (
        carrier(b"\x55" * 20)
        + idle(1)
        + false_carrier * 3
        + idle(1)
        + false_carrier
        + other
        + idle(3)
        + carrier(b"\x55")
        + idle(1)
        + carrier(PREAMBLE + GOOD)
    )
    found, causes = receive(times)
    assert found == [(GOOD[:-4], 0)]
    assert causes == ["bad_start", "false_carrier", "false_carrier", "bad_start"]


def test_after_reset_a_frame_under_way_is_ignored():
    dut = GmiiRx()
    seen = []

    async def bench(ctx):
        ctx.set(dut.step, 1)
        for dv, er, data in carrier(b"\x12\xd5" + GOOD) + idle(9):
            ctx.set(dut.i_dv, dv)
            ctx.set(dut.i_data, data)
            *_, valid = await ctx.tick().sample(dut.o.valid)
            seen.append(valid)

    simulate(dut, bench)
    assert not any(seen)


def test_constructor():
    with pytest.raises(ValueError, match="longest_bytes must be 64 or more; got 63"):
        GmiiRx(63)
