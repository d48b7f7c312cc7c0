"""`GmiiSide` and `RgmiiSide`: their members, and GMII from the engine's side round a wire.

RGMII is cells of an ECP5, which `test_two_ports` simulates in Verilator.
"""

import random

import pytest

from tests.port.side_bench import CONFIG, Looped, frames_of
from tests.simulated import made
from ttpoe.mac.kinds import KINDS
from ttpoe.port.gmii import GmiiSide, RgmiiSide
from ttpoe.port.side import side_signature

WIRE = {"gmii_txd": "gmii_rxd", "gmii_tx_en": "gmii_rx_dv", "gmii_tx_er": "gmii_rx_er"}


def looped(**options):
    dut = made(GmiiSide, CONFIG)
    return Looped(dut, 8, ("gmii_tx_clk", "gmii_rx_clk"), WIRE, 10e-9, **options)


@pytest.mark.parametrize("side, kind", [(GmiiSide, "gmii"), (RgmiiSide, "rgmii")])
def test_members_are_those_of_every_side(side, kind):
    assert side(CONFIG).signature == side_signature(CONFIG, KINDS[kind])


@pytest.mark.parametrize("side", [GmiiSide, RgmiiSide])
def test_a_known_clock_says_when_a_frame_may_begin(side):
    """An engine of 16 MHz keeps up with a gigabit; a slower one must be beats ahead."""
    macs = [side(CONFIG, clock_hz)._mac for clock_hz in (None, 125e6, 12.5e6)]
    starts = [mac._tx_crossing._start for mac in macs]
    assert starts[0] == starts[1] < starts[2]


@pytest.mark.parametrize("mii", [0, 1])
def test_frames_go_round(mii):
    """As bytes, or as nibbles in twice the clocks; the pin for the board's multiplexer follows."""
    loop, frames = looped(), frames_of(random.Random(mii), (60, 67))
    driven = set()

    def watch(_clock, pins):
        driven.add(pins["gmii_rxd"] >> 4)

    loop.change = watch

    async def speed(ctx):
        ctx.set(loop.dut.cfg_phy_mii, mii)
        assert ctx.get(loop.dut.mii_select) == mii

    assert loop.run(frames, software=speed) == [(frame, 0) for frame in frames]
    assert (len(driven) == 1) == mii
    assert loop.counts["stat_tx_sent"] == 2
