"""Whole frames or none: `FrameBuffer` against a list, at every width, full and empty."""

from functools import cache

import pytest

from tests.long import BYTES
from tests.nic.nic_bench import Bench, Receiver, Sender, beats, rng_for
from ttpoe.config import Config
from ttpoe.nic.frame_buffer import FrameBuffer

ROOM = 2048
PULSES = ("kept", "dropped")


@cache
def buffer(width, lossy):
    return FrameBuffer(Config(width_bits=8 * width, os_buffer_bytes=ROOM), lossy)


def sizes(width):
    edges = (1, width - 1, width, width + 1, 2 * width - 1, 2 * width, 2 * width + 1, 60, 64)
    return [size for size in edges if size]


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize("gap, ready", [(0.0, 1.0), (0.3, 1.0), (0.0, 0.4)])
def test_frames_pass_unchanged_and_those_with_errors_do_not(width, lossy, gap, ready):
    rng = rng_for("pass", width, lossy, gap, ready)
    frames = [(rng.randbytes(size), rng.random() < 0.3) for size in sizes(width) * 4]
    if lossy and ready < 1:  # else it may fill up: see below
        frames = frames[: len(sizes(width))]
    dut = buffer(width, lossy)
    receiver = Receiver(dut.o, width, lambda clock: rng.random() < ready)
    bench = Bench(dut, [Sender(dut.i, frames, width, rng, gap)], [receiver], PULSES).run(idle=10)
    good = [octets for octets, error in frames if not error]
    assert receiver.frames == good
    assert bench.counts == {"kept": len(good), "dropped": 0}


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("lossy", [False, True])
def test_latency_and_pace(width, lossy):
    """Two clocks behind the last beat; frames that are there come out without a bubble."""
    rng = rng_for("pace", width, lossy)
    dut = buffer(width, lossy)
    sender = Sender(dut.i, [(rng.randbytes(64), False)] * 40, width, rng)
    receiver = Receiver(dut.o, width)
    Bench(dut, [sender], [receiver], PULSES).run(idle=10)
    assert [first for first, _ in receiver.clocks] == [last + 2 for _, last in sender.taken]
    assert sender.taken[-1][1] == 40 * 64 // width - 1
    assert receiver.clocks[-1][1] - receiver.clocks[0][0] == 40 * 64 // width - 1


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize("over", [0, 1])
def test_a_frame_that_just_fits_and_one_byte_more(width, lossy, over):
    rng = rng_for("fits", width, lossy, over)
    frames = [(rng.randbytes(size), False) for size in (100, ROOM + over, 3 * ROOM, 70)]
    dut = buffer(width, lossy)
    receiver = Receiver(dut.o, width)
    # The frame before has left when the long one comes, or else it would not fit for that reason.
    senders = [Sender(dut.i, frames[:1], width, rng)]

    def go_on(ctx, clock):
        if clock == 60:
            senders[0].beats += Sender(dut.i, frames[1:], width, rng).beats

    bench = Bench(dut, senders, [receiver], PULSES).run(
        clocks=100 + 7 * ROOM // width, each_clock=go_on
    )
    taken = [frames[0], frames[3]] if over else [frames[0], frames[1], frames[3]]
    assert receiver.frames == [octets for octets, _ in taken]
    assert bench.counts == {"kept": len(taken), "dropped": 4 - len(taken)}


@pytest.mark.parametrize("width", BYTES)
def test_full_and_lossy_drops_whole_frames(width):
    """Nobody reads: exactly those frames are kept that fit, whatever lies between them."""
    rng = rng_for("full", width)
    frames = [
        (rng.randbytes(rng.choice((1, 60, 64, 200, 300, 700))), rng.random() < 0.2)
        for _ in range(60)
    ]
    dut = buffer(width, True)
    room, kept, dropped = ROOM // width, [], 0
    for octets, error in frames:
        need = len(beats(octets, width))
        # One beat of the first frame has moved on into the output register.
        fits = need <= room + bool(kept)
        if fits and not error:
            room, kept = room - need, [*kept, octets]
        dropped += not fits and not error
    clock_of_reading = 2 * 60 * 700 // width
    receiver = Receiver(dut.o, width, lambda clock: clock > clock_of_reading)
    bench = Bench(dut, [Sender(dut.i, frames, width, rng)], [receiver], PULSES).run(
        clocks=clock_of_reading + ROOM // width + 20
    )
    assert receiver.frames == kept
    assert bench.counts == {"kept": len(kept), "dropped": dropped}
    assert dropped > 5 and len(kept) > 5


@pytest.mark.parametrize("width", BYTES)
def test_full_and_not_lossy_makes_the_sender_wait(width):
    rng = rng_for("wait", width)
    frames = [(rng.randbytes(rng.choice((1, 60, 300, 1000, ROOM))), False) for _ in range(25)]
    dut = buffer(width, False)
    stalled = []

    def watch(ctx, clock):
        stalled.append(not ctx.get(dut.i.ready))

    receiver = Receiver(dut.o, width, lambda clock: rng.random() < 0.5)
    bench = Bench(dut, [Sender(dut.i, frames, width, rng)], [receiver], PULSES).run(
        idle=10, each_clock=watch
    )
    assert receiver.frames == [octets for octets, _ in frames]
    assert bench.counts == {"kept": 25, "dropped": 0}
    assert any(stalled)


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("lossy", [False, True])
def test_reset_within_a_frame_on_both_sides(width, lossy):
    rng = rng_for("reset", width, lossy)
    dut = buffer(width, lossy)
    sender = Sender(
        dut.i, [(rng.randbytes(200), False)] * 3 + [(rng.randbytes(900), False)], width, rng
    )
    at = len(sender.beats) - 1
    sender.beats.pop()  # the last frame is cut in the middle by the reset
    receiver = Receiver(dut.o, width, lambda clock: clock > at or clock % 50 == 0)
    fresh = [(rng.randbytes(130), False), (rng.randbytes(ROOM), False)]

    def go_on(ctx, clock):
        if clock == at + 1:
            before.extend(receiver.frames)
            receiver.frames.clear()
            sender.beats += Sender(dut.i, fresh[:1], width, rng).beats
        if clock == at + 100:
            sender.beats += Sender(dut.i, fresh[1:], width, rng).beats

    before = []
    Bench(dut, [sender], [receiver], PULSES).run(
        clocks=at + 200 + 2 * ROOM // width, resets=(at,), each_clock=go_on
    )
    assert receiver.frames == [octets for octets, _ in fresh]
    assert len(before) < 3
