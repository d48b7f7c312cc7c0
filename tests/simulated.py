"""Amaranth simulations that are compiled once for many tests."""

import functools

from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

__all__ = ["Simulated", "made", "made_with_reset"]

_SIDE_BY_SIDE = 6
"""Coroutines of one kind that may run at once."""


class Simulated:
    """A design in Amaranth's simulator. Each `run` begins as after power-up.

    Compiling a large block takes seconds; a reset of its simulation takes none. `period`: of its
    clock, in seconds, if it has one.
    """

    def __init__(self, design, period=None):
        self.design, self._jobs, self._beside = design, (), ()
        self._has_run = False
        self._simulator = Simulator(design)
        if period is not None:
            self._simulator.add_clock(period, if_exists=True)
        for place in range(_SIDE_BY_SIDE):
            self._simulator.add_testbench(functools.partial(self._job, place))
        for place in range(_SIDE_BY_SIDE):
            self._simulator.add_testbench(
                functools.partial(self._background, place), background=True
            )

    async def _job(self, place, ctx):
        if place < len(self._jobs):
            await self._jobs[place](ctx)

    async def _background(self, place, ctx):
        if place < len(self._beside):
            await self._beside[place](ctx)

    def run(self, *jobs, beside=()):
        """Runs the coroutines `job(ctx)` to their end; those of `beside` run too, and need not end."""
        assert max(len(jobs), len(beside)) <= _SIDE_BY_SIDE
        if self._has_run:
            self._simulator.reset()
        self._jobs, self._beside, self._has_run = jobs, beside, True
        self._simulator.run()


@functools.lru_cache(maxsize=8)
def made(block, *arguments, **named):
    """`block(*arguments)`: the same one for all who ask for it, so that it is compiled once."""
    return block(*arguments, **named)


@functools.lru_cache(maxsize=8)
def made_with_reset(block, *arguments):
    """`(the block, its reset, what is to be simulated)`, the same for all who ask for it."""
    inner, reset = block(*arguments), Signal()
    return inner, reset, ResetInserter(reset)(inner)
