"""What holds for every command of `ttpoe`, found in its parser: a new command is covered."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import ttpverif.cli as cli
from ttpverif.cli import checkout, options

ROOT = Path(__file__).resolve().parents[2]
VERBS = cli.commands()
PARSER = cli._parser(VERBS)
PARSERS = PARSER._subparsers._group_actions[0].choices
NEEDED = {
    "campaign": ["none.toml"],
    "echo": ["--listen", "5555"],
    "generate": ["-o", "nowhere"],
    "ladder": ["none.pcap"],
    "ping": ["1", "--listen", "5555"],
    "waves": ["hello"],
}
"""What a command cannot do without."""

BAD = {
    "--seed": ["x", "-1", "1.5", "", "2147483648"],
    "--preset": ["huge", ""],
    "--jobs": ["0", "-1", "many", "", "65"],
    "--loss": ["-1", "100.1", "few", "nan", ""],
    "--simulator": ["vcs", ""],
    "--protect": ["parity"],
    **dict.fromkeys(
        ("--long", "--short", "--save", "--waves", "--trace", "--gbn", "--resume"), ["yes", ""]
    ),
}
EXPECTED = {
    "sim",
    "waves",
    "demo",
    "echo",
    "ping",
    "random",
    "verify",
    "soak",
    "faults",
    "mutate",
    "coverage",
    "abuse",
    "fabric",
    "formal",
    "synth",
    "bench",
    "board",
    "emit",
    "generate",
    "lint",
    "docs",
    "pages",
    "ladder",
    "model",
    "campaign",
    "compare",
    "packet",
}


def switches(name):
    """Every switch of a command, by its longest name."""
    return {
        max(action.option_strings, key=len): action
        for action in PARSERS[name]._actions
        if action.option_strings and action.dest != "help"
    }


def cases():
    """(command, words) of every bad value of every switch that there is."""
    for name in VERBS:
        for switch in switches(name):
            for value in BAD.get(switch, ()):
                yield pytest.param(name, switch, value, id=f"{name} {switch}={value}")


def assert_refused(capsys, monkeypatch, name, words):
    monkeypatch.setattr(VERBS[name], "run", lambda arguments: pytest.fail("it was not refused"))
    monkeypatch.setattr(checkout, "enter", lambda words: pytest.fail("it was not refused"))
    assert cli.main([name, *words]) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1, error
    assert error.startswith(f"ttpoe {name}: ") and f"`ttpoe {name} --help`" in error
    return error


def test_every_tool_is_a_command():
    assert set(VERBS) == EXPECTED


@pytest.mark.parametrize("name", VERBS)
def test_what_it_needs_is_enough(name):
    assert PARSER.parse_args([name, *NEEDED.get(name, [])]).command == name


@pytest.mark.parametrize("name, switch, value", list(cases()))
def test_a_bad_value_is_named(capsys, monkeypatch, name, switch, value):
    words = [*NEEDED.get(name, []), f"{switch}={value}"]
    error = assert_refused(capsys, monkeypatch, name, words)
    assert switch in error and repr(value) in error


@pytest.mark.parametrize("name", VERBS)
def test_unknown_switches_are_refused(capsys, monkeypatch, name):
    error = assert_refused(capsys, monkeypatch, name, [*NEEDED.get(name, []), "--colour", "blue"])
    assert "'--colour'" in error or "'blue'" in error


@pytest.mark.parametrize("name", VERBS)
def test_every_value_is_judged(capsys, monkeypatch, name):
    """No switch takes just anything, but paths and names that `run` judges."""
    for switch, action in switches(name).items():
        if action.nargs == 0 or action.type in (None, options.path):
            continue
        words = [*NEEDED.get(name, []), switch, "a/ b"]
        if name in ("echo", "ping") and switch in ("--tap", "--interface", "--connect"):
            words = [*NEEDED[name][:-2], switch, "a/ b"]
        assert "'a/ b'" in assert_refused(capsys, monkeypatch, name, words)
    for action in PARSERS[name]._actions:
        if not action.option_strings and action.nargs == "*":
            assert "''" in assert_refused(capsys, monkeypatch, name, [""])


def test_a_switch_has_one_unit():
    units = {}
    for name in VERBS:
        for switch, action in switches(name).items():
            if switch != "--output":
                units.setdefault(switch, {}).setdefault((action.metavar, action.nargs), []).append(
                    name
                )
    assert {switch: found for switch, found in units.items() if len(found) > 1} == {}


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in VERBS)])
def test_help(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert f"examples:\n  ttpoe {arguments[0] if len(arguments) > 1 else ''}" in text
    if len(arguments) > 1:
        needs = getattr(VERBS[arguments[0]], "CHECKOUT", False)
        assert ("Needs a checkout of the repository" in text) == needs
    else:
        assert all(re.search(rf"^    {name} ", text, re.MULTILINE) for name in VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_the_examples_are_commands(name):
    lines = re.findall(r"^  ttpoe (.*)$", PARSERS[name].epilog, re.MULTILINE)
    assert lines
    for line in lines:
        for words in (shlex.split(part) for part in re.split(r" && ttpoe ", line)):
            words = words[: next((n for n, word in enumerate(words) if word in "|>&&"), None)]
            assert PARSER.parse_args(words).command == words[0]


def test_the_parser_is_light():
    """Help must not need the hardware's or the tests' packages, and of one command nothing else."""
    code = (
        "import sys, ttpverif.cli as cli\n"
        "cli._parser(cli.commands('soak'))\n"
        "print([m for m in sys.modules if m.startswith('ttpsim.cli.')])\n"
        "cli._parser(cli.commands())\n"
        "print([m for m in ('amaranth', 'cocotb', 'scapy', 'rich', 'yaml', 'matplotlib', "
        "'ttpsim.build', 'ttpformal.run') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "['ttpsim.cli.soak']\n[]\n", result.stdout + result.stderr


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert re.fullmatch(r"ttpoe \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    "name", [name for name in VERBS if getattr(VERBS[name], "CHECKOUT", False)]
)
def test_outside_a_checkout(capsys, monkeypatch, name):
    monkeypatch.setattr(VERBS[name], "run", lambda arguments: pytest.fail("it was not refused"))
    monkeypatch.setattr(checkout, "find", lambda start: None)
    assert cli.main([name, *NEEDED.get(name, [])]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error == f"ttpoe {name}: it needs a checkout of the repository: start it in one\n"


def test_names_of_switches_are_those_of_the_tools():
    """Lists that `--help` must have without importing the tools."""
    from ttpformal.table import load
    from ttpoe.config import PRESETS
    from ttpoe.mac.kinds import KINDS
    from ttpoe.verilog.emit import TOPS, WITHOUT_MAC
    from ttpsim import verify
    from ttpsim.abuse import run as abuse
    from ttpsim.bench import run as bench
    from ttpsim.build import builds
    from ttpsim.cli import abuse as abuse_cli
    from ttpsim.cli import bench as bench_cli
    from ttpsim.cli import mutate, pages
    from ttpsim.cli import synth as synth_cli
    from ttpsim.cli import verify as verify_cli
    from ttpsim.mutation.netlist import SELECT_BITS
    from ttpsim.pages import kinds
    from ttpsim.synth import run as synth
    from ttpverif.cli import generate

    assert options.PRESETS == tuple(PRESETS) and generate.TOPS == tuple(TOPS)
    assert generate.WITHOUT_MAC == WITHOUT_MAC and generate.MACS == tuple(KINDS)
    assert options.SIMULATORS == builds.SIMULATORS
    assert abuse_cli._PARTS == abuse.PARTS and bench_cli._PARTS == tuple(bench.PARTS)
    assert verify_cli._PARTS == tuple(part.name for part in verify.PARTS)
    assert synth_cli._TARGETS == tuple(synth.TARGETS) and pages.KINDS == tuple(kinds.KINDS)
    assert mutate.MOST == (1 << SELECT_BITS) - 1
    assert load()


def test_no_tool_reads_a_setting_from_the_environment():
    """What is read there is for other programs, or for set-up."""
    allowed = {
        "PATH",
        "PYTHONPATH",
        "TTP_RUN",
        "TTP_VERILATOR_ROOT",
        "TTP_MUTATED",
        "SUDO_UID",
        "NO_COLOR",
        "TERM",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "TTP_WAVES_UNTIL",
    }
    found = set()
    for folder in ("sim", "verif"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(
                re.findall(
                    r"""(?:environ(?:\.get\(|\[)|env\.get\(|env\[|getenv\()["'](\w+)["']""",
                    path.read_text(),
                )
            )
    assert found <= allowed


def test_nobody_starts_a_tool_as_a_module():
    """It would do nothing, with exit code 0. What may be started is private to its package."""
    private = {"ttpsim.live.build", "sim/ttpsim/scenarios/greeting.py"}
    found = set()
    for folder in ("sim", "verif", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            found |= set(re.findall(r'"-m", "(ttp(?:sim|formal)[\w.]*)"', text))
            found |= set(re.findall(r'"((?:sim/ttpsim|verif/ttpformal)/[\w/]+\.py)"', text))
    assert found <= private


def test_a_command_of_another_package(monkeypatch, capsys, tmp_path):
    (tmp_path / "greeting.py").write_text(
        'SUMMARY = "say hello"\n'
        'def add_parser(subparsers):\n    return subparsers.add_parser("greet", help=SUMMARY)\n'
        "def run(arguments):\n    import nothing_of_that_name\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    point = cli.metadata.EntryPoint("greet", "greeting", "ttpoe.commands")
    monkeypatch.setattr(cli.metadata, "entry_points", lambda group: [point])
    assert cli.main(["greet"]) == 2
    assert capsys.readouterr().err == (
        "ttpoe greet: the Python package nothing_of_that_name is "
        "missing: pip install nothing_of_that_name\n"
    )
    monkeypatch.delitem(sys.modules, "greeting")


@pytest.mark.parametrize(
    "error, code, said",
    [
        (cli.UsageError("no"), 2, "ttpoe model: no\n"),
        (cli.Failed("bad"), 1, "ttpoe model: bad\n"),
        (KeyboardInterrupt(), 130, "ttpoe model: interrupted\n"),
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (PermissionError(13, "Permission denied", "/x"), 2, "ttpoe model: /x: Permission denied\n"),
    ],
)
def test_how_errors_end(monkeypatch, capsys, error, code, said):
    def run(_arguments):
        raise error

    monkeypatch.setattr(VERBS["model"], "run", run)
    monkeypatch.setattr(cli, "_quiet_end", lambda: None)
    assert cli.main(["model"]) == code
    assert capsys.readouterr().err == said


def test_a_reader_that_goes_away():
    """`ttpoe ladder ... | head -1` says nothing on standard error."""
    capture = ROOT / "tests" / "data" / "pcap" / "08_payload_lost.pcap"
    line = f"{shlex.quote(sys.executable)} -m ttpverif.cli ladder {capture} | head -1"
    run = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=os.environ)
    assert run.stderr == "" and run.stdout.count("\n") == 1
