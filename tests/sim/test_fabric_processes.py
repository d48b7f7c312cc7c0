"""One run over several processes: whatever their number and whoever has what, the same result.

The program of test_fabric is compiled a second time, for MPI, around the same model.
"""

import collections
import itertools
import json
import subprocess

import pytest

import ttpverif.cli as cli
from tests.sim.test_abuse import CONFIG, defective
from ttpsim.build import builds
from ttpsim.fabric import program as fabric_program
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native

LEAVES = {"LEAF_HOSTS": 2, "SPINES": 2}
TREE = {"LEAF_HOSTS": 2, "SPINES": 2, "PODS": 2, "CORES": 2}
SPREAD = [(2, "block"), (2, "stripe"), (3, "block"), (4, "stripe")]
BEATS, ACK_BEATS = 136, 8  # of a PAYLOAD of 1,024 bytes and of an ACK, 64 bits wide


def mpi_is_there():
    try:
        return bool(fabric_program.mpi_tool("mpicxx"))
    except builds.SetupError:
        return False


needs_mpi = pytest.mark.skipif(
    not mpi_is_there(), reason="Open MPI is missing (make setup WITH=mpi)"
)


def compiled(mpi):
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    return fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK, mpi=mpi)


@pytest.fixture(scope="module")
def program():
    return compiled(mpi=False)


@pytest.fixture(scope="module")
def mpi_program():
    return compiled(mpi=True)


def run(program, traffic, settings, folder, plus=(), **where):
    """`(exit code, all that the run tells)`: its results, its table and its files."""
    table, results = folder / "table.csv", folder / "results.json"
    files = ["--samples", table, "--results", results]
    code, result = fabric.run_fabric(
        program, traffic, settings, subprocess.DEVNULL, plus=[*files, *plus], **where
    )
    cost, seconds = result.pop("cost"), result.pop("cpu_seconds")
    assert cost["processes"] == where.get("processes", 1)
    assert 0 < cost["busiest"] <= cost["work"] <= seconds
    return code, [result, table.read_text(), json.loads(results.read_text())]


RUNS = {
    "loss over leaves": ("all_to_all", {"NODES": 4, "COUNT": 8, "LOSS_PPM": 30_000, **LEAVES}),
    "modules and pings": (
        "incast",
        {"NODES": 4, "CLOCKS": 9000, "MODULES": 1, "PING_EVERY": 300, "BUFFER": 8192, "SPREAD": 90},
    ),
    "fat tree": ("ring", {"NODES": 8, "COUNT": 10, "BYTES": 0, "CHUNK": 3, **TREE}),
    "a cable of one clock": ("permutation", {"NODES": 4, "COUNT": 1, "DELAY": 1}),
    "a check that fails": ("reverse", {"NODES": 4, "COUNT": 20, "LIMIT": 2000}),
}


@needs_mpi
@pytest.mark.parametrize("name", RUNS)
def test_any_number_of_processes_has_the_same_result(program, mpi_program, tmp_path, name):
    traffic, settings = RUNS[name]
    code, wanted = run(program, traffic, settings, tmp_path)
    assert code == int(name == "a check that fails"), wanted[0]["failure"]
    assert wanted[0]["packets"] > 3 and wanted[0]["deliveries"] > 0
    for processes, how in SPREAD:
        found = run(
            mpi_program, traffic, settings, tmp_path, ["--partition", how], processes=processes
        )
        assert found == (code, wanted), f"{processes} processes, {how}"


@needs_mpi
@pytest.mark.parametrize("defect", ["number", "node"])
def test_the_first_fault_is_told_whoever_finds_it(program, mpi_program, tmp_path, defect):
    settings = {"NODES": 4, "COUNT": 20}
    plus = ["--defect", defect]
    code, wanted = run(program, "all_to_all", settings, tmp_path, plus)
    assert code == 1 and wanted[0]["failure"].startswith("clock ")
    found = run(mpi_program, "all_to_all", settings, tmp_path, plus, processes=3)
    assert found == (code, wanted)


def test_the_hash_tells_deliveries_apart(program, tmp_path):
    """Of two seeds, of two orders, of two times."""
    hashes = set()
    for more in ({}, {"SEED": 2}, {"DELAY": 33}, {"COUNT": 9}):
        settings = {"NODES": 4, "COUNT": 8} | more
        hashes.add(run(program, "all_to_all", settings, tmp_path)[1][0]["deliveries"])
    assert len(hashes) == 4


# ---- topologies and traffic --------------------------------------------------------------------


@pytest.mark.parametrize("cut_through", [0, 1])
@pytest.mark.parametrize("tree", [{"LEAF_HOSTS": 1, "PODS": 2}, {"LEAF_HOSTS": 1, "SPINES": 1}])
def test_the_idle_round_trip_through_all_levels(program, tmp_path, tree, cut_through):
    settings = {"NODES": 2, "COUNT": 1, "CUT_THROUGH": cut_through, **tree}
    _code, [result, *_] = run(program, "incast", settings, tmp_path)
    assert result["turn"] == result["round_trip"]


def test_frames_of_other_pods_go_through_five_switches(program, tmp_path):
    """Of two pods of two leaves of two hosts: a ring leaves a leaf, or a pod, every second hop."""
    count = 4
    settings = {"NODES": 8, "COUNT": count, **TREE}
    code, [result, *_] = run(program, "ring", settings, tmp_path)
    assert code == 0, result["failure"]
    frames = 2 * (1 + count)  # of a pair: OPEN and OPEN_ACK, PAYLOADs and ACKs
    assert result["packets"] == 8 * count
    assert result["switch_frames"] == frames * (4 * 1 + 2 * 3 + 2 * 5)


