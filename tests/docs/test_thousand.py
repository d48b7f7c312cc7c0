"""The table of runs of 1,024 engines: what is kept of a run, what is refused, what is missing."""

import json

import pytest

from ttpsim.cli.fabric import SETTINGS
from ttpsim.pages import thousand
from ttpverif.cli import UsageError

COMMAND = (
    "ttpoe fabric --preset tiny --traffic ring --seed 1 --nodes 1024 --count 64 --clocks 1000000"
)
RESULT = {
    "seed": 1,
    "origin": {
        "command": COMMAND,
        "revision": "0123456789ab",
        "date": "2026-12-01",
        "seeds": "1",
        "machine": "a processor, 2 cores",
    },
    "clocks": 1_000_000,
    "packets": 7_654_321,
    "deliveries": 0x0123456789ABCDEF,
    "dropped_full": 4_321,
    "stats": {"payload_replayed": 5_432},
    "half": {"goodput": 0.9123, "fairness": 0.98765},
    "cost": {"processes": 1, "skipped": 102_400_000, "in_lanes": 512_000_000},
    "cpu_seconds": 2000.0,
    "nodes": [{}] * 1024,
    "flows": [],
    "failure": "",
}


@pytest.fixture
def keep(monkeypatch, tmp_path):
    """Keeps a result with these changes, in a file of its own."""
    monkeypatch.setattr(thousand, "THOUSAND", tmp_path / "thousand.json")

    def run(**changes):
        path = tmp_path / "run.json"
        path.write_text(json.dumps(RESULT | changes))
        thousand.keep(path)

    return run


def made_by(command):
    return {"origin": RESULT["origin"] | {"command": command}}


def test_a_run_is_a_row_and_names_where_it_is_from(keep):
    assert thousand.runs().count("Not run yet") == 5 and "|" not in thousand.runs()
    keep()
    said = thousand.runs()
    row = "| ring | 91.2 % | 0.988 | 7,654,321 | 4,321 | 5,432 | `0123456789abcdef` |"
    assert row in said and said.count("Not run yet") == 4 and "yet: ring" not in said
    row = "| ring | 1,024,000,000 | 10.0 % | 50.0 % | 2,000 s | 512,000 |"
    assert row in thousand.speed()
    row = f"| ring | `{COMMAND}` | 0123456789ab | 2026-12-01 | 1 | a processor, 2 cores |"
    assert row in thousand.where_from()


def test_a_pattern_has_one_run_and_its_place(keep):
    keep()
    keep(**made_by(COMMAND.replace("ring", "incast")))
    keep(packets=11)
    assert list(thousand.kept()) == ["incast", "ring"]
    assert thousand.kept()["ring"]["packets"] == 11


def test_the_commands_of_the_page_are_of_their_patterns():
    for name, pattern in thousand.PATTERNS.items():
        assert thousand._pattern(pattern.command()) == name
        for switch in (*pattern.has, *pattern.lacks):
            assert switch == "traffic" or switch in SETTINGS


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"origin": None}, "it does not say where it is from"),
        ({"failure": "clock 7: bad"}, "the run failed: clock 7: bad"),
        ({"clocks": 30_000}, "it is of 1,024 nodes and 30,000 clocks"),
        ({"nodes": [{}] * 64}, "it is of 64 nodes and 1,000,000 clocks"),
        ({"cost": {}}, "not a file of --results"),
        (made_by(COMMAND + " --leaf-hosts 8"), "none of the page's patterns"),
        (made_by(COMMAND.replace("ring", "all_to_all")), "none of the page's patterns"),
    ],
)
def test_what_is_no_run_of_the_page_is_refused(keep, changes, said):
    with pytest.raises(UsageError, match=r"--thousand .*run\.json: ") as error:
        keep(**changes)
    assert said in str(error.value) and "\n" not in str(error.value)
    assert not thousand.kept()
