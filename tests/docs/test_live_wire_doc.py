"""docs/guides/live-wire.md: its `ttpoe` and `make` commands are there."""

import re
import shlex
from pathlib import Path

import ttpverif.cli as cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "guides" / "live-wire.md"]
LINES = [
    (page.name, line.strip())
    for page in PAGES
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```$", page.read_text(), re.M | re.S)
    for line in block.splitlines()
]


def test_the_commands_are_understood():
    commands = [
        line.partition("ttpoe ")[2]
        for _page, line in LINES
        if re.match(r"(sudo )?\.venv/bin/ttpoe ", line)
    ]
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command, comments=True)
        assert cli._parser(cli.commands()).parse_args(words).command == words[0]


def test_what_the_page_says_of_defaults():
    page = " ".join((ROOT / "docs" / "guides" / "live-wire.md").read_text().split())
    options = cli._parser(cli.commands()).parse_args(["echo", "--listen", "5555"])
    round_clocks = options.timeout * options.idle_clock // 1000
    assert f"{options.idle_clock:,} clocks per second" in page
    assert f"{options.timeout} ms or {round_clocks:,} clocks" in page
    assert f"`--retries` of them, {options.retries}." in page
