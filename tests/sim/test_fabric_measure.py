"""What `ttpoe fabric` measures, and its traffic, with four nodes of the program of test_fabric."""

import subprocess

import pytest

import ttpverif.cli as cli
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
    result, second = halves(program, "incast", LINK_SLOTS=slots, CONGESTION=0)
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


# ---- traffic -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_a_permutation_crosses_the_leaves(program, seed):
    """Every frame goes through three switches: none stays in its leaf."""
    count = 10
    result = run(
        program, "permutation", COUNT=count, LINK_SLOTS=2, LEAF_HOSTS=2, SPINES=2, SEED=seed
    )
    assert result["packets"] == 4 * count and result["dropped_full"] == 0
    frames = 4 * 2 * (1 + count)  # OPEN and OPEN_ACK, PAYLOADs and ACKs
    assert result["switch_frames"] == 3 * frames
    assert result["ideal"] == count * (BEATS + ACK_BEATS)
    # The busiest port between switches has one or two flows' PAYLOADs, and one or two's ACKs.
    assert result["network_ideal"] in {
        count * (flows * BEATS + answers * ACK_BEATS) for flows in (1, 2) for answers in (1, 2)
    }


def test_what_the_network_needs_is_more_than_the_hosts_need(program):
    """All packets of a leaf of two go through one spine."""
    result = run(program, "all_to_all", COUNT=5, LEAF_HOSTS=2, SPINES=1, LINK_SLOTS=4)
    packet = BEATS + ACK_BEATS
    assert result["ideal"] == 3 * 5 * packet and result["network_ideal"] == 4 * 5 * packet
    assert result["completed"] > result["network_ideal"]


def test_reverse_traffic(program):
    result = run(program, "reverse", CLOCKS=30_000, LINK_SLOTS=4)
    half = result["half"]
    assert half["senders"] == [1, 2, 3] and half["fairness"] > 0.9
    assert half["goodput"] > 0.8 and half["goodput_back"] > 0.8
    back = run(program, "reverse", COUNT=20, LINK_SLOTS=4)
    assert back["packets"] == 2 * 3 * 20 and back["ideal"] == 3 * 20 * (BEATS + ACK_BEATS)


def test_all_to_all_without_an_end(program):
    result = run(program, "all_to_all", CLOCKS=30_000, LINK_SLOTS=4)
    half = result["half"]
    assert half["senders"] == [0, 1, 2, 3] and half["fairness"] > 0.9
    sent = sum(half["sender_goodput"]) / 4
    assert half["goodput"] == pytest.approx(sent * (BEATS + ACK_BEATS) / BEATS)
    assert 0.7 < half["goodput"] <= 1


def joined(program, **settings):
    turn = 3 * BEATS
    settings = {"JOIN": 1, "JOIN_AT": 40 * turn, "LEAVE_AT": 80 * turn} | settings
    result = run(program, "incast", CLOCKS=120 * turn, **settings)
    assert result["turn"] >= turn
    return result


def test_a_sender_comes_and_goes(program):
    result = joined(program, LINK_SLOTS=2)
    assert 0 <= result["fair_after_join"] < 4 * result["turn"]
    assert 0 <= result["fair_after_leave"] < 4 * result["turn"]
    shares = result["half"]["sender_goodput"]
    # It is there in the first third of the half, and has a third of that; then it sends what its
    # engine has taken already.
    left = CONFIG.slots * BEATS / (60 * 3 * BEATS)
    assert 1 / 9 - 0.02 < shares[2] < 1 / 9 + left and sum(shares) > 0.95
    assert result["half"]["fairness"] > 0.98, "that of those who stay"


def test_a_sender_that_never_has_its_share(program):
    """An old engine with four slots takes twice as much as the others."""
    result = joined(program, LINK_SLOTS=2, OLD=1, OLD_SLOTS=4)
    assert "fair_after_join" not in result and "fair_after_leave" not in result


@pytest.mark.parametrize("slots, fair", [(3, True), (2, False)])
def test_one_of_six_that_has_too_little_is_seen(program, slots, fair):
    """With two slots instead of three it has 0.71 of the mean; Jain's index is 0.983 then."""
    turn = 6 * BEATS
    settings = {"NODES": 7, "BUFFER": 65536, "CONGESTION": 0, "LINK_SLOTS": 3}
    settings |= {"OLD": 1, "OLD_SLOTS": slots, "JOIN": 1, "JOIN_AT": 20 * turn}
    result = run(program, "incast", CLOCKS=60 * turn, **settings)
    assert result["half"]["fairness"] > 0.98
    assert ("fair_after_join" in result) == fair
    assert (result["half"]["least"] > 0.9) == fair


