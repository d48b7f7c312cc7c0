"""The coverage plan fits the code, a missing point is found, and one scenario's counts are exact.

The long form is `ttpoe coverage`.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from ttpoe.config import preset
from ttpoe.csr.registers import COUNTERS, INTERRUPTS
from ttpoe.layouts import HostResult, Notice
from ttpoe.link.effects import EFFECTS
from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.state_table import TABLE
from ttpoe.pipeline.q0_arbitrate import Arbitrate
from ttpoe.protocol import Opcode
from ttpsim.build import builds
from ttpsim.coverage import cases as coverage_cases
from ttpsim.coverage import lines as coverage_lines
from ttpsim.coverage import page as coverage_page
from ttpsim.coverage import run as coverage
from ttpverif.coverage import counting
from ttpverif.coverage import points as plan

ROOT = Path(__file__).resolve().parents[2]

TINY = preset("tiny")


def names(family):
    return {name.partition("/")[2] for name in plan.universe() if name.startswith(family + "/")}


# ---- the plan and the code ----------------------------------------------------------------------


def test_everything_that_the_code_lists_has_its_point():
    assert {name.rpartition("/")[0] for name in names("row")} == {
        f"{event.name}/{state.name}" for event in Event for state in LinkState
    }
    for matrix in plan.MATRICES:
        assert names(matrix) == {
            f"{opcode.name}/{state.name}" for opcode in Opcode for state in LinkState
        }
    assert names("counter") == {name.removeprefix("stat_") for name in COUNTERS}
    assert names("notice") == {notice.name for notice in Notice}
    assert names("result") == {result.name for result in HostResult}
    assert names("interrupt") == set(INTERRUPTS)
    sources = set()
    for name, member in Arbitrate(TINY).signature.members.items():
        if name.startswith("i_") and member.is_signature and not member.signature.always_ready:
            vcs = range(member.dimensions[0]) if member.dimensions else ("",)
            sources |= {f"{name.removeprefix('i_')}{vc}" for vc in vcs}
    assert set(plan.SOURCES) == sources


def test_sources_are_in_the_order_of_the_grants():
    arbitrate = Arbitrate(TINY)
    asked = []
    source = Path(sys.modules[Arbitrate.__module__].__file__).read_text()
    listed = source.partition("sources = [")[2].partition("m.submodules")[0]
    assert "VC_ORDER" in listed
    for _index, name in enumerate(plan.SOURCES):
        port = f"i_{name.rstrip('012')}"  # of one VC, or of all of them
        assert hasattr(arbitrate, port), name
        if name == port.removeprefix("i_"):
            asked.append(listed.find(port) if port in listed else None)
    found = [place for place in asked if place is not None and place >= 0]
    assert found == sorted(found)


def test_impossible_is_what_the_table_cannot_do():
    """The plan's own words against every row of the state table and what its action sends."""
    possible = {matrix: set() for matrix in ("sent before", "sent after")}
    for _event, cells in TABLE.items():
        for state, rows in cells.items():
            for _guards, action, to in rows:
                effects = EFFECTS[action]
                sent = {effects.frame} if effects.frame is not None else set()
                if effects.sends or effects.resends:
                    sent.add(Opcode.PAYLOAD)
                for opcode in sent:
                    possible["sent before"].add(f"{opcode.name}/{state.name}")
                    possible["sent after"].add(f"{opcode.name}/{to.name}")
    for matrix, combinations in possible.items():
        said = {name.partition("/")[2] for name in plan.impossible() if name.startswith(matrix)}
        assert said == names(matrix) - combinations, matrix


def test_reasons_belong_to_points():
    universe = plan.universe()
    for name in (*plan.load()["elsewhere"], *plan.impossible(), *coverage_page.block_tests()):
        assert name in universe or (name.endswith("/") and names(name[:-1])), name


