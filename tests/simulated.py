"""Amaranth simulations that are compiled once for many tests."""

from amaranth.sim import Simulator

__all__ = ["Simulated"]


class Simulated:
    """A design in Amaranth's simulator. Each `run` begins as after power-up.

    Compiling a large block takes seconds; a reset of its simulation takes none.
    """

    def __init__(self, design, period=None):
        self.design, self._job = design, None
        self._simulator = Simulator(design)
        if period is not None:
            self._simulator.add_clock(period)
        self._simulator.add_testbench(self._testbench)

    async def _testbench(self, ctx):
        await self._job(ctx)

    def run(self, job):
        """Runs the coroutine `job(ctx)` to its end."""
        if self._job is not None:
            self._simulator.reset()
        self._job = job
        self._simulator.run()
