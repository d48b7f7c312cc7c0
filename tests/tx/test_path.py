"""`TxPath` with a real `ReplayMemory`: bytes, order, latency, reports, counters."""

import random

import pytest

from tests.long import BITS, crossed
from tests.streams import simulate
from tests.tx.path_bench import NODE, Bench, boundary_lengths, is_payload, sized
from tests.tx.tx_bench import FrameSink, control_bytes, payload_bytes, random_control
from ttpoe.config import Config

LATENCY = {64: 2, 128: 3, 256: 4, 512: 4}
"""Clocks from a PAYLOAD's descriptor to its first beat, idle."""


@pytest.mark.parametrize("width_bits", BITS)
@pytest.mark.parametrize("ready", [1.0, 0.6])
def test_payload_of_every_length(width_bits, ready):
    """Every boundary length byte for byte, its padding zero, beside stale bytes in the slot."""
    seed = width_bits + int(10 * ready)
    rng = random.Random(seed)
    config = sized(width_bits)
    bench = Bench(config, rng, ready)
    lengths = boundary_lengths(config.width_bytes) + [rng.randint(1, 300) for _ in range(8)]
    rng.shuffle(lengths)

    async def testbench(ctx):
        for slot, length in enumerate(lengths):
            await bench.fill(ctx, slot, rng.randbytes(length))
        descriptors = [bench.descriptor(slot) for slot in range(len(lengths))]
        bench.payloads = list(descriptors)
        await bench.run(ctx, len(lengths))
        for descriptor, (got, _, _) in zip(descriptors, bench.sink.frames):
            payload = bench.payload_of[descriptor["slot"]]
            assert got == payload_bytes(descriptor, NODE, payload), (
                f"seed {seed}: {len(payload)} bytes"
            )
        assert bench.count("stat_tx_payload") == bench.count("o_payload_left") == len(lengths)
        assert bench.count("stat_tx_control") == bench.count("o_control_left") == 0
        assert not bench.sent

    simulate(bench.dut, testbench)


@pytest.mark.parametrize("width_bits", BITS)
@pytest.mark.parametrize("ready", [1.0, 0.5])
def test_control_and_payload_mixed(width_bits, ready):
    """Each kind keeps its order; contents, counters, reports (also slowly taken) are exact."""
    seed = 7 * width_bits + int(10 * ready)
    rng = random.Random(seed)
    config = sized(width_bits).replace(slots=16)
    bench = Bench(config, rng, ready, report_ready=0.1 if ready < 1 else 1.0)
    controls = [random_control(rng, config.lid_bits, report=rng.random() < 0.2) for _ in range(60)]

    async def testbench(ctx):
        for slot in range(16):
            length = rng.choice([1, 4, 5, 60, 64, rng.randint(1, 150)])
            await bench.fill(ctx, slot, rng.randbytes(length))
        descriptors = [bench.descriptor(rng.randrange(16)) for _ in range(40)]
        bench.controls, bench.payloads = list(controls), list(descriptors)
        await bench.run(ctx, 100)
        got = {True: [], False: []}
        for frame, _, _ in bench.sink.frames:
            got[is_payload(frame)].append(frame)
        where = f"seed {seed}"
        assert got[False] == [control_bytes(control, NODE) for control in controls], where
        assert got[True] == [
            payload_bytes(d, NODE, bench.payload_of[d["slot"]]) for d in descriptors
        ], where
        assert [lid for lid, _ in bench.sent] == [c["lid"] for c in controls if c["report"]]
        assert bench.count("stat_tx_control") == bench.count("o_control_left") == 60
        assert bench.count("stat_tx_payload") == bench.count("o_payload_left") == 40

    simulate(bench.dut, testbench)


