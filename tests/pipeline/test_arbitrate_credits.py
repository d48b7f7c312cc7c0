"""Q0: nothing enters without room for every frame that it may send (section 5.1)."""

import random

import pytest

from tests.pipeline.arbitrate_bench import CONFIG, FAST, ORDER, run, source_of
from ttpoe.link.fsm import Event
from ttpoe.pipeline.records import SILENT
from ttpoe.protocol import Opcode
from ttpoe.replay.replayer import Walk

CONTROL, PAYLOAD = CONFIG.control_depth, CONFIG.payload_depth
ENDLESS = 20
"""So many of one source in 60 clocks: nothing holds it up but its own pace."""


async def admitted(bench, *names):
    """How many events of each of `names` enter, all of them asking, until none does or for ever."""
    bench.asks = set(names)
    went = await bench.clocks(60)
    return [went.count(name) for name in names]


@pytest.mark.parametrize(
    "source, count, payload",
    [
        ("rx", CONTROL, {}),
        ("timer", CONTROL, 0),
        ("command", CONTROL, {}),
        ("victim", CONTROL, 0),
        ("visit0", PAYLOAD, 0),
        ("host2", PAYLOAD, {}),
        ("sent", ENDLESS, 0),
        ("look", CONTROL, {}),
        ("look", ENDLESS, {"purge": 1}),
        ("ask", CONTROL, {}),
        ("retire", ENDLESS, {}),
        ("replay", ENDLESS, {"walk": Walk.SEEK}),
        ("replay", PAYLOAD, {"walk": Walk.REPLAY}),
        ("replay", ENDLESS, {"walk": Walk.WALKED}),
    ],
)
def test_no_event_enters_without_room_for_its_frames(source, count, payload):
    """A place for each that may send a control frame, and one for each that may send a PAYLOAD."""

    async def job(bench):
        bench.returns = False
        bench.ctx.set(bench.port(source).payload, payload)
        (went,) = await admitted(bench, source)
        assert went == count or (count == ENDLESS and went in (ENDLESS - 1, ENDLESS))

    run(job)


def test_silent_events_enter_while_both_queues_are_full():
    async def job(bench):
        bench.returns = False
        bench.ctx.set(bench.port("replay").payload.walk, Walk.REPLAY)
        assert await admitted(bench, "timer", "replay") == [CONTROL, PAYLOAD]
        full = ("look", "ask", "rx", "visit1", "host0", "victim", "command")
        assert await admitted(bench, *full) == [0] * 7
        went = await admitted(bench, *full, "retire", "sent")
        assert went[:-2] == [0] * 7 and min(went[-2:]) >= ENDLESS - 1

    run(job)


@pytest.mark.parametrize("walk", [Walk.SEEK, Walk.WALKED])
def test_a_replay_that_sends_nothing_enters_while_both_queues_are_full(walk):
    async def job(bench):
        bench.returns = False
        assert await admitted(bench, "timer", "visit2") == [CONTROL - PAYLOAD, PAYLOAD]
        bench.ctx.set(bench.port("replay").payload.walk, walk)
        bench.ctx.set(bench.port("look").payload.purge, 1)
        went = await admitted(bench, "replay", "look")
        assert min(went) >= ENDLESS - 1

    run(job)


def test_as_many_enter_as_places_come_back():
    """From events that sent nothing and from the wire, several in one clock too."""

    async def job(bench):
        bench.returns = False
        bench.ctx.set(bench.port("replay").payload.walk, Walk.REPLAY)
        assert await admitted(bench, "rx", "replay") == [CONTROL, PAYLOAD]
        for back, control, payload in (
            (dict(control_unused=1), 1, 0),
            (dict(control_left=1), 1, 0),
            (dict(control_unused=1, control_left=1), 2, 0),
            (dict(payload_unused=1), 0, 1),
            (dict(payload_left=1), 0, 1),
            (dict(payload_unused=1, payload_left=1), 0, 2),
            (dict(control_left=1, payload_left=1), 1, 1),
            (dict(control_unused=1, payload_unused=1), 1, 1),
            ({}, 0, 0),
        ):
            await bench.clock(**back)
            assert await admitted(bench, "rx", "replay") == [control, payload], back

    run(job)


@pytest.mark.parametrize("config", [CONFIG, FAST], ids=["64", "512"])
def test_never_more_promised_than_there_are_places(config):
    """All sources, places come back now and then; in the end all of them are somebody's."""

    async def job(bench):
        rng = random.Random(config.width_bits)
        bench.returns = False
        used = {"control": 0, "payload": 0}

        async def clock(returns):
            back = {}
            for kind in used:
                for way in ("unused", "left"):
                    given = used[kind] > 0 and rng.random() < returns
                    back[f"{kind}_{way}"] = given
                    used[kind] -= given
            if await bench.clock(**back):
                event = bench.events[-1][1].event
                used["control"] += Event(event.event) not in SILENT
                used["payload"] += event.may_send
            assert used["control"] <= CONTROL and used["payload"] <= PAYLOAD

        for count in range(400):
            bench.asks = {name for name in ORDER if name in bench.asks or rng.random() < 0.2}
            bench.ctx.set(bench.port("replay").payload.walk, rng.choice(list(Walk)))
            bench.ctx.set(bench.port("rx").payload.opcode, rng.choice(list(Opcode)))
            await clock(0.5 if count // 100 % 2 else 0.1)
        sources = {source_of(entry.event) for _clock, entry in bench.events}
        assert sources == set(ORDER)
        bench.ctx.set(bench.port("replay").payload.walk, Walk.REPLAY)  # needs no other room
        for _ in range(80):
            await clock(0)
        assert used == {"control": CONTROL, "payload": PAYLOAD}

    run(job, config)


@pytest.mark.parametrize("opcode", Opcode)
def test_a_received_nack_is_promised_a_payload_if_there_is_room(opcode):
    """R7, R9: only a NACK, and without room it enters all the same."""

    async def job(bench):
        bench.returns = False
        bench.ctx.set(bench.port("rx").payload.opcode, opcode)
        assert await admitted(bench, "rx") == [CONTROL]
        promised = [entry.event.may_send for _clock, entry in bench.events]
        nack = opcode == Opcode.NACK
        assert promised == [1] * PAYLOAD * nack + [0] * (CONTROL - PAYLOAD * nack)

    run(job)
