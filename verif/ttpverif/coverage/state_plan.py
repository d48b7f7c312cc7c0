"""The coverage plan of the state table: which scenario exercises which alternative.

`state_plan.json` is {event: {state: [[test, ...] per alternative]}}. A test is a scenario, or a
block test (`BLOCK_TESTS`) where a whole engine would need a race of a few clocks. A test that a
row names fails when it does not take that row (`check_claims`); a row without a test fails
`tests/sim/test_state_table.py`, and so does a plan that names rows that are not there.
"""

import json
from pathlib import Path

__all__ = ["BLOCK_TESTS", "PLAN", "check_claims", "load_plan"]

PLAN = Path(__file__).with_name("state_plan.json")
BLOCK_TESTS = {"test_background": "tests/pipeline/test_background.py"}
"""Tests of the plan that are no scenarios: name -> file."""


def load_plan():
    return json.loads(PLAN.read_text()) if PLAN.exists() else {}


def check_claims(test, taken):
    """`taken`: {(event, state, number of the alternative)} that a run of `test` took."""
    claimed = {
        (event, state, number)
        for event, cells in load_plan().items()
        for state, rows in cells.items()
        for number, names in enumerate(rows)
        if test in names
    }
    missing = sorted(claimed - set(taken))
    assert not missing, f"{test} claims rows of the state table that it did not take: {missing}"
