"""Engines of several configurations in one run, and links that do not fit into a table."""

import subprocess

import pytest
from amaranth import Module, Signal
from amaranth.sim import Simulator

import ttpverif.cli as cli
from tests.long import long
from tests.sim.test_abuse import CONFIG, defective
from ttpoe.config import preset
from ttpoe.link import table
from ttpsim.build import builds
from ttpsim.fabric import kinds
from ttpsim.fabric import run as fabric
from ttpsim.native import compile as native


def row_of_the_hardware(config, links):
    """What `ttpoe.link.table.link_row` gives for each (node, VC)."""
    m, node, vc, row = Module(), Signal(24), Signal(2), Signal(32)
    m.d.comb += row.eq(table.link_row(config, node, vc))
    found = []

    async def bench(ctx):
        for peer, channel in links:
            ctx.set(node, peer)
            ctx.set(vc, channel)
            await ctx.delay(1e-9)
            found.append(ctx.get(row))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found


@pytest.mark.parametrize("sets, tables", [(4, 1), (64, 1), (256, 3), (2048, 1), (8, 3)])
def test_rows_are_those_of_the_hardware(sets, tables):
    config = preset("default").replace(sets=sets, vc_tables=tables)
    links = [(0x5A0000 + 37 * n, n % 3) for n in range(60)] + [(0x98ED5C, 2), (0, 0)]
    wanted = [vc * sets + index for vc, index in (kinds.link_row(config, *link) for link in links)]
    assert row_of_the_hardware(config, links) == wanted


@pytest.mark.parametrize(
    "traffic, nodes, pings, said",
    [
        ("incast", 5, 0, None),
        ("incast", 5, 9, "node 0 (tiny) needs 8 links, 3 of them in one set"),
        ("incast", 8, 0, None),
        ("incast", 9, 0, "node 0 (tiny) needs 8 links, 3 of them in one set"),
        ("ring", 1000, 0, None),
        ("permutation", 1000, 0, None),
        ("permutation", 5, 9, "--nodes must be at most 4 with this traffic and --ping-every"),
        ("all_to_all", 12, 0, "node 0 (tiny) needs 11 links, 3 of them in one set"),
    ],
)
def test_links_that_do_not_fit(traffic, nodes, pings, said):
    found = {"NODES": nodes, "PING_EVERY": pings, "GROUPS": 1}
    words = kinds.crowded(found, traffic, lambda _node: CONFIG)
    assert words is None if said is None else words.startswith(said), words


def test_what_is_said_last_holds():
    texts = ["0-3=default", "2=tiny:links=32", "1=tiny"]
    others, ranges = kinds.kinds_of(texts, CONFIG, 4)
    assert [other.name for other in others] == ["default", "tiny_links32"]
    assert others[1].links == 32 and others[1].slots == CONFIG.slots
    all_ = [CONFIG, *others]
    names = [fabric._config_of(node, all_, ranges).name for node in range(4)]
    assert names == ["default", "tiny", "tiny_links32", "default"]


@long
def test_a_receiver_with_more_links(capsys, monkeypatch):
    """Nine senders with urgent packets: too many for `tiny`, and not for a receiver of its own."""
    original = fabric.compile_fabric

    def compile_fabric(config, processes, **how):
        verilog = builds.emitted(CONFIG, processes).read_text()
        return original(config, processes, defective(verilog), native.QUICK, **how)

    monkeypatch.setattr(fabric, "compile_fabric", compile_fabric)
    words = ["fabric", "--preset", "tiny", "--nodes", "10", "--count", "2", "--ping-every", "99"]
    assert cli.main(words) == 2
    assert "needs 18 links" in capsys.readouterr().err
    assert cli.main([*words, "--node-preset", "0=tiny:links=2048"]) == 0
    said = capsys.readouterr().out
    assert "building tiny, tiny_links2048" in said and "urgent packets" in said


def test_too_many_links_end_in_a_failure():
    """What is refused would fail: a link finds no place."""
    processes = builds.Processes()
    verilog = builds.emitted(CONFIG, processes).read_text()
    program = fabric.compile_fabric(CONFIG, processes, defective(verilog), native.QUICK)
    for nodes, code in ((8, 0), (9, 1)):
        settings = {"NODES": nodes, "COUNT": 3}
        found, result = fabric.run_fabric(program, "incast", settings, subprocess.DEVNULL)
        assert found == code, result["failure"]
    assert "is told notice" in result["failure"]
