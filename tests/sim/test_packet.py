"""The packet model beside the cycle-accurate fabric: few nodes, the same runs in both."""

import subprocess

import pytest

import ttpverif.cli as cli
from tests.sim.test_abuse import CONFIG, defective
from ttpoe.link import identity
from ttpoe.memory import forwarded
from ttpoe.reorder import ask, lookup
from ttpoe.replay import retirer
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native
from ttpsim.packet import run as packet
from ttpsim.packet.build import compile_packet
from ttpsim.packet.compare import compared, same_places

WIDE = CONFIG.replace(name="tiny_512", width_bits=512, slots=64, rx_slots=128, reorder_slots=64,
                      event_depth=32, control_depth=32, payload_depth=16)  # fmt: skip
GOODPUT, DROPS = 0.02, 0.05  # how far they may be apart
SEEDS = range(1, 7)


@pytest.fixture(scope="module")
def programs():
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    return {
        "fabric": fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK),
        "packet": compile_packet(CONFIG, processes),
    }


@pytest.fixture(scope="module")
def wide_programs():
    processes = builds.Processes()
    verilog = builds.emitted(WIDE, processes).read_text()
    return {
        "fabric": fabric.compile_fabric(WIDE, processes, verilog, native.QUICK),
        "packet": compile_packet(WIDE, processes),
    }


def run(programs, traffic, **settings):
    code, result = packet.run_packet(programs["packet"], traffic, settings, subprocess.DEVNULL)
    return code, result


def near(found, name, share):
    return found["packet"][name] == pytest.approx(found["fabric"][name], rel=share)


@pytest.mark.parametrize(
    "traffic, settings",
    [
        ("incast", {"NODES": 4, "CLOCKS": 30_000}),
        ("incast", {"NODES": 4, "COUNT": 40, "CONGESTION": 0, "LINK_SLOTS": 8}),
        ("incast", {"NODES": 3, "CLOCKS": 30_000, "SPREAD": 500, "CUT_THROUGH": 1}),
        ("incast", {"NODES": 4, "CLOCKS": 30_000, "LIAR": 3, "HEARS": 0x10}),
        ("incast", {"NODES": 4, "CLOCKS": 90_000, "SAYS": 0x52}),
        ("all_to_all", {"NODES": 4, "COUNT": 20, "CONGESTION": 0}),
        ("permutation", {"NODES": 4, "COUNT": 60, "LEAF_HOSTS": 2, "BYTES": 0, "LINK_SLOTS": 4}),
    ],
)
def test_without_loss_the_order_of_arrival_is_the_same(programs, traffic, settings):
    found = compared(programs, traffic, settings)
    assert found["fabric"]["dropped_full"] == 0
    assert found["places"] > 80 and found["same_places"] == found["places"]
    assert near(found, "goodput", 0.001) and near(found, "peak_bytes", 0.01)


@pytest.mark.parametrize("selective", [1, 0])
@pytest.mark.parametrize("congestion", [1, 0])
def test_an_incast_into_a_small_buffer_drops_as_much(programs, selective, congestion):
    settings = {"NODES": 6, "CLOCKS": 60_000, "BUFFER": 4096, "SELECTIVE": selective}
    settings["CONGESTION"] = congestion
    runs = [compared(programs, "incast", settings | {"SEED": seed}) for seed in SEEDS]
    # With the law on a handful is dropped. Where a clock decides whose frame that is, one run may
    # go another way.
    drops, goodput = (
        {side: sum(run[side][name] for run in runs) for side in programs}
        for name in ("dropped_full", "goodput")
    )
    assert drops["fabric"] > len(runs) * (5 if congestion else 100)
    assert goodput["packet"] == pytest.approx(goodput["fabric"], rel=GOODPUT)
    assert drops["packet"] == pytest.approx(drops["fabric"], rel=DROPS, abs=5)
    same = [run["same_places"] == run["places"] for run in runs]
    assert not (selective and congestion) or sum(same) >= len(runs) - 1


def test_a_network_that_loses_frames(programs):
    settings = {"NODES": 3, "CLOCKS": 200_000, "LOSS_PPM": 10_000}
    found = compared(programs, "incast", settings)
    assert found["fabric"]["lost"] > 3 and near(found, "goodput", 0.1)


