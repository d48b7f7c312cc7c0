"""docs/state-table.md and docs/trace.md are up to date, and no row is without a test."""

import copy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "sim"))

import state_table  # noqa: E402
from ttpverif.state_plan import check_claims, load_plan  # noqa: E402


def test_pages_are_up_to_date(capsys):
    assert state_table.main(["--check"]) == 0, capsys.readouterr().err


def test_every_row_has_a_test():
    plan = load_plan()
    assert not state_table.uncovered(plan)
    assert not state_table.unknown(plan)


def test_every_test_of_the_plan_is_a_scenario():
    names = {name for cells in load_plan().values() for rows in cells.values() for row in rows
             for name in row}
    for name in names:
        assert (ROOT / "sim" / "scenarios" / f"{name.split('.')[0]}.py").exists(), name


def test_holes_are_found():
    plan = copy.deepcopy(load_plan())
    plan["RX_ACK"]["OPEN"][1] = []
    assert state_table.uncovered(plan) == ["RX_ACK in OPEN, row 1"]
    plan["RX_ACK"]["OPEN"].append(["cells"])
    assert state_table.unknown(plan) == ["RX_ACK in OPEN"]
    assert state_table.state_page(plan) != state_table.state_page(load_plan())


def test_a_claim_that_is_not_kept_fails():
    taken = {(event, state, number) for event, cells in load_plan().items()
             for state, rows in cells.items() for number in range(len(rows))}
    check_claims("cells", taken)
    with pytest.raises(AssertionError, match="VISIT"):
        check_claims("cells", taken - {("VISIT", "OPEN", 0)})
