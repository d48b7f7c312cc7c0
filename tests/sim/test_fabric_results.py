"""`--results`: what each node and each flow of a run has done, in the program of test_fabric."""

import json
import subprocess

import pytest

from tests.sim.test_abuse import CONFIG, defective
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native

BEATS = 136  # of a PAYLOAD of 1,024 bytes, 64 bits wide


@pytest.fixture(scope="module")
def program():
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    return fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK)


def run(program, path, traffic, **settings):
    """`(result, nodes, flows)`; a flow's key is (source, destination, VC)."""
    code, result = fabric.run_fabric(
        program,
        traffic,
        {"NODES": 4, "COUNT": 20} | settings,
        subprocess.DEVNULL,
        plus=["--results", path],
    )
    assert code == 0, result["failure"]
    found = json.loads(path.read_text())
    assert [node["node"] for node in found["nodes"]] == list(range(4))
    flows = {(flow["from"], flow["to"], flow["vc"]): flow for flow in found["flows"]}
    assert len(flows) == len(found["flows"])
    return result, found["nodes"], flows


def test_all_that_was_sent_is_in_the_flows(program, tmp_path):
    result, nodes, flows = run(
        program, tmp_path / "r.json", "all_to_all", LOSS_PPM=60_000, BYTES=0, CONGESTION=0
    )
    assert set(flows) == {(a, b, 2) for a in range(4) for b in range(4) if a != b}
    assert all(flow["sent"] == flow["delivered"] == 20 for flow in flows.values())
    for what, total in (("delivered", result["packets"]), ("bytes", result["payload_bytes"])):
        assert sum(flow[what] for flow in flows.values()) == total
    for node, one in enumerate(nodes):
        own = [flow for (source, _to, _vc), flow in flows.items() if source == node]
        assert one["sent"] == 60 and one["bytes"] == sum(flow["bytes"] for flow in own)
        assert one["first"] == min(flow["first"] for flow in own)
        assert one["last"] == max(flow["last"] for flow in own)
        assert one["max"] == max(flow["max"] for flow in own)
        to_it = [flow["bytes"] for (_from, to, _vc), flow in flows.items() if to == node]
        assert one["received"] == 60 and one["received_bytes"] == sum(to_it)
    assert max(node["last"] for node in nodes) == result["completed"]
    stats = result["stats"]
    assert sum(node["replays"] for node in nodes) == stats["payload_replayed"] > 0
    timeouts = stats.get("timed_out", 0) + stats.get("timer_replayed", 0)
    assert sum(node["timeouts"] for node in nodes) == timeouts > 0


def test_the_time_that_a_packet_takes(program, tmp_path):
    """Of a lone sender's first packet: its OPEN goes there and back before it."""
    result, nodes, flows = run(program, tmp_path / "r.json", "incast", NODES=4, COUNT=1)
    for node in (1, 2, 3):
        flow = flows[node, 0, 2]
        assert flow["first"] == 0 and flow["p50"] == flow["max"] == flow["last"]
        assert flow["last"] > 2 * BEATS + 2 * 8
        assert nodes[node]["p99"] == flow["max"]
    assert "first" not in nodes[0] and "p50" not in nodes[0]
    assert nodes[0]["received"] == 3 and nodes[1]["received"] == 0
    assert max(flow["last"] for flow in flows.values()) == result["completed"]


def test_what_is_under_way_at_the_end_is_not_delivered(program, tmp_path):
    result, nodes, flows = run(
        program, tmp_path / "r.json", "incast", CLOCKS=8000, PING_EVERY=1000, LINK_SLOTS=2
    )
    assert sum(flow["delivered"] for flow in flows.values()) == result["packets"]
    assert any(flow["sent"] > flow["delivered"] > 0 for flow in flows.values())
    urgent = [flow for (_from, _to, vc), flow in flows.items() if vc == 1]
    assert sum(flow["delivered"] for flow in urgent) == result["pings"] - result["pings_unfinished"]
