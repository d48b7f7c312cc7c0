"""TTP as a module for ns-3: its headers need nothing else, and the example does as the packet model."""

import json
import re
import subprocess

import pytest

import ttpverif.cli as cli
from tests.docs.pages import blocks
from tests.sim.test_compare import needs_ns3
from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.ns3 import module
from ttpsim.packet import run as packet
from ttpsim.packet.build import compile_packet
from ttpsim.paths import ROOT

NEAR = 0.03  # how far goodput may be from the packet model's
EXAMPLE = ROOT / "examples" / "ns3" / "incast.cpp"


def test_every_header_that_is_included_is_there(tmp_path, capsys):
    assert cli.main(["compare", "--ns3-module", str(tmp_path / "ns3")]) == 0
    assert str(tmp_path / "ns3") in capsys.readouterr().out
    there = {path.name: path.read_text() for path in (tmp_path / "ns3").iterdir()}
    found = {name for text in there.values() for name in re.findall(r'#include "([^/"]+)"', text)}
    assert found <= there.keys() and there.keys() - found == {"ttp-module.h"}
    assert "SLOTS = 64" in there["shape.h"]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ns3")
    module.write_module(folder)
    program = folder / "incast"
    words = module.compile_words(folder, EXAMPLE, program, "-O1")
    subprocess.run([*words, "-Wall", "-Werror"], check=True)

    def run(**asked):
        words = [f"--{name}={value}" for name, value in asked.items()]
        done = subprocess.run([program, *words], capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout or "null"), done.stderr

    return run


@needs_ns3
@pytest.mark.parametrize("senders, seed", [(1, 1), (8, 1), (8, 2), (32, 1), (63, 1)])
def test_an_incast_is_as_fast_as_in_the_packet_model(example, senders, seed):
    code, found, _said = example(senders=senders, seed=seed)
    assert code == 0 and found["packets"] == 64 * senders
    program = compile_packet(preset("default"), builds.Processes())
    settings = {"NODES": senders + 1, "SPREAD": 1000, "SEED": seed}
    _code, wanted = packet.run_packet(program, "incast", settings, subprocess.DEVNULL)
    assert found["clocks"] == pytest.approx(wanted["completed"], rel=NEAR)
    assert found["dropped"] == pytest.approx(wanted["dropped_full"], rel=0.2, abs=10)


@needs_ns3
def test_what_is_dropped_is_sent_again(example):
    """Without congestion control a small buffer drops much; every packet arrives all the same."""
    code, found, _said = example(senders=8, buffer=16384, congestion=0)
    assert code == 0 and found["packets"] == 512
    assert found["dropped"] > 500 and found["sent_again"] >= 200
    code, found, _said = example(senders=3, count=20, bytes=1)
    assert code == 0 and found["packets"] == 60 and found["dropped"] == 0


@needs_ns3
def test_the_lines_of_the_page_compile(tmp_path):
    (block,) = [b for b in blocks(ROOT / "docs/evidence/ns3.md") if b.language == "cpp"]
    include, body = block.text.split("\n", 1)
    more = (
        '#include "ns3/network-module.h"\nusing namespace ns3;\nvoid f(NetDeviceContainer devices)'
    )
    (tmp_path / "page.cpp").write_text(f"{include}\n{more} {{{body}}}\n")
    module.write_module(tmp_path)
    words = module.compile_words(tmp_path, tmp_path / "page.cpp", tmp_path / "page.o")
    subprocess.run([*words, "-fsyntax-only"], check=True)


@needs_ns3
def test_a_packet_that_is_too_long(example):
    code, _found, said = example(bytes=1025)
    assert code != 0 and "a packet has 1 to 1,024 bytes; got 1025" in said
