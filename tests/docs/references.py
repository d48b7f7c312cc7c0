"""What the project's texts refer to, and whether it is there.

A text is a page, or what a source file says in comments and docstrings. `dangling(text)` names
every reference in it that leads nowhere: section of the protocol, decision, claim, design rule,
file, module, command. `NOT_REFERENCES` is what looks like one and is none.
"""

import ast
import io
import re
import subprocess
import tokenize
from fnmatch import fnmatch
from functools import cache

from tests.docs.check import wrong
from tests.docs.pages import ROOT

PROTOCOL = ROOT / "docs" / "protocol" / "protocol.md"
DECISIONS = ROOT / "docs" / "protocol" / "decisions.md"
CLAIMS = ROOT / "docs" / "protocol" / "claims.md"
RULES = ROOT / "docs" / "design" / "rules.md"
GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"

NOT_REFERENCES = {
    "C11": "the version of the C language",
    "ttpoe.commands": "the name of a group of entry points",
    "amaranth/lib/fifo.py": "a file of Amaranth",
    "amaranth/lib/enum.py": "a file of Amaranth",
    "include/net/tcp.h": "a file of Linux",
    "analyzer.h": "a file of GTKWave",
    "ttp_registers.h": "written by `ttpoe generate`",
    "ttp_managed_nic_ports.md": "written by `ttpoe generate`",
    "ttp_managed_nic.core": "written by `ttpoe generate`",
    "csr.json": "written by examples/litex/ttp_soc.py",
    "coverage.json": "a result, in build/verify",
    "formal.json": "a result, in build/verify",
    "fail-SEED-whole.json": "a result, in build/verify",
    "results.json": "a result, in build/sim",
    "design.json": "a result, in build/synth",
    "demo.svg": "a result, in build/demo",
    "goodput.svg": "a result, in build/sweep",
    "fairness.svg": "a result, in build/sweep",
    "queue.svg": "a result, in build/sweep",
    "completion.svg": "a result, in build/sweep",
    "sim/ttpsim/scenarios/greeting.py": "written by who follows docs/guides/how-to.md",
}
"""Exact text -> what it is."""

_COMMENT = {
    ".h": "//",
    ".cpp": "//",
    ".js": "//",
    ".v": "//",
    ".lua": "--",
    ".toml": "#",
    ".sh": "#",
    ".core": "#",
    "": "#",
}
_FOLDERS = ("rtl", "verif", "sim", "tests", "docs", "examples", "constraints", "wireshark")
_ENDINGS = "py|md|h|cpp|toml|lua|json|svg|core|css|lpf|sdc|sh"
_SECTIONS = re.compile(
    r"\bsections?\s+(\d+(?:\.\d+)?(?:(?:,|,? and| to|-)\s?\d+(?:\.\d+)?)*)", re.IGNORECASE
)
_RULES = re.compile(r"\bdesign rules?\s+(\d+(?:(?:,|,? and| to)\s\d+)*)")
_NAMED = re.compile(r"\b(?:decision|decisions|claim|claims)\s+([A-Z]\d{1,2})\b")
_NUMBERED = re.compile(r"(?<![\w.-])([A-Z]\d{1,2})(?![\w-])")
_PATH = re.compile(
    rf"(?<![\w/.<>-])((?:(?:{'|'.join(_FOLDERS)})/[\w./*-]*\w)|"
    rf"(?:[\w*-]+/)*[\w*-]+\.(?:{_ENDINGS}))(?![\w{{<*])"
)
_MODULE = re.compile(r"`((?:ttpoe|ttpverif|ttpformal|ttpsim)(?:\.\w+)+)`")
_IMPORT = re.compile(r"\b(?:from|import) ((?:ttpoe|ttpverif|ttpformal|ttpsim)(?:\.\w+)+)")
_COMMAND = re.compile(r"`((?:make|ttpoe|\.venv/bin/ttpoe|python|python3) [^`]+)`")
_COMMAND_LINE = re.compile(r"^ {4}((?:make|ttpoe|python|python3|\.venv/bin/\w+) .*)$", re.MULTILINE)