def mixed(number):
    """The mixing function of SplitMix64, written from its publication."""
    word = (1 << 64) - 1
    z = (number + 0x9E3779B97F4A7C15) & word
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & word
    z = (z ^ z >> 27) * 0x94D049BB133111EB & word
    return z ^ z >> 31


def inner_ports(source, to, hosts, each, spines, cores):
    """The ports between switches of a tree of pods with `each` leaves that a pair's frames take."""
    leaves = source // hosts, to // hosts
    pods = leaves[0] // each, leaves[1] // each
    core, spine = divmod(mixed(to << 24 | source) % (spines * cores), spines)
    if leaves[0] == leaves[1]:
        return []
    down = ("down", pods[1], spine, leaves[1])
    if pods[0] == pods[1]:
        return [("up", leaves[0], spine), down]
    above = [("core", pods[0], spine, core), ("pod", spine, core, pods[1])]
    return [("up", leaves[0], spine), *above, down]


def test_a_pair_takes_spine_and_core_by_both_addresses(program, tmp_path):
    """So the busiest port is the one that follows from the hash of each pair."""
    nodes, tree = 16, dict(hosts=2, each=4, spines=2, cores=2)
    _code, [result, *_] = run(program, "all_to_all", {"NODES": nodes, "COUNT": 1, **TREE}, tmp_path)
    beats = collections.Counter()
    for source, to in itertools.permutations(range(nodes), 2):
        for port in inner_ports(source, to, **tree):
            beats[port] += BEATS + ACK_BEATS  # each is one's packet, and the other's ACK
    busiest = max(beats.values())
    assert busiest > result["ideal"] == (nodes - 1) * (BEATS + ACK_BEATS)
    assert result["network_ideal"] == busiest


def test_a_ring_passes_on_what_has_come(program, tmp_path):
    """The one that begins late holds up its neighbours after a chunk, and these the next ones."""
    settings = {"NODES": 4, "COUNT": 30, "CHUNK": 5}
    _code, [result, _table, results] = run(program, "ring", settings, tmp_path)
    flows = {flow["from"]: flow["to"] for flow in results["flows"]}
    assert flows == {0: 1, 1: 2, 2: 3, 3: 0} and result["packets"] == 120
    assert result["ideal"] == 30 * (BEATS + ACK_BEATS)
    short = run(program, "ring", settings | {"CHUNK": 1}, tmp_path)[1][0]
    assert short["completed"] > 1.5 * result["completed"], "a round trip for each packet"


def test_groups_keep_to_themselves(program, tmp_path):
    settings = {"NODES": 6, "COUNT": 5, "GROUPS": 3}
    _code, [result, _table, results] = run(program, "all_to_all", settings, tmp_path)
    pairs = {(flow["from"], flow["to"]) for flow in results["flows"]}
    assert pairs == {(0, 1), (1, 0), (2, 3), (3, 2), (4, 5), (5, 4)}
    assert result["packets"] == 6 * 5 and result["ideal"] == 5 * (BEATS + ACK_BEATS)


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, said",
    [
        (["--processes", "0"], "must be a whole number from 1 to 65536; got '0'"),
        (["--partition", "half"], "must be block or stripe; got 'half'"),
        (["--groups", "2"], "--groups is for --traffic all_to_all and ring"),
        (["--traffic", "ring", "--nodes", "9", "--groups", "2"], "--groups must divide --nodes"),
        (["--pods", "2"], "--pods needs --leaf-hosts"),
        (["--cores", "2", "--leaf-hosts", "2"], "--cores is for a fat tree"),
        (["--nodes", "8", "--leaf-hosts", "4", "--pods", "3"], "--pods must leave no pod empty"),
        (["--node-preset", "0=huge"], "the presets are tiny, default, full"),
        (["--node-preset", "17=tiny"], "the nodes are 0 to 16"),
        (["--node-preset", "0=full"], "it has 512 bits, the others 64"),
        (["--node-preset", "0=tiny:links=3"], "links must be 2 ways"),
        (["--node-preset", "tiny"], "--node-preset must be NODES=PRESET"),
        (["--processes", "2", "--hostfile", "none"], "--hostfile none: there is no such file"),
    ],
)
def test_settings_that_do_not_fit(capsys, words, said):
    assert cli.main(["fabric", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ttpoe fabric: ") and said in error and error.count("\n") == 1


@needs_mpi
def test_a_run_on_the_machines_of_a_file(mpi_program, tmp_path):
    """A cluster of this machine: the words for mpirun are understood."""
    machines = tmp_path / "machines"
    machines.write_text("localhost slots=2\n")
    code, [result, *_] = run(
        mpi_program, "ring", {"NODES": 4, "COUNT": 3}, tmp_path, processes=2, hostfile=machines
    )
    assert code == 0 and result["packets"] == 12


def test_without_mpi(capsys, monkeypatch, tmp_path):
    """One line that says what to do, and nothing is compiled before."""
    monkeypatch.setattr(fabric_program.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["fabric", "--processes", "2"]) == 2
    error = capsys.readouterr().err
    assert "mpirun is missing" in error and "make setup WITH=mpi" in error
    assert error.count("\n") == 1
