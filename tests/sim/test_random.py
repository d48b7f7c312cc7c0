"""Constrained random in its short form, and a test of the tester: defects are found and shrunk.

One simulator is built of `tiny`. Its Verilog has defects that a plusarg switches on; without it
none is there. `--all-defects` (an option of pytest) tries all of them and keeps what it found, of
which docs/evidence/random.md has a table; `make test` tries some.
"""

import dataclasses
import json
import random
import re

import pytest

from ttpoe.config import preset
from ttpoe.pipeline.records import guards_layout
from ttpsim.build import builds
from ttpsim.campaign.origin import origin
from ttpsim.pages.random import DEFECTS_FOUND
from ttpsim.random.script_server import ScriptServer
from ttpsim.scenario import failures
from ttpverif.randomised.draw import draw_script
from ttpverif.randomised.script import Script

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
