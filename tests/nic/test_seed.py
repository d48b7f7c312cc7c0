"""`BootSeed`: another seed at every start, and none from a source that is dead."""

import random

import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.sim import Simulator

from ttpoe.nic.seed import BootSeed
from ttpoe.verilog.emit import emit_verilog

CLOCKS = 1024


def started(noise, clocks=CLOCKS + 8, again_at=None):
    """(seed or None, clocks until it was ready) with these bits; `again_at`: a second reset."""
    seed = BootSeed(None, clocks=CLOCKS)
    m, reset = Module(), Signal()
    m.submodules.seed = ResetInserter(reset)(seed)
    found = []

    async def bench(ctx):
        held = None
        for clock in range(clocks):
            ctx.set(reset, clock == again_at)
            ctx.set(seed.i_noise, noise(clock))
            ready = ctx.get(seed.o_ready)
            if ready and held is None:
                held = ctx.get(seed.o_seed)
                found.append((held, clock))
            elif ready:
                assert ctx.get(seed.o_seed) == held, "the seed changes while it is used"
            else:
                held = None
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def oscillator(source, jitter):
    """A bit that turns over every 1.3 clocks or so, with jitter; by clock, in order.

    It always begins with the same edge, and the few clocks of a test ask for more jitter.
    """
    edge, level = [0.0], [0]

    def noise(clock):
        while edge[0] <= clock:
            edge[0] += 1.3 * (1 + jitter * source.gauss(0, 1))
            level[0] ^= 1
        return level[0]

    return noise


def test_every_start_has_another_seed():
    seeds = [started(oscillator(random.Random(n), 0.03))[0] for n in range(24)]
    assert {clock for _seed, clock in seeds} == {CLOCKS}
    values = [seed for seed, _clock in seeds]
    assert len(set(values)) == len(values)
    for bit in range(32):  # no bit stands still
        assert 3 <= sum(value >> bit & 1 for value in values) <= 21, bit


def test_a_later_reset_makes_another_one_of_the_same_noise():
    first, second = started(lambda clock: clock & 1, 2 * CLOCKS + 50, again_at=CLOCKS + 20)
    assert first[0] != second[0] and second[1] == CLOCKS + 21 + CLOCKS


@pytest.mark.parametrize("noise", [lambda clock: 0, lambda clock: 1, lambda clock: clock >> 3 & 1])
def test_a_source_that_hardly_moves_gives_none(noise):
    assert started(noise) == []


def test_on_an_ecp5_it_is_its_oscillator():
    text = emit_verilog(BootSeed(), "boot_seed")
    assert text.count("OSCG") == 1 and "i_noise" not in text


@pytest.mark.parametrize("wrong", [dict(oscillator="xilinx"), dict(clocks=100)])
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong)))):
        BootSeed(**wrong)
