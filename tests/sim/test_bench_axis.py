"""The bench itself: drivers and monitors, stalls, contract checks, time, captures, cocotbext-axi.

`bench/echo.v` stands in for the engine; it can be told to break the contract.
"""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.long import long
from ttpsim.build import builds
from ttpverif.bench.pair import pair_verilog, parse_ports
from ttpverif.frames.pcap import read_pcap

HERE = Path(__file__).resolve().parent

SIMULATORS = builds.SIMULATORS


def run(tmp_path, simulator, do, seed=1, **params):
    """Run one of `echo_scenario`; returns (passed, message of the failure, folder)."""
    processes = builds.Processes()
    build = builds.compile_pair(simulator, HERE / "bench" / "echo.v", "echo", False, processes)
    folder = tmp_path / f"{simulator}-{do}-{seed}"
    builds.simulate(
        build,
        "echo_scenario",
        folder,
        seed,
        {"do": do, **params},
        processes,
        python_path=[HERE / "bench"],
    )
    failures = [
        entry
        for entry in ElementTree.parse(folder / "results.xml").iter()
        if entry.tag in ("failure", "error")
    ]
    message = " ".join(str(entry.attrib) for entry in failures)
    return not failures and (folder / "done.json").exists(), message, folder


@long
@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize(
    "params",
    [{}, {"ready": 0.5}, {"gap": 0.3}, {"ready": 0.3, "gap": 0.6}, {"ready": 0.9, "delay": 300}],
)
def test_traffic(tmp_path, simulator, params):
    passed, message, _folder = run(tmp_path, simulator, "traffic", **params)
    assert passed, message


@long
@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize(
    "fault, rule",
    [
        (1, "valid taken back before ready"),
        (2, "payload changed while it waited"),
        (3, "bad keep"),
        (4, "X or Z"),
        (5, "a gap within a frame"),
    ],
)
def test_each_rule_of_the_contract(tmp_path, simulator, fault, rule):
    if (simulator, fault) == ("verilator", 4):
        pytest.skip("Verilator knows no X")
    passed, message, _folder = run(tmp_path, simulator, "fault", fault=fault)
    assert not passed
    assert f"a_m_mac_tx: {rule}" in message
    assert "b_" not in message


@long
@pytest.mark.parametrize("do", ["sleep", "bad_frame", "reset", "axi"])
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_bench(tmp_path, simulator, do):
    passed, message, _folder = run(tmp_path, simulator, do)
    assert passed, message


@long
def test_no_fault_no_violation(tmp_path):
    passed, message, _folder = run(tmp_path, "verilator", "fault", fault=0)
    assert passed, message


@long
def test_a_wait_ends_with_what_it_waited_for(tmp_path):
    passed, message, _folder = run(tmp_path, "verilator", "late")
    assert not passed
    assert "not within 123 cycles" in message and "a payload without a wire" in message


@long
@pytest.mark.icarus
def test_a_seed_is_one_run_on_both_simulators(tmp_path):
    captures, cycles = {}, {}
    for name, simulator, seed in (
        ("first", "verilator", 5),
        ("again", "verilator", 5),
        ("icarus", "icarus", 5),
        ("other", "verilator", 6),
    ):
        passed, message, folder = run(tmp_path / name, simulator, "traffic", seed, ready=0.5)
        assert passed, message
        captures[name] = (folder / "wire.pcap").read_bytes()
        cycles[name] = json.loads((folder / "done.json").read_text())["cycle"]
    assert captures["first"] == captures["again"] == captures["icarus"] != captures["other"]
    assert cycles["first"] == cycles["again"] == cycles["icarus"] != cycles["other"]


@long
def test_captures_and_summary(tmp_path):
    passed, message, folder = run(tmp_path, "verilator", "bad_frame")
    assert passed, message
    frames = read_pcap(folder / "a_rx.pcap")
    assert [data for _time, data in frames] == [b"good" * 20, b"bad" * 20]
    assert frames[1][0] - frames[0][0] == 10 * 8  # back to back: 10 beats of 8 ns
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["frames"] == 0 and summary["clocks"] > 10
    assert summary["counts"]["a"] == {"bad_frame": 1, "frame_sent": 0}


def test_ports_and_layout_of_the_pair():
    text = (HERE / "bench" / "echo.v").read_text()
    ports = parse_ports(text, "ttp_engine")
    assert ports["s_host_tx0_tdest"] == ("input", 24) and ports["ready"] == ("output", 1)
    _pair, layout = pair_verilog(text)
    streams = {stream.name: stream for stream in layout.streams}
    assert sorted(streams) == ["m_host_rx0", "m_mac_tx", "s_host_tx0", "s_mac_rx"]
    assert streams["s_mac_rx"].is_input and not streams["s_mac_rx"].has_ready
    assert streams["m_host_rx0"].fields == [
        ("tdata", 64),
        ("tkeep", 8),
        ("tlast", 1),
        ("tuser", 56),
    ]
    assert layout.inputs == {"cfg_fault": 3, "cfg_node": 24} and layout.outputs == {"ready": 1}
    assert layout.stats == ["stat_bad_frame", "stat_frame_sent"] and layout.width_bits == 64
