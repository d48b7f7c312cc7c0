"""TTP first, the OS at least now and then: decision N7, in clocks."""

import pytest

from tests.long import BYTES
from tests.nic.nic_bench import Bench, Receiver, Sender, rng_for
from ttpoe.config import Config
from ttpoe.nic.tx_merge import TTP_IN_A_ROW, TxMerge

LONGEST_TTP = 1084


def merged(width, ttp, os, rng, ready=lambda clock: True, gap=0.0, os_start=0, **options):
    """`Sender`s pause only between frames, as the blocks in front of the merge do."""
    dut = TxMerge(Config(width_bits=8 * width))
    senders = [
        _WholeFrames(port, [(octets, False) for octets in frames], width, rng, gap, start)
        for port, frames, start in ((dut.i_ttp, ttp, 0), (dut.i_os, os, os_start))
    ]
    receiver = Receiver(dut.o, width, ready)
    Bench(dut, senders, [receiver]).run(idle=30, **options)
    return senders, receiver


class _WholeFrames(Sender):
    """Never pauses inside a frame; `error` before the last beat is 0, as at these ports."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.beats = [(*beat[:3], 0) for beat in self.beats]

    def drive(self, ctx, clock):
        if self._first is not None:
            self.gap, gap = 0.0, self.gap
            super().drive(ctx, clock)
            self.gap = gap
        else:
            super().drive(ctx, clock)


def tagged(rng, who, number, size):
    return (who + number.to_bytes(4, "big") + rng.randbytes(2000))[:size]


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("gap, ready", [(0.0, 1.0), (0.9, 1.0), (0.7, 0.5)])
def test_all_frames_whole_and_in_order(width, gap, ready):
    rng = rng_for("merge", width, gap, ready)
    ttp = [tagged(rng, b"T", n, rng.choice((64, 65, 128, 300))) for n in range(60)]
    os = [tagged(rng, b"O", n, rng.choice((14, 60, 64, 500))) for n in range(30)]
    _, receiver = merged(width, ttp, os, rng, lambda clock: rng.random() < ready, gap)
    assert [octets for octets in receiver.frames if octets[:1] == b"T"] == ttp
    assert [octets for octets in receiver.frames if octets[:1] == b"O"] == os
    assert len(receiver.frames) == 90


@pytest.mark.parametrize("width", BYTES)
def test_no_clock_is_added(width):
    """Both ways, idle: the beat that comes in goes out in the same clock."""
    rng = rng_for("idle", width)
    for frames in ((([tagged(rng, b"T", 0, 200)], [])), ([], [tagged(rng, b"O", 0, 200)])):
        senders, receiver = merged(width, *frames, rng)
        sender = senders[0] if frames[0] else senders[1]
        assert receiver.clocks == sender.taken


@pytest.mark.parametrize("width", BYTES)
def test_ttp_goes_first_when_both_come_together(width):
    rng = rng_for("first", width)
    _, receiver = merged(width, [tagged(rng, b"T", 0, 64)], [tagged(rng, b"O", 0, 64)], rng)
    assert [octets[:1] for octets in receiver.frames] == [b"T", b"O"]
    assert receiver.clocks[1][0] == receiver.clocks[0][1] + 1, "no bubble"


@pytest.mark.parametrize("width", BYTES)
@pytest.mark.parametrize("size", [64, LONGEST_TTP])
def test_bound_of_the_os(width, size):
    """Back-to-back TTP: the frame of the OS starts after the one under way and 16 more."""
    rng = rng_for("bound", width, size)
    ttp = [tagged(rng, b"T", n, size) for n in range(3 * TTP_IN_A_ROW)]
    os = [tagged(rng, b"O", n, 100) for n in range(3)]
    each = -(-size // width)
    arrives = each + 1 if each > 1 else 1
    _, receiver = merged(width, ttp, os, rng, os_start=arrives)
    order = b"".join(octets[:1] for octets in receiver.frames)
    under_way = -(-arrives // each)
    assert order[: under_way + TTP_IN_A_ROW + 1] == b"T" * (under_way + TTP_IN_A_ROW) + b"O"
    assert (
        order[under_way + TTP_IN_A_ROW :][: TTP_IN_A_ROW + 2] == b"O" + b"T" * TTP_IN_A_ROW + b"O"
    )
    start = receiver.clocks[under_way + TTP_IN_A_ROW][0]
    assert start - arrives == (under_way + TTP_IN_A_ROW) * each - arrives
    assert start - arrives < (TTP_IN_A_ROW + 1) * each
    if width == 8 and size == LONGEST_TTP:
        assert start - arrives == 17 * 136 - 1


@pytest.mark.parametrize("width", BYTES)
def test_bound_of_ttp(width):
    """A TTP frame that comes right behind the first beat of a jumbo waits for its end alone."""
    rng = rng_for("jumbo", width)
    dut = TxMerge(Config(width_bits=8 * width))
    os = _WholeFrames(dut.i_os, [(bytes(9014), False)] * 3, width, rng)
    ttp = _WholeFrames(dut.i_ttp, [(tagged(rng, b"T", 0, 64), False)], width, rng, 0.0, 1)
    receiver = Receiver(dut.o, width)
    Bench(dut, [os, ttp], [receiver]).run(idle=10)
    jumbo = -(-9014 // width)
    assert ttp.taken[0][0] == jumbo, "waited for the jumbo's other beats, no longer"
    if width == 8:
        assert jumbo == 1127


@pytest.mark.parametrize("width", BYTES)
def test_the_row_starts_again_when_the_os_has_nothing(width):
    """TTP frames that went while nobody waited do not count."""
    rng = rng_for("row", width)
    each = -(-64 // width)
    ttp = [tagged(rng, b"T", n, 64) for n in range(40)]
    _, receiver = merged(width, ttp, [tagged(rng, b"O", 0, 64)], rng, os_start=20 * each)
    assert b"".join(octets[:1] for octets in receiver.frames).index(b"O") == 20 + TTP_IN_A_ROW


@pytest.mark.parametrize("width", BYTES)
def test_what_was_offered_stays(width):
    """The MAC is not ready while a frame of the OS is offered; TTP comes, and waits."""
    rng = rng_for("stay", width)
    dut = TxMerge(Config(width_bits=8 * width))
    os = _WholeFrames(dut.i_os, [(tagged(rng, b"O", 0, 60), False)], width, rng)
    ttp = _WholeFrames(dut.i_ttp, [(tagged(rng, b"T", 0, 64), False)], width, rng, 0.0, 3)
    receiver = Receiver(dut.o, width, lambda clock: clock > 6)
    Bench(dut, [os, ttp], [receiver]).run(idle=10)
    assert [octets[:1] for octets in receiver.frames] == [b"O", b"T"]


def test_reset_within_a_frame():
    rng = rng_for("reset")
    dut = TxMerge(Config(width_bits=64))
    os = _WholeFrames(dut.i_os, [(tagged(rng, b"O", 0, 64), False)], 8, rng)
    del os.beats[3:]
    ttp = _WholeFrames(dut.i_ttp, [(tagged(rng, b"T", 0, 64), False)], 8, rng, 0.0, 4)
    receiver = Receiver(dut.o, 8, gaps=True)
    Bench(dut, [os, ttp], [receiver]).run(clocks=30, resets=(3,))
    assert [octets[:1] for octets in receiver.frames] == [b"T"], "bound to nobody after reset"
    assert receiver.clocks == [(4, 11)]
