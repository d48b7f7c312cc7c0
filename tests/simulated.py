"""Amaranth simulations that are compiled once for many tests."""

from amaranth.sim import Simulator

__all__ = ["Simulated"]


class Simulated:
    """A design in Amaranth's simulator. Each `run` begins as after power-up.

    Compiling a large block takes seconds; a reset of its simulation takes none.
    """

    def __init__(self, design, period=None):
        self.design, self._job, self._beside = design, None, None
        self._simulator = Simulator(design)
        if period is not None:
            self._simulator.add_clock(period)
        self._simulator.add_testbench(self._testbench)
        self._simulator.add_testbench(self._background, background=True)

    async def _testbench(self, ctx):
        await self._job(ctx)

    async def _background(self, ctx):
        if self._beside is not None:
            await self._beside(ctx)

    def run(self, job, beside=None):
        """Runs the coroutine `job(ctx)` to its end; `beside(ctx)` runs with it and need not end."""
        if self._job is not None:
            self._simulator.reset()
        self._job, self._beside = job, beside
        self._simulator.run()
