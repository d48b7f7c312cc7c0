"""The Makefile: its targets hand on what they are given, and those that have moved say where."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import ttpverif.cli as cli

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = {
    "help",
    "check",
    "setup",
    "sim",
    "test",
    "bench",
    "synth",
    "formal",
    "verify",
    "docs",
    "demo",
    "clean",
    "distclean",
}
MOVED = re.search(r"^MOVED := (.*?)[^\\]\n", MAKEFILE, re.DOTALL | re.MULTILINE)[0].split()[2:]
MOVED = [name for name in MOVED if name != "\\"]


@pytest.fixture
def make(tmp_path):
    """`make(words)` with a `ttpoe` that writes down its words; `(result, words)`."""
    seen = tmp_path / "seen.json"
    ttpoe = tmp_path / "ttpoe"
    ttpoe.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"names = {('TEST', 'SEED', 'SECONDS')!r}\n"
        f"json.dump([sys.argv[1:], [n for n in names if n in os.environ]], "
        f"open({str(seen)!r}, 'w'))\n"
    )
    ttpoe.chmod(0o755)

    def call(*words, **environment):
        seen.unlink(missing_ok=True)
        run = subprocess.run(
            ["make", "--no-print-directory", f"TTPOE={ttpoe}", "READY=", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", **environment},
        )
        if not seen.exists():
            return run, None
        arguments, names = json.loads(seen.read_text())
        assert names == [], "the environment of the command has settings"
        return run, arguments

    return call


@pytest.mark.icarus
@pytest.mark.parametrize(
    "words, expected",
    [
        (["sim"], ["sim"]),
        (
            ["sim", "TEST=hello", "SEED=7", "WAVES=1", "SIM=icarus", "PRESET=tiny", "JOBS=1"],
            [
                "sim",
                "hello",
                "--simulator=icarus",
                "--seed=7",
                "--preset=tiny",
                "--jobs=1",
                "--waves",
            ],
        ),
        (["sim", "TEST=a,b", "WAVES=0", "TRACE=1"], ["sim", "a,b", "--trace"]),
        (["sim", "SEED=", "WAVES=", "TEST="], ["sim", "", "--seed=", "--waves="]),
        (["sim", "WAVES=yes"], ["sim", "--waves=yes"]),
        (["sim", "TEST=a'; touch boo; '"], ["sim", "a'; touch boo; '"]),
        (
            ["sim", 'TEST=$(shell touch boo) `touch boo` "$HOME"'],
            ["sim", '$(shell touch boo) `touch boo` "$HOME"'],
        ),
        (
            ["bench", "PART=goodput", "SAVE=1", "SHORT=1", "JOBS=1"],
            ["bench", "goodput", "--jobs=1", "--short", "--save"],
        ),
        (
            ["demo", "SECONDS=5", "LOSS=1", "SEED=2"],
            ["demo", "--seconds=5", "--loss=1", "--seed=2"],
        ),
    ],
)
def test_variables_become_switches(make, words, expected):
    run, arguments = make(*words)
    assert run.returncode == 0 and arguments == expected, run.stderr
    assert not (ROOT / "boo").exists()


def test_the_environment_is_no_interface(make):
    assert make("demo", SEED="7", LOSS="9")[1] == ["demo"]


@pytest.mark.parametrize(
    "words, parts",
    [
        (["demo", "SEEDS=7"], ["does not take SEEDS", "demo --help"]),
        (["demo", "TEST=hello"], ["does not take TEST"]),
        (["bench", "PRESET=tiny"], ["does not take PRESET"]),
    ],
)
def test_what_a_target_does_not_take(make, words, parts):
    run, arguments = make(*words)
    assert run.returncode == 2 and arguments is None and run.stderr.count("\n") == 1
    assert all(part in run.stderr for part in parts)


def test_what_the_command_refuses_make_refuses():
    """With the real command: a bad value, an empty value."""
    for word in ("SEED=x", "LOSS=", "SIM=vcs"):
        run = subprocess.run(
            [
                "make",
                "--no-print-directory",
                "READY=",
                "demo",
                word,
                f"TTPOE={sys.executable} -m ttpverif.cli",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        value = word.partition("=")[2]
        first = run.stderr.splitlines()[0]
        assert run.returncode == 2 and first.startswith("ttpoe demo: ") and repr(value) in first


@pytest.mark.parametrize("target", MOVED)
def test_a_target_that_has_moved(target):
    run = subprocess.run(["make", target, "SEED=7"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2 and run.stdout == "" and run.stderr.count("\n") == 1
    words = shlex.split(re.search(rf"make {target} is now `(.*)`", run.stderr)[1])
    if target != "random-defects":
        assert words.pop(0) == ".venv/bin/ttpoe"
        needed = ["hello"] if target == "waves" else []
        assert cli._parser(cli.commands()).parse_args([*words, *needed]).command == words[0]


def test_make_alone_prints_the_targets():
    run = subprocess.run(["make", "-s"], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0
    shown = re.findall(r"(?:^|; )make ([a-z]+)", run.stdout, re.MULTILINE)
    assert set(shown) | {"help"} == TARGETS and len(MOVED) == 16
    phony = re.search(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)[1].split()
    assert set(phony) == TARGETS | {"icarus"}
