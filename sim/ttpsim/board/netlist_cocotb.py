"""What runs inside the simulator: a board is asked over its UART while it sends to a peer under loss."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.task import bridge

from ttpsim.board.link import BoardLink
from ttpsim.board.talk import Talk
from ttpverif.bench.board_pair import BoardPair, UartPort
from ttpverif.cli.errors import Failed

RUN = json.loads(Path(os.environ["TTP_RUN"]).read_text())
PARAMS = RUN["params"]
PEER, NODE, TICK = 2, 0xA1B2C3, 64
WAIT_SECONDS = 0.005  # of the simulation: what a slow machine takes does not count
COUNTS = ("link_opened", "payload_replayed", "mac_tx_sent", "mac_rx_good", "mac_rx_bad_fcs")


def _conversation(port):
    """What a user does, with the program that a user has; the figures."""
    board = Talk(BoardLink(port), wait=WAIT_SECONDS, now=port.now)
    status = board.status()
    assert f"node           {PARAMS['node']:06x}" in status, status
    assert "engine         ready" in status, status
    board.port.NODE.write(NODE)
    board.port.TIMER_TICK.write(TICK)
    board.board["BOARD_LEDS"].write(fault=1)
    assert not board.board["BOARD_LEDS"].fields()["fault"]
    print("\n".join(status), flush=True)
    try:
        pings = board.run(PEER, PARAMS["pings"], one=True, lengths="short")
        many = board.run(PEER, PARAMS["packets"], one=False, lengths="mixed", seed=2)
    except Failed:
        print(f"counters       {board.counts()}", flush=True)
        raise
    return {
        "pings": pings,
        "many": many,
        "counts": board.counts(COUNTS),
        "leds": board.board["BOARD_LEDS"].fields(),
        "repeated": board.link.repeated,
    }


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def moves_data_under_loss(dut):
    """A link opens, every packet comes back once, in order and right; what was lost was replayed, and
    the counters say so."""
    pair = BoardPair(dut, PARAMS["clock_ps"], PARAMS["loss"], PARAMS["spoil"])
    await pair.start(PEER, PARAMS["boot_clocks"])
    port = UartPort(dut.a_i_uart_rx, dut.a_o_uart_tx, PARAMS["baud"])
    found = await bridge(_conversation)(port)
    counts, a, b = found["counts"], pair.a, pair.b
    assert found["repeated"] == 0
    assert found["pings"]["TRAFFIC_RECEIVED"] == PARAMS["pings"]
    assert found["many"]["TRAFFIC_RECEIVED"] == PARAMS["packets"]
    assert 0 < found["pings"]["PING_LEAST"] <= found["pings"]["PING_MOST"]
    assert counts["link_opened"] == 1
    assert not a.broken and not b.broken
    assert 0 < counts["mac_tx_sent"] <= len(a.sent) + 1  # one may be on the wire; more came later
    assert counts.get("mac_rx_bad_fcs", 0) <= b.bad
    lost = a.lost + b.lost + a.bad + b.bad
    assert lost and counts["payload_replayed"] and found["leds"]["fault"]
    assert {frame[6:12].hex() for frame in a.sent} == {f"98ed5c{NODE:06x}"}
    pair.stop()
    said = {**found, "frames": [len(a.sent), len(b.sent)], "lost": lost}
    (Path(RUN["folder"]) / "said.json").write_text(json.dumps(said, indent=1) + "\n")
