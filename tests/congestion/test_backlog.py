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


def test_the_load_moves_the_estimate_as_in_the_model():
    """Intervals of all loads, links that come and go, new gaps in between."""
    rng, dut, model = random.Random(5), Backlog(CONFIG), Receiver()

    async def testbench(ctx):
        links = 0
        for _interval in range(100):
            wanted = rng.choice((links, links, links, rng.choice((0, 1, 2, 5, 17, 60, 128))))
            model.ages = dict.fromkeys(range(wanted), 0)
            model._bound()
            links = wanted
            ctx.set(dut.i_links, links)
            await ctx.tick().repeat(6)
            if rng.random() < 0.3:
                model.payload("new", False, new_gap=True)
                ctx.set(dut.i_packet, 1)
                ctx.set(dut.i_new_gap, 1)
                await ctx.tick()
                ctx.set(dut.i_new_gap, 0)
                ctx.set(dut.i_packet, 0)
            packets = rng.choice((0, links, 2 * links, 3 * links))
            beats = 1 - rng.choice((0, 0.003, 0.01, 0.03, 0.2, 0.6))
            for clock in range(160):
                ctx.set(dut.i_packet, clock < packets)
                model.packets += clock < packets
                ctx.set(dut.i_beat, rng.random() < beats)
                await ctx.tick()
            elapsed, idle = ctx.get(dut.elapsed), ctx.get(dut.idle)
            model.elapsed = model.idle = 0
            ctx.set(dut.i_look, 1)
            await ctx.tick()
            ctx.set(dut.i_look, 0)
            model.look(elapsed, idle)
            await ctx.tick().repeat(6)
            assert ctx.get(dut.excess) == model.excess
            assert ctx.get(dut.estimate) == max(64, model.load)

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
