"""`ttpoe synth`: its figures, on a design small enough to be placed and routed at once."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

import ttpverif.cli as cli
from tests.ttpoe_process import refused
from ttpsim.synth import run as synth
from ttpsim.synth.targets import ecp5, estimates

ROOT = Path(__file__).resolve().parents[2]

DESIGN = """
module small_core_adder(input clk, input [7:0] a, output reg [7:0] y);
  reg [7:0] held;
  always @(posedge clk) begin held <= a; y <= held + (held << 1) + 8'd3; end
endmodule
module small_core(input clk, input [7:0] a, output [7:0] y);
  small_core_adder adder(.clk(clk), .a(a), .y(y));
endmodule
module small(input clk, input [7:0] a, output [7:0] y);
  small_core core(.clk(clk), .a(a), .y(y));
endmodule
"""


def step(kind, delay, cell):
    return {"type": kind, "delay": delay, "from": {"cell": "before"}, "to": {"cell": cell}}


def test_critical_path_by_block():
    blocks = ecp5.block_names(DESIGN, "small")
    assert blocks == {"core", "core_adder"}
    clock = "posedge clk"
    path = [
        step("clk-to-q", 0.5, "core.adder.held"),
        step("routing", 1.0, "core.x_LUT4_Z"),
        step("logic", 0.25, "core.x_LUT4_Z"),
        step("routing", 2.0, "core.adder.y.z_LUT4_Z"),
        step("setup", 0.0, "core.adder.y.z_LUT4_Z"),
    ]
    short, port = path[:2], [step("routing", 99.0, "y")]
    report = {
        "critical_paths": [
            {"from": clock, "to": clock, "path": short},
            {"from": clock, "to": clock, "path": path},
            {"from": "<async>", "to": clock, "path": port},
        ]
    }
    found = ecp5.critical_path(report, blocks)
    assert (found["ns"], found["routing_ns"], found["cells"]) == (3.75, 3.0, 1)
    assert found["blocks"] == [
        {"block": "core.adder", "ns": 0.5, "cells": 0},
        {"block": "core", "ns": 1.25, "cells": 1},
        {"block": "core.adder", "ns": 2.0, "cells": 0},
    ]
    assert ecp5.block_of("y_LUT4_Z", blocks) == "ports"


def test_luts_by_use():
    log = (
        "Info:         logic LUTs:     6226/83640     7%\n"
        "Info:         carry LUTs:     1408/83640     1%\n"
        "Info:           RAM LUTs:     1384/10455    13%\n"
        "Info:          RAMW LUTs:      692/20910     3%\n"
    )
    assert ecp5.luts_by_use(log) == {"logic": 6226, "carry": 1408, "ram": 1384, "ramw": 692}


@pytest.mark.skipif(synth.missing() is not None, reason="needs the tools of `ttpoe synth`")
def test_place_and_route(tmp_path):
    (tmp_path / "design.v").write_text(DESIGN)
    figures = ecp5.ecp5(
        tmp_path,
        "small",
        device=["--um5g-25k", "--package", "CABGA381", "--speed", "8"],
        seeds=(1, 2, 3),
    )
    clocks = figures["fmax_by_seed"]
    assert list(clocks) == ["1", "2", "3"]
    assert figures["fmax_mhz"] == sorted(clocks.values())[1]
    assert (figures["fmax_worst_mhz"], figures["fmax_best_mhz"]) == (
        min(clocks.values()),
        max(clocks.values()),
    )
    assert figures["clocks"] == {"clk": figures["fmax_mhz"]}
    assert figures["ff"] == 16 and figures["fmax_mhz"] > 125 and figures["dp16kd"] == 0
    assert "core.adder" in {part["block"] for part in figures["critical_path"]["blocks"]}
    assert figures["trellis_comb"] >= figures["lut4"] + 2 * figures["ccu2c"] > 0


def test_macs_side_by_side(tmp_path, monkeypatch):
    """Ours and LiteEth's: the same flow, and the clocks by what they do."""
    pytest.importorskip("liteeth", reason="LiteX is missing: pip install litex liteeth")
    clocks = {"clk": 3.0, "gmii_rx_clk": 2.0, "eth_tx_clk": 1.0}
    monkeypatch.setattr(ecp5, "ecp5", lambda _folder, top: {"top": top, "clocks": clocks})
    for target in ("mac", "liteeth_mac"):
        function, _name, top = synth.OTHERS[target]
        found = function(tmp_path)
        assert found["top"] == top
        assert found["domains"] == {"engine": 3.0, "receive": 2.0, "send": 1.0}
        assert re.search(rf"^module {top} ?\(", (tmp_path / "design.v").read_text(), re.M)


def test_a_loss_of_more_than_2_percent_is_said():
    before = {"synth.ecp5.fmax_mhz": 100.0, "synth.ecp5.lut4": 1000}
    entry = {"target": "ecp5", "configuration": "default", "lut4": 1020, "fmax_mhz": 98.0}
    seeds = {"fmax_by_seed": {"1": 98.0, "2": 97.0, "3": 99.0}}
    assert synth.losses(entry | seeds, before) == []
    assert synth.losses(entry | seeds | {"fmax_mhz": 97.9}, before) == [
        "the clock fell from 100.0 to 97.9 MHz"
    ]
    assert synth.losses(entry | {"fmax_mhz": 80.0}, before) == [], "one seed is worth nothing"
    assert synth.losses(entry | {"lut4": 1021}, before) == ["the area grew from 1000 to 1021 LUT4"]
    assert synth.losses(entry | {"configuration": "other", "lut4": 9999}, before) == []