@pytest.mark.parametrize("width_bits, form", crossed(BITS, ["ethernet", "ipv4"]))
def test_latency_of_an_idle_path(width_bits, form):
    """Control: first beat 2 clocks after `valid`; PAYLOAD: `LATENCY`; report 1 after the end. A
    frame of the IPv4 form waits no longer."""
    bench = Bench(sized(width_bits).replace(encapsulation=form), random.Random(1))
    said = {"ipv4": 1} if form == "ipv4" else {}
    beats = 64 // (width_bits // 8)

    async def testbench(ctx):
        await bench.fill(ctx, 5, b"x" * 4)
        for _ in range(5):
            await bench.step(ctx)
        began = bench.clock
        bench.controls = [random_control(bench.rng, bench.config.lid_bits, report=1) | said]
        await bench.run(ctx, 1)
        _, first, last = bench.sink.frames[0]
        assert (first - began, last - first) == (2, beats - 1)
        assert [clock - last for _, clock in bench.sent] == [1]
        assert bench.pulses["stat_tx_control"] == [last + 1]
        assert bench.pulses["o_control_left"] == [began + 2]
        began = bench.clock
        bench.payloads = [bench.descriptor(5) | said]
        await bench.run(ctx, 2)
        _, first, last = bench.sink.frames[1]
        assert (first - began, last - first) == (LATENCY[width_bits], beats - 1)
        assert bench.pulses["stat_tx_payload"] == [last + 1]
        assert bench.pulses["o_payload_left"] == [first]

    simulate(bench.dut, testbench)


