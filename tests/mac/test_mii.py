"""Nibbles of MII: bytes go out low nibble first, and come in whole whatever the preamble's length."""

import pytest

from tests.streams import simulate
from ttpoe.mac.mii import NibbleRx, NibbleTx

DATA = bytes([0x55, 0x55, 0xD5, 0x12, 0x34, 0xA0, 0x0F])


@pytest.mark.parametrize("mii", [0, 1])
def test_bytes_go_out(mii):
    dut, pins = NibbleTx(), []

    async def testbench(ctx):
        ctx.set(dut.cfg_mii, mii)
        left = list(DATA)
        for _ in range(4 * len(DATA)):
            ctx.set(dut.i_en, bool(left))
            ctx.set(dut.i_data, left[0] if left else 0)
            step = ctx.get(dut.step)
            await ctx.tick()
            if step and left:
                left.pop(0)
            if ctx.get(dut.o_en):
                pins.append(ctx.get(dut.o_data))

    simulate(dut, testbench)
    nibbles = [nibble for byte in DATA for nibble in (byte & 15, byte >> 4)]
    assert pins == (nibbles if mii else list(DATA))


@pytest.mark.parametrize("mii, extra", [(0, 0), (1, 0), (1, 1)])
def test_bytes_come_in(mii, extra):
    """`extra`: one more nibble of preamble; bytes begin at the SFD all the same."""
    dut, got = NibbleRx(), []
    nibbles = [5] * extra + [nibble for byte in DATA for nibble in (byte & 15, byte >> 4)]

    async def testbench(ctx):
        ctx.set(dut.cfg_mii, mii)
        for value in [*(nibbles if mii else DATA), *[None] * 6]:
            ctx.set(dut.i_dv, value is not None)
            ctx.set(dut.i_data, value or 0)
            await ctx.tick()
            if ctx.get(dut.step) and ctx.get(dut.o_dv):
                got.append(ctx.get(dut.o_data))

    simulate(dut, testbench)
    assert bytes(got)[bytes(got).index(0xD5) :] == DATA[2:]


@pytest.mark.parametrize("mii", [0, 1])
def test_an_error_in_either_nibble_is_one_of_its_byte(mii):
    dut = NibbleRx()
    nibbles = [nibble for byte in DATA for nibble in (byte & 15, byte >> 4)]
    values = nibbles if mii else DATA

    async def testbench(ctx):
        ctx.set(dut.cfg_mii, mii)
        for wrong in range(len(values)):
            seen = []
            for place, value in enumerate([*values, *[None] * 6]):
                ctx.set(dut.i_dv, value is not None)
                ctx.set(dut.i_data, value or 0)
                ctx.set(dut.i_er, place == wrong)
                await ctx.tick()
                if ctx.get(dut.step) and ctx.get(dut.o_dv):
                    seen.append(ctx.get(dut.o_er))
            first = len(seen) - len(DATA)  # a nibble of the preamble may stand alone
            assert seen[first:] == [n == wrong // (1 + mii) for n in range(len(DATA))]

    simulate(dut, testbench)
