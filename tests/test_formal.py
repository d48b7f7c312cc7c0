"""The short form of `ttpoe formal`, and what each proof must have to mean something."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.back import rtlil

from tests.long import long
from tests.ttpoe_process import ttpoe
from ttpformal import document, sby, source
from ttpformal.proof import Harness
from ttpformal.run import _row
from ttpformal.table import load

ROOT = Path(__file__).resolve().parents[1]
PROOFS = load()


@pytest.mark.parametrize("name", PROOFS)
def test_every_proof_has_defects_that_still_apply(name):
    proof = PROOFS[name]
    assert proof.defects and proof.config
    assert proof.mode not in ("bmc", "sat") or proof.why, (
        "a bounded proof says why its depth is enough"
    )
    for defect in proof.defects:
        text = (ROOT / "rtl" / "ttpoe" / defect.path).read_text()
        ast.parse(source.changed(text, defect.old, defect.new))
        assert defect.old != defect.new


@pytest.mark.parametrize("name", [name for name, proof in PROOFS.items() if proof.short])
def test_short_proofs_can_be_built_and_have_checks_and_covers(name):
    harness = Harness(PROOFS[name]())
    text = rtlil.convert(harness, name="top", ports=harness.ports)
    for flavor in ("assert", "cover"):
        assert f'parameter \\FLAVOR "{flavor}"' in text


def test_the_page_names_proofs_that_there_are():
    files = {name.split(".")[0] for name in PROOFS}
    page = (ROOT / "docs" / "evidence" / "formal.md").read_text()
    named = set(re.findall(r"`(\w+\.\w+)`", page)) | set(re.findall(r"^\| (\w+\.\w+)", page, re.M))
    named = {name for name in named if name.split(".")[0] in files and not name.endswith(".py")}
    assert len(named) > 50 and not named - PROOFS.keys()


BUILD_ALL = """
from amaranth.back import rtlil
from ttpformal.proof import Harness
from ttpformal.table import load
for name, proof in load().items():
    print("building", name, flush=True)
    harness = Harness(proof())
    rtlil.convert(harness, name="top", ports=harness.ports)
"""


@long
def test_all_proofs_can_be_built():
    """In a process of its own: some proofs make tables of the hardware smaller."""
    built = subprocess.run([sys.executable, "-c", BUILD_ALL], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout.splitlines()[-1:] + built.stderr.splitlines()[-1:]


@pytest.mark.parametrize("broken", ["prove", "cover", 0])
def test_a_row_is_good_only_if_all_of_it_is(broken):
    name, proof = next(iter(PROOFS.items()))
    done = {
        task: {"ok": task != broken, "status": "?", "seconds": 1.0}
        for task in ("prove", "cover", *range(len(proof.defects)))
    }
    assert not _row(name, proof, done)["ok"]
    done[broken]["ok"] = True
    assert _row(name, proof, done)["ok"]


@pytest.mark.skipif(
    sby.missing() is not None, reason=f"{sby.missing()} is missing: run `make setup WITH=formal`"
)
def test_short_proofs_hold_and_their_defects_are_found():
    run = ttpoe("formal", "--short", "--jobs", 2)
    assert run.returncode == 0, run.stdout + run.stderr
    short = sum(proof.short for proof in PROOFS.values())
    assert short >= 8 and f"{short} of {short} proofs hold" in run.stdout


@pytest.mark.parametrize(
    "text, result",
    [
        ("a = (b | c)\n", "a = d\n"),
        ("a = (\n    b\n    | c,\n)\n", "a = d\n"),
        ("a = (bb | c)\n", None),
        ("a = (b | c)\nf((b | c))\n", None),
    ],
)
def test_a_change_is_found_however_its_text_is_broken_into_lines(text, result):
    if result is None:
        with pytest.raises(ValueError, match="not once"):
            source.changed(text, "(b | c)", "d")
    else:
        assert source.changed(text, "(b | c)", "d") == result


def test_a_failure_without_a_trace_is_a_failure():
    """What SymbiYosys said of a defect of `xgmii_store.store`."""
    lost = (
        "summary: engine_0 (abc bmc3) returned FAIL\nsummary: engine_0 did not produce any traces"
    )
    assert sby.verdict("ERROR", lost) == "FAIL"
    assert sby.verdict("ERROR", "ERROR: Module `top' not found") == "ERROR"
    assert sby.verdict("ERROR", lost.replace("FAIL", "ERROR")) == "ERROR"
    assert sby.verdict("PASS", "summary: engine_0 (abc pdr) returned pass") == "PASS"


def test_the_page_is_of_the_results_that_are_kept(monkeypatch, tmp_path):
    """And a run of some proofs replaces theirs."""
    monkeypatch.setattr(document, "RESULT", tmp_path / "formal.json")
    made = document.made()
    assert made == {path: path.read_text() for path in made}
    said = {"date": "2031-01-01", "revision": "abc", "result": "FAIL", "seconds": 1}
    row = document._row("path.turns", load()["path.turns"], None) | said
    document.RESULT.write_text(json.dumps({"proofs": [row]}))
    changed = document.made()
    assert "2031-01-01, revision abc" in changed[document.PAGE]
    kept = [json.loads(text[document.KEPT]) for text in (made, changed)]
    assert {name for name in kept[0] if kept[0][name] != kept[1][name]} == {"path.turns"}


def test_a_proof_with_other_defects_has_no_result():
    name, proof = next(iter(load().items()))
    kept = json.loads(document.KEPT.read_text())[name]
    assert document._row(name, proof, kept)["ok"]
    assert (
        document._row(name, proof, kept | {"defects": kept["defects"] + 1})["result"] == "not run"
    )
