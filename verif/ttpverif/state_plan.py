"""The coverage plan of the state table: which scenario exercises which alternative.

`state_plan.json` is {event: {state: [[scenario, ...] per alternative]}}. A scenario that a row
names fails when it does not take that row (`check_claims`); a row without a scenario fails
`tests/test_state_table.py`, and so does a plan that names rows that are not there.
"""

import json
from pathlib import Path

__all__ = ["PLAN", "check_claims", "load_plan"]

PLAN = Path(__file__).with_name("state_plan.json")


def load_plan():
    return json.loads(PLAN.read_text()) if PLAN.exists() else {}


def check_claims(scenario, taken):
    """`taken`: {(event, state, number of the alternative)} that a run of `scenario` took."""
    claimed = {(event, state, number)
               for event, cells in load_plan().items() for state, rows in cells.items()
               for number, names in enumerate(rows) if scenario in names}
    missing = sorted(claimed - set(taken))
    assert not missing, f"{scenario} claims rows of the state table that it did not take: {missing}"
