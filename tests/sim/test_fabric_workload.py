"""`ttpoe fabric --workload FILE`: messages of a file, played; and what is refused, in one line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ttpverif.cli as cli
from tests.sim.test_fabric_checkpoint import stopped
from tests.sim.test_fabric_processes import compiled, needs_mpi
from tests.sim.test_fabric_processes import run as whole
from ttpsim.fabric import run as fabric
from ttpsim.fabric import workload

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "fabric"
HEAD = ",".join(workload.COLUMNS)
QUICK = ["fabric", "--preset", "tiny", "--nodes", "4"]
BEATS = 136  # of a packet of 1,024 bytes


@pytest.fixture
def played(monkeypatch, tmp_path):
    """Plays the text of a workload in the program of test_fabric; its results, messages by id."""
    program = compiled(mpi=False)
    monkeypatch.setattr(fabric, "compile_fabric", lambda *_, **__: program)

    def run(text, *words):
        file, results = tmp_path / "work.csv", tmp_path / "results.json"
        file.write_text(text)
        more = ["--workload", str(file), "--results", str(results), *words]
        assert cli.main([*QUICK, *more]) == 0
        found = json.loads(results.read_text())
        return found, {message["id"]: message for message in found["messages"]}

    return run


def example(name, *words):
    """What a program of examples/fabric prints."""
    command = [sys.executable, EXAMPLES / name, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_message_is_as_many_packets_as_it_needs(played):
    found, messages = played(f"{HEAD}\na,0,1,2500,0,\nb,2,3,1,700,\nc,0,1,1024,0,\n")
    assert [messages[name]["packets"] for name in "abc"] == [3, 1, 1]
    assert found["payload_bytes"] == 2500 + 1 + 1024 and found["packets"] == 5
    flows = {(flow["from"], flow["to"]): flow["bytes"] for flow in found["flows"]}
    assert flows == {(0, 1): 3524, (2, 3): 1}
    assert messages["b"]["began"] >= 700 and messages["b"]["completed"] > 700
    a, c = messages["a"], messages["c"]
    assert a["completed"] < c["completed"] == found["completed"]
    assert a["completed"] - a["began"] > 2500 / 8
    made = found["origin"]
    assert "ttpoe fabric --preset tiny --workload /" in made["command"] and made["seeds"] == "1"
    assert made["revision"] and "core" in made["machine"]
    assert found["ideal"] == 3 * BEATS + (60 + 2500 - 2048) // 8


def test_a_message_waits_for_those_before_it(played):
    text = f"{HEAD}\nz,1,2,3000,0,x y\nx,0,1,5000,0,\ny,3,1,64,4000,\n"
    _found, messages = played(text)
    assert messages["z"]["began"] >= max(messages["x"]["completed"], messages["y"]["completed"])
    assert messages["y"]["began"] >= 4000 > messages["x"]["completed"]
    assert messages["x"]["began"] == 0


def test_a_late_start_is_no_hang(played):
    """Nothing arrives for longer than it would take to notice a hang."""
    text = f"{HEAD}\na,0,1,1,0,\nb,1,0,1,40000,a\n"
    found, messages = played(text, "--tick", "8", "--buffer", "4096")
    assert messages["b"]["began"] >= 40_000 and found["packets"] == 2


@pytest.mark.parametrize(
    "name, words, sent",
    [
        ("ring_all_reduce.py", ("4", "20000"), 2 * 3 * 20000),
        ("all_to_all.py", ("4", "3000"), 4 * 3 * 3000),
        ("all_to_all.py", ("4", "3000", "steps"), 4 * 3 * 3000),
    ],
)
def test_the_examples_are_played_over_a_bad_network(played, name, words, sent):
    found, messages = played(example(name, *words), "--loss", "2", "--seed", "3")
    assert found["payload_bytes"] == sent and found["lost"] > 0
    assert all(message["completed"] > message["began"] for message in messages.values())
    for message in messages.values():  # s2n1: step 2, node 1
        step, node = map(int, re.fullmatch(r"s(\d+)n(\d+)", message["id"]).groups())
        before = f"s{step - 1}n{(node - 1) % 4}"
        if name.startswith("ring") and step:
            assert message["began"] >= messages[before]["completed"]


def the_words(folder):
    """Those of the native program for a ring of four, over a network that loses frames."""
    text, file = folder / "ring.csv", folder / "ring.txt"
    text.write_text(example("ring_all_reduce.py", "4", "60000"))
    file.write_text(workload.native(workload.read(text, 4)))
    return ["--workload", file], {"NODES": 4, "LOSS_PPM": 9000}


def test_it_stops_and_goes_on(tmp_path):
    program = compiled(mpi=False)
    words, settings = the_words(tmp_path)
    wanted = whole(program, "workload", settings, tmp_path, words)
    assert wanted[0] == 0 and len(wanted[1][2]["messages"]) == 24
    more = stopped(program, "workload", settings, tmp_path, plus=words)
    assert whole(program, "workload", settings, tmp_path, [*words, *more]) == wanted


@needs_mpi
def test_processes_play_it_together(tmp_path):
    words, settings = the_words(tmp_path)
    wanted = whole(compiled(mpi=False), "workload", settings, tmp_path, words)
    for partition in ("block", "stripe"):
        plus = [*words, "--partition", partition]
        found = whole(compiled(mpi=True), "workload", settings, tmp_path, plus, processes=2)
        assert found == wanted


@pytest.mark.parametrize(
    "lines, said",
    [
        (["a,0,4,1,0,"], "line 2: destination 4 does not exist, --nodes is 4"),
        (["a,0,1,1,0,", "b,9,1,1,0,"], "line 3: source 9 does not exist"),
        (["a,0,1,0,0,"], "line 2: bytes must be a whole number from 1 to"),
        (["a,0,1,-5,0,"], "line 2: bytes must be a whole number from 1 to"),
        ([f"a,0,1,{2**41},0,"], "line 2: bytes must be a whole number from 1 to"),
        (["a,0,1,x,0,"], "line 2: bytes must be a whole number"),
        (["a,0,0,1,0,"], "source and destination are both node 0"),
        (["a,0,1,1,-1,"], "line 2: start must be a whole number"),
        (["a,0,1,1,0,b"], "it is after 'b', which does not exist"),
        (["a,0,1,1,0,", "a,0,1,1,0,"], "line 3: id 'a' is there twice"),
        (["a,0,1,1,0,", "b,0,2,1,0,a"], "it is after 'a', which does not go to its source, node 0"),
        (["a,0,1,1,0,b", "b,1,0,1,0,a"], "a cycle: each of a, b waits for another"),
        (["a,0,1,1,0,b", "b,1,0,1,0,c", "c,0,1,1,0,"], "a cycle: each of"),
        (["a,0,1,1,0"], "line 2: it must have 6 fields"),
        ([",0,1,1,0,"], "id must be a word"),
        ([], "there is no message in it"),
        ([f"a{n},0,1,{2**40},0," for n in range(3)], f"more than {2**31} packets"),
    ],
)
def test_bad_workloads(capsys, tmp_path, lines, said):
    file = tmp_path / "work.csv"
    file.write_text("\n".join([HEAD, *lines]) + "\n")
    assert cli.main([*QUICK, "--workload", str(file)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ttpoe fabric: ") and said in error and error.count("\n") == 1


def test_bad_input(capsys, tmp_path):
    file = tmp_path / "work.csv"
    for text, words, said in (
        (None, (), "No such file"),
        ("a,b\n", (), f"its first line must be {HEAD}"),
        (f'{HEAD}\n"a,0,1,1,0,\n', (), "it is no CSV"),
        (f"{HEAD}\na,0,1,1,0,\n", ("--clocks", "9"), "leave out --clocks"),
        (f"{HEAD}\na,0,1,1,0,\n", ("--spread", "9"), "leave out --spread"),
    ):
        if text is not None:
            file.write_text(text)
        assert cli.main([*QUICK, "--workload", str(file), *words]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def test_a_failure_names_the_workload(monkeypatch, capsys, tmp_path):
    file = tmp_path / "work.csv"
    file.write_text(f"{HEAD}\na,0,1,1,0,\n")
    monkeypatch.setattr(fabric, "compile_fabric", lambda *_, **__: "program")
    monkeypatch.setattr(fabric, "run_fabric", lambda *_, **__: (1, {"failure": "clock 7: bad"}))
    assert cli.main([*QUICK, "--workload", str(file)]) == 1
    assert f"--workload {file}" in capsys.readouterr().out