@pytest.mark.parametrize("width_bits", BITS)
@pytest.mark.parametrize("length", [1, 4, 5, 64, 68, 69, 128, 1024])
def test_no_bubble_between_frames(width_bits, length):
    """Back to back. But behind the first one after a pause the next one's first word comes late:
    words of the first were read before it was known how many it has."""
    bench = Bench(sized(width_bits), random.Random(1))
    beats = -(-max(60 + length, 64) // (width_bits // 8))

    async def testbench(ctx):
        await bench.fill(ctx, 0, bytes(length))
        bench.payloads = [bench.descriptor(0) for _ in range(6)]
        await bench.run(ctx, 6)
        frames = bench.sink.frames
        gaps = [after[1] - before[2] - 1 for before, after in zip(frames, frames[1:])]
        assert gaps == [max(0, 4 + (width_bits == 256) - beats)] + [0] * 4
        bench.controls = [random_control(bench.rng, bench.config.lid_bits) for _ in range(6)]
        await bench.run(ctx, 12)
        frames = bench.sink.frames[6:]
        assert [b[1] - a[2] - 1 for a, b in zip(frames, frames[1:])] == [0] * 5

    simulate(bench.dut, testbench)


def kinds_of_frames(width_bits, length, controls):
    """What four PAYLOADs and so many control frames, all there at once, are sent as: P and c."""
    bench, kinds = Bench(sized(width_bits), random.Random(1)), []

    async def testbench(ctx):
        await bench.fill(ctx, 0, bytes(length))
        bench.payloads = [bench.descriptor(0) for _ in range(4)]
        bench.controls = [random_control(bench.rng, bench.config.lid_bits) for _ in range(controls)]
        await bench.run(ctx, 4 + controls)
        kinds.extend("P" if is_payload(frame) else "c" for frame, _, _ in bench.sink.frames)

    simulate(bench.dut, testbench)
    return "".join(kinds)


@pytest.mark.parametrize("width_bits", [64, 512])
def test_payload_goes_after_four_control_frames(width_bits):
    kinds = kinds_of_frames(width_bits, 200, 40)
    # The PAYLOADs are ready some clocks after the first control frame started.
    assert kinds.lstrip("c").startswith("PccccPccccPccccPc"), kinds
    assert 4 <= kinds.index("P") <= 6, kinds


@pytest.mark.parametrize("width_bits", [64, 512])
def test_words_behind_a_payload_do_not_hold_the_next_one_back(width_bits):
    """Of a PAYLOAD of one word more are read before its length is known. They go while control
    frames follow each other without a gap."""
    kinds = kinds_of_frames(width_bits, 4, 60)
    between = [len(frames) for frames in kinds.split("P")[1:4]]
    assert max(between) <= 8 and between[1:] == [4, 4], kinds


def test_four_untaken_reports_hold_back_control_frames_only():
    bench = Bench(sized(64), random.Random(1), report_ready=0.0)

    async def testbench(ctx):
        await bench.fill(ctx, 0, bytes(20))
        make = lambda lid, report: random_control(bench.rng, 7, report) | {"lid": lid}
        bench.controls = [make(1, 1), make(2, 0), *(make(lid, 1) for lid in (3, 4, 5)), make(6, 0)]
        await bench.run(ctx, 5)
        assert ctx.get(bench.path.o_sent.valid) and ctx.get(bench.path.o_sent.payload) == 1
        bench.payloads = [bench.descriptor(0), bench.descriptor(0)]
        await bench.run(ctx, 7)  # PAYLOADs still go, the sixth control frame does not
        assert [is_payload(frame) for frame, _, _ in bench.sink.frames] == [0] * 5 + [1, 1]
        assert ctx.get(bench.path.o_sent.payload) == 1
        bench.report_ready = 1.0
        await bench.run(ctx, 8)
        assert [lid for lid, _ in bench.sent] == [1, 3, 4, 5]

    simulate(bench.dut, testbench)


def test_queues_hold_what_the_config_says():
    config = Config(width_bits=64, control_depth=8, payload_depth=4)
    bench = Bench(config, random.Random(1), ready=0.0)

    async def testbench(ctx):
        await bench.fill(ctx, 0, bytes(20))
        bench.controls = [random_control(bench.rng, 7) for _ in range(20)]
        bench.payloads = [bench.descriptor(0) for _ in range(20)]
        for _ in range(40):
            await bench.step(ctx)
        # One control frame in the builder, the rest in the queues.
        assert 20 - len(bench.controls) == 8 + 1 and 20 - len(bench.payloads) == 4
        assert bench.count("o_control_left") == 1 and not bench.count("o_payload_left")

    simulate(bench.dut, testbench)


@pytest.mark.parametrize("width_bits", [64, 512])
def test_reset_in_mid_frame(width_bits):
    bench = Bench(sized(width_bits), random.Random(1))

    async def testbench(ctx):
        await bench.fill(ctx, 0, bytes(range(200)))
        for kill_at in range(2, 14):
            bench.payloads = [bench.descriptor(0) for _ in range(4)]
            bench.controls = [random_control(bench.rng, 7, report=1) for _ in range(4)]
            for _ in range(kill_at):
                await bench.step(ctx)
            bench.payloads, bench.controls = [], []
            ctx.set(bench.path.i_control.valid, 0)
            ctx.set(bench.path.i_payload.valid, 0)
            ctx.set(bench.reset, 1)
            await ctx.tick()
            ctx.set(bench.reset, 0)
            bench.sink = FrameSink(bench.path.o_frame, width_bits // 8)
            bench.sent.clear()
            descriptor = bench.descriptor(0)
            bench.payloads = [descriptor]
            began = bench.clock
            await bench.run(ctx, 1)
            assert bench.sink.frames[0][0] == payload_bytes(descriptor, NODE, bytes(range(200)))
            assert bench.sink.frames[0][1] - began == LATENCY[width_bits] and not bench.sent

    simulate(bench.dut, testbench)


@pytest.mark.parametrize("width_bits", BITS)
@pytest.mark.parametrize(
    "length, how",
    [
        (1, "slot"),
        (1, "link"),
        (40, "link"),
        (200, "slot"),
        (1, "withdraw"),
        (200, "withdraw"),
        (1, "passed"),
        (200, "passed"),
    ],
)
def test_the_last_clock_in_which_a_payload_can_be_killed(width_bits, length, how):
    """Killed in t: no first beat in t + 2 or later; the next PAYLOAD is not touched."""
    whole_link = how == "link"
    # A slot that is passed is never that of a PAYLOAD that comes in the same clock.
    for kill_at in range(how == "passed", 7):
        bench = Bench(sized(width_bits), random.Random(1))

        async def testbench(ctx):
            await bench.fill(ctx, 3, bytes(range(256))[:length] * (1 + length // 256))
            await bench.fill(ctx, 4, b"other")
            for _ in range(3):
                await bench.step(ctx)
            began = bench.clock
            doomed, other = bench.descriptor(3, lid=5), bench.descriptor(4, lid=6)
            bench.payloads = [doomed, other]
            for clock in range(40 + length // 2):
                now = clock == kill_at
                ctx.set(bench.path.i_free.valid, now and how in ("slot", "link"))
                ctx.set(
                    bench.path.i_free.payload,
                    {
                        "head": 9 if whole_link else 3,
                        "tail": 9,
                        "count": 1,
                        "lid": 5 if whole_link else 9,
                        "whole_link": whole_link,
                    },
                )
                # A withdrawal spares what comes in the same clock.
                ctx.set(bench.path.i_withdraw.valid, now and how == "withdraw")
                ctx.set(bench.path.i_withdraw.payload, 5)
                ctx.set(bench.path.i_passed.valid, now and how == "passed")
                ctx.set(bench.path.i_passed.payload, 3)
                await bench.step(ctx)
            spared = kill_at >= LATENCY[width_bits] - 1 or (how == "withdraw" and kill_at == 0)
            sent = [doomed, other] if spared else [other]
            assert [frame for frame, _, _ in bench.sink.frames] == [
                payload_bytes(d, NODE, bench.payload_of[d["slot"]]) for d in sent
            ]
            if doomed in sent:
                assert bench.sink.frames[0][1] == began + LATENCY[width_bits]
            assert bench.count("o_payload_left") == 2  # the credit comes back anyway
            assert bench.count("stat_tx_payload") == len(sent)

        simulate(bench.dut, testbench)


@pytest.mark.parametrize("width_bits", BITS)
@pytest.mark.parametrize("length", [1, 100])
def test_payload_killed_in_its_turn_lets_control_frames_go(width_bits, length):
    """It was read ahead, four control frames went before it, the MAC waits; then it dies."""
    bench = Bench(sized(width_bits), random.Random(1), ready=0.0)

    async def testbench(ctx):
        await bench.fill(ctx, 3, bytes(length))
        await bench.fill(ctx, 4, b"other")
        controls = [random_control(bench.rng, bench.config.lid_bits) for _ in range(9)]
        bench.controls = list(controls)
        bench.payloads = [bench.descriptor(3)]
        for _ in range(12):
            await bench.step(ctx)
        # At 64 bits the PAYLOAD was ready already when the first control frame started.
        while bench.count("o_control_left") < 4 + (width_bits > 64):
            bench.ready = 1.0
            await bench.step(ctx)
            bench.ready = 0.0
            await bench.step(ctx)
            await bench.step(ctx)
        ctx.set(
            bench.path.i_free.payload, {"head": 3, "tail": 3, "count": 1, "lid": 0, "whole_link": 0}
        )
        ctx.set(bench.path.i_free.valid, 1)
        await bench.step(ctx)
        ctx.set(bench.path.i_free.valid, 0)
        bench.ready = 1.0
        await bench.run(ctx, 9)
        assert [frame for frame, _, _ in bench.sink.frames] == [
            control_bytes(control, NODE) for control in controls
        ]
        other = bench.descriptor(4)
        bench.payloads = [other]
        await bench.run(ctx, 10)
        assert bench.sink.frames[-1][0] == payload_bytes(other, NODE, b"other")

    simulate(bench.dut, testbench)


@pytest.mark.parametrize("width_bits", BITS)
def test_payload_killed_at_every_place_of_a_stalled_path(width_bits):
    """One is on the wire, one read ahead, one held up on the queue's output, two behind it."""
    for victim in range(5):
        config = Config(width_bits=width_bits, payload_depth=8)
        bench = Bench(config, random.Random(victim), ready=0.0)

        async def testbench(ctx):
            for slot in range(5):
                await bench.fill(ctx, slot, bytes([slot]) * 100)
            descriptors = [bench.descriptor(slot, lid=slot) for slot in range(5)]
            bench.payloads = list(descriptors)
            for _ in range(12):
                await bench.step(ctx)
            ctx.set(
                bench.path.i_free.payload,
                {"head": victim, "tail": victim, "count": 1, "lid": 0, "whole_link": 0},
            )
            ctx.set(bench.path.i_free.valid, 1)
            await bench.step(ctx)
            ctx.set(bench.path.i_free.valid, 0)
            for _ in range(5):
                await bench.step(ctx)
            bench.ready = 1.0
            sent = [d for d in descriptors if d["slot"] != victim or victim == 0]
            await bench.run(ctx, len(sent))
            assert [frame for frame, _, _ in bench.sink.frames] == [
                payload_bytes(d, NODE, bench.payload_of[d["slot"]]) for d in sent
            ]
            assert bench.count("o_payload_left") == 5

        simulate(bench.dut, testbench)
