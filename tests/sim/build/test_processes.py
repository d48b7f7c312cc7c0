"""How many child processes run at once, which goes first, and that nothing long is silent."""

import threading
import time

from ttpsim.build.processes import Processes, clock_text, heartbeat


def started(processes, folder, wanted):
    """The order in which these (kind, order, name) start, one slot being taken at first."""
    order, lock = [], threading.Lock()
    gate = folder / "gate"
    blocker = threading.Thread(
        target=processes.run,
        args=(["sh", "-c", f"until [ -e '{gate}' ]; do sleep 0.01; done"], folder / "log", "build"),
    )
    blocker.start()
    while not processes._slots._busy["build"]:
        time.sleep(0.005)

    def one(kind, place, name):
        def note():
            with lock:
                order.append(name)

        processes.run(["true"], folder / f"{name}.log", kind, name, place, note)

    threads = [threading.Thread(target=one, args=what) for what in wanted]
    for thread in threads:
        thread.start()
    while sum(map(len, processes._slots._waiting.values())) < len(wanted):
        time.sleep(0.005)
    gate.touch()
    for thread in (blocker, *threads):
        thread.join(60)
    return order


def test_one_slot_runs_go_before_builds_and_the_lowest_order_first(tmp_path):
    wanted = [("build", 2, "late"), ("build", 1, "early"), ("run", 9, "ready")]
    assert started(Processes(1, say=None), tmp_path, wanted) == ["ready", "early", "late"]


def test_half_of_the_slots_builds_as_long_as_something_is_to_be_built(tmp_path):
    processes = Processes(2, say=None)
    slots = processes._slots
    with slots.taken("run", 0):
        slots._waiting = {"build": [(5, 5)], "run": [(1, 1)]}
        assert slots._next() == ("build", (5, 5))
        slots._waiting = {"build": [], "run": [(1, 1)]}
        assert slots._next() == ("run", (1, 1))
    slots._waiting = {"build": [(5, 5)], "run": [(1, 1)]}
    assert slots._next() == ("run", (1, 1))


def test_what_runs_long_is_told(tmp_path):
    said = []
    Processes(1, said.append, every=0.05).run(
        ["sleep", "0.5"], tmp_path / "log", "build", "compiling it"
    )
    assert said and said[0] == "0:00: compiling it"


def test_heartbeat(capsys):
    with heartbeat("[synth] yosys.log", every=0.02):
        time.sleep(0.2)
    told = capsys.readouterr().err.splitlines()
    assert len(told) > 2 and told[0] == "[synth] yosys.log: 0:00"


def test_times():
    assert [clock_text(n) for n in (5, 65, 3725)] == ["0:05", "1:05", "1:02:05"]
