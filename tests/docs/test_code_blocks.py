"""Every code block of every page is run or, if it is long, checked; so are commands in the text."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.docs.check import TESTED_ELSEWHERE, wrong
from tests.docs.pages import PAGES, ROOT, Block, blocks, commands, inline_commands, is_command

ALL = [block for page in PAGES for block in blocks(page)]
RUN_ELSEWHERE = {
    "docs/guides/integration.md": "tests/docs/test_integration_doc.py",
    "docs/guides/how-to.md": "tests/docs/test_how_to.py",
    "docs/guides/litex.md": "tests/litex/test_cores.py",
    "docs/evidence/ns3.md": "tests/sim/test_ns3_module.py",
    "examples/verilog/README.md": "tests/test_examples.py",
    "examples/amaranth/README.md": "tests/test_examples.py",
    "examples/litex/README.md": "tests/test_examples.py",
}
"""Pages whose blocks a test of their own runs: page -> test."""
QUICK = ("model", "ladder")
"""Sub-commands of `ttpoe` that are run here, if the files that they read are there."""


def of(*languages):
    return [pytest.param(block, id=str(block)) for block in ALL if block.language in languages]


def environment(folder):
    """Shell commands find `ttpoe` and `.venv` as in a checkout."""
    tools = folder / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name, options in (("ttpoe", "-m ttpverif.cli "), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {options}"$@"\n')
        (tools / name).chmod(0o755)
    for name in ("tests", "wireshark", "docs", "examples"):
        (folder / name).symlink_to(ROOT / name)
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("rtl", "verif", "sim")),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
    }


def run(command, folder, env):
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=env, text=True, capture_output=True, timeout=60
    )


def is_quick(command, folder):
    """It is run: a sub-command that takes a second, with the files that it reads."""
    words = shlex.split(command)
    if words[0] not in ("ttpoe", ".venv/bin/ttpoe") and words[1:3] != ["-m", "ttpverif.cli"]:
        return False
    words = words[words[1:3] == ["-m", "ttpverif.cli"] and 3 or 1 :]
    reads = [word for word in words[1:2] if words[0] == "ladder"]
    return words[0] in QUICK and all((folder / name).is_file() for name in reads)


@pytest.mark.parametrize("block", of("sh"))
def test_shell(block, tmp_path):
    if block.page.name == "how-to.md":
        pytest.skip(RUN_ELSEWHERE["docs/guides/how-to.md"])
    env = environment(tmp_path)
    for command in commands(block.text):
        assert wrong(command) is None, f"{block}: `{command}`: {wrong(command)}"
        if is_quick(command, tmp_path):
            done = run(command, tmp_path, env)
            assert done.returncode == 0, f"{block}: `{command}`\n{done.stderr}"


def console(text):
    """`[(command, the lines that it prints)]`; `...` stands for any lines."""
    parts = []
    for line in text.splitlines():
        if line.startswith("$ "):
            parts.append((line[2:], []))
        else:
            parts[-1][1].append(line)
    return parts


@pytest.mark.parametrize("block", of("console"))
def test_console(block, tmp_path):
    env = environment(tmp_path)
    for command, expected in console(block.text):
        assert wrong(command) is None, f"{block}: `{command}`: {wrong(command)}"
        if command.split()[0] in TESTED_ELSEWHERE:
            continue
        assert is_quick(command, tmp_path), f"{block}: `{command}` is not run by any test"
        printed = run(command, tmp_path, env).stdout.splitlines()
        at = 0
        for number, line in enumerate(expected):
            if line == "...":
                after = expected[number + 1] if number + 1 < len(expected) else None
                at = printed.index(after, at) if after is not None else len(printed)
                continue
            assert at < len(printed) and printed[at].rstrip() == line.rstrip(), str(block)
            at += 1
        assert at == len(printed), f"{block}: it prints more"


@pytest.mark.parametrize("block", of("python"))
def test_python(block, capsys, monkeypatch):
    if str(block.page.relative_to(ROOT)) in RUN_ELSEWHERE:
        pytest.skip(RUN_ELSEWHERE[str(block.page.relative_to(ROOT))])
    monkeypatch.chdir(ROOT)
    exec(compile(block.text, str(block), "exec"), {"__name__": "page"})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("block", of("text"))
def test_what_is_called_text_is_no_command(block):
    hidden = [line for line in block.text.splitlines() if is_command(line)]
    assert not hidden, f"{block}: `{hidden[0]}` is a command: call the block `sh` or `console`"


def test_no_block_is_forgotten():
    known = {"sh", "console", "python", "text"}
    for block in ALL:
        page = str(block.page.relative_to(ROOT))
        assert block.language in known or page in RUN_ELSEWHERE, (
            f"{block}: nothing runs blocks of the language {block.language!r}"
        )
    for page, test in RUN_ELSEWHERE.items():
        if (ROOT / page).exists():
            assert (ROOT / test).is_file(), f"{page}: {test} is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_text(page):
    for where, command in inline_commands(page):
        assert wrong(command) is None, f"{where}: `{command}`: {wrong(command)}"


def test_the_commands_of_every_help():
    from ttpverif import cli

    parser = cli._parser(cli.commands())
    texts = [parser.epilog] + [
        part.epilog for part in parser._subparsers._group_actions[0].choices.values()
    ]
    for text in texts:
        lines = text.splitlines()[1:]
        assert lines
        for line in lines:
            for command in commands(line):
                assert wrong(command) is None, f"`{command}`: {wrong(command)}"


@pytest.mark.parametrize(
    "command",
    [
        "make simm",
        "make sim TEST=nothing",
        "make sim TEST=loss.6pct",
        "make sim SIM=vcs",
        "make sim PRESET=huge",
        "make sim COLOUR=1",
        "make bench PART=none",
        "make formal PROOF=zz",
        "make synth TARGET=asic",
        "make demo SECONDS=long",
        "make sim WAVES=yes",
        "ttpoe ladders",
        "ttpoe ladder a.pcap --limit none",
        "ttpoe generate --preset huge -o x",
        "ttpoe sim nothing",
        "python sim/gone.py",
        "python sim/ttpsim/pages/pictures.py --sketch",
        "python -m website_of_old",
        "doit now",
    ],
)
def test_wrong_commands_are_found(command):
    assert wrong(command), command


def test_kinds_of_blocks():
    page = ROOT / "README.md"
    text = (
        "```\nmake sim      # all\n```\n\n```\n│ a box\n```\n\n"
        "```\n$ ttpoe model\nPASSED\n```\n\n```sh\nmake a \\\n  B=1 && make c\n```\n"
    )
    found = blocks(page, text)
    assert [block.language for block in found] == ["sh", "text", "console", "sh"]
    assert isinstance(found[0], Block) and found[1].line == 5
    assert commands(found[3].text) == ["make a    B=1", "make c"]
    assert console(found[2].text) == [("ttpoe model", ["PASSED"])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_names_its_language(page):
    """So that it is coloured."""
    fences = re.findall(r"^```(\w*)[^\n]*$", page.read_text(), re.MULTILINE)
    assert all(fences[::2]), f"block {fences[::2].index('') + 1} has no language"
