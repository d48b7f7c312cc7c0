"""Engines that go through a clock together, as lanes of one model, and engines one by one."""

import subprocess

import pytest

from tests.sim.test_abuse import CONFIG, defective
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native
from ttpsim.native import lanes
from ttpsim.native.lane_code import Function, Unknown

ROOT = "Vengine___024root"
HEADER = """
  VL_IN8(&clk,0,0);
  VL_IN8(rst,0,0);
  VL_INW(s_wide,511,0,16);
  CData/*0:0*/ bit;
  IData/*23:0*/ number;
  VlWide<3>/*79:0*/ words;
  VlUnpacked<CData/*6:0*/, 127> small;
  VlUnpacked<VlWide<5>/*128:0*/, 32> rows;
  VlUnpacked<QData/*63:0*/, 1> __VnbaTriggered;
"""
EVAL = """void {root}___eval_{region}({root}* vlSelf) {{
    // Body
    if ((1ULL & vlSelfRef.__V{region}Triggered[0U])) {{
        {root}___{region}_sequent__TOP__0(vlSelf);
        {more}
    }}
}}
void {root}___{region}_sequent__TOP__0({root}* vlSelf) {{
    // Body
    {body}
}}
"""


@pytest.fixture(scope="module")
def program():
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    return fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK, lanes=4)


@pytest.mark.parametrize(
    "traffic, settings",
    [
        ("all_to_all", {"NODES": 6, "COUNT": 12, "LOSS_PPM": 20_000, "BYTES": 0}),
        ("incast", {"NODES": 7, "CLOCKS": 12_000, "OLD": 2, "SPREAD": 6000, "BUFFER": 8192}),
    ],
)
def test_lanes_are_engines_one_by_one(program, traffic, settings):
    """Four lanes: of all to all the second four have two engines, and two that nobody has."""
    assert "#define LANES_KNOWN\n" in (program.parent / "kind0" / lanes.NAME).read_text()
    found = []
    for lanes_used, *skip in ((1,), (0,), (1, "--skip", 0)):
        plus = ["--lanes", lanes_used, *skip]
        code, result = fabric.run_fabric(program, traffic, settings, subprocess.DEVNULL, plus=plus)
        assert code == 0 and result.pop("cpu_seconds")
        assert (result.pop("cost")["in_lanes"] > 10_000) == bool(lanes_used)
        found.append(result)
    assert found[0] == found[1] == found[2] and found[0]["packets"] > 10


def lines(body):
    """A function of these statements, as loops over lanes, but for spaces."""
    found = Function(lanes.Members(HEADER), f"// Body\n{body}").lines
    return ["".join(line.split()) for line in found]


def same(body, *wanted):
    return lines(body) == ["".join(line.split()) for line in wanted]


def test_a_statement_is_a_loop():
    assert same(
        "vlSelfRef.number = (vlSelfRef.words[2U] & vlSelfRef.s_wide[1U]);",
        "EACH_LANE { b.number[l] = (b.words[2U][l] & b.s_wide[l][1U]); }",
    )


def test_what_is_read_of_a_memory_is_apart():
    assert same(
        "vlSelfRef.bit = (1U & vlSelfRef.rows[vlSelfRef.number][3U]);",
        "IData t1[LANES];",
        "EACH_LANE { t1[l] = b.roots[l]->rows[b.number[l]][3U]; }",
        "EACH_LANE { b.bit[l] = (1U & t1[l]); }",
    )


def test_a_branch_is_a_choice_and_reset_is_over():
    text = "if (vlSelfRef.rst) { vlSelfRef.bit = 0U; } else if (vlSelfRef.number) { %s }"
    assert same(
        text % "vlSelfRef.bit = 1U; vlSelfRef.small[7U] = 3U;",
        "CData t1[LANES];",
        "EACH_LANE { t1[l] = bool(b.number[l]); }",
        "EACH_LANE { b.bit[l] = t1[l] ? (1U) : b.bit[l]; }",
        "EACH_LANE { if (t1[l]) b.roots[l]->small[7U] = 3U; }",
    )


@pytest.mark.parametrize("body", ["vlSelfRef.other = 1U;", "call(vlSelf);", "while (1) { }"])
def test_what_is_not_known_is_refused(body):
    with pytest.raises((Unknown, ValueError)):
        lines(body)


def test_an_unknown_model_has_no_lanes(tmp_path):
    """Whatever else is in it: no part of it is left out."""
    (tmp_path / f"{ROOT}.h").write_text(HEADER)
    for more, body, known in (
        ("", "vlSelfRef.bit = 1U;", True),
        ("other();", "vlSelfRef.bit = 1U;", False),
        ("", "other();", False),
    ):
        regions = (
            EVAL.format(root=ROOT, region=region, more=more, body=body) for region in ("ico", "nba")
        )
        (tmp_path / f"{ROOT}__0.cpp").write_text("".join(regions))
        assert ("#define LANES_KNOWN\n" in lanes.lane_header(tmp_path, 4)) == known
