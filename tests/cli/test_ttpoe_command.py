"""`ttpoe`: one line for bad input, help with examples, sub-commands found where they lie."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ttpverif.cli as cli

CAPTURES = Path(__file__).parent.parent / "data" / "pcap"
VERIF = Path(__file__).parents[2] / "verif"
GOOD = str(CAPTURES / "08_payload_lost.pcap")


@pytest.mark.parametrize("arguments, parts", [
    ([], ["COMMAND", "ttpoe --help"]),
    (["ladders"], ["'ladders'", "ladder"]),
    (["ladder"], ["FILE", "ttpoe ladder --help"]),
    (["ladder", "none.pcap"], ["cannot read none.pcap", "No such file"]),
    (["ladder", str(CAPTURES)], ["cannot read", "directory"]),
    (["ladder", __file__], ["neither pcap nor pcapng"]),
    (["ladder", GOOD, "--link", "xyz"], ["--link", "NODE:VC", "'xyz'"]),
    (["ladder", GOOD, "--link", "1:3"], ["--link", "'1:3'"]),
    (["ladder", GOOD, "--link", "1:2"], ["no such link", "000001-000002 vc 0"]),
    (["ladder", GOOD, "--limit", "0"], ["--limit", "from 1", "'0'"]),
    (["ladder", GOOD, "--limit", "many"], ["--limit", "'many'"]),
    (["ladder", GOOD, "-o", "/dev/null/page.html"], ["cannot write /dev/null/page.html"]),
    (["ladder", GOOD, "--colour"], ["--colour"]),
])
def test_bad_input_is_one_line(capsys, arguments, parts):
    assert cli.main(arguments) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and error.startswith("ttpoe")
    for part in parts:
        assert part in error


def test_a_capture_without_ttp(tmp_path, capsys):
    path = tmp_path / "other.pcap"
    path.write_bytes(Path(GOOD).read_bytes()[:24])
    assert cli.main(["ladder", str(path)]) == 2
    assert "it holds no frames" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in cli.commands())])
def test_help_has_examples(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 0
    assert "examples:\n  ttpoe " in capsys.readouterr().out


def test_a_sub_command_is_a_module(tmp_path, monkeypatch, capsys):
    (tmp_path / "greet.py").write_text(
        'SUMMARY = "say hello"\n'
        'def add_parser(subparsers):\n    return subparsers.add_parser("greet", help=SUMMARY)\n'
        'def run(arguments):\n    import nothing_of_that_name\n')
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "ttpverif.cli.greet", raising=False)
    assert cli.main(["greet"]) == 2
    assert "nothing_of_that_name is missing: pip install" in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "ttpverif.cli.greet")


def test_sub_commands_are_light_to_load():
    """`ttpoe --help` must not need the hardware's or the test's packages."""
    code = ("import sys, ttpverif.cli as cli; cli.commands(); "
            "print([m for m in ('amaranth', 'cocotb', 'scapy', 'rich') if m in sys.modules])")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            env=os.environ | {"PYTHONPATH": str(VERIF)})
    assert result.stdout == "[]\n", result.stderr
