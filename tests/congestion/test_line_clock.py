"""The time of the law: 64 bytes on the wire, at every width."""

import pytest

from tests.long import BITS
from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.congestion.line_clock import INTERVAL, LineClock


@pytest.mark.parametrize("width", BITS)
def test_it_counts_64_bytes(width):
    clocks = 512 // width
    dut = LineClock(preset("tiny").replace(width_bits=width))

    async def testbench(ctx):
        looks = []
        for clock in range(2 * INTERVAL * clocks + 3):
            assert ctx.get(dut.o_now) == clock // clocks
            if ctx.get(dut.o_look):
                looks.append(clock)
            await ctx.tick()
        assert looks == [INTERVAL * clocks, 2 * INTERVAL * clocks]

    simulate(dut, testbench)
