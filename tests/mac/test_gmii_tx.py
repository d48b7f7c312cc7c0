"""Frames on GMII: preamble, padding, FCS, gap, and what happens when the source fails."""

import random

import pytest

from tests.mac.wire import carriers, sent_as
from tests.streams import simulate
from ttpoe.mac.gmii_tx import GmiiTx

STATS = ("stat_tx_sent", "stat_tx_bad", "stat_tx_underrun")


def offers_of(frames, aborted=()):
    """What the source offers: (data, last, error); None: nothing, for one byte time."""
    return [
        {
            "data": byte,
            "last": n == len(frame) - 1,
            "error": n == len(frame) - 1 and number in aborted,
        }
        for number, frame in enumerate(frames)
        for n, byte in enumerate(frame)
    ]


def send(offers, step=lambda clock: True, tail=120):
    """The wire's byte times while `offers` are sent, and the pulses that were counted."""
    dut = GmiiTx()
    times, counts = [], dict.fromkeys(STATS, 0)

    async def bench(ctx):
        waiting, clock, left = list(offers), 0, tail
        while left:
            now = waiting[0] if waiting else None
            ctx.set(dut.step, step(clock))
            ctx.set(dut.i.valid, now is not None)
            if now is not None:
                ctx.set(dut.i.payload, now)
            *_, stepped, ready, en, er, data, s0, s1, s2 = await ctx.tick().sample(
                dut.step,
                dut.i.ready,
                dut.o_en,
                dut.o_er,
                dut.o_data,
                *(getattr(dut, name) for name in STATS),
            )
            for name, pulse in zip(STATS, (s0, s1, s2)):
                counts[name] += pulse
            if stepped:
                times.append((en, er, data))
            if waiting and (ready if now is not None else stepped):
                waiting.pop(0)
            left -= not waiting and stepped
            clock += 1

    simulate(dut, bench)
    return times, counts


def frames_of(lengths, seed):
    rng = random.Random(seed)
    return [rng.randbytes(length) for length in lengths]


@pytest.mark.parametrize("step", ["every", "second", "random"])
def test_frames_of_all_lengths_back_to_back(step):
    rng = random.Random(3)
    steps = {
        "every": lambda clock: True,
        "second": lambda clock: clock % 2,
        "random": lambda clock: rng.random() < 0.6,
    }[step]
    lengths = [1, 2, 45, 58, 59, 60, 61, 62, 130, 131] if step == "every" else [1, 59, 60, 61]
    frames = frames_of(lengths, 5)
    times, counts = send(offers_of(frames), steps)
    found = carriers(times)
    assert [data for _gap, data, _errors in found] == [sent_as(frame) for frame in frames]
    assert {gap for gap, _data, _errors in found[1:]} == {12}
    assert not any(errors for *_, errors in found)
    assert counts == {"stat_tx_sent": len(frames), "stat_tx_bad": 0, "stat_tx_underrun": 0}


def test_a_late_frame_begins_at_once():
    frame = bytes(range(64))
    for late in (0, 5, 12, 13, 40):
        times, counts = send(offers_of([frame]) + [None] * late + offers_of([frame]))
        (first, *_), (gap, data, _errors) = carriers(times)
        assert first == 0 and data == sent_as(frame)
        # The byte after `last` is offered 4 byte times before the gap.
        assert gap == max(12, late - 4)
        assert counts["stat_tx_sent"] == 2


def test_a_byte_is_taken_eight_byte_times_after_the_frame_began():
    dut = GmiiTx()
    seen = []

    async def bench(ctx):
        ctx.set(dut.step, 1)
        ctx.set(dut.i.valid, 1)
        for _ in range(12):
            *_, ready, en = await ctx.tick().sample(dut.i.ready, dut.o_en)
            seen.append((ready, en))

    simulate(dut, bench)
    assert [en for _ready, en in seen].index(1) == 0
    assert [ready for ready, _en in seen].index(1) == 8


@pytest.mark.parametrize("missing,pause", [(1, 1), (2, 200), (40, 3), (60, 1), (61, 40), (99, 1)])
def test_underrun_ends_the_frame_spoilt_and_the_next_one_is_whole(missing, pause):
    first, second = frames_of([100, 70], missing)
    offers = offers_of([first])
    offers = offers[:missing] + [None] * pause + offers[missing:] + offers_of([second])
    # `None` counts byte times only from when the byte before it was taken.
    times, counts = send(offers)
    (_gap, data, errors), (gap, whole, none) = carriers(times)
    assert len(data) == 8 + missing + 1 + 4 and errors == [8 + missing]
    assert data[8 : 8 + missing] == first[:missing]
    good = sent_as(data[8:-4])
    assert len(data[8:-4]) < 60 or data[-4:] != good[-4:]
    assert whole == sent_as(second) and not none and gap >= 12
    assert counts == {"stat_tx_sent": 1, "stat_tx_bad": 0, "stat_tx_underrun": 1}


@pytest.mark.parametrize("length", [1, 59, 60, 61, 300])
def test_error_of_the_source_spoils_the_frame(length):
    frames = frames_of([length, 80], length)
    times, counts = send(offers_of(frames, aborted=(0,)))
    (_gap, data, errors), (gap, whole, _none) = carriers(times)
    good = sent_as(frames[0])
    assert data[:-4] == good[:-4] and errors == [8 + length - 1]
    assert bytes(a ^ b for a, b in zip(data[-4:], good[-4:])) == b"\xff" * 4
    assert gap == 12 and whole == sent_as(frames[1])
    assert counts == {"stat_tx_sent": 1, "stat_tx_bad": 1, "stat_tx_underrun": 0}
