"""The soak in its short form: right engines pass, each of a handful of defects is found.

One program is built of `tiny`. Its Verilog has defects in engine b that a plusarg switches on;
without it none is there.
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import ttpverif.cli as cli
from tests.long import long
from tests.sim.defects import with_defects
from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.native import compile as native
from ttpsim.soak import run as soak

ROOT = Path(__file__).resolve().parents[2]
RARE = "(&ttp_soak.status_clocks[4:0])"

# Places in engine b: (module, what is there, what it becomes). D3: defect number 3 is switched on.
PLACES = [
    ("_rx_parser", r"(= rst \? 1'h0 : \\port\S+ );", r"\1 & ~D1;"),
    (
        "",
        r"\.i_write__payload\(i_write__payload\)",
        ".i_write__payload(i_write__payload ^ ((D2 & RARE) << 20))",
    ),
    (
        "",
        r"\.i_verdict__payload\(i_verdict__payload\)",
        ".i_verdict__payload((i_verdict__payload | (D3 << DELIVER)) & ~((D4 & RARE) << DELIVER))",
    ),
    ("", r"\.i_free__valid\(i_free__valid\)", ".i_free__valid(i_free__valid & ~(D5 & RARE))"),
]
DEFECTS = {  # number -> (name, what the soak says)
    1: ("bad FCS ignored", "host b, VC"),
    2: ("payload altered in the replay memory", "host a.*a wrong byte"),
    3: ("dropped payload delivered", "host b.*another packet"),
    4: ("acknowledged payload not delivered", "host b.*another packet"),
    5: ("replay slot not freed", "no progress|free replay slots of b"),
}


def defective(verilog, config):
    """The Verilog with every defect of `DEFECTS`, off unless `+defect=<number>`."""
    words = {"RARE": RARE, "DELIVER": str(config.rx_slot_bits + 2)}
    places = []
    for module, pattern, replacement in PLACES:
        for word, meaning in words.items():
            replacement = replacement.replace(word, meaning)
        places.append((f"ttp_soak_engine_b{module}", pattern, replacement))
    return with_defects(verilog, "ttp_soak", places)


@pytest.fixture(scope="module")
def program():
    config = preset("tiny")
    verilog = defective(soak.soak_verilog(config), config)
    return soak.compile_soak(config, builds.Processes(), verilog=verilog, optimise=native.QUICK)[0]


def run(program, tmp_path, *arguments):
    """`(exit code, what it printed, results)`."""
    path = tmp_path / "soak.json"
    done = subprocess.run(
        [program, "--json", path, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout + done.stderr, json.loads(path.read_text())


@long
def test_right_engines_pass(program, tmp_path):
    code, said, result = run(
        program, tmp_path, "--seed", 1, "--rounds", 12, "--round-clocks", 200_000
    )
    assert code == 0, said
    assert result["next_round"] == 12 and result["errors"] == 0
    assert result["clocks"] > 2_400_000 and result["packets"] > 3000
    counts = result["counts"]
    # What the rounds are for has happened: these are no quiet wires and no links that stay open.
    for name in (
        "ab_lost",
        "ab_corrupted",
        "ab_doubled",
        "ab_held",
        "ba_lost",
        "closed",
        "a_payload_replayed",
        "b_drop_duplicate",
        "b_rx_bad_fcs",
        "a_drop_no_room",
        "b_timed_out",
        "a_link_held",
    ):
        assert counts[name] > 0, name
    for name in ("a_host_refused", "a_peer_restarted", "a_link_refused", "b_link_retries_used_up"):
        assert counts[name] == 0, name
    assert counts["a_bytes"] + counts["b_bytes"] == result["payload_bytes"] > 1_000_000


@long
@pytest.mark.parametrize("number", DEFECTS)
def test_defect_is_found(program, tmp_path, number):
    code, said, result = run(
        program,
        tmp_path,
        "--seed",
        1,
        "--rounds",
        12,
        "--round-clocks",
        200_000,
        f"+defect={number}",
    )
    name, words = DEFECTS[number]
    assert code == 1, f"not found: {name}\n{said}"
    assert re.search(words, result["failure"]), said
    assert result["errors"] == 1
    # The round that failed fails again by itself.
    failed = result["next_round"]
    code, _said, alone = run(
        program,
        tmp_path,
        "--seed",
        1,
        "--first",
        failed,
        "--rounds",
        1,
        "--round-clocks",
        200_000,
        f"+defect={number}",
    )
    assert code == 1 and alone["failure"] == result["failure"]


@long
def test_rounds_are_the_same_alone(program, tmp_path):
    both, first, second = (
        run(
            program,
            tmp_path,
            "--seed",
            5,
            "--first",
            start,
            "--rounds",
            rounds,
            "--round-clocks",
            50_000,
        )[2]["counts"]
        for start, rounds in ((0, 2), (0, 1), (1, 1))
    )
    assert both == {name: count + second[name] for name, count in first.items()}
    assert first != second


@long
def test_main_reports_and_resumes(program, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(soak, "compile_soak", lambda *_arguments: (program, ".vcd"))
    monkeypatch.setattr(soak, "RESULTS", tmp_path / "verify" / "soak.json")
    words = ["soak", "--preset", "tiny", "--seed", "3", "--rounds", "2", "--round-clocks", "30000"]
    assert cli.main(words) == 0
    first = json.loads(soak.RESULTS.read_text())["tiny"]
    assert first["next_round"] == 2 and first["clocks_per_second"] > 0
    assert cli.main([*words, "--resume"]) == 0
    second = json.loads(soak.RESULTS.read_text())["tiny"]
    assert (second["first_round"], second["next_round"]) == (0, 4)
    assert second["packets"] > first["packets"] and second["clocks"] > 120_000
    assert cli.main(["soak", "--preset", "tiny", "--seed", "4", "--resume"]) == 2
    assert "nothing to resume for --preset tiny --seed 4" in capfd.readouterr().err


@long
def test_ctrl_c_is_130_with_a_summary(program, tmp_path):
    """Of this process alone: the program must hear of it, too."""
    timer = threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    code, result = soak.run_soak(program, clocks=10**9, output=subprocess.DEVNULL)
    assert code == 130 and result["clocks"] > 0 and result["next_round"] == 0


@long
def test_interrupted_with_a_summary(program, tmp_path):
    process = subprocess.Popen(
        [program, "--clocks", "1000000000", "--json", tmp_path / "soak.json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    until_caught(process, signal.SIGINT)  # however slow the machine is
    process.send_signal(signal.SIGINT)
    said, _none = process.communicate(timeout=300)
    result = json.loads((tmp_path / "soak.json").read_text())
    assert result["clocks"] > 0 and result["errors"] == 0
    assert f"interrupted in round {result['next_round']}" in said


def until_caught(process, number):
    """Wait until the process has a handler for the signal."""
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        if int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> (number - 1) & 1:
            return
        time.sleep(0.01)
