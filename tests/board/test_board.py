"""A board's core as RTL in Verilator: spoken to by `Talk` over the UART, sending to an echo under loss.

`ttpoe board NAME --app traffic --preset tiny --netlist` does the same with the board's netlist.
"""

from tests.long import long
from ttpoe.verilog.generate import ECP5_CELLS
from ttpsim.board.netlist import core_text, pair_text, run_pair

CLOCK_HZ = 50e6


@long
def test_a_board_and_an_echo_under_loss(tmp_path):
    text = pair_text((core_text("traffic", "board", CLOCK_HZ), "board"), CLOCK_HZ)
    found = run_pair(text, "board-core", [ECP5_CELLS], tmp_path, CLOCK_HZ)
    assert found["many"]["TRAFFIC_SENT"] == found["many"]["TRAFFIC_RECEIVED"] == 12
    assert found["many"]["TRAFFIC_BYTES"] > 12
    # A frame of 64 bytes and its acknowledgement cannot be faster than the wire.
    assert found["pings"]["PING_LEAST"] > 2 * 84 * 8e-9 * CLOCK_HZ
