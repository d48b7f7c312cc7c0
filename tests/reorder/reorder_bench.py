"""The pipeline as a block of selective replay sees it: it takes events, and answers late."""

from amaranth.hdl import Shape

__all__ = ["DELAY", "Answers"]

DELAY = 11
"""Clocks from an event that Q0 takes to its answer, with nothing in its way."""


class Answers:
    """The pipeline: takes events now and then, and answers each `delay` clocks later, in order."""

    def __init__(self, ctx, port, answer, names, ready, delay):
        self.ctx, self.port, self.answer, self.names = ctx, port, answer, names
        self.ready, self.delay = ready, delay
        self.pending, self.shown, self.taken, self.clock = [], None, [], 0
        self.most = 0  # events without an answer, also one that is offered
        # What lies on the answer's wires while there is none.
        self.stale = {
            name: (1 << Shape.cast(shape).width) - 1
            for name, shape in answer.payload.shape().members.items()
        }

    def due(self):
        """What is answered in this clock, or None."""
        first = self.pending[0] if self.pending else (None, None)
        return first[1] if first[0] == self.clock else None

    async def step(self, reply):
        """One clock; `reply(fields)` gives the answer to an event that is taken, or None."""
        ctx, port = self.ctx, self.port
        ready = self.ready()
        ctx.set(port.ready, ready)
        due = self.due()
        ctx.set(self.answer.valid, due is not None)
        ctx.set(self.answer.payload, self.stale if due is None else due)
        self.most = max(self.most, len(self.pending) + ctx.get(port.valid))
        if ctx.get(port.valid):
            fields = {name: ctx.get(port.payload[name]) for name in self.names}
            assert self.shown in (None, fields), "changed while it waited"
            self.shown = None if ready else fields
            if ready:
                self.taken.append((self.clock, fields))
                said = reply(fields)
                if said is not None:
                    last = self.pending[-1][0] if self.pending else 0
                    self.pending.append((max(self.clock + self.delay(), last + 1), said))
        else:
            assert self.shown is None, "withdrawn"
        if due is not None:
            self.pending.pop(0)
        await ctx.tick()
        self.clock += 1
