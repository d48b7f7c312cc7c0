"""The pipeline as a block of selective replay sees it: it takes events, and answers late."""

__all__ = ["DELAY", "Answers"]

DELAY = 11
"""Clocks from an event that Q0 takes to its answer, with nothing in its way."""


class Answers:
    """The pipeline: takes events now and then, and answers each `delay` clocks later."""

    def __init__(self, ctx, port, answer, names, ready, delay):
        self.ctx, self.port, self.answer, self.names = ctx, port, answer, names
        self.ready, self.delay = ready, delay
        self.pending, self.shown, self.taken, self.clock = [], None, [], 0

    async def step(self, reply):
        """One clock; `reply(fields)` gives the answer to an event that is taken, or None."""
        ctx, port = self.ctx, self.port
        ready = self.ready()
        ctx.set(port.ready, ready)
        due = [entry for entry in self.pending if entry[0] == self.clock]
        assert len(due) <= 1
        ctx.set(self.answer.valid, bool(due))
        ctx.set(self.answer.payload, due[0][1] if due else dict(on=1, hit=1, id=0x55555555))
        if ctx.get(port.valid):
            fields = {name: ctx.get(port.payload[name]) for name in self.names}
            assert self.shown in (None, fields), "changed while it waited"
            self.shown = None if ready else fields
            if ready:
                self.taken.append((self.clock, fields))
                said = reply(fields)
                if said is not None:
                    self.pending.append((self.clock + self.delay(), said))
        else:
            assert self.shown is None, "withdrawn"
        await ctx.tick()
        self.clock += 1
