"""Bad frames and resets in their short form: the engine passes, each of some defects is found.

One program is built of `tiny`. Its Verilog has defects that a plusarg switches on; without it
none is there.
"""

import re
import subprocess
from pathlib import Path

import pytest

import ttpverif.cli as cli
from tests.long import long
from tests.sim.defects import with_defects
from ttpoe.config import preset
from ttpoe.pipeline.records import guards_layout
from ttpsim.abuse import build as abuse_build
from ttpsim.abuse import run as abuse
from ttpsim.abuse import x_search as abuse_x
from ttpsim.build import builds

ROOT = Path(__file__).resolve().parents[2]
CONFIG = preset("tiny")

_GUARDS = r"\.i_guards\((\{[^}\n]*\}[^{}\n]*)\),"  # what the state table sees of the guards


def _bit(guard):
    return guards_layout()[guard].offset


# Places: (module, what is there, what it becomes). D3: defect number 3 is switched on.
PLACES = [
    ("rx_parser", r"(\{ index, last_octet\[2:0\] \} < needed);", r"(\1) & ~D1;"),
    ("rx_parser", r"not_ours <= (\w+);", r"not_ours <= \1 & ~D2;"),
    ("pipeline_decide_guards", r"assign in_window = ([^;]*);", r"assign in_window = (\1) | D3;"),
    ("pipeline_decide", _GUARDS, rf".i_guards(\1 & ~(D4 << {_bit('STALE')})),"),
    ("timer", r"= rst (\? 24'h000000)", r"= (rst & ~D5) \1"),
    ("pipeline_read", r"assign full = ([^;]*);", r"assign full = (\1) & ~D6;"),
    ("pipeline_decide", _GUARDS, rf".i_guards(\1 & ~(D7 << {_bit('RETRIES_UP')})),"),
]
DEFECTS = {  # number -> (name, mode, what is said)
    1: ("parser ignores the length", "parse", "without a frame|must be|not what it is"),
    2: ("frame to another MAC accepted", "parse", "without a frame|must be|not what it is"),
    3: ("forged ACK frees slots", "forged", "counted as|changed the tag|is due"),
    4: ("epoch not checked", "forged", "counted as|state has changed"),
    5: ("a register without reset", "reset", "not what it is in a new engine"),
    6: ("place taken in a full set", "flood", "without a free way|carries data"),
    7: ("links of silent peers stay", "flood", "never end"),
}


def defective(verilog, numbers=tuple(DEFECTS)):
    """The Verilog with these defects of `DEFECTS`, off unless `+defect=<number>`."""
    places = [
        (f"ttp_engine_core_{module}", pattern, replacement)
        for number, (module, pattern, replacement) in enumerate(PLACES, 1)
        if number in numbers
    ]
    return with_defects(verilog, "ttp_engine", places)


@pytest.fixture(scope="module")
def program():
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    return abuse_build.compile_abuse(CONFIG, processes, defective(verilog))


def run(program, mode, count=0, seed=1, defect=None, **numbers):
    feed = (
        abuse.floods(seed, count, 3)
        if mode == "flood"
        else abuse.records(mode, seed, count, CONFIG.slots)
        if count
        else ()
    )
    plus = [f"+defect={defect}"] if defect else []
    return abuse.run_program(program, mode, seed, feed, subprocess.DEVNULL, plus, **numbers)


def test_frames_that_do_not_parse_disturb_nothing(program):
    code, result = run(program, "parse", 2500)
    assert code == 0, result["failure"]
    assert result["bad_frames"] == sum(result["causes"].values()) == 2500
    assert set(result["causes"]) == set(abuse.CAUSES), "every cause, and all were right"
    assert result["packets"] > 200
    assert result["stalled_takes"] >= result["stalled_takes_clean"] > 0


@pytest.mark.parametrize("mode", ["forged", "go_back_n"])
def test_forged_frames_change_no_link(program, mode):
    code, result = run(program, mode, 1000)
    assert code == 0, result["failure"]
    assert result["bad_frames"] == 1000 and result["forged_events"] == 750
    assert sum(result["causes"].values()) == 250
    assert {
        "drop_stale",
        "drop_bad_ack",
        "drop_unexpected",
        "drop_no_link",
        "drop_duplicate",
    } <= set(result["stats"])
    assert result["stalled_takes"] >= result["stalled_takes_clean"] > 0


