"""What `ttpoe fabric` measures, and its traffic, with four nodes of the program of test_fabric."""

import subprocess

import pytest

from tests.sim.test_abuse import CONFIG, defective
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native

BEATS, ACK_BEATS = 136, 8  # of a PAYLOAD of 1,024 bytes and of an ACK, 64 bits wide
HALF = 15_000


@pytest.fixture(scope="module")
def program():
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    return fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK)


def run(program, traffic, plus=(), **settings):
    settings = {"NODES": 4, "BUFFER": 16384} | settings
    code, result = fabric.run_fabric(program, traffic, settings, subprocess.DEVNULL, plus=plus)
    assert code == 0, result["failure"]
    return result


def halves(program, traffic, **settings):
    """A run, and what its second half has: it minus a run that ends in its middle."""
    all_, first = (run(program, traffic, CLOCKS=clocks, **settings) for clocks in (2 * HALF, HALF))
    keys = ("payload_bytes", "dropped_full", "packets")
    return all_, {key: all_[key] - first[key] for key in keys}


@pytest.mark.parametrize("slots", [0, 2])
def test_the_second_half_is_that_of_the_run(program, slots):
    result, second = halves(program, "incast", LINK_SLOTS=slots)
    half = result["half"]
    assert half["goodput"] == pytest.approx(second["packets"] * BEATS / HALF)
    assert half["goodput"] == pytest.approx(sum(half["sender_goodput"]))
    assert half["senders"] == [1, 2, 3]
    shares = half["sender_goodput"]
    jain = sum(shares) ** 2 / 3 / sum(share**2 for share in shares)
    assert half["fairness"] == pytest.approx(jain)
    assert half["data_dropped"] <= second["dropped_full"]
    assert half["dropped_share"] == pytest.approx(half["data_dropped"] / half["data_sent"])
    if slots:
        assert second["dropped_full"] == 0 and half["fairness"] > 0.99
        assert abs(half["data_sent"] - second["packets"]) < 3 * slots
    else:
        assert half["dropped_share"] > 0.1 and half["fairness"] < 0.99


def test_urgent_packets_of_the_second_half_alone(program):
    result = run(program, "incast", CLOCKS=2 * HALF, PING_EVERY=1000, LINK_SLOTS=4)
    half = result["half"]
    assert (result["pings"], half["pings"]) == (30, 15)
    assert BEATS < half["ping_p50"] <= half["ping_p99"] <= half["ping_max"] <= result["ping_max"]
    assert half["pings_unfinished"] == result["pings_unfinished"], "the last ones"


@pytest.mark.parametrize("cut_through", [0, 1])
@pytest.mark.parametrize("leaves", [{}, {"LEAF_HOSTS": 1, "SPINES": 1}])
def test_the_idle_round_trip_is_the_measured_one(program, cut_through, leaves):
    """A turn of two nodes is an idle round trip, of the network as it is."""
    result = run(program, "incast", NODES=2, COUNT=1, CUT_THROUGH=cut_through, **leaves)
    assert result["turn"] == result["round_trip"]