def test_the_page_shows_every_point_and_no_impossible_one_hit():
    page = coverage_page.PAGE.read_text()
    assert ", impossible**" not in page
    listed = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    wanted = (
        names("point")
        | names("counter")
        | names("stall")
        | {
            f"{family}/{name}"
            for family in ("notice", "result", "interrupt", "admitted", "read", "written")
            for name in names(family)
        }
    )
    assert wanted <= listed, wanted - listed


@pytest.mark.parametrize("top", ["engine", "managed_nic"])
def test_conditions_are_complete_verilog(top):
    text, found = counting.counting_verilog(top, TINY)
    assert len(found) == len(set(found))
    body = [line for line in text.splitlines() if "hits[" in line and "if (" in line]
    assert len(body) == 2 * len(found)
    for line in body:
        assert not set("{}") & set(line.replace("\\", "").split("<=")[0]) or "S_" not in line
        assert " E." not in line and " N." not in line and " C." not in line


# ---- what is not hit ----------------------------------------------------------------------------


def everything():
    counts = Counter({name: 1 for name in plan.universe() if name not in plan.impossible()})
    code = {
        "lines": 100,
        "toggles": 10,
        "lines_percent": 97.0,
        "reachable_percent": 99.0,
        "toggles_percent": 50.0,
        "wrongly_left_out": [],
    }
    return {"runs": [], "points": coverage.verdicts(counts, {}), "code": code}


def test_a_complete_result_has_no_problem():
    assert coverage.problems(everything()) == []


@pytest.mark.parametrize(
    "name",
    ["point/forwarded_way1", "row/RX_ACK/OPEN/1", "counter/rx_good", "length/s_host_tx0/512/1023"],
)
def test_a_point_that_the_bench_no_longer_counts_is_missed(name):
    counts = Counter({point: 1 for point in plan.universe() if point not in plan.impossible()})
    del counts[name]
    results = dict(everything(), points=coverage.verdicts(counts, {}))
    assert [line.split()[0] for line in coverage.problems(results)] == [name]


def test_what_another_test_covers_is_no_problem():
    counts = Counter({point: 1 for point in plan.universe() if point not in plan.impossible()})
    del counts["counter/memory_corrected"], counts["row/PURGE/CLOSE_SENT/1"]
    found = coverage.verdicts(counts, {})
    assert "test_faults" in found["counter/memory_corrected"]["reason"]
    assert "test_background" in found["row/PURGE/CLOSE_SENT/1"]["reason"]
    assert coverage.problems(dict(everything(), points=found)) == []


def test_an_impossible_hit_is_an_error():
    results = everything()
    results["points"]["sent after/PAYLOAD/CLOSED"]["count"] = 3
    (problem,) = coverage.problems(results)
    assert problem.startswith("sent after/PAYLOAD/CLOSED was hit 3 times")


def test_too_few_lines_are_an_error():
    results = everything()
    results["code"]["reachable_percent"] = 97.9
    assert "97.90 %" in coverage.problems(results)[0]


def test_a_line_that_is_left_out_and_hit_is_an_error():
    results = everything()
    results["code"]["wrongly_left_out"] = [{"block": "engine/tx", "line": 7, "text": "default:"}]
    (problem,) = coverage.problems(results)
    assert problem.startswith("engine/tx: line 7 was hit, and is left out")


def test_counts_of_both_engines_are_added():
    assert counting.read_counts(
        "// 0x0\n@0\n00000001 0000000a\n00000002 00000010\n", ["x", "y"]
    ) == {"x": 3, "y": 26}
    with pytest.raises(ValueError, match="3 counts for 2 points"):
        counting.read_counts("1 2 3", ["x", "y"])


# ---- lines and toggles --------------------------------------------------------------------------


def point(page, line, count, comment="", span=""):
    keys = {"f": __file__, "l": line, "n": 1, "page": page, "o": comment, "S": span}
    return "C '" + "".join(f"\1{key}\2{value}" for key, value in keys.items()) + f"' {count}\n"