def test_reset_leaves_nothing_behind(program):
    code, result = run(program, "reset", every=90)
    assert code == 0, result["failure"]
    assert result["resets"] >= 10 and result["packets_after"] == 18 * result["resets"]
    assert result["told_restarted"] + result["told_down"] > 0


def test_links_with_data_survive_a_flood_of_opens(program):
    code, result = run(program, "flood", 400)
    assert code == 0, result["failure"]
    assert result["opens"] == 403 and result["newcomers"] == 3
    assert result["opened"] > 10 and result["refused"] > 200 and result["closed_as_victims"] > 5
    share = max(result["wire_share_of_flood"], result["wire_share_of_answers"])
    assert result["packets"] > 0.8 * (1 - share) * result["packets_without_flood"]
    assert result["stalled_takes"] >= result["stalled_takes_clean"] > 0


@pytest.mark.icarus
@pytest.mark.parametrize("defect", [False, True])
def test_no_output_is_x_after_reset(defect):
    verilog = builds.emitted(CONFIG, builds.Processes()).read_text()
    if defect:
        verilog = defective(verilog, (5,)).replace("ttp_engine.defect == 5", "1'b1")
    folder = builds.BUILD / f"x-test-{defect}"
    code, result = abuse_x.run_x(folder, verilog, builds.Processes(), 0, 60, 45)
    assert (code, defect) in ((0, False), (1, True)), result["failure"]
    if defect:
        assert "is X in clock" in result["failure"]
    else:
        assert result["resets"] == 4 and result["packets"] >= 24


@pytest.mark.parametrize("number", DEFECTS)
def test_defect_is_found(program, number):
    name, mode, words = DEFECTS[number]
    numbers = {"every": 90} if mode == "reset" else {}
    count = {"reset": 0, "flood": 100}.get(mode, 3000)
    code, result = run(program, mode, count, defect=number, **numbers)
    assert code == 1, f"not found: {name}"
    assert re.search(words, result["failure"]), result["failure"]


IPV4 = CONFIG.replace(name="tiny_ipv4", encapsulation="ipv4")
IPV4_PLACES = [  # the checksum, the port, the address: not looked at
    ("checks", r"assign (\w+) = (\w+ == 16'hffff);", r"assign \1 = \2 | D1;"),
    ("match", r"assign (\w+) = ([^;]* == 9'h1a4);", r"assign \1 = (\2) | D2;"),
    ("checks", r"assign o_not_ours = ([^;]*);", r"assign o_not_ours = (\1) & ~D3;"),
]


@pytest.fixture(scope="module")
def datagram_program():
    processes = builds.Processes()
    verilog = builds.emitted(IPV4, processes).read_text()
    places = [(f"ttp_engine_core_rx_parser_{block}", *more) for block, *more in IPV4_PLACES]
    verilog = with_defects(verilog, "ttp_engine", places)
    return abuse_build.compile_abuse(IPV4, processes, verilog)


@long
def test_bad_datagrams_disturb_nothing(datagram_program):
    code, result = run(datagram_program, "datagrams", 6000)
    assert code == 0, result["failure"]
    assert result["bad_frames"] == sum(result["causes"].values()) == 6000
    assert set(result["causes"]) == set(abuse.CAUSES) and result["packets"] > 200


@long
@pytest.mark.parametrize("number", range(1, 1 + len(IPV4_PLACES)))
def test_a_defect_of_the_datagram_parser_is_found(datagram_program, number):
    code, result = run(datagram_program, "datagrams", 6000, defect=number)
    assert code == 1 and re.search("without a frame|must be|not what it is", result["failure"])


def test_a_failure_names_the_command_that_repeats_it(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(abuse, "RESULTS", abuse.ROOT / "build" / tmp_path.name / "abuse.json")
    monkeypatch.setattr(abuse, "compile_abuse", lambda *_: "program")
    monkeypatch.setattr(abuse, "run_program", lambda *_, **__: (1, {"failure": "bad"}))
    words = ["abuse", "flood", "--seed", "7", "--frames", "100", "--long"]
    assert cli.main(words) == 1
    out = capsys.readouterr().out
    assert "again: ttpoe abuse flood --preset tiny --seed 7 --frames 100 --long\n" in out
    assert out.splitlines()[-1].startswith("[abuse] FAILED")