@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is missing")
@pytest.mark.parametrize("target", ["xilinx", "ice40"])
def test_other_targets(tmp_path, target):
    (tmp_path / "design.v").write_text(DESIGN)
    figures = synth.ENGINE[target](tmp_path, "small")
    assert figures["ff"] == 16
    if target == "xilinx":
        low, high = figures["estimated_mhz"]
        assert 0 < low < high and figures["longest_path_cells"] >= 1
    else:
        assert figures["devices"]["hx8k"]["fits"]


def test_a_refused_design_is_one_line(tmp_path):
    if importlib.util.find_spec("pyosys") is None:
        pytest.skip("pyosys is missing")
    (tmp_path / "design.v").write_text("module small(input clk; endmodule\n")
    with pytest.raises(synth.SynthError) as error:
        estimates.ice40(tmp_path, "small")
    assert "ERROR" in str(error.value) and "\n" not in str(error.value)


def test_wrong_arguments():
    assert (
        "must be ecp5, xilinx, ice40, osu018, ecpix5, liteeth, mac, liteeth_mac or xgmii_mac; got 'asic'"
        in refused("synth", "--target", "asic")
    )
    for switch in (("--protect", "secded"), ("--congestion", "none")):
        assert "leave --preset, --protect and --congestion out" in refused(
            "synth", "--target", "liteeth", *switch
        )


def test_a_protected_engine_and_one_without_control_have_entries(tmp_path, monkeypatch):
    """They are the preset with check bits, or without congestion control; its own entry stays."""
    monkeypatch.setattr(synth, "SUMMARY", tmp_path / "summary.json")
    monkeypatch.setattr(synth, "BUILD", tmp_path)
    monkeypatch.setattr(
        synth, "top_verilog", lambda _top, config, _name: f"{config.protect}, {config.congestion}"
    )
    monkeypatch.setitem(
        synth.ENGINE,
        "ice40",
        lambda folder, _top: {"folder": folder.name, "design": (folder / "design.v").read_text()},
    )
    for arguments in ([], ["--protect", "secded"], ["--congestion", "none"]):
        assert cli.main(["synth", "--target", "ice40", "--preset", "tiny", *arguments]) == 0
    assert {
        name: (entry["folder"], entry["design"]) for name, entry in synth.summary().items()
    } == {
        "ice40-tiny": ("ice40-tiny", "none, backlog"),
        "ice40-tiny_secded": ("ice40-tiny_secded", "secded, backlog"),
        "ice40-tiny_without_control": ("ice40-tiny_without_control", "none, none"),
    }


def test_summary_without_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(synth, "SUMMARY", tmp_path / "summary.json")
    assert synth.summary() == {}
    synth.SUMMARY.write_text(json.dumps({"ecp5-default": {"fmax_mhz": 1}}))
    assert synth.summary()["ecp5-default"]["fmax_mhz"] == 1


def test_longest_path_of_a_netlist():
    """Two LUTs, three carry cells in a chain, one LUT; a register ends the path."""

    def cell(kind, inputs, **outputs):
        ports = {f"I{number}": [bit] for number, bit in enumerate(inputs)} | {
            name: [bit] for name, bit in outputs.items() if name == "CI"
        }
        outputs.pop("CI", None)
        directions = dict.fromkeys(ports, "input") | dict.fromkeys(outputs, "output")
        return {
            "type": kind,
            "port_directions": directions,
            "connections": ports | {name: [bit] for name, bit in outputs.items()},
        }

    cells = [
        cell("FDRE", [20], Q=1),
        cell("LUT4", [1], O=2),
        cell("LUT2", [2, 1], O=3),
        cell("CARRY4", [3], CO=4, CI="0"),
        cell("CARRY4", [1], CI=4, CO=5),
        cell("CARRY4", [1], CI=5, CO=6),
        cell("LUT6", [6, 2], O=20),
    ]
    netlist = {"modules": {"top": {"cells": dict(enumerate(cells))}}}
    assert estimates.longest_path(netlist, "top") == 4


def test_a_path_ends_where_lut_ram_is_written():
    """Three LUTs make the address that is written; what is read depends on another one."""

    def cell(kind, output, **ports):
        return {
            "type": kind,
            "port_directions": {port: "output" if port == output else "input" for port in ports},
            "connections": {port: [bit] for port, bit in ports.items()},
        }

    cells = [
        cell("FDRE", "Q", D=9, Q=1),
        *(cell("LUT1", "O", I0=bit, O=bit + 1) for bit in (1, 2, 3)),
        cell("RAM32M16", "DOA", ADDRA=1, ADDRH=4, DIA=3, DOA=8),
        cell("LUT1", "O", I0=8, O=9),
    ]
    netlist = {"modules": {"top": {"cells": dict(enumerate(cells))}}}
    assert estimates.longest_path(netlist, "top") == 3
    cells[-2]["connections"]["ADDRA"] = [4]  # read at that address, it goes on through both
    assert estimates.longest_path(netlist, "top") == 5