def test_old_engines_have_a_limit_of_their_own(program):
    half = run(program, "incast", CLOCKS=30_000, LINK_SLOTS=4, OLD=1, OLD_SLOTS=1)["half"]
    assert [round(9 * share) for share in half["sender_goodput"]] == [4, 4, 1]


# ---- liars -----------------------------------------------------------------------------------


def test_a_sender_that_hears_that_it_is_alone_takes_more(program):
    settings = {"NODES": 7, "CLOCKS": 60_000, "BUFFER": 65536}
    honest = run(program, "incast", **settings)["half"]
    half = run(program, "incast", LIAR=6, HEARS=0x10, **settings)["half"]
    *others, liar = half["sender_goodput"]
    assert honest["least"] > 0.9 and honest["fairness"] > 0.99
    assert liar > 1.5 * max(others)
    assert half["least"] == pytest.approx(6 * min(others)) and half["least"] < 0.9


@pytest.mark.parametrize("node, said, goodput", [(0, 0xEF, 0.05), (1, 0xEF, None), (0, 0x05, None)])
def test_a_receiver_that_says_too_much_harms_itself(program, node, said, goodput):
    """A sender's answers tell nothing to who does not send to it, and codes below 0x10 nothing."""
    settings = {"CLOCKS": 30_000, "BUFFER": 65536}
    half = run(program, "incast", LIAR=node, SAYS=said, **settings)["half"]
    if goodput:
        assert half["goodput"] < goodput
    else:
        assert half["goodput"] > 0.9


# ---- the module --------------------------------------------------------------------------------


def test_a_module_has_one_packet_under_way(program):
    half = run(program, "incast", CLOCKS=30_000, LINK_SLOTS=4, MODULES=1)["half"]
    assert [round(9 * share) for share in half["sender_goodput"]] == [4, 4, 1]
    alone = run(program, "incast", NODES=2, MODULES=1, COUNT=10)
    assert alone["packets"] == 10 and alone["stats"]["delivered"] == 10
    assert alone["completed"] == pytest.approx(10 * alone["turn"] + 2 * 144 + 150, rel=0.1)


def test_modules_recover_from_loss(program):
    """By their timer, and by the ACK that the engine repeats to wake a silent one."""
    result = run(
        program, "incast", MODULES=3, COUNT=40, LOSS_PPM=40_000, MODULE_TIMER=20_000, BUFFER=65536
    )
    assert result["packets"] == 120 and result["lost"] > 3


@pytest.mark.parametrize(
    "words, said",
    [
        (
            ["--traffic", "permutation", "--nodes", "4", "--leaf-hosts", "3"],
            "--traffic permutation needs two leaves",
        ),
        (["--modules", "2", "--traffic", "reverse"], "--modules is for --traffic incast"),
        (["--nodes", "4", "--old", "2", "--modules", "2"], "--old, --modules and --join must be"),
        (["--nodes", "2", "--modules", "1", "--ping-every", "9"], "--ping-every needs an engine"),
        (["--liar", "1"], "--liar needs a lie"),
        (["--nodes", "4", "--liar", "4", "--says", "16"], "--liar must be below --nodes"),
        (["--join", "1"], "--join is for --traffic incast with --clocks"),
        (["--join", "1", "--clocks", "9", "--join-at", "9"], "--join-at must be before"),
        (
            ["--join", "1", "--clocks", "9", "--join-at", "5", "--leave-at", "4"],
            "--join-at must be before",
        ),
    ],
)
def test_settings_that_do_not_fit(capsys, words, said):
    assert cli.main(["fabric", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ttpoe fabric: ") and said in error and error.count("\n") == 1


def test_how_soon_a_lone_sender_fills_its_wire(program):
    """Some round trips after that of its OPEN, as the window grows; with one slot never."""
    clocks, trips = {}, {}
    for slots in (0, 1):
        result = run(program, "incast", NODES=2, CLOCKS=8000, LINK_SLOTS=slots, DELAY=20)
        clocks[slots], trips[slots] = result.get("full_rate_after"), result["round_trip"]
    # OPEN and OPEN_ACK: two frames of 8 beats, each stored once on its way, and four cables.
    open_ = 4 * 8 + 4 * 20
    assert open_ < clocks[0] < open_ + 4 * trips[0] and clocks[1] is None
