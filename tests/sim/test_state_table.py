"""docs/reference/state-table.md and trace.md are up to date, and no row is without a test."""

import copy
from pathlib import Path

import pytest

import ttpverif.cli as cli
from tests.ttpoe_process import ttpoe
from ttpsim.pages import kinds, state_table
from ttpverif.coverage.state_plan import BLOCK_TESTS, check_claims, load_plan

ROOT = Path(__file__).resolve().parents[2]


def test_pages_are_up_to_date():
    run = ttpoe("pages", "tables", "--check")
    assert run.returncode == 0, run.stderr


def test_a_page_that_is_old_is_told(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(kinds, "ROOT", tmp_path)
    monkeypatch.setitem(kinds.KINDS, "tables", lambda: {tmp_path / "page.md": "new"})
    assert cli.main(["pages", "tables", "--check"]) == 1
    assert capsys.readouterr().err == "page.md is not up to date: run `ttpoe pages tables`\n"
    assert not (tmp_path / "page.md").exists()
    assert cli.main(["pages", "tables"]) == 0 and (tmp_path / "page.md").read_text() == "new"
    assert cli.main(["pages", "tables", "--check"]) == 0


def test_a_page_that_two_make_has_what_both_made(monkeypatch):
    monkeypatch.setattr(state_table, "trace_page", lambda text: text + "new\n")
    assert kinds.KINDS["tables"]()[state_table.TRACE_PAGE].endswith("new\n")


def test_every_row_has_a_test():
    plan = load_plan()
    assert not state_table.uncovered(plan)
    assert not state_table.unknown(plan)


def test_every_test_of_the_plan_is_a_scenario_or_a_block_test():
    names = {
        name
        for cells in load_plan().values()
        for rows in cells.values()
        for row in rows
        for name in row
    }
    for name in names:
        scenario = f"sim/ttpsim/scenarios/{name.split('.')[0]}.py"
        assert (ROOT / BLOCK_TESTS.get(name, scenario)).exists(), name
    assert names >= set(BLOCK_TESTS), "a block test that claims nothing"


def test_collecting_keeps_what_the_runs_do_not_tell_of():
    """Block tests are not among the results of `ttpoe sim`."""
    plan = load_plan()
    assert state_table.collected(plan, []) == plan
    cells = [
        [event, state, number]
        for event, states in plan.items()
        for state, rows in states.items()
        for number, names in enumerate(rows)
        if "selective.scripted" in names
    ]
    lost, kept = ["REPLAY", "OPEN", 0], ["PURGE", "CLOSED", 0]
    cells.remove(lost)
    cells.append(["RX_ACK", "OPEN", 1])
    new = state_table.collected(plan, [dict(test="selective.scripted", cells=cells)])
    others = [test for test in plan["REPLAY"]["OPEN"][0] if test != "selective.scripted"]
    assert new["REPLAY"]["OPEN"][0] == others and "test_background" in others
    assert new[kept[0]][kept[1]][kept[2]] == ["selective.scripted", "test_background"]
    assert "selective.scripted" in new["RX_ACK"]["OPEN"][1]


def test_holes_are_found():
    plan = copy.deepcopy(load_plan())
    plan["RX_ACK"]["OPEN"][1] = []
    assert state_table.uncovered(plan) == ["RX_ACK in OPEN, row 1"]
    plan["RX_ACK"]["OPEN"].append(["cells"])
    assert state_table.unknown(plan) == ["RX_ACK in OPEN"]
    assert state_table.state_page(plan) != state_table.state_page(load_plan())


def test_a_claim_that_is_not_kept_fails():
    taken = {
        (event, state, number)
        for event, cells in load_plan().items()
        for state, rows in cells.items()
        for number in range(len(rows))
    }
    check_claims("cells", taken)
    with pytest.raises(AssertionError, match="VISIT"):
        check_claims("cells", taken - {("VISIT", "OPEN", 0)})
