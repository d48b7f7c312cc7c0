"""The project's pages as the tests see them: code blocks, and commands within the text."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
PROGRAMS = (
    "make",
    "ttpoe",
    ".venv/bin/ttpoe",
    ".venv/bin/dask",
    ".venv/bin/python",
    "python",
    "python3",
    "pip",
    "git",
    "surfer",
    "gtkwave",
    "tshark",
    "wireshark",
    "fusesoc",
    "iverilog",
    "vvp",
    "verilator",
    "apt-get",
    "sudo",
    "ip",
    "cd",
    "pytest",
    "patch",
)
"""What a line must begin with to be a command in a block without a language."""

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:make|ttpoe|\.venv/bin/ttpoe) [^`]+)`")


@dataclass(frozen=True)
class Block:
    """One code block: `page:line`, its language, its text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def is_command(line):
    words = line.split()
    return bool(words) and (words[0] in PROGRAMS or words[0] == "$")


def blocks(page, text=None):
    """Every block; one without a language is `sh` if it begins with a command, else `text`."""
    text = page.read_text() if text is None else text
    found = []
    for match in _FENCE.finditer(text):
        language, body = match[1], match[2]
        if not language:
            lines = [line for line in body.splitlines() if line.strip()]
            language = "sh" if lines and is_command(lines[0]) else "text"
            if any(line.startswith("$ ") for line in lines):
                language = "console"
        found.append(Block(page, text.count("\n", 0, match.start()) + 1, language, body))
    return found


def commands(text):
    """The commands of a shell block, one each: comments gone, continued lines joined."""
    text = text.replace("\\\n", " ")
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [part.strip() for line in lines if line for part in line.split("&&")]


def inline_commands(page):
    """`(page:line, command)` of every command in a page's running text."""
    text = page.read_text()
    prose = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    return [
        (
            f"{page.relative_to(ROOT)}:{prose.count(chr(10), 0, match.start()) + 1}",
            " ".join(match[1].split()),
        )
        for match in _INLINE.finditer(prose)
    ]
