"""Counters without adders: small pending counts, and totals in one block RAM.

Each pulse moves a small pending count of its own. A scanner visits one counter per clock, takes
its pending count (which starts again at zero, or at one if a pulse comes in that very clock) and
adds it to the total in the RAM. So there is one 32-bit adder, whatever the number of counters.

**No pulse is lost**: the scanner never stops, so between two visits of a counter lie exactly as
many clocks as there are counters, N, and at most N pulses. A pending count holds N or more.

**The pending counts are shift registers with feedback (LFSR)**, not adders: the step then costs
no logic per bit. With inverted feedback the sequence starts at zero, and `bits` of it pass
through 2^bits - 1 states; the one translation into a number is shared.
"""

from functools import reduce
from operator import or_

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..memory.protected import ERRORS, errors_of, protected_memory, report

__all__ = ["Counters", "pending_bits"]

# The two stages that feed back in a maximal-length register of that many bits.
_TAPS = {3: (3, 2), 4: (4, 3), 5: (5, 3), 6: (6, 5), 7: (7, 6), 9: (9, 5), 10: (10, 7)}


def pending_bits(counters):
    """Bits of a pending count that holds 0 to `counters`."""
    return next(bits for bits in _TAPS if (1 << bits) - 2 >= counters)


def _step(state, bits):
    first, second = (state >> (tap - 1) for tap in _TAPS[bits])
    return (state << 1 | (~(first ^ second) & 1)) & ((1 << bits) - 1)


