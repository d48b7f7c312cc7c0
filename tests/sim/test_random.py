"""Constrained random in its short form, and a test of the tester: defects are found and shrunk.

One simulator is built of `tiny`. Its Verilog has defects that a plusarg switches on; without it
none is there. `--all-defects` (an option of pytest) tries all of them and keeps what it found, of
which docs/evidence/random.md has a table; `make test` tries some.
"""

import dataclasses
import json
import random
import re
from collections import Counter

import pytest

from tests.ttpoe_process import refused
from ttpoe.config import Config, preset
from ttpoe.pipeline.records import guards_layout
from ttpsim.build import builds
from ttpsim.campaign.origin import origin
from ttpsim.pages.random import DEFECTS_FOUND
from ttpsim.random import campaign
from ttpsim.random.script_server import ScriptServer
from ttpsim.scenario import failures
from ttpverif.frames.datagram import Network, is_marked, pack, parse
from ttpverif.frames.frame import ETHERTYPE_IPV4, Frame, Opcode, node_to_mac
from ttpverif.randomised.draw import draw_config, draw_script
from ttpverif.randomised.script import Script, ScriptError
from ttpverif.randomised.shrink import shrink
from ttpverif.randomised.wire import FaultyWire

CONFIG = preset("tiny").replace(name="tiny_defects")

_GUARDS = r"\.i_guards\((\{[^}]+\})\)"  # what the state table sees of the guards


def _bit(guard):
    return guards_layout()[guard].offset


# Where: (module, what is there, what it becomes). D3: defect number 3 is switched on.
PLACES = [
    (
        "_pipeline_decide",
        _GUARDS,
        rf".i_guards(\1 & ~(D1 << {_bit('STALE')}) & ~(D5 << {_bit('KEEP_OK')})"
        rf" | (D9 << {_bit('OWN_EPOCH')}))",
    ),
    (
        "_pipeline_decide_guards",
        r"= in_order == 1'h1;",
        r"= (in_order == 1) | (D2 & (in_order == 2));",
    ),
    ("", r"\.i_verdict__payload\(([^;\n]+)\)", r".i_verdict__payload(\1 | (D3 << DELIVER))"),
    (
        "_commit_outcomes",
        r"assign o_free__valid = ([^;]+);",
        r"assign o_free__valid = (\1) & ~(D4 & \\o_free__payload.whole_link );",
    ),
    ("_rx_parser", r"(?<!error  = )(i_frame__payload\[73\])", r"(\1 & ~D6)"),
    ("_slot_writer", r"\.i_retry\(i_retry\)", ".i_retry(i_retry & ~D7)"),
    ("_rx", r"\.w_en\(i_dropped__valid\)", ".w_en(i_dropped__valid & ~D8)"),
]
DEFECTS = {  # number -> (name, what is said, tried by `make test`)
    1: ("epoch not checked", "frame|state|hardware", False),
    2: ("serial comparison off by one: r + 2 taken for r + 1", "hardware", False),
    3: ("packets that were dropped are delivered", "hardware|delivered|host got", True),
    4: ("replay slots not freed when a link ends", "replay slots are free|not within", False),
    5: ("nothing is kept behind a gap", "was not kept", False),
    6: ("bad FCS ignored", "no such frame|hardware|statistics", False),
    7: ("a blocked packet is never tried again", "not within", False),
    8: (
        "receive slots of dropped packets not freed",
        "receive memory|not within|statistics",
        False,
    ),
    9: ("epoch of NACK_NOLINK not checked", "hardware|numbers", False),
}
SEED = 13
"""Of the cases in which a defect is looked for."""
COMMAND = ".venv/bin/python -m pytest tests/sim/test_random.py -k defect --all-defects"


def defective(verilog, config):
    """The Verilog with every defect of `DEFECTS`, off unless `+defect=<number>`."""
    parts = re.split(r"(?m)^(?=module )", verilog)
    for module, pattern, replacement in PLACES:
        replacement = re.sub(r"\bD(\d+)\b", r"(defect == \1)", replacement)
        replacement = replacement.replace("DELIVER", str(config.rx_slot_bits + 2))
        at = next(
            n for n, part in enumerate(parts) if part.startswith(f"module ttp_engine_core{module}(")
        )
        text, found = re.subn(pattern, replacement, parts[at])
        assert found, f"no {pattern} in {module}"
        if "reg [7:0] defect;" not in text:
            text = text.replace(
                ");\n",
                ");\n  reg [7:0] defect;\n  initial if (!$value$plusargs("
                '"defect=%d", defect)) defect = 0;\n',
                1,
            )
        parts[at] = text
    return "".join(parts)


@pytest.fixture(scope="module")
def server():
    """Gives a `ScriptServer` for a defect (0: none)."""
    try:
        builds.check_simulator("verilator")
    except builds.SetupError as error:
        pytest.skip(str(error))
    processes, servers = builds.Processes(), {}
    right = builds.emitted(CONFIG, processes)
    core = right.with_name(f"defects-{right.name}")
    core.write_text(defective(right.read_text(), CONFIG))

    def serve(defect):
        if defect not in servers:
            servers[defect] = ScriptServer(
                CONFIG, "engine", processes, core=core, plusargs=[f"+defect={defect}"]
            )
        return servers[defect]

    yield serve
    for used in servers.values():
        used.close()