def test_a_lone_flow_that_loses_frames_recovers_in_the_same_clocks(programs):
    """Look-ups, questions, walks and slots that are freed: a clock is seldom another one."""
    wire = {"NODES": 2, "CUT_THROUGH": 1, "DELAY": 107, "CLOCKS": 100_000, "LOSS_PPM": 10_000}
    runs = [compared(programs, "incast", wire | {"SEED": seed}) for seed in SEEDS]
    assert all(run["fabric"]["lost"] > 5 for run in runs)
    both = [(run["fabric"]["goodput"], run["packet"]["goodput"]) for run in runs]
    fabric_all, packet_all = map(sum, zip(*both))
    assert packet_all == pytest.approx(fabric_all, rel=GOODPUT)
    # But for two packets of half a run; one run may go another way.
    assert sum(abs(ours - theirs) < 0.006 for theirs, ours in both) >= len(runs) - 1


def test_a_lone_flow_fills_a_wide_wire(wide_programs):
    """Two events a packet are all that there is time for: a third shows as 0.94, and 0.69 with loss."""
    wire = {"NODES": 2, "CUT_THROUGH": 1, "CLOCKS": 40_000}
    found = compared(wide_programs, "incast", wire)
    assert found["fabric"]["goodput"] > 0.99 and near(found, "goodput", 0.002)
    both_ways = compared(wide_programs, "all_to_all", wire)
    assert both_ways["fabric"]["goodput"] > 0.96 and near(both_ways, "goodput", 0.03)

    lossy = wire | {"DELAY": 60, "CLOCKS": 100_000, "LOSS_PPM": 10_000}
    runs = [compared(wide_programs, "incast", lossy | {"SEED": seed}) for seed in SEEDS]
    fabric_all, packet_all = (
        sum(run[side]["goodput"] for run in runs) for side in ("fabric", "packet")
    )
    assert fabric_all > 0.85 * len(runs)
    assert packet_all == pytest.approx(fabric_all, rel=GOODPUT)


def test_a_run_with_time_outs_can_be_repeated(programs):
    """A time-out looks at the random bits of its clock, and an answer just behind it at older ones."""
    settings = {"NODES": 4, "CLOCKS": 300_000, "LOSS_PPM": 100_000, "TICK": 64}
    found = [run(programs, "reverse", **settings) for _ in range(3)]
    assert found[0][0] == 0 and found[0][1]["stats"]["timer_replayed"] > 500
    results = [
        {name: value for name, value in result.items() if name not in ("cpu_seconds", "memory_kib")}
        for _code, result in found
    ]
    assert all(result == results[0] for result in results)


def test_all_of_a_ring_arrives_and_a_step_waits_for_the_one_before(programs):
    settings = {"NODES": 16, "FAT_TREE": 4, "COUNT": 2, "LINK_SLOTS": 4}
    code, result = run(programs, "ring", **settings)
    assert code == 0, result["failure"]
    assert result["packets"] == 16 * 30 * 2
    # Each step takes a round through the tree at least; without waiting they would be as fast as
    # the line.
    assert result["clocks"] > 30 * 5 * 136
    one_step = run(programs, "ring", **settings, STEPS=1)[1]
    assert one_step["packets"] == 16 * 2 and 10 < result["clocks"] / one_step["clocks"] < 35


def test_a_thousand_senders(programs):
    code, result = run(programs, "incast", NODES=1001, CLOCKS=200_000, SPREAD=1000)
    assert code == 0, result["failure"]
    assert result["half"]["goodput"] > 0.9 and len(result["half"]["senders"]) == 1000


def test_what_stands_in_the_model_is_what_the_engine_has():
    folder = packet.Path(packet.__file__).parent
    door, engine = ((folder / name).read_text() for name in ("door.h", "engine.h"))
    assert f"WEYL_STEP = {identity._WEYL_STEP:#X}".replace("0X", "0x") in door
    assert f"FORWARDED = {forwarded.FORWARDED}, APART = {forwarded.APART};" in engine
    assert f" RUN = {retirer.RUN};" in engine
    assert lookup._AHEAD == ask._AHEAD and f" AHEAD = {ask._AHEAD};" in engine


def test_places_of_two_orders():
    one = {("0", "2"): ["a", "b", "c"], ("1", "2"): ["d"]}
    other = {("0", "2"): ["a", "c", "b"], ("1", "2"): ["d", "e"]}
    assert same_places(one, other) == (2, 5)


@pytest.mark.parametrize(
    "words, said",
    [
        ("--fat-tree 5", "must be even"),
        ("--fat-tree 4 --nodes 17", "has room for 16 hosts"),
        ("--fat-tree 4 --nodes 16 --leaf-hosts 4", "leave one of them out"),
        ("--steps 4", "--steps is for --traffic ring"),
        ("--traffic ring --clocks 5000", "leave out --clocks"),
        ("--nodes 1", "1"),
        ("--seeds 2 --json x.json", "leave out --seeds"),
    ],
)
def test_settings_that_do_not_fit(capsys, words, said):
    assert cli.main(["packet", *words.split()]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0]