@cache
def files():
    """Every file of the repository, new ones included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:  # an unpacked archive
        return tuple(
            path.relative_to(ROOT).as_posix()
            for path in ROOT.rglob("*")
            if path.is_file()
            and not re.match(r"(\.|build/)", str(path.relative_to(ROOT)))
            and "__pycache__" not in path.parts
        )
    return tuple(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


def _python(text, tree):
    """Comments and docstrings."""
    found = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append(ast.get_docstring(node, clean=True) or "")
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.append(str(node.value.value))  # a text below a constant
    return "\n\n".join(found)


def _messages(tree):
    """Commands and pages in what the program prints: of its other texts only these."""
    strings = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n\n" + "\n".join(
        match[0]
        for string in strings
        for match in re.finditer(rf"{_COMMAND.pattern}|\bdocs/[\w/-]+\.md\b", string)
    )


def _has_text(name):
    path = ROOT / name
    if name.startswith(("docs/pictures/", "tests/data/")):
        return False
    return path.name == "Makefile" or path.suffix in (".md", ".py", *filter(None, _COMMENT))


def names():
    """The files that people read."""
    return [name for name in files() if _has_text(name)]


@cache
def text_of(name):
    """What people read of a file."""
    path = ROOT / name
    text = path.read_text()
    if path.suffix == ".md":
        # Blocks of commands have a test of their own; patches and drawings name what they like.
        return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    if path.suffix == ".py":
        tree = ast.parse(text)
        return _python(text, tree) + ("" if name.startswith("tests/") else _messages(tree))
    mark = _COMMENT[path.suffix]
    return "\n".join(line.split(mark, 1)[1] for line in text.splitlines() if mark in line)


@cache
def sections():
    return frozenset(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)\.? ", PROTOCOL.read_text(), re.MULTILINE))


@cache
def numbered():
    """Decisions and claims."""
    return frozenset(
        re.findall(r"^- \*\*([A-Z]\d+)\*\*", DECISIONS.read_text(), re.MULTILINE)
        + re.findall(r"^\| (S\d+) \|", CLAIMS.read_text(), re.MULTILINE)
    )


@cache
def rules():
    return frozenset(re.findall(r"^(\d+)\. \*\*", RULES.read_text(), re.MULTILINE))


@cache
def _places():
    names = files()
    folders = {
        parent.as_posix() for name in names for parent in (ROOT / name).relative_to(ROOT).parents
    } | {"build"}
    return names, folders


def _there(path, name):
    """A file or folder, from the root, from the file's own folder or by its last parts."""
    path = path.rstrip("/.")
    names, folders = _places()
    own = (ROOT / name).parent.relative_to(ROOT).as_posix()
    if path in folders or f"{own}/{path}" in folders:
        return True
    if path.startswith(tuple(f"{folder}/" for folder in _FOLDERS)) and "." not in path:
        return any(fnmatch(known, f"{path}*") for known in names)  # a folder, or without its ending
    return any(fnmatch(known, path) or fnmatch(known, f"*/{path}") for known in names)


def _module(dotted):
    if (ROOT / dotted).is_file():  # ttpoe.core
        return True
    parts = dotted.split(".")
    for source in ("rtl", "verif", "sim"):
        for number in range(len(parts), 0, -1):
            base = ROOT / source / "/".join(parts[:number])
            file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
            if file.is_file():
                return number == len(parts) or re.search(rf"\b{parts[number]}\b", file.read_text())
    return False


def _numbers(text):
    return re.findall(r"\d+(?:\.\d+)?", text)


def dangling(text, name="README.md"):
    """One line for each reference that leads nowhere. `name`: the file that the text is from."""
    flat = re.sub(r"\s*\n\s*(?:#|//|--)?\s*", " ", text)
    bad = [
        f"section {number}"
        for match in _SECTIONS.finditer(flat)
        for number in _numbers(match[1])
        if number not in sections()
    ]
    bad += [
        f"design rule {number}"
        for match in _RULES.finditer(flat)
        for number in _numbers(match[1])
        if number not in rules()
    ]
    letters = {entry[0] for entry in numbered()}
    bad += [entry for entry in _NAMED.findall(flat) if entry not in numbered()]
    bad += [
        entry
        for entry in _NUMBERED.findall(flat)
        if entry[0] in letters and entry not in numbered()
    ]
    if not str(name).endswith("wireshark.md"):  # filters of Wireshark look like modules
        bad += [f"module {entry}" for entry in _MODULE.findall(flat) if not _module(entry)]
    bad += [f"module {entry}" for entry in _IMPORT.findall(flat) if not _module(entry)]
    prose = re.sub(r"\]\([^)]*\)|https?://\S+", "", flat)  # links have a test of their own
    bad += [
        f"file {path}"
        for path in _PATH.findall(prose)
        if not path.startswith("build/") and not _there(path, name)
    ]
    commands = [re.sub(r"\s+", " ", entry) for entry in _COMMAND.findall(text)]
    commands += [re.split(r"\s{2,}|#", line)[0] for line in _COMMAND_LINE.findall(text)]
    bad += [f"`{command}`: {wrong(command)}" for command in commands if wrong(command)]
    return [
        entry
        for entry in dict.fromkeys(bad)
        if re.sub(r"^(file|module) ", "", entry) not in NOT_REFERENCES
    ]
