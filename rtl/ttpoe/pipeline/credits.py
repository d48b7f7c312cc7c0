"""`Credits`: room in a queue behind Q3 that is promised to nobody (protocol section 5.1)."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Credits"]


class Credits(wiring.Component):
    """Counts the places of one queue.

    The count lags behind, so that nothing long hangs on the choice of Q0; while places are scarce
    the next one is promised only when every earlier promise has been counted.

    Parameters
    ----------
    depth : int
        Places of the queue.

    Members
    -------
    i_taken : In(1)
        A place is promised in this clock: only while `o_left`.
    i_back : In(2)
        So many places are free again.
    o_left : Out(1)
        A place is left, from registers through one LUT. With 3 or more in hand it is high in every
        clock; with fewer in every second clock at most.

    Reset: all places are free; `o_left` rises in the clock after.
    """

    def __init__(self, depth):
        self._depth = depth
        super().__init__({"i_taken": In(1), "i_back": In(range(4)), "o_left": Out(1)})

    def elaborate(self, platform):
        m = Module()
        left = Signal(range(self._depth + 1), init=self._depth)
        taken, back = Signal(), Signal.like(self.i_back)  # not in `left` yet
        plenty, one = Signal(), Signal()
        m.d.sync += [
            taken.eq(self.i_taken),
            back.eq(self.i_back),
            left.eq(left - taken + back),
            # Of the promises two are not counted: the last clock's and this one's.
            plenty.eq(left > 2),
            one.eq(left > taken),
        ]
        # Behind the registers: `i_taken` comes late.
        m.d.comb += self.o_left.eq(plenty | (one & ~taken))
        return m
