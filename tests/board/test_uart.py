"""`UartReceiver` and `UartSender`: bytes on one wire, and what is no byte."""

import random

import pytest

from tests.simulated import made
from tests.streams import send_packet, simulate
from ttpoe.board.uart import UartReceiver, UartSender, divisor
from ttpoe.config import ConfigError

DIVISOR = 8


@pytest.mark.parametrize("clock, baud, clocks", [(75e6, 115_200, 651), (50e6, 6_250_000, 8)])
def test_divisors(clock, baud, clocks):
    assert divisor(clock, baud) == clocks


@pytest.mark.parametrize("clock, baud", [(50e6, 12_000_000), (75e6, 7_000_000)])
def test_a_rate_that_the_clock_cannot_make(clock, baud):
    with pytest.raises(ConfigError, match=f"a UART of {baud} baud needs 8 clocks a bit .* got"):
        divisor(clock, baud)


def bits_of(octet):
    """Start bit, eight data bits from the lowest, stop bit."""
    return [0, *(octet >> bit & 1 for bit in range(8)), 1]


@pytest.mark.parametrize("clocks", [DIVISOR, 9, 25])
def test_bytes_are_sent_bit_by_bit_and_back_to_back(clocks):
    dut, octets = made(UartSender, clocks), [0x55, 0x00, 0xFF, 0x96]
    wire = []

    async def host(ctx):
        await ctx.tick()
        await send_packet(ctx, dut.i, octets)

    async def line(ctx):
        for _ in range(10 * clocks * len(octets) + 2 * clocks):
            wire.append(ctx.get(dut.o_tx))
            await ctx.tick()

    simulate(dut, host, line)
    sent = [bit for octet in octets for bit in bits_of(octet) for _ in range(clocks)]
    begin = wire.index(0)
    assert wire[:begin] == [1] * begin and begin == 2
    assert wire[begin:] == sent + [1] * (len(wire) - begin - len(sent))


def heard(*runs, clocks=DIVISOR):
    """What the receiver makes of `(level, clocks)`: the bytes, and how many were broken."""
    dut, octets, broken = made(UartReceiver, clocks), [], []

    async def line(ctx):
        for level, length in (*runs, (1, 12 * clocks)):
            ctx.set(dut.i_rx, level)
            for _ in range(length):
                await ctx.tick()

    async def host(ctx):
        async for *_, valid, octet, was_broken in ctx.tick().sample(
            dut.o.valid, dut.o.payload, dut.o_broken
        ):
            if valid:
                octets.append(octet)
            if was_broken:
                broken.append(octet)

    simulate(dut, line, background=[host])
    return octets, len(broken)


def frames(octets, clocks):
    """The line of these bytes back to back, at `clocks` per bit, which need not be whole."""
    bits = [bit for octet in octets for bit in bits_of(octet)]
    ends = [round(clocks * (number + 1)) for number in range(len(bits))]
    return [(bit, end - begin) for bit, begin, end in zip(bits, [0, *ends], ends)]


@pytest.mark.parametrize("clocks", [DIVISOR, 25])
@pytest.mark.parametrize("off", [0, 0.03, -0.03])
def test_bytes_are_heard_also_at_a_rate_that_is_off(clocks, off):
    octets = [0x00, 0xFF, 0x55, 0xAA, *random.Random(1).randbytes(20)]
    idle = (1, 3 * clocks)
    assert heard(idle, *frames(octets, clocks * (1 + off)), clocks=clocks) == (octets, 0)


def test_a_byte_whose_stop_bit_is_0_is_dropped_and_told():
    """Once, however long the wire stays 0; then the next byte is heard."""
    low, idle = (0, 31 * DIVISOR), (1, 2 * DIVISOR)
    assert heard(idle, low, idle, *frames([0x5A], DIVISOR)) == ([0x5A], 1)


def test_a_short_pulse_is_no_byte():
    pulse, idle = (0, DIVISOR // 2 - 1), (1, 11 * DIVISOR)
    assert heard(idle, pulse, idle, *frames([0x5A], DIVISOR)) == ([0x5A], 0)