class Counters(wiring.Component):
    """`number` saturating counters of 32 bits.

    Parameters
    ----------
    number : int
        Counters; 4 or more (the RAM is read two clocks before it is written).
    protect : str
        See `Config`. Every total is written anew in each round, so an upset lasts for one at most.

    Members
    -------
    i_pulses : In(number)
        Bit k high for a clock: counter k moves by one. May be high in every clock.
    i_request : In(1)
        Level, held until `o_done`: read or clear counter `i_index`, or clear all.
    i_index : In, i_clear : In(1), i_all : In(1)
        Stable while `i_request`. `i_all` goes with `i_clear`.
    o_done : Out(1)
        The request is carried out: one clock. `o_value`: of a read, the exact count.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing
    ------
    The count read is exact as of the scanner's visit: it holds every pulse up to 2 clocks before
    it. `o_done` comes 5 clocks after the visit, so 6 to `number` + 5 clocks after the request;
    clearing all takes up to 2 * `number` + 5. A clear acts at the visit, too: a pulse that is
    registered in the clock of the visit counts one afterwards.

    Reset: all counters are zero. The RAM's contents are not reset; the scanner's first round
    takes every total as zero. Pulses count from the first clock on.
    """

    # Their types, for pyright; the signature makes them.
    i_pulses: Signal
    i_request: Signal
    i_index: Signal
    i_clear: Signal
    i_all: Signal
    o_done: Signal
    o_value: Signal
    o_errors: data.View

    def __init__(self, number: int, protect: str = "none"):
        self._number = number
        self._protect = protect
        self._bits = pending_bits(number)
        super().__init__(
            {
                "i_pulses": In(number),
                "i_request": In(1),
                "i_index": In(range(number)),
                "i_clear": In(1),
                "i_all": In(1),
                "o_done": Out(1),
                "o_value": Out(32),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        index = Signal(range(self._number), init=self._number - 1)
        last = Signal()
        m.d.comb += last.eq(index == self._number - 1)
        m.d.sync += index.eq(Mux(last, 0, index + 1))

        code = self._pending(m, last)
        clear, done = self._requests(m, index, last)
        # The clock after reset is a visit of the last counter, which finds nothing; so that one
        # is visited twice before every total has been written.
        fresh = Signal(2, init=0b11)
        first_round = fresh[1]
        with m.If(last):
            m.d.sync += fresh.eq(fresh << 1)

        # The visit's flags and number travel with its pending count: four clocks.
        visits: list[Value] = [Cat(index, first_round, clear, done)]
        for stage in range(4):
            visit = Signal(len(visits[0]), name=f"visit{stage + 1}")
            m.d.sync += visit.eq(visits[-1])
            visits.append(visit)
        self._totals(m, code, visits)
        return m

    def _pending(self, m, last):
        """The pending counts; returns the code taken at a visit, two clocks after it."""
        bits = self._bits
        pulses = Signal(self._number)
        # A ring that the index restarts in every round says whose visit it is: cheaper than
        # comparing the index. Two copies of it differ in their reset value only: in the first
        # clock after reset every pending count is zeroed and none is taken. So the counts need no
        # reset of their own, which would cost a gate for each.
        ring = Signal(self._number)
        zeroed = Signal(self._number, init=-1)
        not_taken = Signal(self._number, init=-1)
        following = Cat(last, ring[:-1])
        m.d.sync += [
            pulses.eq(self.i_pulses),
            ring.eq(following),
            zeroed.eq(following),
            not_taken.eq(Cat(~last, not_taken[:-1])),
        ]
        taken = []
        for number in range(self._number):
            state = Signal(bits, name=f"pending{number}", reset_less=True)
            first, second = (state[tap - 1] for tap in _TAPS[bits])
            with m.If(zeroed[number]):
                m.d.sync += state.eq(pulses[number])
            with m.Elif(pulses[number]):
                m.d.sync += state.eq(Cat(~(first ^ second), state[:-1]))
            # Zero unless visited, which a register's reset does: the selection is an OR.
            mine = Signal(bits, name=f"taken{number}", reset_less=True)
            m.d.sync += mine.eq(Mux(not_taken[number], 0, state))
            taken.append(mine)
        code = Signal(bits)
        m.d.sync += code.eq(reduce(or_, taken))
        return code

    def _requests(self, m, index, last):
        """Flags of this clock's visit: it clears its counter; it ends the request."""
        started = Signal()  # this request has met its visit, or its round has begun
        sweeping = Signal()  # the round that clears all
        met, clear, done = Signal(), Signal(), Signal()
        wanted = self.i_request & ~started
        m.d.comb += [
            met.eq(wanted & ~self.i_all & (index == self.i_index)),
            clear.eq((met & self.i_clear) | sweeping),
            done.eq(met | (sweeping & last)),
        ]
        with m.If(last):
            m.d.sync += sweeping.eq(wanted & self.i_all)
        with m.If(self.o_done):
            m.d.sync += started.eq(0)
        with m.Elif(met | (last & wanted & self.i_all)):
            m.d.sync += started.eq(1)
        return clear, done

    def _totals(self, m, code, visits):
        m.submodules.totals = self.totals = totals = protected_memory(
            self._protect, shape=33, depth=self._number, init=[]
        )  # bit 32: the counter is full
        write, read = totals.write_port(), totals.read_port()
        bits = len(self.i_index)

        def flags(stage):
            return visits[stage][bits:]

        # Clocks 2 and 3 after the visit: the code becomes a number; total and number are zeroed
        # by the registers' reset where the counter starts anew.
        number = Signal(self._bits)
        state = 0
        with m.Switch(code):
            for count in range(1 << self._bits):
                with m.Case(state):
                    m.d.comb += number.eq(count)
                state = _step(state, self._bits)
                if state == 0:
                    break
        total, amount = Signal(33), Signal(self._bits)
        pending = Signal(self._bits)
        first_round, clear, _done = flags(3)
        m.d.comb += [read.addr.eq(visits[2][:bits]), read.en.eq(1)]
        m.d.sync += [
            pending.eq(number),
            total.eq(Mux(first_round | clear, 0, read.data)),
            amount.eq(Mux(clear, 0, pending)),
        ]

        report(m, self._protect, self.o_errors, errors_of(read, ~first_round & ~clear))

        # Clock 4: the sum, written back.
        total_sum = Signal(33)
        full = Signal()
        _first_round, _clear, done = flags(4)
        m.d.comb += [
            total_sum.eq(total[:32] + amount),
            full.eq(total[32] | total_sum[32]),
            write.addr.eq(visits[4][:bits]),
            write.data.eq(Cat(total_sum[:32], full)),
            write.en.eq(1),
        ]
        m.d.sync += [self.o_done.eq(done), self.o_value.eq(Mux(full, 0xFFFFFFFF, total_sum))]
