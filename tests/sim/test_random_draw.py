"""Constrained random without hardware: what is drawn, the wires, shrinking, scripts in files."""

import dataclasses
import json
import random
from collections import Counter

import pytest

from tests.sim.test_random import scripts
from tests.ttpoe_process import refused
from ttpoe.config import Config
from ttpsim.random import campaign
from ttpsim.scenario import failures
from ttpverif.frames.datagram import Network, is_marked, pack, parse
from ttpverif.frames.frame import ETHERTYPE_IPV4, Frame, Opcode, node_to_mac
from ttpverif.randomised.draw import draw_config, draw_script
from ttpverif.randomised.script import Script, ScriptError
from ttpverif.randomised.shrink import shrink
from ttpverif.randomised.wire import FaultyWire


def test_everything_follows_from_the_seed():
    one, same, other = campaign.Plan(5), campaign.Plan(5), campaign.Plan(6)
    for case in range(8):
        assert one.script(case).to_dict() == same.script(case).to_dict()
        assert one.script(case).to_dict() != other.script(case).to_dict()


def test_what_is_drawn_is_valid():
    widths, tops = set(), set()
    for number in range(60):
        rng = random.Random(number)
        fields, top = draw_config(rng, f"drawn_{number}")
        Config(**fields)
        for kind in ("mixed", "harsh", "bulk"):
            draw_script(rng, fields, top, kind, 20).check()
        widths.add(fields["width_bits"])
        tops.add(top)
    assert widths == {64, 128, 256, 512} and tops == {"engine", "managed_nic"}


def test_congestion_control_is_off_at_times_and_changes():
    off, changes = 0, set()
    for number in range(120):
        rng = random.Random(number)
        fields, top = draw_config(rng, f"drawn_{number}")
        script = draw_script(rng, fields, top, "mixed", 20)
        off += sum(values.get("congestion") == 0 for values in script.settings.values())
        changes |= {tuple(event[3:]) for event in script.events if event[3:4] == ["congestion"]}
    assert 20 < off < 120 and changes == {("congestion", 0), ("congestion", 1)}


def test_the_ipv4_form_is_drawn_with_routers_and_strangers():
    """Both forms and both kinds of engine; where the form is not built nothing is said of it."""
    seen, built = Counter(), Counter()
    for number in range(80):
        rng = random.Random(number)
        fields, top = draw_config(rng, f"drawn_{number}")
        script = draw_script(rng, fields, top, "harsh", 20)
        built[fields["encapsulation"], top] += 1
        said = [name for values in script.settings.values() for name in values if "ipv4" in name]
        kinds = {event[1] for event in script.events}
        if fields["encapsulation"] == "ethernet":
            assert not said and "datagram" not in kinds
            continue
        prefixes = {values["ipv4_prefix"] for values in script.settings.values()}
        assert len(prefixes) == 1, "the nodes would never meet"
        seen.update(kinds & {"datagram", "foreign"})
        seen["router"] += "ipv4_router_lower" in said
        seen.update(values["ipv4"] for values in script.settings.values())
        seen["prefix"] += prefixes != {10}
    assert len(built) == 4 and all(count > 1 for count in built.values())
    assert all(seen[name] > 3 for name in (0, 1, "router", "prefix", "datagram", "foreign")), seen


def test_a_wire_with_a_router():
    """Datagrams to its MAC go on to the sink, some of them marked; all else passes as it is."""
    router, sink, network = b"\2\0\0\0\0\1", node_to_mac(2), Network(mask=1, router=b"\2\0\0\0\0\1")
    wire = FaultyWire("ab", 1)
    wire.through(router, sink)
    plain = Frame(1, 2, Opcode.ACK, 2)
    routed = pack(dataclasses.replace(plain, ethertype=ETHERTYPE_IPV4), network)
    near = pack(dataclasses.replace(plain, ethertype=ETHERTYPE_IPV4), Network())
    for data in (plain.pack(), near, *[routed] * 100):
        wire.push(data, 0)
    first, second, *rest = [data for data, _bad in wire.pop(0)]
    assert (first, second) == (plain.pack(), near)
    assert all(parse(data, network, 2)[1] is None and data[22] == 8 for data in rest)
    assert 5 < sum(map(is_marked, rest)) < 50
    assert {data[:12] for data in rest} == {sink + router}
    for _ in range(20):  # marked or not, a datagram whose TTL is used up goes no further
        wire.push(routed[:22] + b"\1" + routed[23:], 1)
    assert not wire


