"""What a waveform holds and shows: its window, its place, the engine in view, the viewer."""

from pathlib import Path

import pytest

from ttpoe.config import preset
from ttpsim.build import builds, tools
from ttpsim.build.builds import SetupError
from ttpsim.scenario import run as scenario_run
from ttpsim.scenario.run import WINDOW, Run
from ttpsim.views import gtkwave, waves
from ttpsim.views.dump import Dump


def planned(**changes):
    return Run("hello", "hello", "icarus", preset("tiny"), 1, {}, True, **changes)


def test_the_window_is_a_switch_of_the_run():
    assert planned().window == (0, WINDOW)
    run = planned()
    run.waves = "all"
    assert run.window is None
    run.waves = False
    assert run.window is None


def test_the_window_of_a_run_that_failed_ends_behind_the_failure():
    first, last = planned(failed_at=70_000).window
    assert last - first == WINDOW and first < 70_000 < last < 70_000 + WINDOW // 10
    assert planned(failed_at=10).window[0] == 0


def test_make_waves_leaves_what_make_sim_left():
    assert planned().folder != planned(place="waves").folder
    assert planned(place="waves").folder.parent == tools.BUILD / "waves"


@pytest.mark.icarus
def test_the_waveform_has_its_window(tmp_path):
    processes = builds.Processes(say=None)
    core = builds.emitted(preset("tiny"), processes)
    build = builds.compile_pair("icarus", core, "tiny", True, processes)
    ends = {}
    for window in ((0, 100), (50, 100), None):
        folder = tmp_path / str(window)
        code = builds.simulate(
            build, "ttpsim.scenarios.hello", folder, 1, {}, processes, preset("tiny"), window=window
        )
        assert code == 0, (folder / "log.txt").read_text()
        edges = Dump(build.waves_file(folder)).changes("pair.clk")
        ends[window] = edges[0][0] / builds.CLOCK_PS, edges[-1][0] / builds.CLOCK_PS
    assert ends[0, 100][0] < 1 and 90 < ends[0, 100][1] <= 101 < ends[None][1]
    assert 50 <= ends[50, 100][0] <= 51 and ends[50, 100][1] == ends[0, 100][1]


class Two:
    """A waveform in which only engine b replays."""

    path = Path("waves.fst")

    def __contains__(self, _name):
        return True

    def first(self, name, _value=1):
        return {"pair.b_stat_payload_replayed": 700, "pair.a_m_mac_tx_tvalid": 5}.get(name)

    def view(self):
        return [(f"{x}: {group}", []) for x in "ab" for group in ("wires", "timer")]

    focus, moment = Dump.focus, Dump.moment


def test_the_open_groups_are_those_of_the_engine_with_the_marker():
    dump = Two()
    assert dump.focus() == ("b", 700) and dump.moment() == 700
    lines = gtkwave.save_text(dump, dump.moment()).splitlines()
    flags = {
        line[1:]: int(lines[at - 1][1:], 16)
        for at, line in enumerate(lines)
        if line.startswith(("-a: ", "-b: ")) and int(lines[at - 1][1:], 16) & 0x800000
    }
    opened = [title for title, flag in flags.items() if not flag & 0x400000]
    assert opened == ["b: wires"]


def test_a_viewer_that_was_asked_for_is_looked_for_first(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="surfer is missing"):
        waves.look_for("surfer", asked=True)
    assert "gtkwave is missing" in waves.look_for("gtkwave", asked=False)
    (tmp_path / "surfer").write_text("#!/bin/sh\n")
    (tmp_path / "surfer").chmod(0o755)
    assert waves.look_for("surfer", asked=True) is None


def test_the_runs_that_share_a_simulator_share_a_build(monkeypatch):
    """The cheapest build is first, then the longest."""
    runs = [
        Run("hello", "hello", sim, preset(name), 1, {}, False)
        for sim, name in (
            ("verilator", "tiny"),
            ("verilator", "full"),
            ("icarus", "tiny"),
            ("verilator", "tiny"),
            ("verilator", "default"),
        )
    ]
    order = scenario_run._build_order(runs)
    assert order[preset("tiny"), "engine"] == order["build icarus tiny engine"] == 0
    assert sorted((key for key in order if isinstance(key, str)), key=order.get) == [
        "build icarus tiny engine",
        "build verilator full engine",
        "build verilator default engine",
        "build verilator tiny engine",
    ]
