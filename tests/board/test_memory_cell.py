"""The model of the ECP5's block RAM: memories that Yosys made of it do what memories must."""

import importlib.util
import json

import pytest

from tests.board.memories import KINDS, Memories
from tests.long import long
from tests.mac import mac_bench
from ttpoe.verilog.component import emit_rtlil
from ttpoe.verilog.emit import write
from ttpsim.board import build
from ttpsim.board.netlist import OWN_CELLS, yosys_models

needs_tools = pytest.mark.skipif(
    importlib.util.find_spec("pyosys") is None, reason="Yosys is missing: make setup WITH=synth"
)


def _netlist(folder):
    """The Verilog of `Memories` in cells of an ECP5, and which widths its block RAMs have."""
    write(folder / f"{build.NAME}.il", emit_rtlil(Memories(), build.NAME))
    build.netlist(folder)
    made = json.loads((folder / f"{build.NAME}.json").read_text())["modules"][build.NAME]["cells"]
    widths = {
        int(cell["parameters"]["DATA_WIDTH_A"], 2)
        for cell in made.values()
        if cell["type"] == "DP16KD"
    }
    text = (folder / f"{build.NAME}_netlist.v").read_text()
    return text.replace(f"module {build.NAME}(", "module pair("), widths


@long
@needs_tools
def test_every_width_of_a_block_ram(tmp_path):
    text, widths = _netlist(tmp_path)
    assert widths == {kind.width for kind in KINDS.values()}
    models = tmp_path / "yosys_cells.v"
    models.write_text(yosys_models())
    mac_bench.run_text(
        text, "board-memories", "tests.board.memory_cocotb", tmp_path / "run", [models, *OWN_CELLS]
    )
