"""docs/guides/how-to.md, done: each section in a copy of the checkout of its own."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.docs.check import wrong
from tests.docs.pages import ROOT, blocks, commands
from tests.long import long

PAGE = ROOT / "docs" / "guides" / "how-to.md"
SECTIONS = dict(
    zip(("register", "opcode", "row", "scenario"), PAGE.read_text().split("\n## ")[1:], strict=True)
)
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(("rtl", "verif", "sim"))}
GREETING = ("-P", "-m", "ttpverif.cli", "sim", "greeting", "--simulator", "icarus")
SOURCES = shutil.ignore_patterns("__pycache__", ".*", "pictures")


@pytest.fixture
def checkout(tmp_path):
    """A copy of what is needed of the checkout; `run` starts Python in it."""
    for name in ("rtl", "verif", "sim", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=SOURCES)
    for name in ("pyproject.toml", "Makefile", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def apply(section, folder):
    """The section's changes, in their order."""
    found = [block for block in blocks(PAGE, SECTIONS[section]) if block.language == "diff"]
    for block in found:
        done = subprocess.run(
            ["git", "apply", "-"], cwd=folder, input=block.text, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{done.stderr}\nmake the change of docs/guides/how-to.md anew"
    return len(found)


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return done.stdout


def test_a_register(checkout):
    assert apply("register", checkout) == 1
    run(
        checkout,
        "-m",
        "ttpoe.csr.documents",
        "--output",
        "build/registers",
        "--docs",
        "docs/reference/registers.md",
    )  # ttpoe pages registers
    assert "SCRATCH" in (checkout / "docs" / "reference" / "registers.md").read_text()
    assert "TTP_SCRATCH " in (checkout / "build" / "registers" / "ttp_registers.h").read_text()
    run(checkout, "-m", "pytest", "-q", "tests/csr/test_documents.py")


def test_an_opcode(checkout):
    assert apply("opcode", checkout) == 3
    (command,) = [
        command
        for block in blocks(PAGE, SECTIONS["opcode"])
        if block.language == "sh"
        for command in commands(block.text)
        if " pytest " in command
    ]
    run(checkout, *command.split()[1:])
    # The model answers it, and only where a link is.
    run(
        checkout,
        "-c",
        """
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.endpoint import Endpoint, Parameters
def frame(opcode, tx_id=0):
    return Frame(src=2, dst=1, opcode=opcode, vc=0, tx_id=tx_id, epoch=5)
one = Endpoint(Parameters(node=1))
assert one.receive(frame(Opcode.PROBE)).drop == "unexpected"
one.receive(frame(Opcode.OPEN, 40))
one.open_ack_sent(2, 0)
answer = one.receive(frame(Opcode.PROBE)).frame
assert (answer.opcode, answer.rx_id) == (Opcode.ACK, 40), answer
""",
    )


@long
@pytest.mark.icarus
def test_a_scenario(checkout):
    (block,) = [block for block in blocks(PAGE, SECTIONS["scenario"]) if block.language == "python"]
    file = checkout / "sim" / "ttpsim" / "scenarios" / "greeting.py"
    file.write_text(block.text)
    assert "1 passed, 0 failed" in run(checkout, *GREETING)
    # The page's last advice.
    file.write_text(block.text.replace("[0, 1]", "[0, 0]"))
    done = subprocess.run(
        [sys.executable, *GREETING], cwd=checkout, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 1 and "got opcodes [0, 1]" in done.stdout + done.stderr


def test_every_block_is_used():
    kinds = [block.language for section in SECTIONS.values() for block in blocks(PAGE, section)]
    assert kinds == ["diff", "sh", "sh", "diff", "diff", "diff", "sh", "sh", "sh", "python", "sh"]
    for section in SECTIONS.values():
        for block in blocks(PAGE, section):
            if block.language == "sh":
                for command in commands(block.text):
                    assert "greeting" in command or wrong(command) is None, wrong(command)
