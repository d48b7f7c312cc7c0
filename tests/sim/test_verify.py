"""`ttpoe verify`: its parts exist, a failure is a failure."""

import json
import re
import subprocess
from pathlib import Path

import pytest

import ttpverif.cli as cli
from ttpsim import verify
from ttpsim.verify import PARTS, Part

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize("short", [False, True])
def test_a_part_is_a_command(part, short):
    program, *words = part.command(short)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
    else:
        assert program == "ttpoe"
        assert cli._parser(cli.commands()).parse_args(words).command == words[0]
        assert part.process(short)[-len(words) - 1 :] == ["ttpverif.cli", *words]


def test_every_part_has_its_place_on_the_page():
    page = (ROOT / "docs/evidence/verification.md").read_text()
    rows = set(re.findall(r"^\| \*\*(\w+)\*\* \|", page, re.MULTILINE))
    assert rows == {part.name for part in PARTS}


def test_results_and_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(Part, "process", lambda self, short: list(self.long))
    said = []
    parts = [Part("good", "", ("true",), ()), Part("bad", "", ("sh", "-c", "echo no; exit 3"), ())]
    found = verify.verify(parts, False, tmp_path, said.append)
    assert [found[name]["passed"] for name in ("good", "bad")] == [True, False]
    assert json.loads((tmp_path / "verify.json").read_text()) == found
    assert (tmp_path / "bad.log").read_text() == "no\n" and str(tmp_path / "bad.log") in said[-1]


def test_an_interrupt_ends_the_part(tmp_path, monkeypatch):
    seen = []
    wait = subprocess.Popen.wait

    def interrupted(self, timeout=None):
        if not seen:
            seen.append(self)
            raise KeyboardInterrupt
        return wait(self, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    monkeypatch.setattr(Part, "process", lambda self, short: list(self.long))
    with pytest.raises(KeyboardInterrupt):
        verify.verify([Part("long", "", ("sleep", "60"), ())], False, tmp_path, print)
    assert seen[0].poll() is not None
