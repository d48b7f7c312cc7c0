"""The engine in the place of each of Tesla's two nodes, in every capture but IPv4's.

Every frame that reached that node is played in, every host request that the capture shows is made,
and what the engine sends is held against what Tesla's module sent. The differences must be exactly
those listed in `ttpverif.captures.differences` (and, with their reasons, in
docs/protocol/differences.md).
"""

from ttpsim.paths import ROOT
from ttpverif.bench.bench import scenario
from ttpverif.captures.captures import Replay, load_all
from ttpverif.captures.differences import expected_differences, found_differences
from ttpverif.captures.on_model import replay_on_model

FOLDER = "tests/data/pcap"
NEEDS = [f"{FOLDER}/wire.json", f"{FOLDER}/01_open_payload_ack_close.pcap"]
RUNS = [
    {"sim": "verilator", "preset": "tiny", "needs": NEEDS},
    {"sim": "verilator", "preset": "default", "needs": NEEDS},
    {"sim": "verilator", "preset": "full", "needs": NEEDS, "short": None},
]

NEVER = (1 << 24) - 1
ANSWER_CYCLES, QUIET_CYCLES = 600, 40


async def play(bench, capture, role):
    """One capture; returns the `Replay`. The engine starts from reset."""
    engine = bench.a
    replay = Replay(capture, role)
    engine.configure(
        node=replay.node, ieee=1, init_id=1, fixed_open_id=1, max_retry=0, timer_tick=NEVER
    )
    await bench.reset()
    received, sent = len(engine.received), len(engine.sent)
    payloads = 0
    for step in replay.steps:
        kind, node, vc, data = replay.stimulus(step)
        before = len(engine.frames_out)
        if kind == "restart":
            await bench.reset()
            received = len(engine.received)  # the model starts afresh, too
        elif kind == "inject":
            engine.play(data)
        elif kind == "payload":
            payloads += 1
            engine.send(node, vc, data)
        elif kind == "open":
            engine.open(node, vc)
        elif kind == "close":
            engine.close(node, vc)
        else:
            # Time passes until something is sent: three rounds are more than a time-out takes, and
            # one is more than a frame takes.
            tick = max(2, 512 // bench.config["links"])
            engine.configure(timer_tick=tick)
            await bench.until(
                lambda: len(engine.frames_out) > before,
                3 * tick * bench.config["links"],
                f"a time-out: {capture.name} {step}",
            )
            engine.configure(timer_tick=NEVER)
        wanted = before + len(step.expected)
        patience = bench.cycle + ANSWER_CYCLES
        await bench.until(
            lambda: len(engine.frames_out) >= wanted or bench.cycle >= patience,
            ANSWER_CYCLES + 10,
            "an answer",
            poll=True,
        )
        await bench.cycles(QUIET_CYCLES)
        replay.check(step, [frame.data for frame in engine.frames_out[before:]])

    _, model = replay_on_model(capture, role)
    await bench.until(
        lambda: len(engine.received) - received >= len(model.delivered),
        1_000,
        f"{capture.name}: {len(model.delivered)} payloads at the host",
    )
    delivered = [(p.node, p.vc, p.id, p.data) for p in engine.received[received:]]
    assert delivered == list(model.delivered), capture.name
    assert len(engine.sent) - sent == payloads, "every payload was taken"
    assert engine.level("free_slots") == bench.config["slots"], f"{capture.name}: a slot is held"
    return replay


@scenario
async def captures(bench):
    replays = []
    for capture in load_all(ROOT / FOLDER).values():
        for role in "BA":
            replays.append(await play(bench, capture, role))
    found, expected = found_differences(replays), expected_differences(replays)
    assert not found - expected, f"not listed: {sorted(found - expected)}"
    assert not expected - found, f"listed, but not so: {sorted(expected - found)}"
    steps = sum(len(replay.steps) for replay in replays)
    bench.report(f"{len(replays)} replays, {steps} steps, {len(found)} listed differences")
