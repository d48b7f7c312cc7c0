"""The coverage plan of the MACs fits the code, a missing point is found, and counts are exact.

The long form is `ttpoe coverage --macs`.
"""

import json
from pathlib import Path

import pytest

from tests.mac import mac_bench
from ttpoe.config import Config
from ttpoe.mac.counters import STATS
from ttpoe.mac.hard_mac import HARD_MAC_EVENTS
from ttpoe.mac.store import SLACK_BEATS
from ttpoe.mac.xgmii_mac import MAC_EVENTS
from ttpoe.mac.xgmii_tx import XgmiiTx
from ttpoe.verilog.emit import emit_verilog
from ttpsim.coverage import mac_page, macs
from ttpsim.coverage.mac_sides import SIDES
from ttpverif.coverage import mac_counting, mac_points

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "kind, stats", [("gmii", STATS), ("xgmii", MAC_EVENTS), ("cmac", HARD_MAC_EVENTS)]
)
def test_every_counter_has_its_point(kind, stats):
    start = f"{kind}/counted/"
    found = {name.removeprefix(start) for name in mac_points.universe() if name.startswith(start)}
    assert found == {name.removeprefix("stat_") for name in stats}


def test_every_point_is_asked_in_some_bench():
    asked = {
        point.name
        for sides in SIDES.values()
        for side in sides
        for point in mac_counting.points_of(side)
    }
    assert asked == set(mac_points.universe())
    assert {name for bench in macs.BENCHES for name in bench.names} == set(SIDES)


def test_a_half_has_no_point_of_the_other():
    for name, way in (("mac-rx", "sent"), ("mac-tx", "received")):
        (side,) = SIDES[name]
        points = {point.name for point in mac_counting.points_of(side)}
        assert points and not any(f"/{way}/" in point for point in points)


def test_reasons_name_points_and_tests_that_there_are():
    for name, reason in mac_points.load()["elsewhere"].items():
        assert name in mac_points.universe()
        assert (ROOT / reason.partition(":")[0]).exists()


def test_benches_are_tests_that_there_are():
    for bench in macs.BENCHES:
        assert (ROOT / bench.test.partition("::")[0]).exists()


def test_a_point_that_nobody_hits_is_a_problem_and_open():
    points = {
        name: {"what": point.what, "count": 1, "benches": ["mac-tx"], "reason": None}
        for name, point in mac_points.universe().items()
    }
    results = {
        "benches": [{"names": ["mac-tx"], "test": "t", "result": "passed", "log": "l"}],
        "points": points,
        "origin": {"command": "c", "revision": "r", "date": "d", "seeds": "11"},
    }
    assert macs.problems(results) == [] and "open" not in mac_page.page(results)
    points["gmii/speed/sent at 10"]["count"] = 0
    (line,) = macs.problems(results)
    assert "gmii/speed/sent at 10" in line and "| **open** |" in mac_page.page(results)
    points["gmii/speed/sent at 10"]["reason"] = "tests/mac/test_mii.py"
    assert macs.problems(results) == [] and "1 by other tests" in mac_page.page(results)
    results["benches"][0]["result"] = "failed"
    assert macs.problems(results) == ["t failed; see l"]


def test_counts_are_exact(tmp_path, monkeypatch):
    """Those of five frames; twice the same in two simulations."""
    (tmp_path / "counts").mkdir()
    monkeypatch.setenv(macs.ASKED, str(tmp_path / "counts"))
    for _ in range(2):
        text = emit_verilog(XgmiiTx(Config(width_bits=64), start_beats=SLACK_BEATS), "pair")
        module = "tests.sim.mac_points_cocotb"
        mac_bench.run_text(text, "mac-tx", module, tmp_path / "run", shortest=60)
    counts = json.loads((tmp_path / "counts" / "mac-tx.json").read_text())
    seen = {name.partition("/")[2]: count // 2 for name, count in counts.items() if count}
    starts_and_ends = {name: count for name, count in seen.items() if "lane" in name}
    assert sum(starts_and_ends.values()) == 5
    assert {name: seen[name] for name in seen if "given" in name} == {
        "given/59 bytes": 1,
        "given/1 byte": 1,
        "given/61 bytes": 1,
        "given/62 to 1513 bytes": 2,
    }
    assert (seen["sent/64 bytes"], seen["sent/65 to 1517 bytes"]) == (2, 3)
    assert (seen["counted/tx_sent"], seen["counted/tx_padded"]) == (5, 2)
    # 12 behind the two that end a column, 11 behind 61 bytes, 10 behind 62: then 1 + 2 are missing.
    assert [seen[f"sent/gap of {gap}"] for gap in (10, 11, 12)] == [1, 1, 2]
    assert [seen[f"sent/deficit {deficit}"] for deficit in (0, 1, 3)] == [2, 1, 1]
