"""What can be said of a command without running it: target, options, names and files exist.

`wrong(command)` is None, or what is wrong with it. Long commands are only checked in this way.
"""

import argparse
import importlib.util
import re
import shlex

from tests.docs.pages import ROOT
from ttpformal.table import load
from ttpsim.scenario import run as scenarios
from ttpverif import cli

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][\w-]*):(?!=)", MAKEFILE, re.MULTILINE)) - {"random-defects"}
TESTED_ELSEWHERE = {
    "fusesoc": "tests/docs/test_integration_doc.py and tests/verilog/test_fusesoc.py",
    "tshark": "tests/wireshark/test_tshark.py",
    "iverilog": "tests/test_examples.py",
    "verilator": "tests/test_examples.py",
    "vvp": "tests/test_examples.py",
}
"""Programs whose commands other tests run: program -> where."""
NOT_OURS = {
    "apt-get": "changes the machine",
    "sudo": "needs root",
    "pip": "tests/test_package.py installs the wheel into an empty environment",
    "git": "needs a network, or changes the checkout",
    "gtkwave": "needs a display",
    "surfer": "is not packaged; tests/views checks its files",
    "wireshark": "needs a display",
    "openFPGALoader": "needs a board",
    ".venv/bin/dask": "needs several machines; tests/sim/campaign has a scheduler and its workers",
    "cd": "",
}
"""Programs whose commands are taken as they are -> why."""


SWITCHES = {"SIM": "simulator"}
"""Variables of the Makefile that are not called as the switch that they become."""


def _scenario(value):
    try:
        scenarios.plan(scenarios.Wanted([value]))
    except scenarios.SetupError as error:
        return str(error)
    return None


def _proof(value):
    return (
        None
        if any(name.startswith(value) for name in load())
        else f"no proof begins with {value!r}"
    )


def _make(words):
    targets = [word for word in words if "=" not in word and word != "..."]
    for target in targets:
        if target not in TARGETS:
            return f"there is no target {target!r} in the Makefile"
    target = targets[0] if targets else ""
    taken = re.search(rf"^{target.upper()}_TAKES := (.*)", MAKEFILE, re.MULTILINE)
    if not taken:
        return next(
            (
                f"the Makefile knows no {name}"
                for name in (word.split("=")[0] for word in words if "=" in word)
                if not re.search(rf"\b{name}\b", MAKEFILE)
            ),
            None,
        )
    as_command = [target]
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            continue
        if name not in taken[1].split():
            return f"make {target} does not take {name}"
        if re.search(r"\.\.\.|[A-Z]{3}|^$", value):
            continue  # a place to fill in
        if name in ("TEST", "PART", "PROOF"):
            as_command.append(value)
        elif value in ("0", "1") and name in ("WAVES", "TRACE", "SHORT", "SAVE"):
            as_command += [f"--{name.lower()}"] if value == "1" else []
        else:
            as_command.append(f"--{SWITCHES.get(name, name.lower())}={value}")
    return _ttpoe(as_command)


def _parsed(words):
    """The arguments as `ttpoe` takes them, or what it says of them."""
    try:
        return cli._parser(cli.commands()).parse_args(words), None
    except cli.UsageError as error:
        return None, str(error)
    except (SystemExit, argparse.ArgumentError) as error:  # --help
        return None, None if getattr(error, "code", 1) == 0 else str(error)


def _ttpoe(words):
    if words in (
        [],
        ["COMMAND", "--help"],
        ["fabric", "sweep"],
        *([name] for name in cli.commands()),
    ):
        return None  # the name of a command, not one to type
    arguments, error = _parsed(words)
    if error or arguments is None:
        return error
    tests = (
        arguments.test
        if arguments.command in ("sim", "coverage")
        else ([arguments.test] if arguments.command == "waves" else [])
    )
    return next(
        filter(None, [*map(_scenario, tests), *map(_proof, getattr(arguments, "proof", []))]), None
    )


def _python(words):
    if words[0] == "-m":
        if words[1] == "ttpverif.cli":
            return _ttpoe(words[2:])
        if words[1] == "pytest":
            gone = [word for word in words[2:] if "/" in word and not (ROOT / word).exists()]
            return f"there is no {gone[0]}" if gone else None
        try:
            found = importlib.util.find_spec(words[1])
        except ModuleNotFoundError:
            found = None
        return None if found else f"there is no module {words[1]}"
    script = ROOT / words[0]
    if not script.is_file():
        return f"there is no file {words[0]}"
    missing = [
        word
        for word in words[1:]
        if word.startswith("--") and word.split("=")[0] not in script.read_text()
    ]
    return f"{words[0]} has no {missing[0]}" if missing else None


def wrong(command):
    """None, or one line on what is wrong with the command."""
    command = re.sub(r"\[.*?\]|\.\.\.$", "", command)
    words = shlex.split(command)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    if words[:1] == ["sudo"] and words[1] in ("make", ".venv/bin/ttpoe"):
        words.pop(0)
    if not words:
        return None
    program, rest = words[0], words[1:]
    rest = rest[: next((n for n, word in enumerate(rest) if word in ("|", ">", "2>")), len(rest))]
    if program == "make":
        return _make(rest)
    if program in ("ttpoe", ".venv/bin/ttpoe"):
        return _ttpoe(rest)
    if program in (".venv/bin/python", "python", "python3"):
        return _python(rest)
    if program in TESTED_ELSEWHERE or program in NOT_OURS or program.startswith("build/"):
        return None  # what is below build/ was made by the command before
    return f"nothing runs or checks {program!r}: say so in tests/docs/check.py"
