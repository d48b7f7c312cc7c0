"""What the benches of single blocks share: a simulator, and packets and events on stream ports.

What is set in a clock is seen by the block in that clock, and `ctx.tick()` ends it. Whether a beat
is taken is sampled where the clock ends, so that several testbenches may drive ports that depend on
each other in the same clock.
"""

from functools import lru_cache

from tests.simulated import Simulated

__all__ = ["simulate", "send_event", "send_packet", "receive_packet", "LIMIT_CLOCKS"]

LIMIT_CLOCKS = 5000
"""A port that is not ready, or not valid, for so long never will be."""


@lru_cache(maxsize=8)
def _compiled(dut):
    return Simulated(dut, period=1e-8)


def simulate(dut, *testbenches, background=()):
    """Runs `testbenches` (async functions of the context) to their end, from power-up.

    Those of `background` run beside them and need not end. The clock is for blocks that have one.
    A `dut` that comes again (`tests.simulated.made`) is not compiled again.
    """
    _compiled(dut).run(*testbenches, beside=tuple(background))


async def send_event(ctx, port, payload):
    """One event: `payload` is there for one clock."""
    ctx.set(port.payload, payload)
    ctx.set(port.valid, 1)
    await ctx.tick()
    ctx.set(port.valid, 0)


async def send_packet(ctx, port, beats, pause=lambda: False):
    """Offers `beats` one after the other until each is taken; returns the clocks that it took.

    `pause()`: nothing is offered in this clock. Between two beats only: what is offered stays.
    """
    clocks = 0
    for beat in beats:
        while pause():
            await ctx.tick()
            clocks += 1
        ctx.set(port.payload, beat)
        ctx.set(port.valid, 1)
        taken, begun = False, clocks
        while not taken:
            *_, taken = await ctx.tick().sample(port.ready)
            clocks += 1
            assert clocks < begun + LIMIT_CLOCKS, "never taken"
        ctx.set(port.valid, 0)
    return clocks


async def receive_packet(ctx, port, ready=lambda: True, last=lambda beat: beat.last):
    """Takes beats up to the one that is the `last`; returns their payloads.

    `ready()`: the port takes a beat in this clock. What is offered and not taken must stay.
    """
    beats, held, waited, over = [], None, 0, False
    while not over:
        takes = ready()
        ctx.set(port.ready, takes)
        *_, valid, payload = await ctx.tick().sample(port.valid, port.payload)
        offered = payload if valid else None
        assert held is None or offered == held, "what was offered did not stay"
        waited += 1
        if offered is not None and takes:
            beats.append(offered)
            waited, over = 0, last(offered)
        held = None if takes else offered
        assert waited < LIMIT_CLOCKS, "nothing was taken"
    ctx.set(port.ready, 0)
    return beats