def test_shrinking_finds_the_two_lines():
    """A failure that needs one event, one fault and nothing else."""
    script = next(scripts(3, 1))
    faults = [["ab", "ACK", 0, nth, "late", 5] for nth in range(30)]
    needed = script.events[len(script.events) // 2]
    played = []

    def fails(candidate):
        played.append(candidate)
        return (
            any(event[1] == needed[1] and event[2:4] == needed[2:4] for event in candidate.events)
            and candidate.faults is not None
            and ["ab", "ACK", 0, 17, "late", 5] in candidate.faults
        )

    short, tries = shrink(script, fails, faults)
    assert (len(short.events), len(short.faults)) == (1, 1) and tries == len(played) < 200
    assert short.events[0][0] == 0


def test_report_of_a_failure(tmp_path, monkeypatch):
    """The short script and the whole case are written, and both commands are named."""
    monkeypatch.setattr(failures, "BUILD", tmp_path)
    script = next(scripts(3, 1))
    needed = next(event for event in script.events if event[1] == "send")

    class Server:
        def play(self, candidate):
            there = any(event[1:5] == needed[1:5] for event in candidate.events)
            return {
                "kind": "StuckError",
                "failure": "stuck, for ever" if there else None,
                "clock": needed[0] + 10,
                "noted": [],
            }

    server = Server()
    text = failures.report_failure(server, script, server.play(script), 3, 17)
    short = Script.load(tmp_path / "fail-3.json")
    assert len(short.events) == 1 and short.events[0][1:5] == needed[1:5]
    assert Script.load(tmp_path / "fail-3-whole.json") == script
    assert f"repeat: ttpoe random --script {tmp_path / 'fail-3.json'}" in text
    assert f"{script.lines} lines shrunk to 1 in" in text and "(--seed 3, case 17)" in text


def test_wire_notes_what_it_does():
    """A wire with the listed faults of another does the same to the same frames."""
    frames = [
        bytes([0x98, 0xED, 0x5C, 0, 0, 1] * 2 + [0x0A, 0xC6])
        + bytes(28)
        + bytes([op, vc])
        + bytes([n] * 40)
        for n in range(200)
        for op, vc in ((6, 2), (7, n % 3))
    ]

    def through(wire):
        wire.rates(200, 100, 100, 100, 10, 50)
        for now, frame in enumerate(frames):
            wire.push(frame, now)
        return wire.pop(10_000)

    drawn = FaultyWire("ab", 4)
    arrived = through(drawn)
    assert arrived == through(FaultyWire("ab", 9, drawn.noted))
    assert arrived != through(FaultyWire("ab", 9, drawn.noted[1:]))
    assert set(drawn.counters) == {"lose", "corrupt", "late", "double"}
    assert sum(bad for _data, bad in arrived) >= drawn.counters["corrupt"] > 0


@pytest.mark.parametrize(
    "change, words",
    [
        ({"events": [[0, "sing", "a"]]}, "kind one of send, open"),
        ({"events": [[0, "send", "a", 3, "peer", 1]]}, "wrong values for 'send'"),
        ({"events": [[9, "open", "a", 1, "peer"], [8, "open", "a", 1, "peer"]]}, "order of their"),
        ({"faults": [["ab", "ACK", 0, 0, "eat", 0]]}, "action one of lose"),
        ({"settings": {"c": {}}}, "settings of 'c'"),
        (
            {"lockstep": False, "events": [[0, "open", "a", 1, "peer"]]},
            "without lockstep there are",
        ),
        ({"lockstep": False, "events": [], "settings": {"a": {"max_retry": 2}}}, "got max_retry"),
    ],
)
def test_bad_script(change, words):
    with pytest.raises(ScriptError, match=words):
        Script.from_dict(next(scripts(1, 1)).to_dict() | change)


@pytest.mark.parametrize(
    "words, said",
    [
        (["--cases", "0"], "--cases: must be a whole number from 1 to"),
        (["--script", "missing.json"], "cannot read missing.json"),
        (["--resume", "--seed", "987654"], "nothing to resume for --seed 987654"),
    ],
)
def test_bad_input(words, said):
    assert said in refused("random", *words)


def test_saved_script_is_read_again(tmp_path):
    script = next(scripts(2, 1))
    script.save(tmp_path / "s.json", "why")
    assert Script.load(tmp_path / "s.json") == script
    assert json.loads((tmp_path / "s.json").read_text())["failure"] == "why"