def test_lines_and_toggles_are_added_up_over_runs():
    module = "ttp_engine_core_tx_builder"
    first = (
        point(f"v_line/{module}", 3, 1, span="3,5-6")
        + point(f"v_branch/{module}", 6, 0)
        + point(f"v_toggle/{module}", 9, 0, "level__02ein[1]:0->1")
        + point(f"v_toggle/{module}", 9, 2, "level__02ein[1]:1->0")
        + point("v_line/pair", 7, 0)
    )
    modules = {}
    coverage_lines.add(modules, first, "engine")
    found = coverage_lines.summary(modules)
    assert found["blocks"] == [
        {
            "block": "engine/tx_builder",
            "top": "engine",
            "lines": 3,
            "lines_hit": 2,
            "toggles": 2,
            "toggles_hit": 1,
            "apart": None,
        }
    ]
    assert [entry["line"] for entry in found["uncovered_lines"]] == [6]
    assert [entry["signal"] for entry in found["quiet_signals"]] == ["level.in"]
    coverage_lines.add(modules, first.replace("' 0", "' 4"), "engine")
    found = coverage_lines.summary(modules)
    assert found["lines_percent"] == found["toggles_percent"] == 100


def test_a_block_is_reported_from_the_smallest_top():
    engine = point("v_line/ttp_engine_core_tx", 3, 0)
    nic = point("v_line/ttp_nic_core_engine_tx", 3, 5) + point("v_line/ttp_nic_core_tx_merge", 4, 1)
    for order in ((engine, "engine", nic, "nic"), (nic, "nic", engine, "engine")):
        modules = {}
        coverage_lines.add(modules, *order[:2])
        coverage_lines.add(modules, *order[2:])
        assert {name: block["top"] for name, block in modules.items()} == {
            "engine/tx": "engine",
            "nic/tx_merge": "nic",
        }
        assert coverage_lines.summary(modules)["lines_percent"] == 50


def test_a_block_apart_is_in_no_total():
    modules = {}
    coverage_lines.add(
        modules,
        point("v_line/ttp_managed_nic_core_csr_counters", 3, 0)
        + point("v_line/ttp_managed_nic_core_csr_axil", 4, 2),
        "managed_nic",
    )
    found = coverage_lines.summary(modules)
    assert {block["block"]: bool(block["apart"]) for block in found["blocks"]} == {
        "managed/csr_counters": True,
        "managed/csr_axil": False,
    }
    assert found["lines"] == 1 and found["lines_percent"] == 100
    assert not found["uncovered_lines"]


DEFAULT = 6


def selection(*tests):
    """Verilog with a selection, as Yosys writes it; one branch per test. Its `default:` is on line
    DEFAULT. A module behind it has the same names for other things."""
    bits = [test if test.isidentifier() else f"_{number}_" for number, test in enumerate(tests)]
    assigns = "".join(
        f"  assign {bit} = {test};\n" for bit, test in zip(bits, tests) if bit != test
    )
    return (
        "module ttp_engine_core_tx(state, clk);\n  function [1:0] _9_;\n    casez (s)\n"
        "      3'b??1:\n        _9_ = b[1:0];\n      default:\n        _9_ = a;\n"
        f"    endcase\n  endfunction\n  assign chosen = _9_(2'h0, {{ x, y }}, "
        f"{{ {', '.join(bits)} }});\n{assigns}endmodule\n"
        "module other(state);\n  assign _0_ = state[1:0] == 2'h3;\nendmodule\n"
    )


ZERO, ONE, TWO, THREE = "! state[1:0]", *(f"state[1:0] == 2'h{n}" for n in (1, 2, 3))
VALUES = {"signal": r"^state\[1:0\]$", "count": 3, "reason": "three states"}


def never(*tests, values=()):
    return coverage_cases.never_taken(selection(*tests).splitlines(), DEFAULT, values)


def test_a_default_is_out_of_reach_if_every_value_has_a_branch():
    assert "all values" in never(TWO, ZERO, THREE, ONE)
    assert "all values" in never("~ flag", "flag")
    assert never(ZERO, ONE, TWO, values=[VALUES]) == "three states"


