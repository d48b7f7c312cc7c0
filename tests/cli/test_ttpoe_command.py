"""`ttpoe ladder`: one line for bad input. What holds for all: test_every_command.py."""

from pathlib import Path

import pytest

import ttpverif.cli as cli

CAPTURES = Path(__file__).parent.parent / "data" / "pcap"
GOOD = str(CAPTURES / "08_payload_lost.pcap")


@pytest.mark.parametrize(
    "arguments, parts",
    [
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
    ],
)
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
