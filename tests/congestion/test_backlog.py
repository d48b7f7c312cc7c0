"""How many links are backlogged: the estimate and the code against the model (K5, K6)."""

import random

import pytest

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.congestion.backlog import Backlog
from ttpverif.frames.code import sixteenths
from ttpverif.model.congestion import Receiver

CONFIG = preset("default")
CODE_CLOCKS = 6  # from Ae to the code


class Port:
    """The port behind which links are backlogged; it counts what the block must have counted."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut, self.elapsed, self.idle = ctx, dut, 0, 0

    async def clock(self, beat=1, **inputs):
        for name, value in (("i_beat", beat), *inputs.items()):
            self.ctx.set(getattr(self.dut, name), value)
        await self.ctx.tick()
        self.elapsed, self.idle = self.elapsed + 1, self.idle + (1 - beat)

    async def code(self, number):
        for _ in range(CODE_CLOCKS + 2):
            await self.clock(i_random=number)
        return self.ctx.get(self.dut.o_code)

    async def estimate(self):
        """Ae, from outside: which random number is the smallest one that makes the code larger."""
        cut = await self.code(0)
        bits = (cut >> 4) + 1
        low, high = 0, 1 << bits
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if await self.code(middle) != cut else (middle, high)
        return ((16 + (cut & 15)) << bits) + (1 << bits) - high


async def interval(rng, port, model, links):
    """One interval of any load, with a new gap or not in front of it; the model sees the same."""
    if rng.random() < 0.3:
        model.payload("new", False, new_gap=True)
        await port.clock(i_packet=1, i_new_gap=1)
        await port.clock(i_packet=0, i_new_gap=0)
    packets = rng.choice((0, links, 2 * links, 3 * links))
    beats = 1 - rng.choice((0, 0.003, 0.01, 0.03, 0.2, 0.6))
    for clock in range(160):
        model.packets += clock < packets
        await port.clock(int(rng.random() < beats), i_packet=int(clock < packets))
    model.elapsed = model.idle = 0
    enough = model.packets >= 2 * model.links
    elapsed, idle = port.elapsed, port.idle
    await port.clock(i_packet=0, i_look=1)
    if enough:
        port.elapsed = port.idle = 0
    model.look(elapsed, idle)
    for _ in range(6):
        await port.clock(i_look=0)


@pytest.mark.parametrize("seed", range(2))
def test_the_load_moves_the_estimate_as_in_the_model(seed):
    """Intervals of all loads, links that come and go, new gaps in between."""
    rng, dut, model = random.Random(seed), Backlog(CONFIG), Receiver()

    async def testbench(ctx):
        port, links = Port(ctx, dut), 0
        for _interval in range(40):
            links = rng.choice((links, links, links, rng.choice((0, 1, 2, 5, 17, 60, 128))))
            model.ages = dict.fromkeys(range(links), 0)
            model._bound()
            for _ in range(6):
                await port.clock(i_links=links)
            await interval(rng, port, model, links)
            assert await port.estimate() == (max(64, model.load) if links > 1 else 64)

    simulate(dut, testbench)


@pytest.mark.parametrize("links", [0, 1, 3, 31, 128])
def test_the_code_says_the_estimate_and_its_mean_is_exact(links):
    rng, dut, model = random.Random(links), Backlog(CONFIG), Receiver()
    model.ages = dict.fromkeys(range(links), 0)

    async def testbench(ctx):
        ctx.set(dut.i_links, links)
        numbers, said = [rng.getrandbits(16) for _ in range(1200)], []
        for number in [*numbers, *[0] * 20]:
            ctx.set(dut.i_random, number)
            await ctx.tick()
            said.append(ctx.get(dut.o_code))
        wanted = [model.code(number) for number in numbers]
        lag = next(lag for lag in range(12) if said[lag : lag + 1200][12:] == wanted[12:])
        assert lag <= CODE_CLOCKS
        mean = sum(map(sixteenths, wanted)) / 16 / len(wanted)
        assert mean == pytest.approx(max(1, links), rel=0.006)

    simulate(dut, testbench)


def test_a_link_is_forgotten_later_where_many_are_backlogged():
    dut = Backlog(preset("full"))

    async def testbench(ctx):
        for links in (0, 1, 31, 33, 64, 200, 512):
            ctx.set(dut.i_links, links)
            await ctx.tick().repeat(8)
            assert ctx.get(dut.o_limit) == 2 + max(1, links) * 64 // 2048

    simulate(dut, testbench)