@pytest.mark.parametrize(
    "tests",
    [
        (ZERO, ONE, TWO),
        (ZERO, ONE, TWO, TWO),
        (ZERO, ONE, TWO, "! other[1:0]"),
        (ZERO, ONE, TWO, "state[1] & state[0]"),
        (ZERO, ONE, TWO, "other[1:0] == 2'h3"),
        (ZERO,),
    ],
)
def test_a_default_that_may_be_taken_is_not_left_out(tests):
    assert never(*tests) is None
    assert never(*tests, values=[dict(VALUES, count=4)]) is None


def test_a_line_that_is_left_out_and_hit_is_found(tmp_path):
    source = tmp_path / "engine.v"
    source.write_text(selection(ZERO, ONE, TWO, THREE))
    for hits in (0, 3):
        modules = {}
        coverage_lines.add(
            modules,
            point(
                "v_line/ttp_engine_core_tx", DEFAULT, hits, span=f"{DEFAULT}-{DEFAULT + 1}"
            ).replace(__file__, str(source)),
            "engine",
        )
        found = coverage_lines.summary(modules)
        assert found["unreachable_lines"] == (0 if hits else 2)
        assert [entry["line"] for entry in found["wrongly_left_out"]] == (
            [DEFAULT, DEFAULT + 1] if hits else []
        )


def test_enumerations_have_as_many_values_as_the_code_says():
    counts = {entry["signal"]: entry["count"] for entry in coverage_lines._reasons()["values"]}
    assert counts.pop(r"^i_event\[4:0\]$") == len(Event)
    assert counts.pop(r"^i_tag\[2:0\]$") == len(LinkState)
    assert counts.pop("^index$") == TINY.VCS
    assert list(counts) == ["^(replayer|lookup)_state$"]


# ---- one scenario -------------------------------------------------------------------------------

# fmt: off
EXACT = {
    "received/OPEN/CLOSED": 1, "received/OPEN_ACK/OPEN_SENT": 1, "received/PAYLOAD/OPEN": 1,
    "received/ACK/OPEN": 1, "received/CLOSE/OPEN": 1, "received/CLOSE_ACK/CLOSE_SENT": 1,
    "sent before/OPEN/CLOSED": 1, "sent after/OPEN/OPEN_SENT": 1, "sent before/CLOSE/OPEN": 1,
    "sent after/CLOSE/CLOSE_SENT": 1, "sent after/PAYLOAD/OPEN": 1,
    "sent after/CLOSE_ACK/CLOSED": 1,
    "row/HOST_OPEN/CLOSED/2": 1, "row/HOST_OPEN/CLOSED/0": 0, "admitted/command": 2,
    "notice/LINK_UP": 2, "notice/LINK_DOWN": 2, "notice/REFUSED": 0, "result/TAKEN": 1,
    "point/sent_article_ethertype": 6, "point/sent_ieee_ethertype": 0, "point/every_slot_in_use": 0,
}
# fmt: on


@pytest.mark.icarus
def test_counts_of_hello_are_exact(tmp_path):
    """Against the scenario's story, and against the counters that the pair counts by itself."""
    processes = builds.Processes()
    (run,) = coverage.sim_run.plan(coverage.sim_run.Wanted(["hello"], "icarus", preset="tiny"))
    core = builds.emitted(run.config, processes)
    build = builds.compile_pair(
        "icarus", core, "tiny", False, processes, extra=coverage.extra_of(run)
    )
    assert (
        builds.simulate(build, "ttpsim.scenarios.hello", tmp_path, 1, {}, processes, run.config)
        == 0
    )
    found = counting.read_counts(
        (tmp_path / "points.hex").read_text(),
        [point.name for point in counting.points("engine", run.config)],
    )
    assert {name: found[name] for name in EXACT} == EXACT
    counted = Counter()
    for counts in json.loads((tmp_path / "summary.json").read_text())["counts"].values():
        counted.update(counts)
    assert {name: found[f"counter/{name}"] for name in counted} == dict(counted)
    sizes = {name: count for name, count in found.items() if name.startswith("length/") and count}
    assert not sizes, "hello sends no payload of a length that matters"
