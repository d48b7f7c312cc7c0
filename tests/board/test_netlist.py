"""The netlist of a board's top, with its pins, in Verilator: `ttpoe board NAME --netlist`. Minutes."""

import importlib.util

import pytest

from tests.long import long
from ttpsim.board import build
from ttpsim.board.netlist import simulated

needs_tools = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in build._NEEDS),
    reason="tools are missing: make setup WITH=synth",
)


@long
@needs_tools
def test_the_netlist_moves_data_under_loss(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(build, "BUILD", tmp_path)
    assert simulated(build.Design("ecpix5", "traffic", "tiny"), 1) == 0
    assert "18 came back, each once, in order and right" in capsys.readouterr().out