@pytest.fixture(scope="session")
def every(pytestconfig):
    """All defects are asked for."""
    return pytestconfig.getoption("--all-defects")


def pytest_generate_tests(metafunc):
    if "number" in metafunc.fixturenames:
        metafunc.parametrize(
            "number",
            [
                number
                for number, (*_, quick) in DEFECTS.items()
                if quick or metafunc.config.getoption("--all-defects")
            ],
        )


@pytest.fixture(scope="module")
def rows(every):
    """`{number: what was found}`; of all defects it is kept for docs/evidence/random.md."""
    rows, made = {}, origin(COMMAND, SEED)
    yield rows
    if every and rows.keys() == DEFECTS.keys():
        found = {"origin": made, "defects": [rows[number] for number in DEFECTS]}
        DEFECTS_FOUND.write_text(json.dumps(found, indent=1) + "\n")


def scripts(seed, count):
    for case in range(count):
        rng = random.Random(f"{seed}/{case}")
        kind = rng.choice(("mixed", "mixed", "harsh"))
        yield draw_script(rng, dataclasses.asdict(CONFIG), "engine", kind)


def test_right_engines_pass(server):
    faults, delivered = set(), 0
    for script in scripts(11, 6):
        result = server(0).play(script)
        assert result["failure"] is None, f"{script.to_dict()}\n{result['failure']}"
        faults |= result["faults"].keys()
        delivered += result["delivered"]
    assert faults == {"lose", "corrupt", "late", "double"} and delivered > 100


def bulk(seed, packets=150):
    """A case of the long form, by the scoreboard alone."""
    script = draw_script(random.Random(seed), dataclasses.asdict(CONFIG), "engine", "bulk", packets)
    script.lockstep = False
    return script


def test_long_form_by_the_scoreboard_alone(server):
    """Right engines pass; a defect is seen by the hosts, and again with the model in lockstep."""
    script = bulk(4)
    result = server(0).play(script)
    assert result["failure"] is None and result["delivered"] == 150
    assert result["replays"] > 10 and result["faults"]["lose"] > 10 and not result["cells"]
    broken = server(3).play(script)
    assert broken["kind"] in ("DeliveryError", "CountError"), broken["failure"]
    followed, closer = failures.with_model(server(3), script, broken)
    assert followed.lockstep and closer["failure"] and closer["clock"] <= broken["clock"]


@pytest.mark.parametrize("fixed", [0, 1])
def test_a_late_open_ack_opens_nothing_but_with_fixed_ids(server, fixed):
    """The OPEN_ACK of one incarnation comes again while the next one is opened (decision L11)."""
    both = {"timer_tick": 2000 // CONFIG.links, "init_id": 1, "fixed_open_id": fixed}
    script = Script(
        dataclasses.asdict(CONFIG),
        "engine",
        1,
        {"a": both, "b": both},
        [
            [0, "wire", "ab", 0, 0, 0, 0, 20, 1],
            [0, "wire", "ba", 0, 0, 0, 0, 20, 1],
            [0, "open", "a", 1, "peer"],
            [400, "close", "a", 1, "peer"],
            [1500, "open", "a", 1, "peer"],
            [3000, "send", "a", 1, "peer", 8],
        ],
        [["ba", "OPEN_ACK", 1, 0, "double", 1460], ["ba", "OPEN_ACK", 1, 1, "lose", 0]],
    )
    result = server(0).play(script)
    if fixed:
        assert result["kind"] == "StuckError" and "acknowledged" in result["failure"]
    else:
        assert result["failure"] is None, result["failure"]


def test_a_script_is_the_same_again(server):
    """Also with its faults listed instead of drawn, which shrinking builds on."""
    script = next(scripts(12, 1))
    first = server(0).play(script)
    assert first == server(0).play(script) and first["noted"]
    listed = Script.from_dict(script.to_dict() | {"faults": first["noted"]})
    assert server(0).play(listed) == first | {"noted": []}


def test_defect_is_found_and_shrunk(server, rows, number, every):
    name, words, _quick = DEFECTS[number]
    packets = 0
    for case, script in enumerate(scripts(SEED, 40 if every else 12)):
        result = server(number).play(script)
        packets += result["delivered"]
        if result["failure"]:
            break
    assert result["failure"], f"not found in {case + 1} cases: {name}"
    assert re.search(words, result["failure"]), result["failure"]
    short, tries, last = failures.shrink_failure(
        server(number), script, result, 100 if every else 30
    )
    assert short.lines < script.lines and last["kind"] == result["kind"]
    assert server(0).play(short)["failure"] is None, "the script blames right engines"
    rows[number] = {
        "defect": name,
        "case": case + 1,
        "packets": packets,
        "lines": script.lines,
        "short": short.lines,
        "tries": tries,
    }
    if every:
        print(f"\n{rows[number]}\n{failures.first_line(last)[:90]}")


# ---- without hardware --------------------------------------------------------------------------


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
