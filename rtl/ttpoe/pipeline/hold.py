"""`Hold`: where an event of one source waits in registers until Q0 chooses it.

What a source offers comes late in a clock, out of queues and through multiplexers. Behind a `Hold`
the choice of Q0, and what is joined after it, begin at registers (protocol section 5.1, claim S7).
"""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Hold"]


class Hold(wiring.Component):
    """One event, or two, of one source.

    Parameters
    ----------
    shape : shape-like
        An event.
    fast : bool
        One event per clock instead of one in three: two places, and a copy of what was taken.

    Members
    -------
    i_event : In(stream of shape)
        `ready` comes from a register.
    o_valid : Out(1)
        An event waits.
    o_waits : Out(shape)
        That event.
    i_take : In(1)
        It is chosen, and has left. Only while `o_valid`.
    i_joined : In(1)
        The event that was taken has gone on: `o_taken` is not needed any longer. The next one
        is taken in this clock at the earliest.
    o_taken : Out(shape)
        The event taken last, from the clock after `i_take` until `i_joined`.

    Timing: an event waits one clock after it was offered. All outputs come from registers.

    Reset: nothing waits.
    """

    def __init__(self, shape, fast=False):
        self._shape, self._fast = shape, fast
        super().__init__(
            {
                "i_event": In(stream.Signature(shape)),
                "o_valid": Out(1),
                "o_waits": Out(shape),
                "i_take": In(1),
                "i_joined": In(1),
                "o_taken": Out(shape),
            }
        )

    def elaborate(self, platform):
        m = Module()
        (self._two if self._fast else self._one)(m)
        return m

    def _one(self, m):
        """The event stays in its place until it has gone on."""
        taken = Signal()
        m.d.comb += [self.i_event.ready.eq(~self.o_valid & ~taken), self.o_taken.eq(self.o_waits)]
        with m.If(self.i_event.ready):
            m.d.sync += [self.o_waits.eq(self.i_event.payload), self.o_valid.eq(self.i_event.valid)]
        with m.Elif(self.i_take):
            m.d.sync += [self.o_valid.eq(0), taken.eq(1)]
        with m.Elif(self.i_joined):
            m.d.sync += taken.eq(0)

    def _two(self, m):
        second, second_valid = Signal(self._shape), Signal()
        m.d.comb += self.i_event.ready.eq(~second_valid)
        with m.If(self.i_take):
            m.d.sync += self.o_taken.eq(self.o_waits)
        with m.If(self.i_take | ~self.o_valid):
            m.d.sync += [self.o_valid.eq(second_valid | self.i_event.valid), second_valid.eq(0)]
            with m.If(second_valid):
                m.d.sync += self.o_waits.eq(second)
            with m.Else():
                m.d.sync += self.o_waits.eq(self.i_event.payload)
        with m.Elif(~second_valid):
            m.d.sync += [second.eq(self.i_event.payload), second_valid.eq(self.i_event.valid)]
