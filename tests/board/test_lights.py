"""`Lights`: how long each is lit."""

from tests.streams import simulate
from ttpoe.board.lights import LIGHTS, Lights


def test_what_each_light_says():
    """Of 400 Hz: 50 ms are 20 clocks."""
    dut = Lights(400)

    async def bench(ctx):
        ctx.set(dut.i_link, 1)
        for name in ("receive", "fault"):
            ctx.set(getattr(dut, f"i_{name}"), 1)
        await ctx.tick()
        ctx.set(dut.i_receive, 0)
        ctx.set(dut.i_fault, 0)
        for clock in range(30):
            shown = {name: ctx.get(getattr(dut, f"o_{name}")) for name in LIGHTS}
            assert shown == {"link": 1, "receive": int(clock < 20), "transmit": 0, "fault": 1}
            await ctx.tick()
        ctx.set(dut.i_clear, 1)
        ctx.set(dut.i_fault, 1)
        await ctx.tick()
        assert ctx.get(dut.o_fault)  # a new one in the same clock stays
        ctx.set(dut.i_fault, 0)
        await ctx.tick()
        assert not ctx.get(dut.o_fault)

    simulate(dut, bench)
