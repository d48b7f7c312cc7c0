"""No value of a register that the law depends on makes anything hang: four engines, an incast into
a small buffer, every packet once and in order (`ttpoe fabric` checks that in every run).

CONTROL.congestion is one bit. LINK_SLOTS may be more than there are slots, TIMER_TICK anything.
"""

import subprocess

import pytest

from tests.long import crossed
from tests.sim.test_abuse import CONFIG, defective
from ttpsim.build import builds
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native

SLOTS = CONFIG.slots
MOST_SLOTS = (1 << CONFIG.count_bits) - 1  # that the register can hold
MOST_TICK = (1 << 24) - 1


@pytest.fixture(scope="module")
def program():
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    return fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK)


def run(program, **settings):
    settings = {"NODES": 4, "COUNT": 30, "BUFFER": 4096} | settings
    code, result = fabric.run_fabric(program, "incast", settings, subprocess.DEVNULL)
    assert code == 0, (settings, result.get("failure"))
    assert result["packets"] == 3 * settings["COUNT"]
    return result


@pytest.mark.parametrize("selective", [1, 0])
def test_every_number_of_slots(program, selective):
    """0 is no limit; more than there are is none, too."""
    found = {
        slots: run(program, LINK_SLOTS=slots, SELECTIVE=selective)
        for slots in range(MOST_SLOTS + 1)
    }
    # The law leaves a link three quarters (K11): no larger value means anything.
    most = SLOTS * 3 // 4
    same = {key: found[most][key] for key in ("completed", "dropped_full", "stats")}
    for slots in (0, *range(most, MOST_SLOTS + 1)):
        assert {key: found[slots][key] for key in same} == same, slots
    assert found[1]["completed"] != found[most]["completed"], "the register does something"


@pytest.mark.parametrize("congestion, tick", crossed([1, 0], [1, 2, 3, 7, 64, 4095, 65536]))
def test_any_pace_of_the_timer(program, tick, congestion):
    """A round of 8 clocks is far below a round trip: time-outs send again what is on its way."""
    run(program, TICK=tick, CONGESTION=congestion, LOSS_PPM=5_000, BUFFER=16384)


@pytest.mark.parametrize("slots", [0, 1, MOST_SLOTS])
def test_a_timer_that_hardly_comes(program, slots):
    """Its first visit would be after 16 million clocks: without loss nobody needs it."""
    result = run(program, TICK=MOST_TICK, LINK_SLOTS=slots, BUFFER=65536)
    assert result["completed"] < MOST_TICK and not result["stats"].get("timer_replayed")
