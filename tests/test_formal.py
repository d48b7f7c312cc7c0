"""The short form of `make formal`, and what each proof must have to mean something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.back import rtlil

from ttpformal import sby
from ttpformal.proof import Harness
from ttpformal.run import _row
from ttpformal.table import load

ROOT = Path(__file__).resolve().parents[1]
PROOFS = load()


@pytest.mark.parametrize("name", PROOFS)
def test_every_proof_has_defects_that_still_apply(name):
    proof = PROOFS[name]
    assert proof.defects and proof.config
    assert proof.mode not in ("bmc", "sat") or proof.why, "a bounded proof says why its depth is enough"
    for defect in proof.defects:
        text = (ROOT / "rtl" / "ttpoe" / defect.path).read_text()
        assert text.count(defect.old) == 1, defect
        assert defect.old != defect.new


@pytest.mark.parametrize("name", [name for name, proof in PROOFS.items() if proof.short])
def test_short_proofs_can_be_built_and_have_checks_and_covers(name):
    harness = Harness(PROOFS[name]())
    text = rtlil.convert(harness, name="top", ports=harness.ports)
    for flavor in ("assert", "cover"):
        assert f'parameter \\FLAVOR "{flavor}"' in text


BUILD_ALL = """
from amaranth.back import rtlil
from ttpformal.proof import Harness
from ttpformal.table import load
for name, proof in load().items():
    print("building", name, flush=True)
    harness = Harness(proof())
    rtlil.convert(harness, name="top", ports=harness.ports)
"""


def test_all_proofs_can_be_built():
    """In a process of its own: some proofs make tables of the hardware smaller."""
    built = subprocess.run([sys.executable, "-c", BUILD_ALL], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout.splitlines()[-1:] + built.stderr.splitlines()[-1:]


@pytest.mark.parametrize("broken", ["prove", "cover", 0])
def test_a_row_is_good_only_if_all_of_it_is(broken):
    name, proof = next(iter(PROOFS.items()))
    done = {task: {"ok": task != broken, "status": "?", "seconds": 1.0}
            for task in ("prove", "cover", *range(len(proof.defects)))}
    assert not _row(name, proof, done)["ok"]
    done[broken]["ok"] = True
    assert _row(name, proof, done)["ok"]


@pytest.mark.skipif(sby.missing() is not None,
                    reason=f"{sby.missing()} is missing: run `make formal`")
def test_short_proofs_hold_and_their_defects_are_found():
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("rtl", "verif"))
    run = subprocess.run([sys.executable, "-m", "ttpformal.run", "--short", "--jobs", "2"],
                         cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, text=True,
                         capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    short = sum(proof.short for proof in PROOFS.values())
    assert short >= 8 and f"{short} of {short} proofs hold" in run.stdout
