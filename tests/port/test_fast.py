"""`XgmiiSide` and `CmacSide`: their members, and frames from the engine's side round a wire."""

import random

import pytest

from tests.port.side_bench import CONFIG, WIDE, Looped, beats_of, frames_of
from tests.simulated import made
from tests.streams import send_packet
from ttpoe.mac.kinds import KINDS
from ttpoe.mac.xgmii import Control
from ttpoe.port.fast import CmacSide, XgmiiSide
from ttpoe.port.side import side_signature

XGMII_WIRE = {"xgmii_txd": "xgmii_rxd", "xgmii_txc": "xgmii_rxc"}
CMAC_WIRE = {
    f"m_cmac_tx_{name}": f"s_cmac_rx_{name}"
    for name in ("tdata", "tkeep", "tlast", "tuser", "tvalid")
}
LENGTHS = (60, 64, 67, 200)


def xgmii(**options):
    dut = made(XgmiiSide, CONFIG)
    return Looped(dut, 8, ("xgmii_tx_clk", "xgmii_rx_clk"), XGMII_WIRE, 6.4e-9, **options)


def cmac(**options):
    dut = made(CmacSide, WIDE)
    return Looped(dut, 64, ("cmac_tx_clk", "cmac_rx_clk"), CMAC_WIRE, 6.4e-9, **options)


@pytest.mark.parametrize(
    "side, config, kind", [(XgmiiSide, CONFIG, "xgmii"), (CmacSide, WIDE, "cmac")]
)
def test_members_are_those_of_every_side(side, config, kind):
    assert side(config).signature == side_signature(config, KINDS[kind])


@pytest.mark.parametrize("looped", [xgmii, cmac])
def test_frames_go_round(looped):
    loop, frames = looped(), frames_of(random.Random(1), LENGTHS)

    async def ready(ctx):
        if looped is cmac:
            ctx.set(loop.dut.m_cmac_tx_tready, 1)

    assert loop.run(frames, software=ready) == [(frame, 0) for frame in frames]
    moved = {name: count for name, count in loop.counts.items() if count}
    assert moved["stat_tx_sent"] == len(frames)
    assert moved.pop("stat_tx_sent") >= moved.pop("stat_rx_good") >= len(frames) - 1
    assert not moved


def test_a_frame_that_the_wire_spoils_comes_with_an_error():
    """One bit of the second frame on XGMII, seen by the FCS; `tuser` of a CMAC."""
    frames, seen = frames_of(random.Random(2), LENGTHS[:3]), []

    def flip(clock, pins):
        begins = pins["xgmii_rxc"] & 1 and pins["xgmii_rxd"] & 0xFF == Control.START.value
        half = pins["xgmii_rxc"] >> 4 & 1 and pins["xgmii_rxd"] >> 32 & 0xFF == Control.START.value
        if begins or half:
            seen.append(clock)
        elif len(seen) == 2 and clock == seen[1] + 3:
            pins["xgmii_rxd"] ^= 1 << 20

    loop = xgmii(change=flip)
    assert [error for _, error in loop.run(frames)] == [0, 1, 0]
    assert loop.counts["stat_rx_bad_fcs"] == 1


def test_a_cmac_says_that_a_frame_is_bad():
    frames, ends = frames_of(random.Random(2), LENGTHS[:3]), []

    def bad(clock, pins):
        if pins["s_cmac_rx_tvalid"] and pins["s_cmac_rx_tlast"]:
            ends.append(clock)
            pins["s_cmac_rx_tuser"] |= len(ends) == 2

    loop = cmac(change=bad)

    async def ready(ctx):
        ctx.set(loop.dut.m_cmac_tx_tready, 1)

    assert [error for _, error in loop.run(frames, software=ready)] == [0, 1, 0]
    assert loop.counts["stat_rx_bad"] == 1


@pytest.mark.parametrize("kind, name", [(1, "phy_local_fault"), (2, "phy_remote_fault")])
def test_faults_of_the_link_are_shown_in_sync(kind, name):
    column = Control.SEQUENCE.value | kind << 24

    def faulty(_clock, pins):
        pins.update(xgmii_rxd=column << 32 | column, xgmii_rxc=0b00010001)

    loop = xgmii(change=faulty)

    async def software(ctx):
        assert not ctx.get(getattr(loop.dut, name))
        await ctx.tick().repeat(30)
        shown = [ctx.get(getattr(loop.dut, f"phy_{which}_fault")) for which in ("local", "remote")]
        assert shown == [name == "phy_local_fault", name == "phy_remote_fault"]

    loop.run([], software=software)
    assert loop.counts[f"stat_rx_{name[4:]}"] == 1


def test_the_link_of_a_cmac_is_shown_in_sync():
    dut = made(CmacSide, WIDE)

    async def software(ctx):
        for level in (1, 0):
            ctx.set(dut.cmac_rx_aligned, level)
            assert ctx.get(dut.phy_link) == (not level)
            await ctx.tick().repeat(3)
            assert ctx.get(dut.phy_link) == level

    cmac().run([], software=software)


def test_what_receives_is_reset_by_its_pin():
    """Nothing comes while it is; frames that begin later are whole."""
    loop, frames = xgmii(), frames_of(random.Random(3), (64, 200))
    held = []

    async def software(ctx):
        ctx.set(loop.dut.xgmii_rx_rst, 1)
        for _ in range(60):
            await ctx.tick()
            held.append(ctx.get(loop.dut.o.valid))
        ctx.set(loop.dut.xgmii_rx_rst, 0)
        await ctx.tick().repeat(5)
        await send_packet(ctx, loop.dut.i, beats_of(frames[1], 8))

    assert loop.run(frames[:1], number=1, software=software) == [(frames[1], 0)]
    assert not any(held) and loop.counts["stat_tx_sent"] == 2
